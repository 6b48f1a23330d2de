"""The page objects of the counter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _

from yba.areas.pharmacy import queries, rules
from yba.areas.pharmacy.models import Lot
from yba.care import catalogues, people
from yba.care.chart import Asked, allergies_of, asked_of, medicine_of
from yba.care.medicines import quantity_text
from yba.fhir.r4.datatypes import Dosage
from yba.ui import parts, spoken, words


@dataclass(frozen=True, slots=True)
class LotPick:
    """Take from this lot."""

    number: str
    expiry: str
    quantity: int


@dataclass(frozen=True, slots=True)
class PickRow:
    """One line of the prescription at the counter."""

    id: str
    name: str
    how: str
    prescribed: str
    unit: str
    given: int
    left: int
    there: int
    take: int
    lots: tuple[LotPick, ...]
    refusal: str
    state: str

    @property
    def short(self) -> int:
        """How many are missing in stock."""
        return max(self.left - self.there, 0) if not self.refusal else 0


@dataclass(frozen=True, slots=True)
class BoxLabel:
    """What is stuck on the box: four times of day, or none when the prescription names none."""

    name: str
    person: str
    times: tuple[tuple[str, str], ...]
    note: str


@dataclass(frozen=True, slots=True)
class CounterPage:
    """The counter: who waits, and the prescription in hand."""

    title: str
    place: str
    topic: str
    query: str
    waiting: tuple[queries.Waiting, ...]
    code: str = ""
    missing: bool = False
    person: parts.Person | None = None
    birth_year: str = ""
    rows: tuple[PickRow, ...] = ()
    labels: tuple[BoxLabel, ...] = ()
    done: bool = False

    @property
    def may_give(self) -> bool:
        """Whether anything can be handed over now."""
        return any(row.take for row in self.rows)

    @property
    def short(self) -> int:
        return sum(1 for row in self.rows if row.short or row.refusal)


@dataclass(frozen=True, slots=True)
class StockRow:
    """A lot on the shelf."""

    drug: str
    number: str
    expiry: date
    balance: int
    unit: str
    expired: bool


@dataclass(frozen=True, slots=True)
class StockPage:
    """Goods received, and what lies on the shelf of a drug."""

    title: str
    query: str
    rows: tuple[StockRow, ...]
    form: object
    drug: str = ""
    drug_name: str = ""
    refusal: str = ""
    left: int = 0


def pick_row(line: queries.LineState) -> PickRow:
    """A line with what to take of which lots."""
    medicine = medicine_of(line.request)
    unit = line.drug.unit if line.drug else ""
    chosen = [] if line.refusal else rules.picks(line.lots, line.take, today=date.min)
    if not line.left:
        state = "done"
    elif line.refusal or not line.there:
        state = "urgent"
    else:
        state = ""
    return PickRow(
        id=line.request.id or "",
        name=medicine.name,
        how=medicine.how,
        prescribed=f"{quantity_text(line.prescribed)}\u00a0{unit}",
        unit=unit,
        given=line.given,
        left=line.left,
        there=line.there,
        take=line.take,
        lots=tuple(LotPick(one.lot.number, f"{one.lot.expiry:%m/%Y}", one.quantity) for one in chosen),
        refusal=line.refusal.message if line.refusal and line.left else "",
        state=state,
    )


def person_part(found: queries.Prescription, *, today: date) -> parts.Person:
    """The label of the counter."""
    patient = found.patient
    age = spoken.age(patient.birthDate, today) if patient.birthDate else ""
    return parts.Person(
        name=people.name_of(patient),
        facts=(
            ", ".join(filter(None, (age, spoken.gender(patient.gender)))),
            words.phone(people.phone_of(patient)),
            _("đơn %(code)s") % {"code": found.code},
        ),
        ticket=found.ticket,
        allergies=tuple(one.name for one in allergies_of(found.allergies)),
        allergies_known=asked_of(found.allergies) is not Asked.NEVER,
    )


_TIMES = ("MORN", "NOON", "AFT", "EVE")


def box_label(line: queries.LineState, person: str) -> BoxLabel:
    """Four times of day, as drawn on the box; bedtime stands under evening."""
    dosage = line.request.dosageInstruction[0] if line.request.dosageInstruction else Dosage()
    repeat = dosage.timing.repeat if dosage.timing else None
    when = {one for one in (repeat.when if repeat else []) if one}
    bedtime = "HS" in when
    given = dosage.doseAndRate[0].doseQuantity if dosage.doseAndRate else None
    amount = words.decimal(given.value) if given and given.value is not None else ""
    counted = (
        amount
        if given and line.drug and given.unit == line.drug.unit
        else f"{amount} {given.unit if given else ''}"
    )
    labels = ("Sáng", "Trưa", "Chiều", "Tối")
    times = tuple(
        (label, counted.strip() if code in when or (code == "EVE" and bedtime) else "")
        for code, label in zip(_TIMES, labels, strict=True)
    )
    # No time of day was named: four empty boxes would read as "never".
    shown = times if any(amount for _label, amount in times) else ()
    return BoxLabel(medicine_of(line.request).name, person, shown, medicine_of(line.request).how)


def stock_rows(lots: Sequence[Lot], *, today: date) -> tuple[StockRow, ...]:
    """Lots as lines."""
    rows = []
    for lot in lots:
        drug = catalogues.drug(lot.drug)
        name, unit = (drug.label, drug.unit) if drug else (lot.drug, "")
        rows.append(StockRow(name, lot.number, lot.expiry, lot.balance, unit, lot.expiry < today))
    return tuple(rows)
