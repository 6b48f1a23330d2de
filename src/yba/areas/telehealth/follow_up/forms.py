"""What people send to a follow-up: readings with their units, answers, a plan's limits, what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from yba.areas.telehealth.follow_up.actions import OUTCOMES, Taken
from yba.areas.telehealth.follow_up.measures import (
    BEYOND,
    MEASURES,
    NAMES,
    Bounds,
    Limits,
    Measure,
    letters,
    reading,
    unit_of,
)
from yba.areas.telehealth.follow_up.plans import QUESTIONS, Due, Plan
from yba.areas.telehealth.follow_up.templates import Item, Template
from yba.care.refusal import Refusal
from yba.ui import spoken
from yba.ui.fields import DecimalField

#: A meter that shows letters has no number to write, and nothing is more grave.
_HELP: Final = {
    "glucose": gettext_lazy(
        "Máy hiện HI hoặc Lo, không hiện số: gọi 115 ngay. Rồi chọn chữ đó để báo bác sĩ."
    )
}
_LETTERS: Final = [
    ("", gettext_lazy("Máy hiện số")), ("hi", gettext_lazy("HI, quá cao")), ("lo", gettext_lazy("Lo, quá thấp")),
]  # fmt: skip
_YES_NO: Final = [("yes", gettext_lazy("Có")), ("no", gettext_lazy("Không"))]


class ReadingsForm(forms.Form):
    """One field a number of what is due, and the questions; what is left empty stays due.

    What is sent is taken whether or not it is due by now: the page may have been opened before the hour was over.
    """

    def __init__(
        self, data: Any, *, plan: Plan, due: Sequence[Due], extra: Sequence[str] = (), language: str
    ) -> None:
        super().__init__(data)
        self.plan = plan
        self.due = {one.item: one for one in sorted(due, reverse=True)}  # of two that are due the earlier
        extra = [*extra, *(one.measure for one in plan.items if self._sent(f"{one.measure}-"))]
        self.measures = [MEASURES[one] for one in dict.fromkeys([*self.due, *extra]) if one in MEASURES]
        for measure in self.measures:
            self._ask(measure)
        if QUESTIONS in self.due or self._sent("q-"):
            for one in plan.questions:
                self.fields[f"q-{one.id}"] = forms.ChoiceField(
                    label=one.text.of(language), choices=_YES_NO, widget=forms.RadioSelect, required=False
                )

    def _sent(self, prefix: str) -> bool:
        """Whether something was written into fields of this name; a unit alone is nothing."""
        return any(
            name.startswith(prefix) and not name.endswith("-unit") and value
            for name, value in self.data.items()
        )

    def _ask(self, measure: Measure) -> None:
        for part in measure.parts:
            self.fields[f"{measure.key}-{part.key}"] = forms.CharField(
                label=NAMES[part.key], required=False, max_length=9, help_text=_HELP.get(part.key, ""),
                widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
            )  # fmt: skip
        if measure.key == "glucose":
            self.fields["glucose-letters"] = forms.ChoiceField(
                label=_("Máy hiện chữ"), choices=_LETTERS, required=False, widget=forms.RadioSelect
            )
        self.fields[f"{measure.key}-unit"] = forms.CharField(
            required=False, max_length=12, label=_("Đơn vị"),
            widget=forms.Select(choices=[(one.ucum, one.shown) for one in measure.units])
            if len(measure.units) > 1
            else forms.HiddenInput(),
        )  # fmt: skip

    def letters(self) -> Any:
        """What the meter shows instead of a number, where it may."""
        return self["glucose-letters"] if "glucose-letters" in self.fields else None

    def groups(self) -> list[tuple[str, str, list[Any], Any]]:
        """Name, unit, fields and choice of unit of each measure."""
        return [
            (
                str(NAMES[one.key]), one.unit.shown if len(one.units) == 1 else "",
                [self[f"{one.key}-{part.key}"] for part in one.parts],
                self[f"{one.key}-unit"] if len(one.units) > 1 else None,
            )
            for one in self.measures
        ]  # fmt: skip

    def questions(self) -> list[Any]:
        """The fields of the questions."""
        return [self[name] for name in self.fields if name.startswith("q-")]

    def clean(self) -> dict[str, Any]:
        """Each reading whole and possible, each set of answers whole; something at all."""
        given = super().clean() or {}
        taken: list[tuple[Due | None, Taken]] = []
        for measure in self.measures:
            found = self._taken(measure, given)
            if found is not None:
                taken.append((self.due.get(measure.key), found))
        answers = {
            one.id: given.get(f"q-{one.id}") for one in self.plan.questions if f"q-{one.id}" in self.fields
        }
        if any(answers.values()):
            for key, one in answers.items():
                if not one:
                    self.add_error(f"q-{key}", _("Trả lời Có hoặc Không."))
        if not self.errors and not taken and not any(answers.values()):
            raise forms.ValidationError(_("Ghi ít nhất một số đo hoặc trả lời câu hỏi."))
        given["taken"] = taken
        given["answers"] = {key: one == "yes" for key, one in answers.items() if one}
        return given

    def _taken(self, measure: Measure, given: Mapping[str, Any]) -> Taken | None:
        texts = {part.key: given.get(f"{measure.key}-{part.key}", "") for part in measure.parts}
        shown = given.get(f"{measure.key}-letters", "")
        if shown and any(texts.values()):
            self.add_error("glucose-letters", _("Ghi số, hoặc chọn chữ máy hiện; không cả hai."))
            return None
        texts = dict.fromkeys(texts, shown) if shown else texts
        if not any(texts.values()):
            return None
        unit = unit_of(measure, given.get(f"{measure.key}-unit") or measure.unit.ucum)
        if isinstance(unit, Refusal):
            self.add_error(f"{measure.key}-unit" if len(measure.units) > 1 else None, unit.message)
            return None
        beyond = letters(measure, next(iter(texts.values())))
        if beyond:
            return Taken(measure, unit, {measure.parts[0].key: BEYOND[beyond][unit.ucum]}, beyond)
        values: dict[str, Decimal] = {}
        for part in measure.parts:
            found = reading(part, unit, texts[part.key])
            if isinstance(found, Refusal):
                self.add_error(f"{measure.key}-{part.key}", found.message)
            else:
                values[part.key] = found
        if measure.key == "blood-pressure" and len(values) == 2 and values["systolic"] <= values["diastolic"]:
            self.add_error(
                "blood-pressure-systolic", _("Số trên của huyết áp phải lớn hơn số dưới. Xem lại máy đo.")
            )
            return None
        return Taken(measure, unit, values) if len(values) == len(measure.parts) else None


class PlanForm(forms.Form):
    """A plan as its template has it, each number to be changed."""

    weeks = forms.IntegerField(label=gettext_lazy("Số tuần"), min_value=1, max_value=52)

    def __init__(self, data: Any, *, template: Template) -> None:
        super().__init__(data, initial={"weeks": template.weeks})
        self.template = template
        for item in template.items:
            self.fields[f"{item.measure}-times"] = forms.CharField(
                label=gettext_lazy("Giờ đo"), max_length=60, required=False,
                initial=", ".join(f"{one:%H:%M}" for one in item.times),
            )  # fmt: skip
            self.fields[f"{item.measure}-every"] = forms.IntegerField(
                label=gettext_lazy("Mấy ngày một lần"), min_value=1, max_value=28, initial=item.every
            )
            for part, limits in item.limits.items():
                for name, value in _numbers(limits):
                    self.fields[f"{part}-{name}"] = DecimalField(
                        label=_LIMITS[name], required=False, max_value=Decimal(1000), min_value=Decimal(0),
                        decimal_places=1, initial=None if value is None else spoken.decimal(value),
                    )  # fmt: skip

    def groups(self) -> list[tuple[str, str, list[Any], list[tuple[str, list[Any]]]]]:
        """Each measure: its name, unit, hours and, by part, the limits."""
        return [
            (
                str(NAMES[item.measure]), MEASURES[item.measure].unit.shown,
                [self[f"{item.measure}-times"], self[f"{item.measure}-every"]],
                [
                    (str(NAMES[part]), [self[f"{part}-{name}"] for name, _value in _numbers(limits)])
                    for part, limits in item.limits.items()
                ],
            )
            for item in self.template.items
        ]  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """The items of the plan; a measure without an hour is not asked for."""
        given = super().clean() or {}
        items = []
        for item in self.template.items:
            times = self._times(f"{item.measure}-times", given.get(f"{item.measure}-times", ""))
            if not times:
                continue
            limits = {part: self._limits(part, known, given) for part, known in item.limits.items()}
            items.append(Item(item.measure, times, given.get(f"{item.measure}-every") or item.every, limits))
        if not self.errors and not items:
            raise forms.ValidationError(_("Ghi giờ đo của ít nhất một số đo."))
        given["items"] = tuple(items)
        return given

    def _times(self, name: str, text: str) -> tuple[time, ...]:
        found = []
        for one in filter(None, (part.strip() for part in text.split(","))):
            try:
                at = time.fromisoformat(one.zfill(5)).replace(second=0, microsecond=0)
                if at.tzinfo is not None:  # the hours are the clinic's
                    raise ValueError(one)
                found.append(at)
            except ValueError:
                self.add_error(name, _("Viết giờ như 07:00, 19:00."))
                return ()
        ordered = sorted(set(found))
        if len(ordered) > 6:
            self.add_error(name, _("Nhiều nhất 6 lần một ngày."))
        return tuple(ordered)

    def _limits(self, part: str, known: Limits, given: Mapping[str, Any]) -> Limits:
        alert: Bounds = (given.get(f"{part}-alert-low"), given.get(f"{part}-alert-high"))
        danger: Bounds = (given.get(f"{part}-danger-low"), given.get(f"{part}-danger-high"))
        for side, number, outward in (("low", 0, -1), ("high", 1, 1)):
            inner, outer = alert[number], danger[number]
            if inner is not None and outer is not None and (outer - inner) * outward < 0:
                self.add_error(f"{part}-danger-{side}", _("Mức gọi 115 phải xa hơn mức báo bác sĩ."))
        low, high = alert
        if low is not None and high is not None and low >= high:
            self.add_error(f"{part}-alert-high", _("Mức trên phải lớn hơn mức dưới."))
        gain = known.gain
        if gain is not None and given.get(f"{part}-gain") is not None:
            gain = (given[f"{part}-gain"], gain[1])
        return Limits(alert, danger, gain)


_LIMITS: Final = {
    "alert-low": gettext_lazy("Báo bác sĩ khi dưới"), "alert-high": gettext_lazy("Báo bác sĩ khi trên"),
    "danger-low": gettext_lazy("Gọi 115 khi dưới"), "danger-high": gettext_lazy("Gọi 115 khi trên"),
    "gain": gettext_lazy("Báo khi tăng từ (kg trong 3 ngày)"),
}  # fmt: skip


def _numbers(limits: Limits) -> list[tuple[str, Decimal | None]]:
    found = [
        ("alert-low", limits.alert[0]), ("alert-high", limits.alert[1]), ("danger-low", limits.danger[0]),
        ("danger-high", limits.danger[1]),
    ]  # fmt: skip
    return [*found, ("gain", limits.gain[0])] if limits.gain is not None else found


class OutcomeForm(forms.Form):
    """What was done about an alert."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("Đã làm gì"), choices=[("", gettext_lazy("Chọn việc đã làm")), *OUTCOMES.items()]
    )
    note = forms.CharField(label=gettext_lazy("Ghi thêm"), required=False, max_length=500)


class EndForm(forms.Form):
    """Why a plan ends."""

    why = forms.CharField(
        label=gettext_lazy("Lý do kết thúc"), max_length=300,
        error_messages={"required": gettext_lazy("Ghi lý do kết thúc.")},
    )  # fmt: skip
