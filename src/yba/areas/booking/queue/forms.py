"""The check-in form: identity, insurance card, priority, room, money now or later; and the walk-in's own data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from yba.areas.booking.queue.actions import Card, NewPerson, Wish
from yba.areas.booking.queue.queries import Post, letter_of
from yba.care.identifiers import (
    check_citizen_number,
    check_insurance_card,
    check_insurance_period,
    check_phone,
)
from yba.care.line.models import Priority
from yba.care.money.models import Method
from yba.care.refusal import Refusal
from yba.ui.fields import CitizenNumberField, DateField, InsuranceCardField, PhoneField

LATER = "later"
PRIORITIES = [
    ("", _("Theo tuổi, giờ hẹn")),
    *((one.value, one.label) for one in Priority if one not in (Priority.BOOKED, Priority.NONE)),
]
METHODS = [(LATER, _("Để thu ngân thu")), *((one.value, one.label) for one in Method)]


@dataclass(frozen=True, slots=True)
class Known:
    """The card on file and its days."""

    number: str
    start: date | None
    end: date | None
    doubt: str = ""


class CardField(InsuranceCardField):
    """An insurance card checked as a whole: group, rights, province; ten digits are enough."""

    def to_python(self, value: Any) -> str:
        if not str(value or "").strip():
            return ""
        checked = check_insurance_card(str(value))
        if isinstance(checked, Refusal):
            raise ValidationError(checked.message, code=checked.key)
        return checked.number


class CheckInForm(forms.Form):
    """What the desk settles with everyone who comes."""

    post = forms.ChoiceField(label=_("Phòng khám"))
    priority = forms.ChoiceField(label=_("Ưu tiên"), choices=PRIORITIES, required=False)
    card = CardField(label=_("Mã thẻ BHYT"), required=False)
    card_end = DateField(label=_("Thẻ có giá trị đến"), required=False)
    method = forms.ChoiceField(label=_("Thu công khám"), choices=METHODS, initial=LATER, required=False)
    seen = forms.BooleanField(
        label=_("Đã đối chiếu họ tên và ngày sinh"),
        error_messages={
            "required": _("Đối chiếu họ tên và ngày sinh với người bệnh hoặc giấy tờ, rồi đánh dấu.")
        },
    )

    def __init__(
        self, *args: Any, posts: Sequence[Post], today: date, known: Known | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.posts = list(posts)
        self.today = today
        self.known = known
        field = self.fields["post"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.role_id, one.words) for one in self.posts]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("card"):
            start = self.known.start if self.known and self.known.number == found["card"] else None
            refusal = check_insurance_period(start, found.get("card_end"), on=self.today)
            if refusal:
                self.add_error("card_end", refusal.message)
        return found

    def wish(self, *, key: str) -> Wish:
        """What was decided, for the action."""
        data = self.cleaned_data
        post = next(one for one in self.posts if one.role_id == data["post"])
        method = data.get("method") or LATER
        number, end = data.get("card") or "", data.get("card_end")
        same = self.known is not None and (self.known.number, self.known.end) == (number, end)
        card = Card(number, end=end) if number and not same else None
        return Wish(
            post=post,
            letter=letter_of(self.posts, post.room_id),
            priority=data.get("priority") or "",
            card=card,
            method="" if method == LATER else method,
            reason=data.get("reason") or "",
            key=key,
        )


class WalkInForm(CheckInForm):
    """A known person without a booking."""

    reason = forms.CharField(label=_("Lý do khám"), max_length=200, required=False)


class NewPersonForm(WalkInForm):
    """Someone nobody has entered yet."""

    name = forms.CharField(
        label=_("Họ và tên"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    birth = DateField(label=_("Ngày hoặc năm sinh"), year_only=True, not_future=True)
    sex = forms.ChoiceField(
        label=_("Giới tính"), choices=[("female", _("Nữ")), ("male", _("Nam"))], widget=forms.RadioSelect
    )
    phone = PhoneField(label=_("Số điện thoại"), required=False)
    citizen_number = CitizenNumberField(label=_("Số căn cước"), required=False)
    address = forms.CharField(label=_("Địa chỉ"), max_length=300, required=False)

    def clean_citizen_number(self) -> str:
        number: str = self.cleaned_data["citizen_number"]
        checked = check_citizen_number(number) if number else None
        if isinstance(checked, Refusal):
            raise ValidationError(checked.message, code=checked.key)
        return number

    def clean_phone(self) -> str:
        number: str = self.cleaned_data["phone"]
        checked = check_phone(number) if number else None
        if isinstance(checked, Refusal):
            raise ValidationError(checked.message, code=checked.key)
        return number

    def person(self) -> NewPerson:
        """The person as typed."""
        data = self.cleaned_data
        return NewPerson(
            data["name"], data["birth"], data["sex"], data["phone"], data["citizen_number"], data["address"]
        )
