"""The page objects of the clinic: typed values the templates see, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from yba.areas.clinic import papers, queries, rules
from yba.areas.clinic.content import Content, DrugLine
from yba.areas.clinic.models import Sending
from yba.areas.clinic.rules import Finding
from yba.care import catalogues, coverages, medicines, people, prescription_portal
from yba.care.chart import VITAL_SIGNS, Allergy, Asked, Chart, Trend
from yba.care.diagnoses import diagnosis
from yba.care.line.models import Priority, Ticket
from yba.care.line.queries import Line
from yba.care.refusal import Refusal
from yba.care.remote import law
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.coverage import Coverage
from yba.fhir.r4.patient import Patient
from yba.ui import parts, spoken, words


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One person of the line."""

    id: int
    code: str
    name: str
    facts: str
    status: str
    reason: str = ""
    visit: str = ""
    calls: int = 0


@dataclass(frozen=True, slots=True)
class RoomPage:
    """The room's line: who is called, who is in, who waits."""

    title: str
    place: str
    room: str
    topic: str
    called: tuple[TicketRow, ...] = ()
    inside: tuple[TicketRow, ...] = ()
    waiting: tuple[TicketRow, ...] = ()
    missed: tuple[TicketRow, ...] = ()
    done: tuple[TicketRow, ...] = ()


_STATUS = {"waiting": "wait", "called": "call", "in_room": "now", "done": "done", "missed": "missed"}


def ticket_row(ticket: Ticket, *, today: date) -> TicketRow:
    """A line of the list; no health words."""
    age = _("%(age)s tuổi") % {"age": today.year - ticket.birth_year} if ticket.birth_year else ""
    due = _("hẹn %(time)s") % {"time": words.gio(ticket.due_at)} if ticket.due_at else ""
    shown = ticket.priority not in ("none", "booked")
    return TicketRow(
        id=ticket.pk,
        code=ticket.code,
        name=ticket.patient_name,
        facts=", ".join(filter(None, (spoken.gender(ticket.gender) if ticket.gender else "", age, due))),
        status=_STATUS.get(ticket.status, "off"),
        reason=str(Priority(ticket.priority).label) if shown else "",
        visit=ticket.encounter_id,
        calls=ticket.call_count,
    )


def room_page(room_id: str, name: str, place: str, line: Line, *, today: date) -> RoomPage:
    """The page of a room with its line."""

    def rows(tickets: Sequence[Ticket]) -> tuple[TicketRow, ...]:
        return tuple(ticket_row(one, today=today) for one in tickets)

    return RoomPage(
        title=_("Phòng %(name)s") % {"name": name} if name else _("Phòng khám"),
        place=_("%(place)s · lượt %(turn)s hôm nay, còn %(count)s người chờ")
        % {"place": place, "turn": len(line.done) + len(line.in_room), "count": len(line.waiting)},
        room=room_id,
        topic=f"room:{room_id}",
        called=rows(line.called),
        inside=rows(line.in_room),
        waiting=rows(line.waiting),
        missed=rows(line.missed),
        done=rows(list(reversed(line.done))),
    )


# -- the visit -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VitalField:
    """One box of the vital signs."""

    key: str
    name: str
    unit: str
    value: str
    doubt: str = ""
    stop: bool = False


@dataclass(frozen=True, slots=True)
class DiagnosisRow:
    """One diagnosis of the note."""

    code: str
    name: str
    main: bool
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of a group."""

    key: str
    label: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class DrugRow:
    """One line of the prescription being written."""

    number: int
    line: DrugLine
    name: str
    unit: str
    usual: str
    units: tuple[str, ...]
    moments: tuple[Choice, ...]
    meals: tuple[Choice, ...]
    amount: str = ""
    how: str = ""
    findings: tuple[Finding, ...] = ()
    asks_reason: bool = False

    @property
    def blocked(self) -> bool:
        """Whether something other than the dose stands against it."""
        return any(not one.settled and one.kind != "dose" for one in self.findings)

    @property
    def forbidden(self) -> bool:
        """Whether only removing it helps: then there is no dose to write."""
        return any(one.kind in rules.FORBIDDEN for one in self.findings)

    @property
    def open(self) -> bool:
        """Whether the dose still has to be written."""
        return any(one.kind == "dose" for one in self.findings)


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One service ordered."""

    code: str
    name: str
    price: int


@dataclass(frozen=True, slots=True)
class Before:
    """The pane of what was: one of three parts."""

    part: str
    chart: Chart
    tabs: tuple[parts.Tab, ...]
    trends: tuple[Trend, ...]


@dataclass(frozen=True, slots=True)
class VisitPage:
    """The note being written."""

    title: str
    place: str
    visit_id: str
    ticket_id: int
    person: parts.Person
    asked: bool
    before: Before | None
    content: Content
    version: int
    saved_at: datetime | None
    vitals: tuple[VitalField, ...]
    diagnoses: tuple[DiagnosisRow, ...]
    drugs: tuple[DrugRow, ...]
    orders: tuple[OrderRow, ...]
    open_findings: int
    days: str
    follow_up: str
    follow_up_refusal: str
    remote: bool = False
    remote_refusals: tuple[str, ...] = ()
    remote_source: str = ""
    lacks: tuple[rules.Lack, ...] = ()
    stale: str = ""
    deed: bool = False


def person_part(
    patient: Patient, chart: Chart | None, allergies: Sequence[Allergy], asked: Asked, *, ticket: str, today: date,
    coverage: Coverage | None,
) -> parts.Person:  # fmt: skip
    """The label of the page: name, then allergies."""
    person = people.person_of(patient)
    card = coverages.card_of(coverage) if coverage else ""
    age = spoken.age(patient.birthDate, today) if patient.birthDate else ""
    facts = (
        ", ".join(filter(None, (age, spoken.gender(patient.gender), _weight(chart)))),
        words.ngay(patient.birthDate) if patient.birthDate else "",
        spoken.citizen_number(person.citizen_number, claimed=person.claimed),
        _("BHYT %(card)s") % {"card": card[:3]} if card else _("Không BHYT"),
    )
    return parts.Person(
        name=people.name_of(patient),
        facts=tuple(filter(None, facts)),
        ticket=ticket,
        allergies=tuple(allergy_words(one) for one in allergies),
        allergies_known=asked is not Asked.NEVER,
        problems=tuple(one.name for one in chart.problems[:3]) if chart else (),
    )


def allergy_words(allergy: Allergy) -> str:
    """ "Penicillin: phản vệ (2019)"."""
    said = f"{allergy.name}: {allergy.reaction}" if allergy.reaction else allergy.name
    return f"{said} ({allergy.since[:4]})" if allergy.since else said


def _weight(chart: Chart | None) -> str:
    """The newest weight, for doses."""
    trends = chart.vitals if chart else ()
    found = next((one.last.value for one in trends if one.code == VITAL_SIGNS["weight"].code), None)
    return "" if found is None else spoken.quantity(found, "kg")


def vital_fields(content: Content, *, adult: bool) -> tuple[VitalField, ...]:
    """The boxes, with what is wrong or worth a second look."""
    doubts = {one.key: one for one in rules.vital_doubts(content.vitals, adult=adult)}
    return tuple(
        VitalField(
            key, str(sign.name), sign.unit, content.vitals.get(key, ""),
            doubts[key].refusal.message if key in doubts else "",
            key in doubts and doubts[key].kind == "stop",
        )
        for key, sign in VITAL_SIGNS.items()
    )  # fmt: skip


def diagnosis_rows(content: Content, person: rules.Person, *, today: date) -> tuple[DiagnosisRow, ...]:
    """The chips, the main one first, with what speaks against one."""
    refused = rules.diagnosis_refusals(content.diagnoses, person, on=today)
    return tuple(
        DiagnosisRow(
            code, known.name if (known := diagnosis(code, on=today)) else code, at == 0,
            refused[code].message if code in refused else "",
        )
        for at, code in enumerate(content.diagnoses)
    )  # fmt: skip


def drug_rows(content: Content, found: Sequence[Finding]) -> tuple[DrugRow, ...]:
    """The prescription as it stands, each line with its findings."""
    return tuple(
        _drug_row(at, line, [one for one in found if one.key == line.key])
        for at, line in enumerate(content.drugs, 1)
    )


def _drug_row(number: int, line: DrugLine, found: Sequence[Finding]) -> DrugRow:
    drug = catalogues.drug(line.drug)
    dose = rules.dose_of(line)
    row = DrugRow(
        number=number,
        line=line,
        name=drug.label if drug else line.drug,
        unit=drug.unit if drug else "",
        usual=drug.usual_dose if drug else "",
        units=rules.dose_units(drug) if drug else (),
        moments=_choices(rules.DAY_MOMENTS, line),
        meals=_choices(rules.MEAL_MOMENTS, line),
        findings=tuple(found),
        asks_reason=any(one.kind == "cross" for one in found),
    )
    if isinstance(dose, rules.Dose):
        amount = f"{medicines.quantity_text(dose.quantity)}\u00a0{dose.drug.unit}"
        row = replace(row, amount=amount, how=dose.sentence)
    return row


def _choices(keys: Sequence[str], line: DrugLine) -> tuple[Choice, ...]:
    return tuple(Choice(key, medicines.MOMENTS[key], key in line.moments) for key in keys)


def order_rows(content: Content) -> tuple[OrderRow, ...]:
    """The services ordered."""
    known = [catalogues.service(code) for code in content.orders]
    return tuple(OrderRow(one.code, one.name_vi, one.price) for one in known if one is not None)


def visit_page(
    visit: queries.Visit,
    content: Content,
    *,
    allergies: Sequence[AllergyIntolerance],
    chart: Chart,
    today: date,
    version: int,
    saved_at: datetime | None,
    ticket: Ticket | None,
    coverage: Coverage | None,
    part: str,
    place: str,
) -> VisitPage:
    """The whole page of a visit under way."""
    person = queries.person_of(visit.patient, today=today)
    found = rules.findings(content, allergies=allergies, current=chart.medicines)
    day = rules.follow_up_day(content.follow_up, today=today)
    return VisitPage(
        title=_("Khám bệnh"),
        place=place,
        visit_id=visit.id,
        ticket_id=ticket.pk if ticket else 0,
        person=person_part(
            visit.patient, chart, chart.allergies, chart.asked,
            ticket=ticket.code if ticket else "", today=today, coverage=coverage,
        ),
        asked=chart.asked is not Asked.NEVER,
        before=before_of(chart, part, visit.id),
        content=content,
        version=version,
        saved_at=saved_at,
        vitals=vital_fields(content, adult=person.adult),
        diagnoses=diagnosis_rows(content, person, today=today),
        drugs=drug_rows(content, found),
        orders=order_rows(content),
        open_findings=sum(1 for one in found if not one.settled),
        days=max((one.days for one in content.drugs if one.days.isdigit()), key=int, default=""),
        follow_up=spoken.day_words(day) + f"/{day.year}" if isinstance(day, date) else "",
        follow_up_refusal=day.message if isinstance(day, Refusal) else "",
        remote=visit.remote,
        remote_refusals=tuple(one.message for one in rules.remote_refusals(content)) if visit.remote else (),
        remote_source=law.source() if visit.remote else "",
    )  # fmt: skip


PARTS = ("summary", "results", "medicines")


def before_of(chart: Chart, part: str, visit_id: str) -> Before:
    """The pane of what was; the visit under way is not yet past."""
    part = part if part in PARTS else PARTS[0]
    labels = (_("Tóm tắt"), _("Kết quả"), _("Thuốc"))
    tabs = tuple(
        parts.Tab(label, f"?before={key}", current=key == part)
        for key, label in zip(PARTS, labels, strict=True)
    )
    past = tuple(one for one in chart.visits if one.id != visit_id)
    return Before(part, replace(chart, visits=past), tabs, _courses(chart))


COURSES = 4
_STILL = VITAL_SIGNS["height"].code
_FIRST = (VITAL_SIGNS["systolic"].code, VITAL_SIGNS["weight"].code)


def _courses(chart: Chart) -> tuple[Trend, ...]:
    """The measures worth a glance: those out of range, then blood pressure and weight."""
    several = [one for one in (*chart.results, *chart.vitals) if len(one.values) > 1 and one.code != _STILL]
    return tuple(sorted(several, key=lambda one: (not one.last.direction, one.code not in _FIRST))[:COURSES])


@dataclass(frozen=True, slots=True)
class FinishedPage:
    """A signed visit: read only."""

    title: str
    place: str
    visit_id: str
    person: parts.Person
    visit: queries.Finished
    vitals: tuple[parts.Vital, ...]
    before: Before
    sending: SendingLine | None = None


@dataclass(frozen=True, slots=True)
class SendingLine:
    """How it stands with a prescription on its way to the national system. ``kind`` and ``words``: a status sign."""

    code: str
    kind: str
    words: str
    since: str
    problem: str
    stuck: bool


@dataclass(frozen=True, slots=True)
class UnsentPage:
    """The prescriptions of the facility that have not gone through; of nobody by name."""

    title: str
    lines: list[SendingLine]


def sending_line(row: Sending | None) -> SendingLine | None:
    """A row of the sender in words."""
    if row is None:
        return None
    signs = {
        Sending.State.WAITING: ("wait", _("Đang gửi lên Hệ thống đơn thuốc quốc gia")),
        Sending.State.SENDING: ("wait", _("Đang gửi lên Hệ thống đơn thuốc quốc gia")),
        Sending.State.SENT: ("done", _("Đã gửi lên Hệ thống đơn thuốc quốc gia")),
        Sending.State.REFUSED: ("warn", _("Hệ thống đơn thuốc quốc gia chưa nhận")),
    }
    kind, said = signs[Sending.State(row.state)]
    when = row.sent_at or row.next_try
    return SendingLine(
        code=row.code, kind=kind, words=said, since=spoken.when(when), problem=_problem_words(row.problem),
        stuck=row.state == Sending.State.REFUSED or (row.state == Sending.State.WAITING and row.tries > 1),
    )  # fmt: skip


def _problem_words(problem: str) -> str:
    known = {
        prescription_portal.NO_LINK_CODE: _(
            "Bác sĩ kê đơn chưa có mã liên thông. Người vận hành thêm vào tệp cấu hình."
        ),
        prescription_portal.WRONG_LINK_CODE: _(
            "Cổng không nhận mã liên thông hoặc mật khẩu của bác sĩ kê đơn."
        ),
        papers.UNFINISHED: _("Lượt khám không ghi ngày hoặc nơi khám."),
    }
    return known.get(problem) or (_("Cổng trả lời: %(said)s") % {"said": problem} if problem else "")


def vital_parts(trends: Sequence[Trend]) -> tuple[parts.Vital, ...]:
    """Measures of one visit as a strip."""
    return tuple(
        parts.Vital(one.name, Decimal(one.last.text), one.unit, one.last.direction, one.last.grave)
        for one in trends
        if one.last.value is not None
    )
