"""What people send to a video visit: consent, a birth date at a link, whom to invite, how somebody was identified."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from yba.areas.telehealth.models import Seat
from yba.ui.fields import DateField

KINDS = [(Seat.Kind.RELATIVE.value, _("Người nhà")), (Seat.Kind.INTERPRETER.value, _("Người phiên dịch"))]
#: As what somebody agrees for a child.
RELATIONS = [
    ("FTH", _("Cha")), ("MTH", _("Mẹ")), ("GRPRN", _("Ông, bà")), ("GUARD", _("Người giám hộ khác")),
]  # fmt: skip
#: How a doctor knows who is in the picture.
IDENTITIES = [
    ("citizen-card", _("Căn cước, đưa trước camera")),
    ("vneid", _("VNeID, mở trước camera")),
    ("insurance-card", _("Thẻ BHYT, đưa trước camera")),
    ("known", _("Đã khám trực tiếp, nhận ra")),
    ("guardian", _("Người giám hộ đưa giấy tờ của trẻ")),
]


class ConsentForm(forms.Form):
    """Never ticked beforehand (Luật 91/2025 Đ9)."""

    agree = forms.BooleanField(
        label=_("Đã đọc và đồng ý khám từ xa"),
        error_messages={"required": _("Đọc và đồng ý khám từ xa rồi mới vào phòng chờ.")},
    )
    version = forms.CharField(max_length=20, widget=forms.HiddenInput)


class GuardianForm(ConsentForm):
    """For a child below sixteen somebody agrees who answers for it: by name, and as what (Luật 15/2023 Đ8)."""

    guardian = forms.CharField(
        label=_("Họ tên người đồng ý thay trẻ"),
        max_length=80,
        error_messages={"required": _("Trẻ dưới 16 tuổi: viết họ tên người đồng ý thay.")},
    )
    relation = forms.ChoiceField(
        label=_("Là gì của trẻ"),
        choices=RELATIONS,
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn cha, mẹ, ông bà hay người giám hộ khác.")},
    )
    field_order = ("guardian", "relation", "agree", "version")

    def clean_guardian(self) -> str:
        """A name has letters, and more than one word."""
        name = " ".join(self.cleaned_data["guardian"].split())
        if len(name.split()) < 2 or not any(sign.isalpha() for sign in name):
            raise forms.ValidationError(_("Viết đủ họ và tên."))
        return name


class BirthForm(forms.Form):
    """Who opened the link says when the person was born."""

    birth = DateField(label=_("Ngày sinh của người bệnh"), not_future=True)


class InviteForm(forms.Form):
    """Who else comes in, by the name both sides read."""

    name = forms.CharField(label=_("Họ tên người được mời"), max_length=80)
    kind = forms.ChoiceField(label=_("Là"), choices=KINDS, widget=forms.RadioSelect)


class IdentityForm(forms.Form):
    """How the doctor knows the person."""

    how = forms.ChoiceField(choices=IDENTITIES)
