"""What may be written and finished: vital signs, doses, stops of allergy and of doubled ingredients. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Final, Literal, cast

from django.utils.translation import gettext_lazy as _

from yba.areas.clinic.content import Content, DrugLine
from yba.care import catalogues, medicines
from yba.care.catalogues import Drug
from yba.care.chart import VITAL_SIGNS, Medicine, VitalSign, direction_of
from yba.care.diagnoses import diagnosis_refusal
from yba.care.refusal import Refusal, refuse
from yba.care.remote import law
from yba.fhir.model.fold import fold_words
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.datatypes import Dosage, DosageDoseAndRate, Quantity

DAY_MOMENTS: Final = ("morning", "noon", "afternoon", "evening", "bedtime")
MEAL_MOMENTS: Final = ("before-meal", "with-meal", "after-meal", "fasting")
MOST_AMOUNT: Final = Decimal(1000)
MOST_TIMES: Final = 12
MOST_QUANTITY: Final = 1000
#: Days ahead a follow-up may be set.
FARTHEST: Final = 370
LONG_TEXT: Final = 8000
REASON: Final = 5
_NARCOTIC: Final = "thuốc gây nghiện"
_LAYER: Final = "lớp mỏng"
#: How the catalogue says that a medicine is taken by the week or more rarely.
_NOT_DAILY: Final = re.compile(r"/(?:tuần|tháng|năm)|mỗi (?:[0-9-]+ )?(?:tuần|tháng|năm)")
#: What one dose is counted in, where the package is something else: (package, route) -> units.
_DOSE_UNITS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("chai", "Uống"): ("ml", "giọt"),
    ("tuýp", "Bôi"): ("lớp mỏng",),
    ("chai", "Bôi"): ("lớp mỏng", "ml"),
    ("bình", "Hít"): ("nhát",),
    ("lọ", "Xịt mũi"): ("nhát",),
    ("lọ", "Nhỏ mắt"): ("giọt",),
    ("lọ", "Nhỏ mũi"): ("giọt",),
    ("lọ", "Nhỏ tai"): ("giọt",),
    ("bút", "Tiêm"): ("đơn vị", "mg", "bút"),
}


def number_of(text: str) -> Decimal | None:
    """A number as people type it: comma or point; None when it is none."""
    plain = text.strip().replace(",", ".")
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", plain):
        return None
    try:
        return Decimal(plain)
    except InvalidOperation:  # pragma: no cover - the pattern admits numbers only
        return None


# -- vital signs -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VitalDoubt:
    """What is wrong (``stop``) or worth a second look (``warn``) about one vital sign."""

    key: str
    kind: Literal["stop", "warn"]
    refusal: Refusal


def vital_doubts(typed: Mapping[str, str], *, adult: bool) -> tuple[VitalDoubt, ...]:
    """Impossible values are refused; unusual ones of an adult are asked about."""
    found = [doubt for key, sign in VITAL_SIGNS.items() if (doubt := _vital(sign, typed.get(key, ""), adult))]
    upper, lower = number_of(typed.get("systolic", "")), number_of(typed.get("diastolic", ""))
    if upper is not None and lower is not None and lower >= upper:
        words = _("Huyết áp tâm trương phải nhỏ hơn tâm thu. Hãy đo hoặc ghi lại.")
        found.append(VitalDoubt("diastolic", "stop", refuse("vital.order", words)))
    elif bool(typed.get("systolic", "").strip()) != bool(typed.get("diastolic", "").strip()):
        missing = "diastolic" if typed.get("systolic", "").strip() else "systolic"
        found.append(VitalDoubt(missing, "stop", refuse("vital.pair", _("Huyết áp cần đủ hai số."))))
    return tuple(found)


def _vital(sign: VitalSign, text: str, adult: bool) -> VitalDoubt | None:
    if not text.strip():
        return None
    value = number_of(text)
    low, high = sign.possible
    given = {
        "name": sign.name,
        "value": text.strip(),
        "low": _said(low),
        "high": _said(high),
        "unit": sign.unit,
    }
    if value is None:
        words = _("%(name)s “%(value)s” không phải là số. Ghi một số, ví dụ 37,5.")
        return VitalDoubt(sign.key, "stop", refuse("vital.number", words, **given))
    if not low <= value <= high:
        words = _("%(name)s %(value)s %(unit)s không thể có (từ %(low)s đến %(high)s). Hãy đo hoặc ghi lại.")
        return VitalDoubt(sign.key, "stop", refuse("vital.impossible", words, **given))
    if adult and direction_of(sign, value)[1]:
        words = _("%(name)s %(value)s %(unit)s ở mức nguy hiểm. Hãy đo lại để chắc chắn.")
        return VitalDoubt(sign.key, "warn", refuse("vital.unusual", words, **given))
    return None


def _said(value: Decimal) -> str:
    return f"{value.normalize():f}".replace(".", ",")


# -- doses -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dose:
    """A line of a prescription, understood: what to take and how many to hand out."""

    drug: Drug
    amount: Decimal
    unit: str
    times: int
    moments: tuple[medicines.Moment, ...]
    days: int
    quantity: int
    note: str

    @property
    def sentence(self) -> str:
        """As the law writes it; what is not taken daily says so in the doctor's own words."""
        if not_daily(self.drug):
            return f"{self.drug.route} {medicines.amount_text(self.amount, self.unit)} {self.unit}/lần. {self.note}"
        said = medicines.dosage_sentence(
            self.amount,
            unit=self.unit,
            times=self.times,
            route=self.drug.route,
            moments=self.moments,
            days=self.days,
        )
        return f"{said}. {self.note}" if self.note else said

    @property
    def dosage(self) -> Dosage:
        """As FHIR: the sentence, and timing, route and amount as values."""
        dosage = medicines.dosage_of(
            self.drug, amount=self.amount, times=self.times, moments=self.moments, days=self.days
        )
        dosage.sequence = 1
        if not_daily(self.drug):
            dosage.timing = None
        dosage.text = self.sentence
        dosage.patientInstruction = self.note or None
        dosage.doseAndRate = [DosageDoseAndRate(doseQuantity=Quantity(value=self.amount, unit=self.unit))]
        return dosage


def dose_units(drug: Drug) -> tuple[str, ...]:
    """What one dose of it may be counted in; an insulin in units only, never in vials or pens."""
    if any(inn.startswith("insulin") for inn in drug.active_ingredients):
        return ("đơn vị",)
    return _DOSE_UNITS.get((drug.unit, drug.route), (drug.unit,))


def usual_line(drug: Drug, *, days: str = "") -> DrugLine:
    """A line with what the catalogue calls usual, for the doctor to change.

    Only what it says for certain is filled in: a range, a dose by weight or "as told" leaves the amount empty, and
    the most that may be taken a day is no dose.
    """
    usual = re.sub(r"không quá[^,]*", "", drug.usual_dose).replace("Nửa ", "0,5 ").replace("nửa ", "0,5 ")
    units = dose_units(drug)
    unit = next((one for one in units if re.search(rf"[0-9] {re.escape(one)}(?!/kg|\w)", usual)), units[0])
    amount = re.search(rf"(?<![-0-9,])([0-9]+(?:,[0-9]+)?) {re.escape(unit)}(?!/kg|[-\w])", usual)
    times = re.search(r"(?<![-0-9])([0-9]+) lần/ngày", usual)
    once = bool(re.search(rf"{re.escape(unit)}/ngày", usual)) or not_daily(drug)
    meal = next((key for key in MEAL_MOMENTS if str(medicines.MOMENTS[key]) in usual), None)
    return DrugLine(
        key="",
        drug=drug.code,
        amount=amount.group(1) if amount else "1" if unit == _LAYER else "",
        unit=unit,
        times=times.group(1) if times else "1" if once else "",
        moments=(meal,) if meal else (),
        days="1" if not_daily(drug) else days,
        quantity="" if unit == drug.unit else "1",
    )


def not_daily(drug: Drug) -> bool:
    """Whether it is taken by the week, month or year: a daily course of it may kill (methotrexate)."""
    return _NOT_DAILY.search(drug.usual_dose) is not None


def dose_of(line: DrugLine) -> Dose | Refusal:
    """The line as a dose, or what it still lacks."""
    drug = catalogues.drug(line.drug)
    if drug is None:
        return refuse("dose.drug", _("Thuốc %(code)s không còn trong danh mục. Bỏ dòng này."), code=line.drug)
    amount = number_of(line.amount)
    if amount is None or not Decimal(0) < amount <= MOST_AMOUNT:
        return refuse("dose.amount", _("Ghi mỗi lần dùng bao nhiêu, ví dụ 1 hoặc 0,5."))
    moments = cast(
        "tuple[medicines.Moment, ...]", tuple(one for one in line.moments if one in medicines.MOMENTS)
    )
    times = _times(line, moments)
    if isinstance(times, Refusal):
        return times
    days = number_of(line.days)
    if days is None or days != int(days):
        return refuse("dose.days", _("Ghi dùng mấy ngày."))
    refusal = medicines.days_refusal(int(days))
    if refusal is not None:
        return refusal
    if not_daily(drug) and (times != 1 or days != 1 or not line.note.strip()):
        words = _(
            "Thuốc này không dùng hằng ngày (%(usual)s). Ghi 1 lần, 1 ngày, số cần phát, và cách dùng ở ô Ghi thêm."
        )
        return refuse("dose.not-daily", words, usual=drug.usual_dose)
    unit = line.unit if line.unit in dose_units(drug) else dose_units(drug)[0]
    quantity = _quantity(line, drug, unit, medicines.total_quantity(amount, times=times, days=int(days)))
    if isinstance(quantity, Refusal):
        return quantity
    return Dose(drug, amount, unit, times, moments, int(days), quantity, line.note.strip())


def _times(line: DrugLine, moments: Sequence[str]) -> int | Refusal:
    of_day = sum(1 for one in moments if one in DAY_MOMENTS)
    if not line.times.strip():
        if of_day:
            return of_day
        return refuse("dose.times", _("Chọn các buổi dùng, hoặc ghi mấy lần một ngày."))
    times = number_of(line.times)
    if times is None or times != int(times) or not 1 <= times <= MOST_TIMES:
        return refuse("dose.times", _("Chọn các buổi dùng, hoặc ghi mấy lần một ngày."))
    if of_day and of_day != times:
        words = _("Đang chọn %(chosen)s buổi nhưng ghi %(times)s lần một ngày. Sửa cho khớp.")
        return refuse("dose.disagree", words, chosen=of_day, times=int(times))
    return int(times)


def _quantity(line: DrugLine, drug: Drug, unit: str, needed: int) -> int | Refusal:
    """Packages to hand out: as typed, else what the course needs where the dose is counted in packages."""
    counted = unit == drug.unit
    if not line.quantity.strip():
        if not counted:
            return refuse("dose.quantity", _("Ghi số %(unit)s cần phát."), unit=drug.unit)
        count = needed
    else:
        typed = number_of(line.quantity)
        if typed is None or typed != int(typed) or typed < 1:
            return refuse("dose.quantity", _("Ghi số %(unit)s cần phát."), unit=drug.unit)
        count = int(typed)
    if count > MOST_QUANTITY:
        return refuse(
            "dose.too-many", _("%(count)s %(unit)s là quá nhiều. Xem lại liều."), count=count, unit=drug.unit
        )
    if counted and count > needed and not not_daily(drug):
        words = _("Ghi phát %(count)s %(unit)s nhưng liều chỉ cần %(needed)s. Sửa cho khớp.")
        return refuse("dose.quantity-more", words, count=count, unit=drug.unit, needed=needed)
    return count


# -- findings: what stands against a line ----------------------------------------------------------------

#: What no dose can put right.
FORBIDDEN: Final = frozenset({"allergy", "narcotic"})
Kind = Literal["allergy", "cross", "twice", "current", "dose", "narcotic"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something against a line of the prescription. Unsettled ones keep the visit from being finished.

    ``allergy`` and ``narcotic``: only removing the drug helps. ``cross``: removing, or a written reason.
    ``twice``: in this prescription already. ``current``: taken already (``other``: that prescription), which may
    be stopped. ``dose``: to be filled in.
    """

    key: str
    kind: Kind
    refusal: Refusal
    settled: bool = False
    other: str = ""

    @property
    def words(self) -> str:
        return self.refusal.message


def findings(
    content: Content, *, allergies: Sequence[AllergyIntolerance], current: Sequence[Medicine]
) -> tuple[Finding, ...]:
    """Everything that stands against the prescription, line by line."""
    found: list[Finding] = []
    before: list[Drug] = []
    for line in content.drugs:
        drug = catalogues.drug(line.drug)
        against = _against_drug(line, drug, allergies, current, before) if drug is not None else []
        found += against
        if drug is not None:
            before.append(drug)
        dose = dose_of(line)
        if isinstance(dose, Refusal) and not any(one.kind in FORBIDDEN for one in against):
            found.append(Finding(line.key, "dose", dose))
    return tuple(found)


def _against_drug(
    line: DrugLine,
    drug: Drug,
    allergies: Sequence[AllergyIntolerance],
    current: Sequence[Medicine],
    before: Sequence[Drug],
) -> list[Finding]:
    found = []
    reasoned = len(line.reason.strip()) >= REASON
    for conflict in medicines.allergy_conflicts(drug, allergies):
        stop = conflict.kind == "stop"
        found.append(
            Finding(line.key, "allergy" if stop else "cross", conflict.refusal, reasoned and not stop)
        )
    if _NARCOTIC in drug.usual_dose:
        words = _("%(drug)s cần đơn gây nghiện (mẫu N). Kê bằng đơn giấy theo quy định.")
        found.append(Finding(line.key, "narcotic", refuse("drug.narcotic", words, drug=drug.label)))
    found += [
        Finding(line.key, "twice", one.refusal) for one in medicines.duplicate_ingredients(drug, before)
    ]
    for taken in current:
        refusal = _doubled(drug, taken)
        if refusal is not None:
            settled = bool(taken.request_id) and taken.request_id in line.stops
            found.append(Finding(line.key, "current", refusal, settled, taken.request_id))
    return found


def _doubled(drug: Drug, taken: Medicine) -> Refusal | None:
    """Whether a medicine being taken has an active ingredient of the new one; by words where it has no code."""
    known = catalogues.drug(taken.drug_code) if taken.drug_code else None
    if known is not None:
        shared = [
            one for found in medicines.duplicate_ingredients(drug, [known]) for one in found.ingredients
        ]
    else:
        said = f" {' '.join(fold_words(taken.name))} "
        branded = {inn for brand, inns in _brands().items() if f" {brand} " in said for inn in inns}
        shared = [
            inn
            for inn in drug.active_ingredients
            if inn in branded or any(f" {name} " in said for name in _names(inn))
        ]
    if not shared:
        return None
    words = _("Đang dùng %(other)s, cùng hoạt chất %(ingredient)s. Ngưng thuốc cũ hoặc bỏ dòng này.")
    return refuse("medicine.current", words, other=taken.name, ingredient=", ".join(shared))


def _names(inn: str) -> list[str]:
    known = catalogues.ingredient(inn)
    names = [inn, *(known.synonyms if known else ())]
    return [" ".join(fold_words(name)) for name in names if name]


@cache
def _brands() -> Mapping[str, frozenset[str]]:
    """The first word of each brand of the catalogue, with what everything of that brand contains."""
    plain = {word for one in catalogues.ingredients() for name in _names(one.inn) for word in name.split()}
    found: dict[str, frozenset[str]] = {}
    for drug in catalogues.drugs():
        for brand in re.findall(r"\(([^)]+)\)", drug.name) or [drug.name]:
            first = next(iter(fold_words(brand)), "")
            if brand[:1].isupper() and len(first) >= 5 and first not in plain | {"vitamin"}:
                inns = frozenset(drug.active_ingredients)
                found[first] = found.get(first, inns) & inns
    return found


# -- finishing -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    """What the limits of codes look at."""

    sex: str
    age_years: int | None
    age_days: int | None

    @property
    def adult(self) -> bool:
        """Whether the usual ranges of adults hold; unknown counts as adult."""
        return self.age_years is None or self.age_years >= 16

    @property
    def small_child(self) -> bool:
        """Under 72 months, whose weight stands on the prescription. Source: TT 26/2025/TT-BYT."""
        return self.age_years is not None and self.age_years < 6


def diagnosis_refusals(codes: Iterable[str], person: Person, *, on: date) -> dict[str, Refusal]:
    """Codes that may not be used for this person, with why."""
    found = {}
    for at, code in enumerate(codes):
        refusal = diagnosis_refusal(
            code, person.sex, person.age_years, main=at == 0, age_days=person.age_days, on=on
        )
        if refusal is not None:
            found[code] = refusal
    return found


def follow_up_day(text: str, *, today: date) -> date | Refusal | None:
    """The day typed (dd/mm/yyyy, or how many days from now); None when nothing is typed."""
    plain = text.strip()
    if not plain:
        return None
    if re.fullmatch(r"[0-9]{1,3}", plain):
        day = today + timedelta(days=int(plain))
    else:
        parts = re.fullmatch(r"([0-9]{1,2})[/.\- ]([0-9]{1,2})[/.\- ]([0-9]{4})", plain)
        try:
            day = date(int(parts.group(3)), int(parts.group(2)), int(parts.group(1))) if parts else today
        except ValueError:
            day = today
    if day <= today or day > today + timedelta(days=FARTHEST):
        words = _("Ngày hẹn “%(day)s” không dùng được. Ghi một ngày sau hôm nay, dạng ngày/tháng/năm.")
        return refuse("follow-up.day", words, day=plain)
    return day


@dataclass(frozen=True, slots=True)
class Lack:
    """What keeps the visit from being finished, and which part of the page it stands in."""

    part: str
    refusal: Refusal

    @property
    def words(self) -> str:
        return self.refusal.message


def lacks(
    content: Content,
    *,
    person: Person,
    allergies: Sequence[AllergyIntolerance],
    current: Sequence[Medicine],
    today: date,
    remote: bool = False,
) -> tuple[Lack, ...]:
    """Everything that must be put right before the visit may be finished. ``remote``: it is at a distance."""
    found: list[Lack] = []
    if not content.complaint.strip():
        found.append(Lack("complaint", refuse("note.complaint", _("Chưa ghi lý do khám và bệnh sử."))))
    for name in ("complaint", "examination", "advice"):
        if len(getattr(content, name)) > LONG_TEXT:
            words = _("Phần ghi dài quá %(most)s chữ. Hãy rút gọn.")
            found.append(Lack(name, refuse("note.long", words, most=LONG_TEXT)))
    found += [
        Lack(f"vital-{doubt.key}", doubt.refusal)
        for doubt in vital_doubts(content.vitals, adult=person.adult)
        if doubt.kind == "stop"
    ]
    if content.drugs and person.small_child and number_of(content.vitals.get("weight", "")) is None:
        words = _("Trẻ dưới 72 tháng tuổi: ghi cân nặng trước khi kê đơn.")
        found.append(Lack("vital-weight", refuse("vital.weight", words)))
    if not content.diagnoses:
        found.append(Lack("diagnosis", refuse("note.diagnosis", _("Chưa có chẩn đoán chính."))))
    refused = diagnosis_refusals(content.diagnoses, person, on=today)
    found += [Lack("diagnosis", refusal) for refusal in refused.values()]
    found += [
        Lack(f"drug-{one.key}", _named(content, one))
        for one in findings(content, allergies=allergies, current=current)
        if not one.settled
    ]
    if remote:
        found += [Lack("orders", refusal) for refusal in remote_refusals(content)]
    found += [
        Lack("orders", refuse("order.unknown", _("Dịch vụ %(code)s không còn trong danh mục."), code=code))
        for code in content.orders
        if catalogues.service(code) is None
    ]
    day = follow_up_day(content.follow_up, today=today)
    return (*found, Lack("follow-up", day)) if isinstance(day, Refusal) else tuple(found)


def remote_refusals(content: Content) -> list[Refusal]:
    """Why what is being prescribed can't be prescribed at a distance (TT 30/2023/TT-BYT)."""
    drugs = [drug for one in content.drugs if (drug := catalogues.drug(one.drug)) is not None]
    return law.prescription_refusals(content.diagnoses, drugs)


def _named(content: Content, finding: Finding) -> Refusal:
    """A dose's lack says of which drug, since it stands far from the line."""
    if finding.kind != "dose":
        return finding.refusal
    line = next(one for one in content.drugs if one.key == finding.key)
    drug = catalogues.drug(line.drug)
    name = drug.label if drug else line.drug
    return refuse(finding.refusal.key, "%(drug)s: %(what)s", drug=name, what=finding.refusal.message)
