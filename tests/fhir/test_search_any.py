"""Any search at all is answered or refused by one of the record's errors; its statements are never the cause."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.searches import encounter, observation, patient, put, resource
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.r4 import MODULES
from yba.fhir.search.parameters import of_type

TYPES = [
    "Patient",
    "Observation",
    "Encounter",
    "Location",
    "ValueSet",
    "Group",
    "List",
    "RiskAssessment",
    "Appointment",
]
ACTORS = [
    SYSTEM,
    Actor(user="c", role="citizen", persons=frozenset({"p"}), person="p"),
    Actor(user="d", role="doctor", facility="f"),
    Actor(user="w", role="wall"),
]
ALLOWED = (errors.Invalid, errors.Unsupported, errors.TooCostly, errors.NotFound)

_modifiers = st.sampled_from(
    ["", ":missing", ":not", ":exact", ":contains", ":text", ":identifier", ":above", ":below", ":of-type", ":in",
     ":not-in", ":Patient", ":x", ":"]
)  # fmt: skip
_values = st.one_of(
    st.sampled_from(
        ["true", "false", "p", "Patient/p", "http://s|1", "|1", "s|", "2026", "ge2026-01", "ap2026-01-02T08:00:00Z",
         "5.4", "gt5||mg", "5.4|http://unitsofmeasure.org|mg", "a$b", "a|b$gt5", "21.0|105.8|5|km", "", ",", "a,b",
         "http://x.vn/a", "Patient/p/_history/1", "-1e400", "9" * 60, "0001", "9999-12-31", "ne9999", "{}", "%s", "\\",
         "$current-problems", "$current-medications", "#q"]
    ),
    st.text(max_size=12),
)  # fmt: skip


@st.composite
def _names(draw: st.DrawFn, type_name: str, depth: int = 0) -> str:
    known = of_type(type_name)
    code = draw(st.sampled_from(sorted(known)) | st.text(alphabet="ab_:.-", max_size=8))
    way = draw(st.integers(0, 4)) if depth < 3 else 4
    if way == 0:
        source = draw(st.sampled_from(TYPES))
        pointing = [code for code, one in of_type(source).items() if type_name in one.targets]
        back = draw(st.sampled_from(sorted(pointing or of_type(source))))
        return f"_has:{source}:{back}:{draw(_names(source, depth + 1))}"
    parameter = known.get(code)
    if way < 3 and parameter is not None and parameter.kind == "reference":
        target = draw(st.sampled_from(parameter.targets or tuple(MODULES)))
        typed = f":{target}" if draw(st.booleans()) else ""
        return f"{code}{typed}.{draw(_names(target, depth + 1))}"
    return code + draw(_modifiers)


@st.composite
def _searches(draw: st.DrawFn) -> tuple[str | None, list[tuple[str, str]]]:
    type_name = draw(st.sampled_from(TYPES))
    params = [(draw(_names(type_name)), draw(_values)) for _ in range(draw(st.integers(0, 3)))]
    extra = draw(st.integers(0, 6))
    if extra == 0:
        params.append(
            (
                "_sort",
                draw(st.sampled_from(["", "-"]))
                + draw(st.sampled_from([*sorted(of_type(type_name)), "_score"])),
            )
        )
    elif extra == 1:
        code = draw(st.sampled_from(sorted(of_type(type_name))))
        params.append((draw(st.sampled_from(["_include", "_revinclude:iterate"])), f"{type_name}:{code}"))
    elif extra == 2:
        operator = draw(
            st.sampled_from(
                ["eq", "ne", "co", "sw", "ew", "gt", "le", "ap", "sa", "pr", "po", "ss", "in", "re"]
            )
        )
        params.append(
            ("_filter", f"{draw(st.sampled_from(sorted(of_type(type_name))))} {operator} {draw(_values)}")
        )
    elif extra == 3:
        params.append(("_total", draw(st.sampled_from(["estimate", "accurate", "none"]))))
    elif extra == 4:
        params.append(
            (draw(st.sampled_from(["_list", "_text", "_content", "_id", "_tag", "_filter"])), draw(_values))
        )
    elif extra == 5:
        params.append(("_contained", draw(st.sampled_from(["true", "both"]))))
        params.append(("_containedType", draw(st.sampled_from(["container", "contained"]))))
        params.append(("_total", draw(st.sampled_from(["estimate", "accurate", "none"]))))
    return (None if draw(st.integers(0, 9)) == 0 else type_name), params


def people(record: fhir.Record) -> None:
    put(
        record,
        patient(
            "p", ',"active":true,"name":[{"text":"An"}],"identifier":[{"system":"http://s","value":"1"}]'
        ),
        encounter("e", "Patient/p"),
        observation(
            "c",
            "#q",
            rest=',"encounter":{"reference":"#e"},"contained":[{"resourceType":"Patient","id":"q",'
            '"managingOrganization":{"reference":"#o"}},{"resourceType":"Organization","id":"o","name":"An"},'
            '{"resourceType":"Encounter","id":"e","status":"finished","class":{"code":"AMB"},"subject":{"reference":"#q"}}]',
        ),
        observation(
            "o", "Patient/p", rest=',"encounter":{"reference":"Encounter/e"},"valueQuantity":{"value":5.4}'
        ),
        resource("Location/l", ',"name":"An","position":{"longitude":105.8,"latitude":21.0}'),
        resource(
            "List/l", ',"status":"current","mode":"working","entry":[{"item":{"reference":"Patient/p"}}]'
        ),
    )


@pytest.fixture
def ready(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    people(fhir.open(connection, actor=SYSTEM))
    return connection


@settings(deadline=None, max_examples=400, suppress_health_check=list(HealthCheck))
@given(asked=_searches(), actor=st.sampled_from(ACTORS), strict=st.booleans())
def test_any_search_is_answered_or_refused(
    ready: psycopg.Connection[Any],
    asked: tuple[str | None, list[tuple[str, str]]],
    actor: Actor,
    strict: bool,
) -> None:
    type_name, params = asked
    record = fhir.open(ready, actor=actor)
    try:
        with ready.transaction(force_rollback=True):
            page = record.search_stored(type_name, params, strict=strict, contained=True)
    except ALLOWED as error:
        text = error.message
        assert "select" not in text
        return
    if actor.role == "wall":
        assert {one.type for one in page.matches} <= {"Location", "ValueSet"}
    if actor.role == "doctor":
        assert not page.matches or {one.type for one in page.matches} <= {"Location", "ValueSet"}
    assert page.total is None or page.total >= 0
