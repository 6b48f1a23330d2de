"""The level never falls, whatever is added; each rule of the data can be met; the conversation ends."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from yba.areas.firsthelp import rules
from yba.areas.firsthelp.data import AGES, PREGNANCIES, SEXES, Level, book
from yba.areas.firsthelp.rules import CHOSEN, LIST, NONE, UNSURE, Answers
from yba.care import catalogues

BOOK = book()
GIVEN = sorted({name for one in BOOK.questions.values() for option in one.options for name in option.gives})
FACTS = sorted(
    {*BOOK.findings, *GIVEN, *SEXES, *(f"{CHOSEN}{one.id}" for one in BOOK.presentations)}
    | set().union(*AGES.values(), *PREGNANCIES.values())
    | {"unsure:danger", "unsure:flags:other"}
)
facts = st.frozensets(st.sampled_from(FACTS), max_size=14)


def level(of: frozenset[str]) -> Level:
    return rules.verdict(BOOK, of).level


@given(facts, facts)
@settings(max_examples=600, deadline=None)
def test_peer_09_no_fact_lowers_a_level(known: frozenset[str], more: frozenset[str]) -> None:
    assert level(known | more) >= max(level(known), level(more))


@given(facts)
@settings(max_examples=100, deadline=None)
def test_no_single_fact_of_all_lowers_a_level(known: frozenset[str]) -> None:
    before = level(known)
    assert [one for one in FACTS if level(known | {one}) < before] == []


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_peer_09_no_answer_of_a_conversation_lowers_the_level_and_it_ends(data: st.DataObject) -> None:
    answers, before = Answers(), Level.SELF_CARE
    for _step in range(80):
        screen = rules.next_screen(BOOK, answers)
        if screen is None:
            break
        if screen.kind == "words":
            chosen = tuple(
                data.draw(st.lists(st.sampled_from(sorted(BOOK.findings)), max_size=4, unique=True))
            )
        elif screen.kind == "one":
            chosen = (data.draw(st.sampled_from(screen.values)),)
        else:
            ways = [*screen.values, NONE, LIST if screen.id == "confirm" else UNSURE]
            chosen = tuple(data.draw(st.lists(st.sampled_from(ways), min_size=1, max_size=3, unique=True)))
        accepted = chosen if screen.kind == "words" else rules.accepted(screen, chosen)
        assert accepted is not None
        answers = answers.with_(screen.id, accepted or (NONE,))
        now = level(rules.facts_of(BOOK, answers))
        assert now >= before
        before = now
    assert rules.next_screen(BOOK, answers) is None


@given(facts)
@settings(max_examples=200, deadline=None)
def test_what_was_said_to_be_absent_changes_nothing(known: frozenset[str]) -> None:
    said = Answers({"danger": tuple(sorted(known & BOOK.findings.keys()))})
    with_noes = Answers(
        {**said.given, "flags:other": (NONE,), "question:bad": ("0",), "signs:other": (NONE,)}
    )
    assert rules.facts_of(BOOK, with_noes) == rules.facts_of(BOOK, said)


def test_every_rule_can_be_met_and_gives_at_least_its_level() -> None:
    for rule in BOOK.always:
        assert level(rule.when) >= rule.level
    for one in BOOK.presentations:
        for rule in rules.rules_of(one):
            assert level(rule.when | {f"{CHOSEN}{one.id}"}) >= rule.level


def test_a_flag_left_open_is_seen_today_and_a_box_beside_none_counts() -> None:
    unsure = Answers({"danger": (UNSURE,)})
    assert level(rules.facts_of(BOOK, unsure)) == Level.TODAY
    danger = rules.next_screen(BOOK, Answers())
    assert danger is not None
    assert danger.id == "danger"
    assert rules.accepted(danger, ["chest-pressure", NONE]) == ("chest-pressure",)
    assert rules.accepted(danger, [NONE]) == (NONE,)
    assert rules.accepted(danger, []) is None
    assert rules.accepted(danger, ["no-such-thing"]) is None


def test_an_emergency_is_asked_nothing_further() -> None:
    assert rules.next_screen(BOOK, Answers({"danger": ("chest-pressure",)})) is None


def test_a_danger_passed_over_is_asked_again_with_its_complaint() -> None:
    answers = Answers({
        "danger": (NONE,), "age": ("40-64",), "sex": ("male",), "words": ("chest-pain",), "confirm": ("chest-pain",),
    })  # fmt: skip
    screen = rules.next_screen(BOOK, answers)
    assert screen is not None
    assert screen.id == "flags:chest-pain"
    assert "chest-pressure" in screen.values


def test_what_was_understood_is_no_fact_until_it_is_confirmed() -> None:
    words = Answers(
        {"danger": (NONE,), "age": ("65",), "sex": ("male",), "words": ("stroke-word", "chest-pain")}
    )
    assert level(rules.facts_of(BOOK, words)) == Level.SELF_CARE
    screen = rules.next_screen(BOOK, words)
    assert screen is not None
    assert (screen.id, screen.values) == ("confirm", ("stroke-word", "chest-pain"))


def test_only_women_of_an_age_are_asked_about_a_pregnancy() -> None:
    def asked(age: str, sex: str) -> bool:
        screen = rules.next_screen(BOOK, Answers({"danger": (NONE,), "age": (age,), "sex": (sex,)}))
        return screen is not None and screen.id == "pregnancy"

    assert [one for one in AGES if asked(one, "female")] == ["12-15", "16-39", "40-64"]
    assert [one for one in AGES if asked(one, "male")] == []


def test_a_child_goes_to_the_childrens_doctor() -> None:
    child = rules.verdict(BOOK, frozenset({"cough", "age.child", "age.u6"}))
    grown = rules.verdict(BOOK, frozenset({"cough", "age.adult"}))
    assert (child.specialty, grown.specialty) == ("nhi", "ho-hap")


def test_specialties_are_those_of_the_catalogue() -> None:
    codes = {code for one in BOOK.presentations for code in (one.specialty, one.child)}
    assert {code for code in codes if catalogues.specialty(code) is None} == set()


def test_every_finding_matters() -> None:
    """No finding is there that opens nothing and raises nothing."""
    used = {name for rule in BOOK.always for name in rule.when} | set(BOOK.danger)
    for one in BOOK.presentations:
        used |= one.opened_by | set(one.flags) | set(dict(one.signs))
        used |= {name for rule in one.rules for name in rule.when}
    assert sorted(BOOK.findings.keys() - used) == []
