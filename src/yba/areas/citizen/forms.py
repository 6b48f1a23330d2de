"""What a citizen types of themselves, a child and a card; the text of a card's QR fills the rest."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from yba.care import catalogues, identifiers, places
from yba.care.card_qr import parse_citizen_qr, parse_insurance_qr
from yba.care.names import tidy_name
from yba.care.refusal import Refusal
from yba.ui import words
from yba.ui.fields import CitizenNumberField, DateField, InsuranceCardField

SEXES = [("female", _("Nữ")), ("male", _("Nam")), ("other", _("Khác"))]


class QrForm(forms.Form):
    """The text a phone reads from the QR of a card."""

    qr = forms.CharField(
        label=_("Nội dung mã QR trên căn cước"),
        help_text=_("Quét mã bằng máy ảnh của điện thoại, chép dòng chữ hiện ra rồi dán vào đây."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false"}),
    )


def filled_from_citizen_qr(text: str, *, today: date) -> dict[str, Any] | Refusal:
    """Values for the profile's fields, or why the text is no card."""
    card = parse_citizen_qr(text, today=today)
    if isinstance(card, Refusal):
        return card
    street, commune = split_address(card.address)
    return {
        "name": card.name,
        "birth_date": words.ngay(card.birth_date) if len(card.birth_date) == 10 else card.birth_date,
        "sex": card.gender,
        "citizen_number": card.number,
        "address": street,
        "commune": commune.code if commune else "",
        "commune_text": commune.label if commune else "",
    }


def filled_from_insurance_qr(text: str, *, today: date) -> dict[str, Any] | Refusal:
    """Values for the card's fields, or why the text is no card."""
    found = parse_insurance_qr(text, today=today)
    if isinstance(found, Refusal):
        return found
    return {
        "card": found.card.number,
        "start": words.ngay(found.valid_from),
        "end": words.ngay(found.valid_to),
    }


def split_address(text: str) -> tuple[str, places.Commune | None]:
    """Street and commune of an address written as one line; an old three-level address keeps its whole text."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) >= 2 and (home := places.find_province(parts[-1])) is not None:
        found = [one for one in places.search_communes(parts[-2]) if one.province_code == home.code]
        if len(found) == 1:
            return ", ".join(parts[:-2]), found[0]
    return text, None


class ProfileForm(forms.Form):
    """One's own record. ``commune`` is the code chosen from the list, ``commune_text`` the words typed."""

    name = forms.CharField(
        label=_("Họ và tên"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={"required": _("Viết họ tên như trên căn cước.")},
    )
    birth_date = DateField(label=_("Ngày sinh"), year_only=True, not_future=True)
    sex = forms.ChoiceField(
        label=_("Giới tính"),
        choices=SEXES,
        widget=forms.RadioSelect,
        error_messages={"required": _("Chọn giới tính.")},
    )
    citizen_number = CitizenNumberField(label=_("Số căn cước"))
    address = forms.CharField(
        label=_("Số nhà, đường, thôn"), required=False, max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )  # fmt: skip
    commune = forms.CharField(required=False, max_length=5, widget=forms.HiddenInput)
    commune_text = forms.CharField(label=_("Xã, phường và tỉnh"), required=False, max_length=120)

    def clean_name(self) -> str:
        name = tidy_name(self.cleaned_data["name"])
        if any(sign.isdigit() for sign in name):
            raise forms.ValidationError(gettext("Họ tên không có chữ số."), code="form")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        data["place"] = self._place(data)
        number = data.get("citizen_number")
        if number:
            checked = identifiers.check_citizen_number(
                number, gender=data.get("sex"), birth_date=fhir_date(data.get("birth_date"))
            )
            self.doubts = (
                [str(one) for one in checked.warnings] if isinstance(checked, identifiers.Checked) else []
            )
        return data

    def hold(self, why: str) -> None:
        """Name, birth date and sex stand fast: shown, and whatever is sent for them is passed over."""
        for name in ("name", "birth_date", "sex"):
            self.fields[name].disabled = True
        self.fields["name"].help_text = {
            "verified": gettext("Đã xác minh; muốn sửa, mang căn cước tới quầy tiếp đón."),
            "child": gettext(
                "Chưa đủ 16 tuổi; muốn sửa, người giám hộ mang giấy tờ của trẻ tới quầy tiếp đón."
            ),
        }.get(why) or gettext("Đã khám bằng tên này; muốn sửa, mang căn cước tới quầy tiếp đón.")

    def _place(self, data: dict[str, Any]) -> places.Commune | None:
        code, text = data.get("commune") or "", data.get("commune_text") or ""
        known = places.commune(code) if code else None
        if known is not None and (not text or known.label == text):
            return known
        found = places.search_communes(text) if text else []
        if text and len(found) != 1 and not (found and found[0].label == text):
            self.add_error(
                "commune_text", gettext("Chọn một xã, phường trong danh sách, ví dụ “Vỹ Dạ, Huế”.")
            )
            return None
        return found[0] if found else None

    doubts: list[str]


class ChildForm(ProfileForm):
    """A child or another person one answers for; young children have no citizen number yet."""

    birth_date = DateField(label=_("Ngày sinh"), not_future=True)
    citizen_number = CitizenNumberField(
        label=_("Số định danh"), required=False, help_text=_("12 chữ số trên giấy khai sinh, nếu có.")
    )
    relation = forms.ChoiceField(label=_("Là gì của tôi"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["relation"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = relation_choices()


def relation_choices() -> list[tuple[str, str]]:
    """Whom one may add: a child, a grandchild, or someone one is the guardian of."""
    wanted = ("con", "chau", "giam-ho")
    english = get_language() == "en"
    names = {one.code: one.name_en if english else one.name_vi for one in catalogues.relationships()}
    labels = {"giam-ho": gettext("Tôi là người giám hộ")}
    return [(code, labels.get(code, names.get(code, code))) for code in wanted]


class CardForm(forms.Form):
    """An insurance card: its number and the days it is good for."""

    card = InsuranceCardField(label=_("Số thẻ BHYT"), help_text=_("15 ký tự trên thẻ, hoặc 10 số mã BHXH."))
    start = DateField(label=_("Có giá trị từ ngày"), required=False)
    end = DateField(label=_("Đến ngày"), required=False)

    def clean_card(self) -> str:
        checked = identifiers.check_insurance_card(self.cleaned_data["card"])
        if isinstance(checked, Refusal):
            raise forms.ValidationError(checked.message, code=checked.key)
        return checked.number

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        today = timezone.localdate()
        start, end = data.get("start"), data.get("end")
        refusal = identifiers.check_insurance_period(start, end, on=today)
        if refusal is not None:
            self.add_error("start" if refusal.key == "insurance.not-yet" else "end", refusal.message)
        return data


def fhir_date(value: date | str | None) -> str | None:
    """A day, or a year alone, as FHIR writes it."""
    return value.isoformat() if isinstance(value, date) else value
