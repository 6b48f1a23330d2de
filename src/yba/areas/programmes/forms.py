"""What the vaccination desk sends: answers before the shot, the shot, the watch after it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from yba.areas.programmes.rules import SITES
from yba.care.vaccines.schedule import Product, Question, schedule
from yba.ui import spoken
from yba.ui.fields import DateField, DecimalField

_YES_NO: Final = [("yes", _("Có")), ("no", _("Không"))]
GRADES: Final = [
    ("none", _("Không phản ứng")), ("mild", _("Nhẹ")), ("moderate", _("Vừa, phản vệ độ II")),
    ("severe", _("Nặng, phản vệ độ III trở lên")),
]  # fmt: skip


class ScreeningForm(forms.Form):
    """Every question answered, and the temperature: an answer left out is no "no"."""

    temperature = DecimalField(
        label=_("Nhiệt độ (°C)"), min_value=Decimal(30), max_value=Decimal(44), decimal_places=1
    )

    def __init__(self, data: Any, *, questions: Iterable[Question]) -> None:
        super().__init__(data)
        self.questions = tuple(questions)
        for one in self.questions:
            self.fields[f"q-{one.id}"] = forms.ChoiceField(
                label=one.text.of(spoken.language()), choices=_YES_NO, widget=forms.RadioSelect,
                error_messages={"required": _("Trả lời Có hoặc Không.")},
            )  # fmt: skip

    @property
    def asked(self) -> list[Any]:
        """The fields of the questions."""
        return [self[f"q-{one.id}"] for one in self.questions]

    @property
    def answers(self) -> dict[str, bool]:
        """Question -> yes."""
        return {one.id: self.cleaned_data[f"q-{one.id}"] == "yes" for one in self.questions}


class ShotForm(forms.Form):
    """One shot: vaccine, lot, expiry, place."""

    product = forms.CharField(widget=forms.HiddenInput, max_length=20)
    lot = forms.CharField(label=_("Số lô"), max_length=20)
    expiry = DateField(label=_("Hạn dùng"))
    site = forms.ChoiceField(label=_("Vị trí"), choices=())
    decided_by = forms.CharField(label=_("Bác sĩ quyết định"), max_length=80, required=False)
    why = forms.CharField(label=_("Lý do tiêm"), max_length=300, required=False)

    def __init__(self, data: Any, *, product: Product) -> None:
        super().__init__(data, auto_id=f"id_%s_{product.code}", initial={"product": product.code})
        mouth = product.route == "oral"
        self.fields["site"].choices = [(key, name) for key, name in SITES.items() if (key == "PO") is mouth]  # type: ignore[attr-defined]  # a choice


class PastForm(forms.Form):
    """A dose out of a paper book: what, when, where; without a screening, for it is over."""

    product = forms.ChoiceField(label=_("Vắc xin đã tiêm"), choices=())
    day = DateField(label=_("Ngày tiêm"), not_future=True)
    lot = forms.CharField(label=_("Số lô"), max_length=20, required=False)
    place = forms.CharField(label=_("Nơi tiêm"), max_length=120, required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="id_cu_%s")
        language = spoken.language()
        names = [(one.code, one.name.of(language)) for one in schedule().products.values()]
        self.fields["product"].choices = [("", _("Chọn vắc xin")), *names]  # type: ignore[attr-defined]  # a choice


class WatchForm(forms.Form):
    """What half an hour showed."""

    grade = forms.ChoiceField(label=_("Theo dõi sau tiêm"), choices=GRADES)
    what = forms.CharField(label=_("Phản ứng đã thấy"), max_length=300, required=False)
