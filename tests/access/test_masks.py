"""What is masked is told in no answer, and found by no question: the answers are the same whatever it says.

Each masked element is stored twice, with one word and with another, and asked about in the same ways both times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count
from tests.access.facts import FACILITY
from tests.access.minimal import linked, minimal
from tests.fhir.test_rest import Answer
from yba.fhir.search.parameters import builtin

WORDS = ("kinmot", "kinhai")
CASES = [
    (role, type_name)
    for role, said in oracle.said()["roles"].items()
    for type_name in said.get("masks", {})
    if any(oracle.speaks(role, type_name, "read"))
]
SHAPES: dict[str, Any] = {
    "address": lambda word: [{"text": word, "city": word}],
    "contact": lambda word: [{"name": {"text": word}}],
    "communication": lambda word: [{"language": {"text": word}}],
    "photo": lambda word: [{"title": word}],
    "generalPractitioner": lambda word: [{"reference": f"Practitioner/{word}", "display": word}],
    "maritalStatus": lambda word: {"text": word},
    "name": lambda word: [{"text": word, "family": word}],
    "telecom": lambda word: [{"system": "phone", "value": word}],
    "reasonCode": lambda word: [{"text": word, "coding": [{"code": word}]}],
    "reasonReference": lambda word: [{"reference": f"Condition/{word}", "display": word}],
    "diagnosis": lambda word: [{"condition": {"reference": f"Condition/{word}"}}],
    "hospitalization": lambda word: {"specialArrangement": [{"text": word, "coding": [{"code": word}]}]},
    "account": lambda word: [{"reference": f"Account/{word}"}],
    "supportingInfo": lambda word: [{"display": word}],
    "note": lambda word: [{"text": word}],
    "patientInstruction": lambda word: word,
    "comment": lambda word: word,
    "description": lambda word: word,
    "dosageInstruction": lambda word: [{"text": word}],
    "detectedIssue": lambda word: [{"reference": f"DetectedIssue/{word}"}],
    "result": lambda word: [{"reference": f"Observation/{word}"}],
    "media": lambda word: [{"link": {"reference": f"Media/{word}"}}],
    "presentedForm": lambda word: [{"title": word}],
}


def a_row(type_name: str, elements: set[str], word: str) -> dict[str, Any]:
    made = minimal(type_name) | {
        "id": "masked", "meta": {"tag": [{"system": FACILITY, "code": "A"}]},
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{word}</div>'},
    }  # fmt: skip
    if type_name == "Patient":
        made["id"] = "visit"
    elif type_name == "Encounter":
        made["status"] = "in-progress"
    linked(made, "visit")
    return made | {name: SHAPES[name](word) for name in elements}


def questions(type_name: str, one: str) -> Iterator[str]:
    row = f"{type_name}/{one}"
    yield from (
        row,
        f"{row}/_history",
        f"{row}/_history/2",
        f"{row}/$meta",
        f"{row}/$diff",
        f"{type_name}/_history?_count=3",
    )
    yield from (
        f"{type_name}?_id={one}",
        f"{type_name}?_id={one}&_summary=text",
        f"Patient/visit/{type_name}?_id={one}",
    )
    yield from (
        "Patient/visit/$everything?_count=200",
        "Patient/visit/$summary",
        "Patient/visit/*?_count=100",
    )
    for elements in ("address,contact,photo,reasonCode,note,result", "text", "id"):
        yield from (f"{row}?_elements={elements}", f"{type_name}?_id={one}&_elements={elements}")
    yield "Appointment?_revinclude=*:*&_include=*&patient=visit&_count=5"
    yield "Observation?patient=visit&_include=*&_revinclude=*:*&_count=5"
    for word in (*WORDS, "khac"):
        yield from (
            f"{type_name}?_content={word}",
            f"{type_name}?_text={word}",
            f'{type_name}?_filter=_content co "{word}"',
        )
        for code, parameter in builtin(type_name).items():
            if parameter.kind in ("token", "string", "reference"):
                value = f"{type_name}/{word}" if parameter.kind == "reference" else word
                for asked in (code, f"{code}:text" if parameter.kind == "token" else f"{code}:contains"):
                    yield f"{type_name}?{asked}={value}&_id={one}"
                    yield (
                        f"Observation?patient.{asked}={value}"
                        if type_name == "Patient"
                        else (
                            f"Observation?encounter.{asked}={value}"
                            if type_name == "Encounter"
                            else f"Patient?_has:{type_name}:patient:{asked}={value}"
                        )
                    )
                yield f'{type_name}?_filter={code} eq "{word}"'
    for code in builtin(type_name):
        yield from (f"{type_name}?{code}:missing=true&_id={one}", f"{type_name}?_sort={code}&_count=3")
        yield f"{type_name}?_include={type_name}:{code}&_id={one}"


NEW = re.compile(
    rb'"id":"[0-9a-f-]{36}"|urn:uuid:[0-9a-f-]{36}|"timestamp":"[^"]*"|"date":"20[^"]*T[^"]*"|_cursor=[^"&]*'
)


def shape(answer: Answer) -> tuple[int, bytes]:
    return answer.status, NEW.sub(b"", answer.body)


@pytest.mark.parametrize(("role", "type_name"), CASES)
def test_what_is_masked_is_told_and_found_nowhere(asking: Asking, role: str, type_name: str) -> None:
    elements = oracle.masked(role, type_name)
    one = "visit" if type_name == "Patient" else "masked"
    asked = list(dict.fromkeys(questions(type_name, one)))
    answers: list[dict[str, tuple[int, bytes]]] = []
    for word in WORDS:
        with asking.undone():
            for _ in range(2):
                stored = asking("PUT", f"/{type_name}/{one}", a_row(type_name, elements, word))
                assert stored.status in (200, 201), stored.body
            told = {url: asking.by(ACTORS[role], "GET", f"/{url}") for url in asked}
            count("masked")
            if role != "programme_officer":
                assert told[f"{type_name}/{one}"].status == 200
            for url, answer in told.items():
                assert answer.status < 500, (url, answer.body)
                if word not in url:
                    assert word.encode() not in answer.body, (url, answer.body[:600])
            answers.append({url: shape(answer) for url, answer in told.items()})
    assert {
        url: (answers[0][url], answers[1][url]) for url in asked if answers[0][url] != answers[1][url]
    } == {}


def test_every_masked_element_is_tried() -> None:
    named = {
        one
        for said in oracle.said()["roles"].values()
        for mask in said.get("masks", {}).values()
        for one in mask
    }
    assert named <= set(SHAPES)
    assert len(CASES) >= 15
