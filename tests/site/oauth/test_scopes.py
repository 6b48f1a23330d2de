"""Scopes are read strictly, and what comes of two of them is never more than either."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yba.fhir.access.actor import Scope
from yba.site.oauth import scopes, subjects

R = frozenset("r")
BOTH = (("category", "a"), ("code", "b"))
LAB = ("category", "http://terminology.hl7.org/CodeSystem/observation-category|laboratory")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("patient/Observation.rs", Scope("patient", "Observation", frozenset("rs"))),
        ("user/*.cruds", Scope("user", "*", frozenset("cruds"))),
        ("system/Patient.r", Scope("system", "Patient", frozenset("r"))),
        ("patient/*.read", Scope("patient", "*", frozenset("rs"))),
        ("patient/Observation.write", Scope("patient", "Observation", frozenset("cud"))),
        ("user/Encounter.*", Scope("user", "Encounter", frozenset("cruds"))),
        (f"patient/Observation.rs?{LAB[0]}={LAB[1]}", Scope("patient", "Observation", frozenset("rs"), (LAB,))),
        ("patient/Observation.r?category=a&code=b", Scope("patient", "Observation", R, BOTH)),
        ("patient/Observation.r?category=a%26b%20c", Scope("patient", "Observation", R, (("category", "a&b c"),))),
    ],
)  # fmt: skip
def test_a_scope_is_read(text: str, found: Scope) -> None:
    assert scopes.read(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "patient/Observation.sr", "patient/Observation.rr", "patient/Observation.", "patient/Observation",
        "patient/Observation.dus", "patient/Observation.reads", "patient/Nothing.rs", "patient/observation.rs",
        "Patient/Observation.rs", "everyone/Observation.rs", "patient/Observation.rs?",
        "patient/Observation.rs?category",
        "patient/Observation.rs?category=", "patient/Observation.rs?nothing=a", "patient/Observation.rs?patient.name=a",
        "patient/Observation.rs?code:in=a", "patient/Observation.rs?_has:x:y=a", "patient/Observation.rs?_include=a",
        "patient/*.rs?_tag=a", "patient/Observation.rs?category=a%00b", " patient/Observation.rs",
        "patient/Observation.rs\n", "openid", "launch/patient", "patient/../Observation.rs", "",
    ],
)  # fmt: skip
def test_anything_else_is_no_scope(text: str) -> None:
    assert scopes.read(text) is None


LETTERS = st.sets(st.sampled_from("cruds"), min_size=1).map(frozenset)
TYPES = st.sampled_from(["*", "Observation", "Patient"])
CRITERIA = (
    st.sets(st.sampled_from([("category", "a"), ("code", "b"), ("code", "c|d&e f")])).map(sorted).map(tuple)
)


@st.composite
def any_scope(draw: st.DrawFn) -> Scope:
    type_name = draw(TYPES)
    criteria = draw(CRITERIA) if type_name == "Observation" else ()
    return Scope(draw(st.sampled_from(["patient", "user"])), type_name, draw(LETTERS), criteria)


@given(any_scope())
def test_what_is_written_is_read_as_it_was(scope: Scope) -> None:
    assert scopes.read(scopes.written(scope)) == scope


@given(any_scope(), any_scope())
def test_what_two_share_is_within_both(one: Scope, other: Scope) -> None:
    shared = scopes.meet(one, other)
    assert shared == scopes.meet(other, one)
    if shared is not None:
        assert scopes.covers(one, shared)
        assert scopes.covers(other, shared)


@given(st.lists(any_scope(), max_size=4), st.lists(any_scope(), max_size=4))
def test_what_is_given_is_within_what_is_allowed(asked: list[Scope], allowed: list[Scope]) -> None:
    limits = [scopes.written(one) for one in allowed]
    given_ = scopes.within([scopes.written(one) for one in asked], limits)
    assert scopes.all_within(given_, limits)


def test_a_wide_wish_comes_back_as_the_part_that_is_allowed() -> None:
    assert scopes.within(
        ["patient/*.read", "openid", "system/*.rs"], ["patient/Observation.r", "openid"]
    ) == [
        "patient/Observation.r",
        "openid",
    ]


def test_a_wish_of_the_first_version_comes_back_as_it_was_asked() -> None:
    assert scopes.within(["patient/Observation.read"], ["patient/*.cruds"]) == ["patient/Observation.read"]


def test_too_many_scopes_are_none() -> None:
    assert scopes.split(" ".join(f"patient/Observation.rs?code={n}" for n in range(scopes.MOST + 1))) == []
    assert scopes.split("a" * (scopes.LONGEST + 1)) == []


def test_every_type_is_in_one_line_of_the_consent_page() -> None:
    from yba.fhir.r4 import MODULES

    seen = [name for subject in subjects.SUBJECTS for name in subject.types]
    assert sorted(seen) == sorted(set(seen))
    assert set(seen) >= set(MODULES)


def test_all_lines_of_a_wish_are_the_wish_itself() -> None:
    asked = ["openid", "patient/*.rs", "offline_access"]
    every = frozenset(line.key for line in subjects.lines(asked))
    assert subjects.chosen(asked, every) == asked


def test_some_lines_of_a_wish_are_its_types() -> None:
    asked = ["openid", "patient/*.cruds"]
    given_ = subjects.chosen(
        asked, frozenset({"patient.di-ung.see", "patient.than-nhan.see", "patient.than-nhan.change"})
    )
    assert given_ == [
        "openid",
        "patient/AdverseEvent.rs",
        "patient/AllergyIntolerance.rs",
        "patient/Patient.cruds",
        "patient/Person.cruds",
        "patient/RelatedPerson.cruds",
    ]


@given(st.lists(any_scope(), min_size=1, max_size=3), st.data())
def test_ticked_lines_never_give_more_than_was_asked(asked: list[Scope], data: st.DataObject) -> None:
    texts = [scopes.written(one) for one in asked]
    keys = [line.key for line in subjects.lines(texts)]
    ticked = frozenset(data.draw(st.sets(st.sampled_from(keys)))) if keys else frozenset()
    given_ = subjects.chosen(texts, ticked)
    assert scopes.all_within(given_, texts)
    assert {line.key for line in subjects.lines(given_)} <= ticked
