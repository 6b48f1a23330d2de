"""What auditors ask by, and how they judge an alert."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from yba.care.access_log import ACTS, ROLES, TYPES
from yba.fhir.audit.judging import LONGEST_NOTE, SHORTEST_NOTE
from yba.ui.fields import DateField

_ANY = [("", _("Tất cả"))]
OUTCOMES = [*_ANY, ("0", _("Được")), ("4", _("Bị từ chối"))]


class FilterForm(forms.Form):
    """Every field may be left empty."""

    nguoi = forms.CharField(
        label=_("Ai"), required=False, max_length=100, help_text=_("Tên hoặc số tài khoản.")
    )
    so = forms.CharField(
        label=_("Sổ của ai"),
        required=False,
        max_length=100,
        help_text=_("Tên, số căn cước, số điện thoại hoặc mã."),
    )
    viec = forms.ChoiceField(label=_("Việc"), required=False, choices=[*_ANY, *ACTS.items()])
    loai = forms.ChoiceField(label=_("Loại dữ liệu"), required=False, choices=[*_ANY, *TYPES.items()])
    vai_tro = forms.ChoiceField(label=_("Vai trò"), required=False, choices=[*_ANY, *ROLES.items()])
    ket_qua = forms.ChoiceField(label=_("Kết quả"), required=False, choices=OUTCOMES)
    tu = DateField(label=_("Từ ngày"), required=False)
    den = DateField(label=_("Đến ngày"), required=False)
    dia_chi = forms.CharField(label=_("Địa chỉ mạng"), required=False, max_length=64)


class JudgeForm(forms.Form):
    """What explains an alert."""

    note = forms.CharField(
        label=_("Giải thích"), min_length=SHORTEST_NOTE, max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Đã hỏi ai, vì sao đúng hoặc sai, đã làm gì."),
        error_messages={
            "required": _("Viết vài lời giải thích."), "min_length": _("Viết vài lời giải thích."),
        },
    )  # fmt: skip
