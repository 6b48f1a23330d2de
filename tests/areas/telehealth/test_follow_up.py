"""Home measurements from the doctor's plan to the team's answer: pages, what the record keeps, alerts, who sees it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from tests.areas.clinic.stage import DOCTOR, DOCTOR_NAME, as_role, put, tagged
from tests.areas.telehealth.stage import NAME, OTHER, PERSON, citizen, staff, stage, video_visit
from tests.areas.telehealth.test_chat import ELSEWHERE, STRANGER, Clock, page
from tests.builders import NOW, an_organization
from yba import fhir
from yba.areas.telehealth.follow_up import measures, plans, sweep
from yba.areas.telehealth.follow_up.forms import ReadingsForm
from yba.areas.telehealth.follow_up.measures import MEASURES, Limits, judge, reading
from yba.areas.telehealth.follow_up.plans import Plan
from yba.areas.telehealth.follow_up.templates import Item, templates
from yba.areas.telehealth.models import FollowUp
from yba.care.messages.models import Message
from yba.care.refusal import Refusal
from yba.fhir.access import SYSTEM
from yba.fhir.errors import NotFound
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.care_plan import CarePlan
from yba.fhir.r4.care_team import CareTeam
from yba.fhir.r4.communication_request import CommunicationRequest
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.questionnaire import Questionnaire
from yba.fhir.r4.questionnaire_response import QuestionnaireResponse
from yba.fhir.record import Record
from yba.ui.words import HANOI

#: The numbers of the template, as the doctor's page sends them.
PRESSURE = {
    "weeks": "2", "blood-pressure-times": "07:00, 19:00", "blood-pressure-every": "1", "systolic-alert-low": "100",
    "systolic-alert-high": "159", "systolic-danger-low": "80", "systolic-danger-high": "179",
    "diastolic-alert-low": "60", "diastolic-alert-high": "99", "diastolic-danger-low": "50",
    "diastolic-danger-high": "119",
    "pulse-times": "", "pulse-every": "1",
}  # fmt: skip


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("yba.ui.requests.now", found)
    return found


@pytest.fixture
def visit(record: Record, clock: Clock) -> Appointment:
    stage(record)
    put(record, an_organization("Bệnh viện Khác", meta=tagged(ELSEWHERE)), ELSEWHERE)
    put(record, Practitioner(meta=tagged(ELSEWHERE)), STRANGER)
    return video_visit(record, start=NOW, video=False)


def pressure(upper: str, lower: str) -> dict[str, str]:
    return {"blood-pressure-systolic": upper, "blood-pressure-diastolic": lower}


def begun(doctor: Client, visit: Appointment, template: str = "hypertension", **changed: str) -> str:
    """The id of a plan the doctor begins."""
    address = f"/kham-tu-xa/theo-doi/lap/Appointment/{visit.id}?mau={template}"
    answer = doctor.post(address, PRESSURE | changed)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"].rsplit("/", 1)[1])


def alerts(record: Record) -> list[tuple[str | None, str | None, str | None]]:
    return [(one.priority, one.status, said(one)) for one in raised(record)]


def raised(record: Record) -> list[CommunicationRequest]:
    found = record.find(CommunicationRequest, ("category", "|".join(plans.ALERT)))
    return sorted(found, key=lambda one: (one.authoredOn or "", one.id or ""))


def said(one: CommunicationRequest) -> str:
    return one.payload[0].contentString or ""


def test_a_plan_is_written_measured_and_ended(record: Record, visit: Appointment, clock: Clock) -> None:
    doctor, person = staff(), citizen(PERSON)
    begin = f"/kham-tu-xa/theo-doi/lap/Appointment/{visit.id}"
    assert "Tăng huyết áp" in page(doctor, begin)
    assert "QĐ 3192/QĐ-BYT" in page(doctor, f"{begin}?mau=hypertension")
    wrong = doctor.post(f"{begin}?mau=hypertension", PRESSURE | {"systolic-danger-high": "150"})
    assert (wrong.status_code, "Mức gọi 115 phải xa hơn" in wrong.content.decode()) == (422, True)
    assert record.find(CarePlan) == []
    plan = begun(doctor, visit)
    found = record.read(CarePlan, plan)
    assert found.period is not None
    assert (found.status, found.intent, found.title, found.period.start, found.period.end) == (
        "active", "plan", "Tăng huyết áp", "2026-11-24", "2026-12-07",
    )  # fmt: skip
    (measured, asked) = (one.detail for one in found.activity)
    assert measured is not None
    assert measured.code is not None
    assert measured.scheduledTiming is not None
    assert measured.scheduledTiming.repeat is not None
    assert (measured.code.coding[0].code, measured.scheduledTiming.repeat.timeOfDay) == (
        "85354-9", ["07:00:00", "19:00:00"],
    )  # fmt: skip
    assert asked is not None
    assert asked.instantiatesCanonical == ["https://yba.vn/fhir/Questionnaire/follow-up-hypertension|1"]
    (questions,) = record.find(
        Questionnaire, ("url", "https://yba.vn/fhir/Questionnaire/follow-up-hypertension")
    )
    assert [one.linkId for one in questions.item] == ["chest-pain", "dizzy"]
    twice = doctor.post(f"{begin}?mau=hypertension", PRESSURE)
    assert (twice.status_code, "đang có kế hoạch này" in twice.content.decode()) == (422, True)

    # 9:00: the reading of 7:00 may still be written; that of the evening may not.
    first = page(person, f"/kham-tu-xa/so-do/{plan}")
    assert "HA tâm thu" in first
    assert "đau ngực" not in first
    address = f"/kham-tu-xa/so-do/{plan}"
    for given_, sentence in (
        (pressure("1350", "80"), "1350 mmHg không thể có. Đo lại, ghi từ 40 đến 300 mmHg."),
        (pressure("135", ""), "Ghi một số, ví dụ 80."),
        (pressure("80", "135"), "Số trên của huyết áp phải lớn hơn số dưới."),
        (pressure("135", "80") | {"blood-pressure-unit": "kPa"}, "không ghi bằng đơn vị này. Chọn mmHg."),
        ({}, "Ghi ít nhất một số đo"),
    ):  # fmt: skip
        refused = person.post(address, given_)
        assert (refused.status_code, sentence in refused.content.decode()) == (422, True), sentence
    assert record.find(Observation) == []
    for _again in range(2):
        person.post(address, pressure("132", "84"))
    (kept,) = record.find(Observation)
    assert kept.performer[0].reference == f"Patient/{PERSON}"
    assert [one.reference for one in kept.basedOn] == [f"CarePlan/{plan}"]
    assert kept.interpretation == []  # inside its limits it is called nothing
    assert [
        (one.code.coding[0].code, one.valueQuantity.value, one.valueQuantity.code)  # type: ignore[union-attr]  # each has one
        for one in kept.component
    ] == [("8480-6", Decimal(132), "mm[Hg]"), ("8462-4", Decimal(84), "mm[Hg]")]
    assert alerts(record) == []
    shown = page(person, address)
    assert "132/84" in shown
    assert "Chưa đến giờ đo" in shown
    assert "Lần tới: 19:00, thứ Ba 24/11" in shown
    assert "132/84" in page(doctor, f"/kham-tu-xa/theo-doi/{plan}")

    clock.now = datetime(2026, 11, 26, 9, 0, tzinfo=HANOI)
    later = page(person, address)
    assert (
        later.count("Bỏ lỡ") == 5
    )  # two evenings with their questions, one morning; this morning is still open
    assert "5 lần bỏ lỡ" in page(doctor, f"/kham-tu-xa/theo-doi/{plan}")
    assert doctor.post(f"/kham-tu-xa/theo-doi/{plan}/ket-thuc", {"why": ""}).status_code == 422
    doctor.post(f"/kham-tu-xa/theo-doi/{plan}/ket-thuc", {"why": "Huyết áp ổn định"})
    ended = record.read(CarePlan, plan)
    assert ended.period is not None
    assert (ended.status, ended.period.end, ended.note[0].text) == (
        "completed",
        "2026-11-26",
        "Huyết áp ổn định",
    )
    (team,) = record.find(CareTeam)
    assert team.period is not None
    assert team.period.end == "2026-12-26"
    assert FollowUp.objects.count() == 0
    assert "Kế hoạch đã kết thúc" in page(person, address)
    person.post(address, pressure("150", "90"))
    assert len(record.find(Observation)) == 1


def test_what_lies_outside_alerts_the_team_and_danger_the_person(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    doctor, person = staff(), citizen(PERSON)
    plan = begun(doctor, visit)
    address = f"/kham-tu-xa/so-do/{plan}"
    warned = person.post(address, pressure("165", "90"), follow=True).content.decode()
    assert "Có số ngoài ngưỡng: đã báo cơ sở khám, có thể vài giờ sau mới có người xem." in warned
    assert "gọi 115 ngay" not in warned
    assert alerts(record) == [("urgent", "active", "Huyết áp 165/90 mmHg: cao")]

    clock.now = datetime(2026, 11, 24, 18, 30, tzinfo=HANOI)
    grave = person.post(
        address,
        {
            "blood-pressure-systolic": "190",
            "blood-pressure-diastolic": "121",
            "q-chest-pain": "no",
            "q-dizzy": "yes",
        },
        follow=True,
    ).content.decode()
    assert "Số đo nguy hiểm: gọi 115 ngay" in grave
    worst = max(record.find(Observation), key=lambda one: one.effectiveDateTime or "")
    assert worst.interpretation[0].coding[0].code == "HH"
    (answered,) = record.find(QuestionnaireResponse)
    assert [(one.linkId, one.answer[0].valueBoolean) for one in answered.item] == [
        ("chest-pain", False),
        ("dizzy", True),
    ]
    assert alerts(record)[1:] == [
        ("stat", "active", "Huyết áp 190/121 mmHg: cao"),
        ("urgent", "active", "Hôm nay có chóng mặt hoặc đau đầu nhiều không? Có"),
    ]
    clock.now += timedelta(minutes=20)
    listed = page(doctor, "/kham-tu-xa/theo-doi/")
    assert listed.index("190/121") < listed.index("165/90")  # danger first, then the oldest
    assert "20 phút" in listed
    tasks = {said(one): one.id for one in raised(record)}
    task = tasks["Huyết áp 190/121 mmHg: cao"]
    doctor.post(f"/kham-tu-xa/theo-doi/bao-dong/{task}/take")
    assert f"Đang xử lý: {DOCTOR_NAME}" in page(doctor, "/kham-tu-xa/theo-doi/")
    doctor.post(f"/kham-tu-xa/theo-doi/bao-dong/{task}/close", {"outcome": ""})
    assert record.read(CommunicationRequest, task or "").status == "active"  # closed only with what was done
    assert "gọi 115 ngay" in page(person, address)
    doctor.post(f"/kham-tu-xa/theo-doi/bao-dong/{task}/close", {"outcome": "emergency", "note": "Xe đã đón"})
    closed = record.read(CommunicationRequest, task or "")
    assert closed.statusReason is not None
    assert (closed.status, closed.statusReason.coding[0].code, closed.note[0].text) == (
        "completed", "emergency", "Xe đã đón",
    )  # fmt: skip
    assert "gọi 115 ngay" not in page(person, address)
    assert "190/121" not in page(doctor, "/kham-tu-xa/theo-doi/")


def test_sugar_in_two_units_and_weight_gained(record: Record, visit: Appointment, clock: Clock) -> None:
    doctor, person = staff(), citizen(PERSON)
    sugar = begun(
        doctor, visit, "diabetes", **{"weeks": "1", "glucose-times": "07:00", "glucose-every": "1",
        "glucose-alert-low": "3,9", "glucose-alert-high": "13,9", "glucose-danger-low": "3,0",
        "glucose-danger-high": "19,9",
        "weight-times": "", "weight-every": "7"},
    )  # fmt: skip
    assert "Máy hiện HI hoặc Lo, không hiện số: gọi 115 ngay." in page(person, f"/kham-tu-xa/so-do/{sugar}")
    person.post(f"/kham-tu-xa/so-do/{sugar}", {"glucose-glucose": "65", "glucose-unit": "mg/dL"})
    (kept,) = record.find(Observation, ("based-on", f"CarePlan/{sugar}"))
    assert kept.valueQuantity is not None
    assert (kept.valueQuantity.value, kept.valueQuantity.code) == (Decimal(65), "mg/dL")  # as it was written
    assert alerts(record) == [("urgent", "active", "Đường huyết 65 mg/dL: thấp")]
    heart = begun(
        doctor, visit, "heart-failure", **{"weeks": "1", "weight-times": "07:00", "weight-every": "1",
        "weight-gain": "2", "blood-pressure-times": "", "oxygen-times": "", "oxygen-every": "1"},
    )  # fmt: skip
    for day, kilos in ((24, "60,2"), (25, "61,0"), (26, "62,2")):
        clock.now = datetime(2026, 11, day, 7, 30, tzinfo=HANOI)
        person.post(
            f"/kham-tu-xa/so-do/{heart}",
            {"weight-weight": kilos, "q-breathless-rest": "no", "q-swelling": "no"},
        )
    assert alerts(record)[1:] == [("urgent", "active", "Cân nặng 62,2 kg: cao")]


def test_reminded_at_its_hour_and_missed_told_once(record: Record, visit: Appointment, clock: Clock) -> None:
    doctor, person = staff(), citizen(PERSON)
    plan = begun(doctor, visit)

    system = record
    clock.now = datetime(2026, 11, 24, 9, 1, tzinfo=HANOI)
    at = clock.now
    assert sweep.sweep(clocked(system, at), at) == 1
    assert Message.objects.count() == 0  # two hours after seven nobody is reminded
    for hour, minute in ((19, 0), (19, 5), (20, 0)):
        at = datetime(2026, 11, 24, hour, minute, tzinfo=HANOI)
        sweep.sweep(clocked(system, at), at)
    (told,) = Message.objects.all()  # one for the pressure and the questions
    assert (told.kind, told.to_phone, told.text) == (
        "follow-up.due", "0905123456", "BV Huong Giang: den gio ghi. Vao Y Ba, So do tai nha.",
    )  # fmt: skip
    clock.now = datetime(2026, 11, 25, 7, 5, tzinfo=HANOI)
    person.post(f"/kham-tu-xa/so-do/{plan}", pressure("130", "80"))
    sweep.sweep(clocked(system, clock.now), clock.now)
    assert Message.objects.count() == 1  # what is written already is not reminded of
    for day in (26, 27, 28, 29):
        for hour in (7, 16, 19, 23):
            at = datetime(2026, 11, day, hour, 30, tzinfo=HANOI)
            sweep.sweep(clocked(system, at), at)
    missed = [one for one in alerts(record) if one[0] == "routine"]
    assert missed == [
        ("routine", "active", "Huyết áp: 4 lần liền không ghi"),
        ("routine", "active", "Câu hỏi: 4 lần liền không ghi"),
    ]
    clock.now = datetime(2026, 11, 29, 23, 45, tzinfo=HANOI)
    assert "Không ghi" in page(doctor, "/kham-tu-xa/theo-doi/")
    for day in (8, 9):
        at = datetime(2026, 12, day, 12, 0, tzinfo=HANOI)
        sweep.sweep(clocked(system, at), at)
    assert (record.read(CarePlan, plan).status, FollowUp.objects.count()) == ("completed", 0)


def clocked(record: Record, at: datetime) -> Record:
    """The house's own record at a moment."""
    return fhir.open(record.connection, actor=SYSTEM, clock=lambda: at, transaction=transaction.atomic)


def test_refused_alike_who_has_no_part_in_it(record: Record, visit: Appointment, clock: Clock) -> None:
    doctor, person = staff(), citizen(PERSON)
    plan = begun(doctor, visit)
    person.post(f"/kham-tu-xa/so-do/{plan}", pressure("190", "121"))
    (task,) = raised(record)
    (kept,) = record.find(Observation)
    video_visit(record, OTHER, code="OTHER1", start=NOW + timedelta(hours=3), video=False)
    begin = f"/kham-tu-xa/theo-doi/lap/Appointment/{visit.id}"
    team = [f"/kham-tu-xa/theo-doi/{plan}", begin, f"/kham-tu-xa/theo-doi/{plan}/ket-thuc"]
    deeds = [f"/kham-tu-xa/theo-doi/bao-dong/{task.id}/{one}" for one in ("take", "close")]
    for client, addresses in (
        (citizen(OTHER), [f"/kham-tu-xa/so-do/{plan}", *team, *deeds]),
        (citizen("nb-khac-nua", PERSON), [f"/kham-tu-xa/so-do/{plan}"]),
        (staff(practitioner=STRANGER, facility=ELSEWHERE, name="BS. Khác"), [*team, *deeds]),
        (staff("cashier"), [*team, *deeds, "/kham-tu-xa/theo-doi/"]),
        (staff("nurse", practitioner="", name="ĐD. Mai"), [begin, f"/kham-tu-xa/theo-doi/{plan}/ket-thuc"]),
    ):
        for address in addresses:
            assert client.post(address, {"outcome": "called", "why": "x"}).status_code in (404, 405), address
            assert client.get(address).status_code in (404, 405), address
    assert record.read(CommunicationRequest, task.id or "").status == "active"
    assert NAME not in page(
        staff(practitioner="bs-3", facility=ELSEWHERE, name="BS. Ba"), "/kham-tu-xa/theo-doi/"
    )
    for address in (f"/kham-tu-xa/so-do/{plan}", "/kham-tu-xa/theo-doi/", begin):
        assert Client().get(address).status_code == 302
    for role in (
        as_role(record, "doctor", facility=ELSEWHERE, practitioner=STRANGER),
        as_role(record, "citizen", persons=frozenset({OTHER})),
    ):
        for kind, identifier in ((CarePlan, plan), (Observation, kept.id), (CommunicationRequest, task.id)):
            with pytest.raises(NotFound):
                role.read(kind, identifier or "")
    assert as_role(record, "citizen", persons=frozenset({PERSON})).read(CarePlan, plan).id == plan
    clock.now += timedelta(days=20)  # the booking opens the chart no more, the plan's team does
    assert as_role(record, "doctor", practitioner=DOCTOR).read(CarePlan, plan).id == plan


# -- rules -------------------------------------------------------------------------------------------------


def test_templates_name_their_sources_and_bounds_in_order() -> None:
    assert list(templates()) == ["hypertension", "diabetes", "heart-failure"]
    for one in templates().values():
        assert all("QĐ-BYT" in source for source in one.sources)
        assert all(item.times for item in one.items)


@given(
    value=some.decimals(min_value=0, max_value=400, places=1),
    alert=some.tuples(some.integers(80, 110), some.integers(120, 160)),
    wider=some.integers(0, 60),
)
def test_no_reading_beyond_danger_is_called_less(value: Decimal, alert: tuple[int, int], wider: int) -> None:
    low, high = (Decimal(one) for one in alert)
    limits = Limits((low, high), (low - wider, high + wider))
    found = judge(limits, value, MEASURES["pulse"].unit)
    grave = value < low - wider or value > high + wider
    outside = value < low or value > high
    assert found.level == ("danger" if grave else "alert" if outside else "")
    assert found.side == ("low" if value < low else "high" if value > high else "")


@pytest.mark.parametrize(
    ("measure", "unit", "text", "kept"),
    [
        ("glucose", "mg/dL", "126", Decimal(126)), ("glucose", "mmol/L", "7,0", Decimal("7.0")),
        ("glucose", "mmol/L", "126", None), ("weight", "kg", "4500", None), ("weight", "kg", "45,5", Decimal("45.5")),
        ("temperature", "Cel", "98", None), ("oxygen", "%", "101", None), ("pulse", "/min", "bảy mươi", None),
        ("pulse", "/min", "-70", None),
    ],
)  # fmt: skip
def test_only_what_a_body_can_have_is_taken(measure: str, unit: str, text: str, kept: Decimal | None) -> None:
    found = MEASURES[measure]
    used = measures.unit_of(found, unit)
    assert not isinstance(used, Refusal)
    answer = reading(found.parts[0], used, text)
    assert (answer if kept is not None else isinstance(answer, Refusal)) == (
        kept if kept is not None else True
    )


@given(
    times=some.sets(
        some.times().map(lambda one: one.replace(second=0, microsecond=0)), min_size=1, max_size=6
    ),
    every=some.integers(1, 7),
)
def test_each_due_moment_has_one_window_and_one_name(times: set[time], every: int) -> None:
    first = NOW.date()
    item = Item("pulse", tuple(sorted(times)), every, {})
    plan = Plan("p", "x", "", "", "", "", "", "", "active", first, first + timedelta(days=20), (item,), (), 0)
    found = plans.due_between(plan, first, plan.last)
    assert len({one.slot("p") for one in found}) == len(found) == len(times) * len(range(0, 21, every))
    assert all(one.opens < one.at < one.closes for one in found)
    part = plans.due_between(plan, first + timedelta(days=3), first + timedelta(days=9))
    assert part == [
        one for one in found if first + timedelta(days=3) <= one.at.date() <= first + timedelta(days=9)
    ]


def test_nothing_was_missed_before_the_plan_began(record: Record, visit: Appointment, clock: Clock) -> None:
    clock.now = datetime(2026, 11, 24, 20, 43, tzinfo=HANOI)
    plan = begun(staff(), visit, **{"pulse-times": "07:00"})
    person = citizen(PERSON)
    shown = page(person, f"/kham-tu-xa/so-do/{plan}")
    assert "Bỏ lỡ" not in shown
    assert "HA tâm thu" in shown  # that of 19:00 may still be written
    clock.now = datetime(2026, 11, 25, 15, 30, tzinfo=HANOI)
    # This morning's pressure and pulse; of yesterday's nothing was asked for before the plan.
    assert page(person, f"/kham-tu-xa/so-do/{plan}").count("Bỏ lỡ") == 2


def test_a_reading_that_comes_late_or_second_is_kept_and_judged(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    doctor, person = staff(), citizen(PERSON)
    address = f"/kham-tu-xa/so-do/{begun(doctor, visit)}"
    clock.now = datetime(2026, 11, 24, 14, 55, tzinfo=HANOI)
    assert "HA tâm thu" in page(person, address)  # opened while that of seven may be written ...
    clock.now = datetime(2026, 11, 24, 15, 5, tzinfo=HANOI)
    for _twice in range(2):  # ... and sent after its window was over
        sent = person.post(address, pressure("192", "124"), follow=True).content.decode()
        assert "Số đo nguy hiểm: gọi 115 ngay" in sent
    assert alerts(record) == [("stat", "active", "Huyết áp 192/124 mmHg: cao")]
    # Two at home write the same evening: neither number is lost, and the worse one alerts.
    clock.now = datetime(2026, 11, 24, 19, 5, tzinfo=HANOI)
    person.post(address, pressure("130", "80"))
    clock.now += timedelta(minutes=2)
    person.post(address, pressure("78", "49"))
    assert alerts(record)[1:] == [("stat", "active", "Huyết áp 78/49 mmHg: thấp")]
    assert "78/49" in page(person, address)
    # An answer of the evening, sent in the morning.
    clock.now = datetime(2026, 11, 25, 3, 30, tzinfo=HANOI)
    for _twice in range(2):
        person.post(address, {"q-chest-pain": "yes", "q-dizzy": "no"})
    assert len(record.find(QuestionnaireResponse)) == 1
    assert alerts(record)[2][0] == "stat"
    assert person.post(address, pressure("999", "80")).status_code == 422
    assert (
        "Đo lại, ghi từ" in person.post(address, pressure("999", "80")).content.decode()
    )  # and the field is there


def test_of_two_hours_that_are_open_the_earlier_is_answered() -> None:
    plan = Plan("p", "x", "", "", "", "", "", "", "active", NOW.date(), NOW.date(), (), (), 0)
    item = Item("pulse", (time(7), time(9)), 1, {"pulse": Limits()})
    due = plans.due_between(replace(plan, items=(item,)), NOW.date(), NOW.date())
    form = ReadingsForm({"pulse-pulse": "70"}, plan=replace(plan, items=(item,)), due=due, language="vi")
    assert form.is_valid(), form.errors
    ((answered, _taken),) = form.cleaned_data["taken"]
    assert answered.at.hour == 7


def test_an_hour_is_the_clinics(record: Record, visit: Appointment) -> None:
    address = f"/kham-tu-xa/theo-doi/lap/Appointment/{visit.id}?mau=hypertension"
    doctor = staff()
    for wrong in ("07:00Z, 19:00", "07:00+09:00, 19:00", "25:00"):
        refused = doctor.post(address, PRESSURE | {"blood-pressure-times": wrong})
        assert (refused.status_code, "Viết giờ như 07:00" in refused.content.decode()) == (422, True), wrong


def test_danger_nobody_was_reached_about_stays_open(record: Record, visit: Appointment, clock: Clock) -> None:
    doctor, person = staff(), citizen(PERSON)
    plan = begun(doctor, visit)
    person.post(f"/kham-tu-xa/so-do/{plan}", pressure("192", "124"))
    (task,) = raised(record)
    base = f"/kham-tu-xa/theo-doi/bao-dong/{task.id}"
    doctor.post(f"{base}/take")
    told = doctor.post(
        f"{base}/close", {"outcome": "unreached", "note": "Máy bận"}, follow=True
    ).content.decode()
    assert "còn mở vì chưa liên lạc được" in told
    assert f"Không liên lạc được. Máy bận, 9:00, thứ Ba 24/11, {DOCTOR_NAME}" in told
    assert "Đang xử lý" not in told  # nobody's: the next one may take it
    assert "gọi 115 ngay" in page(person, f"/kham-tu-xa/so-do/{plan}")
    doctor.post(f"{base}/take")
    doctor.post(f"{base}/close", {"outcome": "called"})
    assert record.read(CommunicationRequest, task.id or "").status == "completed"


def test_a_long_silence_is_told_once_and_a_rare_measure_at_all(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    begun(staff(), visit, **{"weeks": "20", "blood-pressure-every": "14", "pulse-times": "07:00"})
    for day in range(1, 100, 3):
        at = datetime(2026, 11, 24, 23, 30, tzinfo=HANOI) + timedelta(days=day)
        FollowUp.objects.update(next_at=at)
        sweep.sweep(clocked(record, at), at)
    told = [said(one).partition(":")[0] for one in raised(record)]
    assert sorted(told) == ["Câu hỏi", "Huyết áp", "Mạch"]


def test_who_is_on_duty_is_told_of_danger_at_any_hour_and_of_the_rest_out_of_hours(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    doctor, person, admin = staff(), citizen(PERSON), staff("facility_administrator", name="Quản trị")
    hours = {"days": ["1"], "morning_from": "08:00", "morning_to": "11:00", "hours": "2"}
    half = admin.post("/kham-tu-xa/tin/gio", hours | {"duty_name": "ĐD. Trực"})
    assert (half.status_code, "Ghi cả tên và điện thoại" in half.content.decode()) == (422, True)
    assert (
        admin.post(
            "/kham-tu-xa/tin/gio", hours | {"duty_name": "ĐD. Trực", "duty_phone": "0905 777 888"}
        ).status_code
        == 302
    )
    assert 'value="0905 777 888"' in page(admin, "/kham-tu-xa/tin/gio")
    plan = begun(doctor, visit)
    address = f"/kham-tu-xa/so-do/{plan}"

    def told() -> list[str]:
        return [one.to_phone for one in Message.objects.filter(kind="follow-up.on-duty")]

    person.post(address, pressure("165", "95"))  # Tuesday 9:00: the team sits there
    assert ([one[0] for one in alerts(record)], told()) == (["urgent"], [])
    clock.now = datetime(2026, 11, 24, 19, 30, tzinfo=HANOI)
    person.post(address, pressure("165", "95"))
    assert told() == ["0905777888"]
    clock.now = datetime(2026, 12, 1, 8, 30, tzinfo=HANOI)
    person.post(address, pressure("195", "125"))
    person.post(address, pressure("195", "125"))  # sent twice
    assert told() == ["0905777888"] * 2
    text = Message.objects.filter(kind="follow-up.on-duty").latest("pk").text
    assert "8:30" in text
    assert "195" not in text
    assert NAME.split()[-1] not in text
    admin.post("/kham-tu-xa/tin/gio", hours)
    clock.now = datetime(2026, 12, 1, 19, 30, tzinfo=HANOI)
    person.post(address, pressure("195", "125"))
    assert len(told()) == 2, "nobody is named any more"


def test_letters_on_a_meter_are_written_down_and_are_danger_whatever_the_limits(
    record: Record, visit: Appointment, clock: Clock
) -> None:
    doctor, person = staff(), citizen(PERSON)
    sugar = begun(
        doctor, visit, "diabetes", **{"weeks": "1", "glucose-times": "07:00", "glucose-every": "1",
        "glucose-alert-low": "3,9", "glucose-alert-high": "13,9", "glucose-danger-low": "",
        "glucose-danger-high": "", "weight-times": "", "weight-every": "7"},
    )  # fmt: skip
    address = f"/kham-tu-xa/so-do/{sugar}"
    both = person.post(address, {"glucose-glucose": "6,5", "glucose-letters": "hi", "glucose-unit": "mmol/L"})
    assert (both.status_code, "không cả hai" in both.content.decode()) == (422, True)
    assert record.find(Observation, ("based-on", f"CarePlan/{sugar}")) == []
    answer = person.post(
        address, {"glucose-letters": "hi", "glucose-unit": "mmol/L"}, follow=True
    ).content.decode()
    assert "115" in answer
    person.post(address, {"glucose-letters": "hi", "glucose-unit": "mmol/L"})  # sent twice
    (kept,) = record.find(Observation, ("based-on", f"CarePlan/{sugar}"))
    quantity = kept.valueQuantity
    assert quantity is not None
    assert (quantity.comparator, quantity.value, quantity.code) == (">", Decimal("27.8"), "mmol/L")
    assert kept.interpretation[0].coding[0].code == "HH"
    assert alerts(record) == [("stat", "active", "Đường huyết HI (trên 27,8 mmol/L): cao")]
    assert "HI (trên 27,8\u00a0mmol/L)" in page(doctor, f"/kham-tu-xa/theo-doi/{sugar}")
    clock.now = datetime(2026, 11, 25, 7, 30, tzinfo=HANOI)
    person.post(address, {"glucose-glucose": "Lo", "glucose-unit": "mg/dL"})
    assert alerts(record)[1:] == [("stat", "active", "Đường huyết Lo (dưới 20 mg/dL): thấp")]
