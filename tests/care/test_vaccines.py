"""The national immunisation schedule: cases worked out by hand, day by day, and what holds of any history."""

from __future__ import annotations

from datetime import date, timedelta
from importlib import resources
from itertools import count, pairwise

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as some

from yba.care.vaccines.bars import answered, bars_of, questions_of
from yba.care.vaccines.forecasting import advise, outlook
from yba.care.vaccines.schedule import Wrong, read, schedule
from yba.care.vaccines.spans import span
from yba.care.vaccines.values import Advice, Fact, Forecast, Given, Person, Status

MADE = schedule()
TODAY = date(2026, 11, 24)
_NUMBER = count()


def day(text: str) -> date:
    """``15/01/2026``."""
    number, month, year = text.split("/")
    return date(int(year), int(month), int(number))


def dose(code: str, when: str | date, *, status: Status = "completed", spoilt: str = "") -> Given:
    on = when if isinstance(when, date) else day(when)
    return Given(f"i{next(_NUMBER)}", code, MADE.products[code], on, on, status, spoilt)


def advice(
    birth: str, *history: Given, on: date = TODAY, facts: tuple[Fact, ...] = (), sex: str = "male"
) -> Advice:
    return advise(MADE, Person(day(birth), sex), history, facts, on=on)


def said(found: Forecast) -> tuple[str, int, int]:
    return found.state, found.counted, found.doses


def due(found: Forecast) -> tuple[int, str, str]:
    """The next dose: its number, the first day it counts, the day it is wanted."""
    assert found.next is not None
    return found.next.dose, f"{found.next.earliest:%d/%m/%Y}", f"{found.next.recommended:%d/%m/%Y}"


def plan(series: str, birth: str, *history: Given) -> list[tuple[int, str, str]]:
    found = outlook(MADE, MADE.series[series], Person(day(birth), "male"), history, on=TODAY)
    return [(one.dose, f"{one.earliest:%d/%m/%Y}", f"{one.recommended:%d/%m/%Y}") for one in found]


# -- the calendar ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [
        ("05/01/2026", "28d", "02/02/2026"), ("15/01/2026", "6w", "26/02/2026"), ("15/01/2026", "9m", "15/10/2026"),
        ("31/01/2026", "1m", "01/03/2026"), ("31/01/2024", "1m", "01/03/2024"), ("30/11/2025", "3m", "01/03/2026"),
        ("31/08/2025", "9m", "31/05/2026"), ("31/05/2025", "9m", "01/03/2026"), ("29/02/2024", "1y", "01/03/2025"),
        ("29/02/2024", "4y", "29/02/2028"), ("29/02/2024", "12m", "01/03/2025"), ("31/12/2025", "2m", "01/03/2026"),
        ("31/10/2026", "1m", "01/12/2026"),
    ],
)  # fmt: skip
def test_ages_go_by_the_calendar(start: str, length: str, end: str) -> None:
    assert span(length).after(day(start)) == day(end)


@drawn(some.dates(date(2000, 1, 1), date(2030, 12, 31)), some.integers(0, 200), some.sampled_from("dwmy"))
def test_a_later_day_is_never_of_age_earlier(start: date, number: int, unit: str) -> None:
    length = span(f"{number}{unit}")
    assert length.after(start) <= length.after(start + timedelta(days=1))
    assert length.after(start) >= start
    assert span(f"{number + 1}{unit}").after(start) > length.after(start)


# -- late starts -------------------------------------------------------------------------------------------


def test_peer_10_a_child_who_starts_at_ten_months() -> None:
    """Born 15/01/2026, BCG at birth and nothing since; asked on 24/11/2026."""
    birth, bcg = "15/01/2026", dose("BCG", "16/01/2026")
    found = advice(birth, bcg)
    assert said(found.of("bcg")) == ("complete", 1, 1)
    assert said(found.of("hepatitis-b-birth")) == ("aged-out", 0, 1)
    assert (said(found.of("dtp")), due(found.of("dtp"))) == (
        ("overdue", 0, 4),
        (1, "26/02/2026", "15/03/2026"),
    )
    # Three doses a month apart from today, the booster 6 months after the third: that is later than 18 months.
    assert plan("dtp", birth, bcg) == [
        (1, "26/02/2026", "15/03/2026"), (2, "22/12/2026", "24/12/2026"), (3, "21/01/2027", "24/01/2027"),
        (4, "24/07/2027", "24/07/2027"),
    ]  # fmt: skip
    assert plan("hib", birth, bcg)[1:] == [
        (2, "22/12/2026", "24/12/2026"), (3, "21/01/2027", "24/01/2027"),
    ]  # fmt: skip
    assert plan("polio-inactivated", birth, bcg) == [
        (1, "26/02/2026", "15/06/2026"), (2, "19/01/2027", "24/03/2027"),
    ]  # fmt: skip
    assert (said(found.of("measles")), due(found.of("measles"))) == (
        ("overdue", 0, 2), (1, "15/10/2026", "15/10/2026"),
    )  # fmt: skip
    assert plan("measles", birth, bcg)[1] == (2, "15/01/2027", "15/07/2027")
    # 20 weeks were 04/06/2026: rotavirus vaccine is not begun any more.
    assert said(found.of("rotavirus")) == ("aged-out", 0, 2)
    assert (said(found.of("japanese-encephalitis")), due(found.of("japanese-encephalitis"))) == (
        ("upcoming", 0, 3), (1, "15/01/2027", "15/01/2027"),
    )  # fmt: skip


def test_peer_10_a_child_who_starts_at_twenty_months() -> None:
    """Born 10/03/2025, nothing recorded: WHO's rules for whoever begins after the first birthday."""
    birth = "10/03/2025"
    found = advice(birth)
    assert said(found.of("hib")) == ("overdue", 0, 1)  # one dose is enough
    assert said(found.of("pneumococcus")) == ("due", 0, 2)  # where it is given; never overdue
    assert said(found.of("bcg")) == ("aged-out", 0, 1)
    # The third dose is wanted 6 months after the second, and counts from 28 days.
    assert plan("dtp", birth)[1:] == [
        (2, "22/12/2026", "24/12/2026"), (3, "21/01/2027", "24/06/2027"), (4, "24/12/2027", "24/12/2027"),
    ]  # fmt: skip
    # 18 months have passed (10/09/2026): the second measles dose follows after 28 days.
    assert plan("measles", birth)[1] == (2, "22/12/2026", "22/12/2026")
    assert plan("japanese-encephalitis", birth) == [
        (1, "10/03/2026", "10/03/2026"), (2, "01/12/2026", "01/12/2026"), (3, "01/12/2027", "01/12/2027"),
    ]  # fmt: skip
    assert (found.judged, found.whole, found.unjudged) == (0, True, ())
    # Begun at 11 months it stays three doses of Hib.
    begun = advice(birth, dose("5TRONG1", "10/02/2026"))
    assert (said(begun.of("hib")), due(begun.of("hib"))) == (
        ("overdue", 1, 3),
        (2, "10/03/2026", "10/03/2026"),
    )


def test_peer_10_too_old_is_not_finished() -> None:
    """At 8 years without a dose: no DTP any more, and nothing says that it is complete."""
    found = advice("01/06/2018")
    assert said(found.of("dtp")) == ("aged-out", 0, 4)
    assert said(found.of("hib")) == ("aged-out", 0, 1)
    assert (said(found.of("td-school")), due(found.of("td-school"))) == (
        ("overdue", 0, 1), (1, "01/06/2025", "01/06/2025"),
    )  # fmt: skip
    assert {one.state for one in found.forecasts if one.series in ("polio", "measles", "hepatitis-b")} == {
        "overdue"
    }
    # A grown-up is not "overdue" for the vaccines of children.
    grown = advice("12/03/1968", sex="female")
    assert {one.state for one in grown.forecasts} == {"aged-out", "not-applicable"}


# -- intervals ---------------------------------------------------------------------------------------------


def test_peer_10_least_intervals_to_the_day() -> None:
    """27 days do not count; the next is measured from what was given, counted or not."""
    birth = "01/02/2026"
    one, two = dose("5TRONG1", "12/04/2026"), dose("5TRONG1", "09/05/2026")
    found = advice(birth, one, two, on=day("10/05/2026"))
    (first, second) = found.of("dtp").verdicts
    assert (first.reason, first.dose) == ("counted", 1)
    assert (second.reason, second.dose, second.until) == ("too-close", 0, day("10/05/2026"))
    assert due(found.of("dtp")) == (2, "06/06/2026", "09/06/2026")
    early, right = dose("5TRONG1", "05/06/2026"), dose("5TRONG1", "06/06/2026")
    assert advice(birth, one, two, early).of("hib").verdicts[2].until == day("06/06/2026")
    assert said(advice(birth, one, two, right).of("hepatitis-b")) == ("overdue", 2, 3)
    # 28 days count.
    assert advice(birth, one, dose("5TRONG1", "10/05/2026")).of("dtp").counted == 2


def test_peer_10_combined_vaccines_count_to_each_disease() -> None:
    """6 in 1 at 2, 3 and 4 months: five series, and polio by injected vaccine alone."""
    birth = "01/02/2026"
    history = [dose("VGB", "01/02/2026"), *(dose("6TRONG1", f"01/0{month}/2026") for month in (4, 5, 6))]
    found = advice(birth, *history, on=day("01/07/2026"))
    assert [said(found.of(one)) for one in ("hepatitis-b-birth", "dtp", "hepatitis-b", "hib", "polio")] == [
        ("complete", 1, 1), ("upcoming", 3, 4), ("complete", 3, 3), ("complete", 3, 3), ("complete", 3, 3),
    ]  # fmt: skip
    assert found.of("polio").path == "inactivated"
    # Injected polio: the second dose counts from 14 weeks (10/05), 8 weeks after the first that counts (27/05).
    assert [one.reason for one in found.of("polio-inactivated").verdicts] == [
        "counted",
        "too-young",
        "counted",
    ]
    close = [dose("6TRONG1", one) for one in ("01/04/2026", "26/05/2026")]
    assert advice(birth, *close).of("polio-inactivated").verdicts[1].until == day("27/05/2026")
    assert due(found.of("dtp")) == (4, "01/02/2027", "01/08/2027")
    mixed = advice(birth, dose("OPV", "01/04/2026"), dose("OPV", "01/05/2026"), dose("IPV", "01/07/2026"))
    assert (said(mixed.of("polio")), mixed.of("polio").mixed) == (("overdue", 2, 3), False)


def test_peer_10_too_early_is_given_again() -> None:
    """Measles vaccine a day before 9 months (31/05/2025 + 9 months = 01/03/2026, for February has no 31st)."""
    birth = "31/05/2025"
    early = dose("SOI", "28/02/2026")
    found = advice(birth, early, on=day("01/03/2026")).of("measles")
    assert (found.verdicts[0].reason, found.verdicts[0].until) == ("too-young", day("01/03/2026"))
    assert (said(found), due(found)) == (("upcoming", 0, 2), (1, "28/03/2026", "28/03/2026"))
    assert said(advice(birth, dose("SOI", "01/03/2026"), on=day("02/03/2026")).of("measles")) == (
        "upcoming",
        1,
        2,
    )
    # Born on 29 February: one year is full on 1 March.
    leap = advice("29/02/2024", dose("JEVAX", "28/02/2025"), dose("JEVAX", "08/03/2025")).of(
        "japanese-encephalitis"
    )
    assert [(one.reason, one.until) for one in leap.verdicts] == [
        ("too-young", day("01/03/2025")),
        ("counted", None),
    ]


def test_peer_10_live_vaccines_four_weeks_apart_unless_the_same_day() -> None:
    birth = "10/01/2025"
    varicella = dose("THUY-DAU", "10/10/2026")
    apart = advice(birth, varicella, dose("MR", "06/11/2026"))
    assert [(one.reason, one.until) for one in apart.of("rubella").verdicts] == [
        ("live-apart", day("07/11/2026"))
    ]
    assert due(apart.of("rubella")) == (1, "04/12/2026", "04/12/2026")
    for other in (dose("MR", "07/11/2026"), dose("MR", "10/10/2026")):
        assert said(advice(birth, varicella, other).of("rubella")) == ("complete", 1, 1)
    # What is taken by mouth keeps no distance; a vaccine nobody knows may be a live one.
    mouth = advice(birth, dose("OPV", "20/11/2026"), dose("SOI", "10/02/2026"))
    assert due(mouth.of("measles")) == (2, "10/03/2026", "10/07/2026")
    strange = Given("x", "Vắc xin lạ", None, day("20/11/2026"), day("20/11/2026"))
    found = advice(birth, dose("SOI", "10/02/2026"), strange)
    assert due(found.of("measles")) == (2, "18/12/2026", "18/12/2026")
    assert (found.whole, [one.reason for one in found.unjudged]) == (False, ["unknown-vaccine"])


def test_peer_10_what_does_not_count() -> None:
    birth = "01/02/2026"
    history = [
        dose("BCG", "02/02/2026", status="entered-in-error"), dose("BCG", "03/02/2026", status="not-done"),
        dose("BCG", "04/02/2026", spoilt="expired"), dose("BCG", "01/01/2026"), dose("BCG", "01/12/2026"),
        Given("y", "BCG", MADE.products["BCG"], day("01/02/2026"), day("28/02/2026")),
        Given("z", "BCG", MADE.products["BCG"], None, None),
    ]  # fmt: skip
    found = advice(birth, *history)
    assert (found.of("bcg").counted, found.whole) == (0, False)
    assert sorted(one.reason for one in found.of("bcg").verdicts) == ["error", "not-given", "spoilt"]
    assert sorted(one.reason for one in found.unjudged) == ["before-birth", "future", "no-day", "no-day"]
    twice = advice(birth, dose("BCG", "05/02/2026"), dose("BCG", "05/02/2026"), dose("BCG", "05/05/2026"))
    assert [one.reason for one in twice.of("bcg").verdicts] == ["counted", "same-day", "extra"]
    # The day is not known: what follows is held off as if it had been the last one it can have been.
    spring = Given("w", "5TRONG1", MADE.products["5TRONG1"], day("01/04/2026"), day("30/04/2026"))
    unsure = advice(birth, spring, on=day("20/05/2026"))
    assert (said(unsure.of("hepatitis-b")), due(unsure.of("hepatitis-b"))) == (
        ("upcoming", 0, 3), (1, "28/05/2026", "28/05/2026"),
    )  # fmt: skip


def test_peer_10_nothing_is_said_without_a_birth_date() -> None:
    for birth in (None, day("25/11/2026")):
        found = advise(MADE, Person(birth), [dose("BCG", "01/02/2026")], on=TODAY)
        assert {one.state for one in found.forecasts} == {"unknown"}
        assert not found.whole


# -- contraindications -------------------------------------------------------------------------------------


def stops(code: str, *facts: Fact, person: Person | None = None) -> list[tuple[str, str]]:
    found = bars_of(MADE, MADE.products[code], person or Person(day("01/02/2026"), "male"), facts)
    return [(one.effect, one.id) for one in found]


def test_peer_10_contraindications_of_the_record() -> None:
    birth = "01/02/2026"
    immune = Fact("condition", "D81.1", "SCID", reference="Condition/c")
    assert [stops(one, immune) for one in ("BCG", "OPV", "MR", "ROTAVIN", "IPV", "5TRONG1")] == [
        *([[("stop", "immunodeficiency")]] * 4), [], [],
    ]  # fmt: skip
    found = advice(birth, facts=(immune,), on=day("01/04/2026"))
    assert {one.series for one in found.forecasts if one.state == "contraindicated"} == {
        "bcg", "measles", "rubella", "rotavirus",
    }  # fmt: skip
    # Oral polio vaccine is stopped: the injected one is offered, and the reason is told.
    polio = found.of("polio")
    assert (polio.state, polio.path, polio.next and polio.next.products[0].code) == (
        "due", "inactivated", "IPV",
    )  # fmt: skip
    assert polio.bars["OPV"][0].fact == immune
    assert stops("ROTAVIN", Fact("condition", "K56.1")) == [("stop", "intussusception")]
    assert stops("ROTAVIN", Fact("condition", "K56.7")) == []
    assert stops("5TRONG1", Fact("condition", "G40.9")) == [("ask", "encephalopathy")]
    assert stops("TD", Fact("condition", "G40.9")) == []
    severe = Fact("reaction", grave=True, antigens=frozenset(MADE.products["5TRONG1"].antigens))
    again = advice(birth, dose("5TRONG1", "01/04/2026"), facts=(severe,), on=day("01/06/2026"))
    assert [again.of(one).state for one in ("dtp", "hepatitis-b", "hib", "polio")] == [
        *(["contraindicated"] * 3), "overdue",
    ]  # fmt: skip
    assert stops("OPV", severe) == [("ask", "reaction")]
    assert stops("OPV", Fact("reaction", grave=True)) == [
        ("stop", "reaction")
    ]  # nobody knows of which vaccine
    assert stops("MR", Fact("allergy", "A016", "Aminoglycosid", grave=True)) == [
        ("stop", "contains-aminoglycoside")
    ]
    assert stops("MR", Fact("allergy", "", "di ung Neomycin")) == [("ask", "contains-aminoglycoside")]
    assert stops("HPV", Fact("allergy", "", "nấm men bia")) == [("ask", "contains-yeast")]
    assert stops("TD", Fact("allergy", "", "dị ứng vắc-xin", grave=True)) == [("stop", "vaccine-allergy")]
    assert stops("MR", Fact("allergy", "A001", "Penicillin", grave=True)) == []


def test_peer_10_pregnancy() -> None:
    """No injected live vaccine; tetanus vaccine by five doses: 28 days, 6 months, a year, a year."""
    woman = Person(day("01/06/2000"), "female", pregnant=True)
    assert stops("MR", person=woman) == [("stop", "pregnancy")]
    assert stops("HPV", person=woman) == [("wait", "pregnancy-hpv")]
    assert stops("TD", person=woman) == []
    found = advise(MADE, woman, [dose("UV", "01/09/2026")], on=TODAY).of("tetanus-pregnancy")
    assert (said(found), due(found)) == (("overdue", 1, 5), (2, "29/09/2026", "01/10/2026"))
    coming = outlook(MADE, MADE.series["tetanus-pregnancy"], woman, [dose("UV", "01/11/2026")], on=TODAY)
    assert [f"{one.earliest:%d/%m/%Y}" for one in coming] == [
        "29/11/2026",
        "01/06/2027",
        "01/06/2028",
        "01/06/2029",
    ]
    assert advise(MADE, Person(day("01/06/2000"), "female"), [], on=TODAY).of("tetanus-pregnancy").state == (
        "not-applicable"
    )


def test_peer_10_questions_before_the_session() -> None:
    child = Person(day("01/02/2026"), "male")
    asked = questions_of(MADE, child, TODAY)
    ids = [one.id for one in asked]
    assert ("fever" in ids, "intussusception" in ids, "pregnant" in ids, "small" in ids) == (
        True,
        True,
        False,
        False,
    )
    assert "pregnant" in [one.id for one in questions_of(MADE, Person(day("01/02/2010"), "female"), TODAY)]
    no = dict.fromkeys(ids, False)
    for code in ("MR", "OPV", "5TRONG1"):
        assert answered(asked, no, MADE.products[code]) == ()
    told = {
        code: [(one.effect, one.id) for one in answered(asked, no | {key: True}, MADE.products[code])]
        for key, code in (("immunity", "OPV"), ("globulin", "OPV"), ("fever", "OPV"), ("seizures", "5TRONG1"))
    }
    assert told == {"OPV": [("wait", "fever")], "5TRONG1": [("ask", "seizures")]}
    assert [one.id for one in answered(asked, no | {"globulin": True, "immunity": True}, MADE.products["MR"])] == [
        "immunity", "globulin",
    ]  # fmt: skip


# -- what holds of any history -----------------------------------------------------------------------------

BIRTH = date(2020, 1, 31)
_PRODUCTS = some.sampled_from(sorted(MADE.products))
_DOSES = some.builds(
    lambda code, days, status, vague: Given(
        f"h{next(_NUMBER)}", code, MADE.products[code], BIRTH + timedelta(days=days),
        BIRTH + timedelta(days=days + vague), status,
    ),
    _PRODUCTS, some.one_of(some.integers(-5, 800), some.integers(0, 4000)),
    some.sampled_from(["completed", "completed", "completed", "not-done", "entered-in-error"]),
    some.sampled_from([0, 0, 0, 30]),
)  # fmt: skip
_HISTORIES = some.lists(_DOSES, max_size=14)
_DAYS = some.integers(0, 4200).map(lambda days: BIRTH + timedelta(days=days))
PERSON = Person(BIRTH, "female", pregnant=False)


@settings(max_examples=150)
@drawn(_HISTORIES, _DAYS, some.randoms(use_true_random=False))
def test_order_and_what_was_not_given_change_nothing(history: list[Given], on: date, chance: object) -> None:
    found = advise(MADE, PERSON, history, on=on)
    mixed = list(history)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # a random.Random
    assert advise(MADE, PERSON, mixed, on=on) == found
    real = [one for one in history if one.status == "completed"]
    fewer = advise(MADE, PERSON, real, on=on)
    assert [(said(one), one.next) for one in fewer.forecasts] == [
        (said(one), one.next) for one in found.forecasts
    ]


@settings(max_examples=300)
@drawn(_HISTORIES, _DAYS)
def test_nothing_counts_or_is_due_too_early(history: list[Given], on: date) -> None:
    """Held by plain comparisons, not by the code that judges."""
    found = advise(MADE, PERSON, history, on=on)
    real = [one for one in history if one.status == "completed" and one.first and one.first <= on]
    live = [one for one in real if one.product and one.product.live == "injected"]
    for one in found.forecasts:
        series = MADE.series[one.series]
        path = next(each for each in series.paths if each.key == one.path)
        wanted = set(path.antigens or series.antigens)
        same = [each for each in real if each.product and wanted <= set(each.product.antigens)]
        counted = [each for each in one.verdicts if each.counts]
        assert [each.dose for each in counted] == list(range(1, len(counted) + 1))
        for each in counted:
            when = each.given.day
            assert when is not None
            assert each.given.status == "completed"
            assert path.doses[each.dose - 1].min.after(BIRTH) <= when <= on
            if each.given.product in [it.product for it in live]:
                assert all(abs((it.day - when).days) >= 28 for it in live if it.day and it.day < when)
        for before, after in pairwise(counted):
            interval = path.doses[after.dose - 1].interval
            assert before.given.day
            assert after.given.day
            assert interval is not None
            assert interval.after(before.given.day) <= after.given.day
        if one.next is None:
            continue
        rule = path.doses[one.next.dose - 1]
        assert one.next.dose == one.counted + 1
        assert rule.min.after(BIRTH) <= one.next.earliest <= one.next.recommended < one.next.overdue
        if rule.interval is not None and series.interval_from == "given":
            assert all(rule.interval.after(each.first) <= one.next.earliest for each in same if each.first)
        if one.next.products and one.next.products[0].live == "injected":
            assert all((one.next.earliest - each.first).days >= 28 for each in live if each.first)
        assert (one.state == "complete") is (one.counted >= one.doses)


@settings(max_examples=200)
@drawn(_HISTORIES, _DAYS, some.integers(0, 60))
def test_a_dose_that_is_given_when_due_never_comes_back(history: list[Given], on: date, later: int) -> None:
    found = advise(MADE, PERSON, history, on=on)
    for one in found.forecasts:
        if one.next is None or not one.next.products or one.state not in ("due", "overdue"):
            continue
        when = min(on, one.next.earliest + timedelta(days=later))
        if any(
            each.first and each.last and each.last >= when for each in history if each.status == "completed"
        ):
            continue  # a day before others that are recorded
        given = Given("new", "", one.next.products[0], when, when)
        after = advise(MADE, PERSON, [*history, given], on=on).of(one.series)
        assert after.counted == one.counted + 1
        if after.next is not None:
            assert after.next.earliest > when
            assert after.next.recommended > one.next.earliest


# -- the data ----------------------------------------------------------------------------------------------

TEXT = (resources.files("yba.care.vaccines") / "schedule.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("min: 9m, latest: 16y, products: [SOI", "minimum: 9m, products: [SOI", "series.measles: Object"),
        ("{age: 9m, min: 9m, latest", "{age: 9m, min: 10m, latest", "series.measles.default.doses.1: recommended"),
        ("live-apart: 28d", "live-apart: 4 weeks", "about: '4 weeks' is no span"),
        ("products: [BCG]", "products: [BCQ]", "series.bcg.default.products: there is no 'BCQ'"),
        ("products: [BCG]", "products: [VGB]", "series.bcg.default: VGB does not hold tuberculosis"),
        ('cvx: ["05"]', 'cvx: ["19"]', "products.SOI: the code CVX 19 already means BCG"),
        ("name: Lao | Tuberculosis\n", "name: Lao\n", "series.bcg: 'Lao' has not two languages"),
        ("interval: 7d, latest", "latest", "japanese-encephalitis.default.doses.2: the least interval"),
        ("wanted: 4m", "wanted: 4w", "polio-inactivated.default.doses.2: the wanted interval is shorter"),
        ("applies: [rotavirus], conditions", "applies: [rota], conditions", "intussusception.applies: there is no"),
        ("source: [tcmr, label]\n    paths:\n      - products: [MR, MMR]", "source: [x]\n    paths:\n"
         "      - products: [MR, MMR]", "series.rubella.source: there is no 'x'"),
        ("screening:", "asking:", "asking, screening: missing"),
        ("id: fever", "id: acute", "screening: 'acute' stands twice"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_schedule_is_told_with_its_place(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(Wrong, match=message.replace("(", r"\(").replace("[", r"\[")):
        read(TEXT.replace(old, new, 1))


def test_codes_lead_to_one_vaccine() -> None:
    assert [MADE.product_of(own=[one]) for one in ("DPT2", "JE3", "MR")] == [
        MADE.products[one] for one in ("5TRONG1", "JEVAX", "MR")
    ]
    assert MADE.product_of(cvx=["146"]) is MADE.products["6TRONG1"]
    assert MADE.product_of(own=["MR"], cvx=["04"]) is MADE.products["MR"]
    assert (MADE.product_of(own=["MR"], cvx=["03"]), MADE.product_of(own=["?"]), MADE.product_of()) == (
        None,
    ) * 3
