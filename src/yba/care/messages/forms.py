"""How a person wants to be told."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from yba.care.messages import port
from yba.care.messages.phrases import CHANNELS


def connected() -> list[str]:
    """The channels a person can wish for in this installation."""
    return [one for one in ("push", "zalo", "sms", "email", "voice") if port.gateway_of(one) is not None]


class WishesForm(forms.Form):
    """Only channels that are connected are offered."""

    first = forms.ChoiceField(label=_("Báo bằng cách nào trước"), required=False, widget=forms.RadioSelect)
    zalo = forms.BooleanField(label=_("Nhận qua Zalo"), required=False)
    voice = forms.BooleanField(label=_("Gọi điện đọc tin khi không nhắn được"), required=False)
    reminders = forms.BooleanField(label=_("Nhắc lịch hẹn trước 3 ngày, 1 ngày, 2 giờ"), required=False)
    quiet_from = forms.TimeField(
        label=_("Không báo từ"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("Viết giờ như 21:00.")},
    )  # fmt: skip
    quiet_to = forms.TimeField(
        label=_("Không báo đến"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": _("Viết giờ như 07:00.")},
    )  # fmt: skip
    language = forms.ChoiceField(
        label=_("Ngôn ngữ của tin"), choices=settings.LANGUAGES, widget=forms.RadioSelect
    )
    email = forms.EmailField(
        label=_("Địa chỉ thư"), required=False, max_length=254,
        error_messages={"invalid": _("Viết địa chỉ thư như ten@vidu.vn.")},
    )  # fmt: skip

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        ways = connected()
        choices = [("", _("Theo cách chung của nơi khám")), *((one, CHANNELS[one]) for one in ways)]
        self.fields["first"] = forms.ChoiceField(
            label=self.fields["first"].label, required=False, choices=choices, widget=forms.RadioSelect
        )
        for name in ("zalo", "voice", "email"):
            if name not in ways:
                del self.fields[name]
