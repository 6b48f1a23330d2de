"""The published rule: what the law says is in the file, and each sentence of it does what it says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.builders import NOW
from tests.care.test_line_rules import One, at, order
from yba.care.line import order as rule
from yba.care.line import rules
from yba.care.line.models import Priority, Stage


def test_every_reason_has_its_class_and_every_class_its_words_and_source() -> None:
    known = rule.rule()
    said = {reason for one in known.classes for reason in one.people}
    assert said | {"booked", "none"} == set(Priority.values)
    assert [one.key for one in known.classes] == ["urgent", "passed", "first", "back", "booked", "other"]
    for one in known.classes:
        assert all(one.name[language] and one.why[language] for language in ("vi", "en"))
        assert one.sources
        assert "{" not in "".join([*one.name.values(), *one.why.values()])
    assert set(known.usual_minutes) == set(Stage.values)


@pytest.mark.parametrize(
    ("age", "key"), [(74, "none"), (75, "over_75"), (80, "over_75"), (5, "under_6"), (6, "none")]
)
def test_the_ages_are_those_of_the_law_of_2023(age: int, key: str) -> None:
    """Law 15/2023/QH15, article 3, clause 2: under 6, from 75 on (80 until 2023)."""
    assert rule.usual_priority(age, booked=False) == key


@pytest.mark.parametrize("reason", ["disabled", "over_75", "under_6", "pregnant", "merit"])
def test_whom_the_law_puts_first_goes_before_the_booked(reason: str) -> None:
    line = [One(1, at(-30)), One(2, at(-20), "booked", due_at=at(0)), One(3, at(-1), reason)]
    assert order(*line) == [3, 2, 1]


def test_who_comes_back_to_the_doctor_goes_before_the_booked_and_behind_the_first() -> None:
    line = [
        One(1, at(-30)), One(2, at(-20), "booked", due_at=at(0)), One(3, at(-1), is_back=True),
        One(4, at(0), "pregnant"),
    ]  # fmt: skip
    assert order(*line) == [4, 3, 2, 1]


def test_a_kept_place_passes_nobody_who_was_passed_enough() -> None:
    stayed = One(1, at(-20), passed=3)
    returned = One(2, at(-40), passed=3, joined=at(-1))
    assert order(returned, stayed) == [1, 2]
    assert rule.passed_by(returned, [stayed]) == [stayed]


def test_back_soon_goes_behind_two_and_back_late_to_the_end() -> None:
    line = [One(1, at(-30)), One(2, at(-20)), One(3, at(-10))]
    soon = rules.place_of_return(line, called_at=at(-5), now=NOW)
    assert order(*line, One(9, soon, joined=NOW)) == [1, 2, 9, 3]
    late = rules.place_of_return(line, called_at=NOW - timedelta(minutes=16), now=NOW)
    assert order(*line, One(9, late, joined=NOW)) == [1, 2, 3, 9]
    assert rules.place_of_return(line[:1], called_at=at(-5), now=NOW) == NOW
