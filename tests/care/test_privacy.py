"""Deadlines, retention and consents: the law's numbers, and the proof that is kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import NOW
from yba import fhir
from yba.care.days_off import calendar
from yba.care.privacy import actions, rules, tables
from yba.care.privacy.models import Agreement, Request
from yba.care.refusal import Refusal

DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 11, 23), True), (date(2026, 11, 22), False), (date(2026, 11, 21), False), (date(2026, 9, 2), False),
        (date(2026, 2, 17), False), (date(2026, 8, 22), True), (date(2026, 8, 31), False), (date(2027, 4, 30), False),
    ],
)  # fmt: skip
def test_the_days_offices_work(day: date, works: bool) -> None:
    assert calendar().is_working(day) is works


@pytest.mark.parametrize(
    ("kind", "asked", "extended", "last"),
    [
        ("first-reply", date(2026, 11, 23), False, date(2026, 11, 25)),
        ("first-reply", date(2026, 11, 20), False, date(2026, 11, 24)),  # over a Saturday and a Sunday
        ("first-reply", date(2026, 2, 13), False, date(2026, 2, 24)),  # over Tết
        ("correct", date(2026, 11, 23), False, date(2026, 12, 3)),
        ("correct", date(2026, 11, 25), False, date(2026, 12, 7)),  # the tenth day is a Saturday
        ("correct", date(2026, 11, 23), True, date(2026, 12, 8)),
        ("erase", date(2026, 11, 23), False, date(2026, 12, 14)),  # the twentieth day is a Sunday
        ("erase", date(2026, 11, 23), True, date(2026, 12, 23)),
        ("withdraw", date(2026, 11, 23), False, date(2026, 12, 8)),
        ("provide", date(2026, 8, 21), False, date(2026, 9, 3)),  # 31 August to 2 September are holidays
    ],
)
def test_the_last_day_for_an_answer(kind: str, asked: date, extended: bool, last: date) -> None:
    assert rules.due(kind, asked, extended=extended) == last


@given(DAYS, st.sampled_from([one.kind for one in tables.deadlines()]))
def test_a_last_day_is_a_working_day_and_none_too_few(asked: date, kind: str) -> None:
    row, last = rules.deadline_of(kind, asked), rules.due(kind, asked)
    assert calendar().is_working(last)
    assert (last - asked).days >= row.days
    assert rules.due(kind, asked, extended=True) >= last
    if row.unit == "working":
        assert rules.working_days_left(asked, last) == row.days


def test_an_unknown_kind_has_no_deadline() -> None:
    with pytest.raises(LookupError):
        rules.due("sing", date(2026, 11, 23))


@pytest.mark.parametrize(
    ("codes", "died", "key", "until"),
    [
        (["I10"], False, "record", date(2036, 12, 31)),
        ([], False, "record", date(2036, 12, 31)),
        (["J18.9", "F32.1"], False, "psychiatric-accident", date(2046, 12, 31)),
        (["V23.4"], False, "psychiatric-accident", date(2046, 12, 31)),
        (["I21.0"], True, "death", date(2056, 12, 31)),
        (["Z94.0"], False, "organ-donor", date(2056, 12, 31)),
        (["Z31.2"], True, "assisted-reproduction", None),
    ],
)
def test_a_record_is_kept_by_the_class_that_keeps_it_longest(
    codes: list[str], died: bool, key: str, until: date | None
) -> None:
    found = rules.kept(ended=date(2026, 3, 5), codes=codes, died=died)
    assert (found.by.key, found.until) == (key, until)
    assert not found.is_past(date(2036, 12, 31))


def test_a_record_is_past_only_after_its_last_day() -> None:
    found = rules.kept(ended=date(2016, 1, 1), codes=[])
    assert (found.is_past(date(2026, 12, 31)), found.is_past(date(2027, 1, 1))) == (False, True)


@pytest.mark.parametrize(
    ("own", "born", "may"),
    [
        (True, "1958-09-05", True), (False, "1958-09-05", False), (False, "2010-11-24", True),
        (False, "2010-11-23", False), (False, "2010", True), (False, "2009", False), (False, "", False),
        (False, "2020-05", True),
    ],
)  # fmt: skip
def test_whose_copy_may_be_taken(own: bool, born: str, may: bool) -> None:
    assert rules.may_take_copy(own=own, birth_date=born, today=date(2026, 11, 23)) is may


def test_every_table_names_its_law() -> None:
    assert all(one.article for one in (*tables.deadlines(), *tables.classes(), *tables.activities()))
    assert {one.basis for one in tables.activities()} == {"law", "emergency", "consent", "contract"}
    for text in tables.consent_texts():
        assert {"vi", "en"} <= set(text.titles) & set(text.texts), text.purpose
        assert not text.sensitive or "nhạy cảm" in text.texts["vi"]
    assert all(one.class_kept or one.kept_until for one in tables.activities())
    assert {one.kept for one in tables.activities()} - {""} <= {one.key for one in tables.classes()}


# -- consents -----------------------------------------------------------------------------------------------


def test_only_a_yes_is_a_yes_and_its_proof_stays(record: fhir.Record) -> None:
    text = tables.text_in_force("research", NOW.date())
    assert text is not None
    assert not actions.consented("nb-1", "research")
    none_yet = actions.agree(record, patient="nb-1", purpose="research", version=text.version, given=False)
    assert isinstance(none_yet, Refusal)
    said = actions.agree(
        record,
        patient="nb-1",
        purpose="research",
        version=text.version,
        given=True,
        evidence={"address": "1.2.3.4"},
    )
    assert isinstance(said, Agreement)
    assert (said.digest, said.method, said.evidence) == (text.digest, "page", {"address": "1.2.3.4"})
    assert actions.consented("nb-1", "research")
    assert not actions.consented("nb-2", "research")
    assert not actions.consented("nb-1", "survey")
    again = actions.agree(record, patient="nb-1", purpose="research", version=text.version, given=True)
    assert again == said
    actions.agree(record, patient="nb-1", purpose="research", version=text.version, given=False)
    assert not actions.consented("nb-1", "research")
    assert Agreement.objects.filter(patient_id="nb-1").count() == 2


@pytest.mark.parametrize(("purpose", "version"), [("research", "0"), ("sell", "1"), ("", "")])
def test_a_text_nobody_could_have_read_is_agreed_to_by_nobody(
    record: fhir.Record, purpose: str, version: str
) -> None:
    said = actions.agree(record, patient="nb-1", purpose=purpose, version=version, given=True)
    assert isinstance(said, Refusal)
    assert said.key == "privacy.text-changed"
    assert Agreement.objects.count() == 0


def test_a_new_wording_has_another_digest() -> None:
    digests = [one.digest for one in tables.consent_texts()]
    assert len(set(digests)) == len(digests)
    text = tables.consent_texts()[0]
    changed = tables.Text(
        text.purpose, text.version, text.since, text.until, text.titles, {**text.texts, "vi": "khác"}, True
    )
    assert changed.digest != text.digest


# -- requests -----------------------------------------------------------------------------------------------


def asked(**fields: str) -> actions.Asked:
    return actions.Asked(
        **{"kind": "correct", "patient": "nb-1", "patient_name": "Hạnh", "facility": "f", **fields}
    )


def test_a_request_carries_its_days_and_its_steps(record: fhir.Record) -> None:
    record.clock = lambda: datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
    row = actions.ask(record, asked(), once="x")
    assert isinstance(row, Request)
    assert (row.reply_due, row.due, row.number) == (
        date(2026, 11, 24),
        date(2026, 11, 30),
        f"YC-{row.pk:05d}",
    )
    assert actions.ask(record, asked(), once="x") == row
    taken = actions.take(record, row.pk)
    assert isinstance(taken, Request)
    assert taken.replied_at == record.clock()
    assert isinstance(again := actions.take(record, row.pk), Refusal)
    assert again.key == "privacy.closed"
    longer = actions.extend(record, row.pk, "Chờ phòng xét nghiệm")
    assert isinstance(longer, Request)
    assert longer.due == date(2026, 12, 7)
    for reason, key in (("", "privacy.extended"), ("nữa", "privacy.extended")):
        assert isinstance(no := actions.extend(record, row.pk, reason), Refusal)
        assert no.key == key
    gone = actions.withdraw(record, row.pk)
    assert isinstance(gone, Request)
    assert (gone.state, [one.words for one in gone.steps.all()]) == (
        "withdrawn", ["Đã gửi", "Đã nhận và đang xem", "Đã gia hạn", "Người xin đã rút"],
    )  # fmt: skip
    assert isinstance(actions.withdraw(record, row.pk), Refusal)


def test_a_person_does_not_flood_the_facility(record: fhir.Record) -> None:
    for _ in range(actions.MOST_OPEN):
        assert isinstance(actions.ask(record, asked()), Request)
    assert isinstance(no := actions.ask(record, asked()), Refusal)
    assert no.key == "privacy.too-many"
    assert isinstance(actions.ask(record, asked(patient="nb-2")), Request)


def test_the_officer_named_last_is_shown(record: fhir.Record) -> None:
    first = record.clock()
    actions.name_officer(record, facility="f", name="Một", phone="0905000001", email="")
    record.clock = lambda: first + timedelta(minutes=1)
    actions.name_officer(record, facility="f", name="Hai", phone="0905000002", email="")
    found = actions.officer_of("f")
    assert found is not None
    assert found.name == "Hai"
    assert actions.officer_of("g") is None
