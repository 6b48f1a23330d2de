"""Whatever comes in: a resource survives the round trip, and bad bytes are Invalid and nothing else."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yba.fhir.errors import Invalid
from yba.fhir.model import codec
from yba.fhir.model.shapes import Element, elements
from yba.fhir.r4.datatypes import Resource

TYPES = ["Patient", "Observation", "MedicationRequest", "Questionnaire", "Appointment", "Claim"]

_letters = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
_words = st.text("abcXYZ019đứ", min_size=1, max_size=8)
_decimals = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=4)
PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "base64Binary": st.sampled_from(["TWFu", "TQ=="]),
    "boolean": st.booleans(),
    "code": _words,
    "date": st.dates().map(str) | st.sampled_from(["1975", "1975-04"]),
    "dateTime": st.datetimes().map(lambda moment: f"{moment:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")),
    "decimal": _decimals,
    "id": st.from_regex(r"\A[A-Za-z0-9.-]{1,64}\Z"),
    "instant": st.just("2024-02-29T10:00:00.123+07:00"),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "oid": st.just("urn:oid:1.2.3"),
    "positiveInt": st.integers(1, 2**31 - 1),
    "string": _letters,
    "time": st.times().map(lambda moment: f"{moment:%H:%M:%S}"),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "uri": _words,
    "uuid": st.uuids().map(lambda key: f"urn:uuid:{key}"),
    "xhtml": st.just('<div xmlns="http://www.w3.org/1999/xhtml">a: "b"</div>'),
}


def _rules(kind: type[msgspec.Struct]) -> tuple[set[str], dict[str, list[str]]]:
    """The required elements of a class, and its choices by their stems, as its generated check names them."""
    known = elements(kind)
    check = getattr(kind, "__post_init__", None)
    named = [] if check is None else [text for text in check.__code__.co_consts if isinstance(text, str)]
    required = {f.encode_name for f in msgspec.structs.fields(kind) if f.required} | {
        n for n in named if n in known
    }
    stems = [name for name in named if name not in known]
    return required, {stem: [n for n in known if re.match(rf"_?{stem}[A-Z]", n)] for stem in stems}


@st.composite
def structs(draw: st.DrawFn, kind: type[msgspec.Struct], depth: int = 0) -> dict[str, Any]:
    """JSON of a class: what is required, one of each choice, and some of the rest."""
    known = elements(kind)
    required, choices = _rules(kind)
    for names in choices.values():
        simple = [name for name in names if known[name].struct is None]
        required.add(draw(st.sampled_from(simple if depth > 2 and simple else names)))
    taken = {name for names in choices.values() for name in names} | required
    rest = [name for name in known if name not in taken and known[name].kind != "resource"]
    shallow = [name for name in rest if known[name].struct is None or name.startswith("_")]
    offered = rest if depth < 3 else shallow or rest
    few = draw(st.lists(st.sampled_from(offered), min_size=0 if required else 1, max_size=3, unique=True))
    built: dict[str, Any] = {}
    for name in [*sorted(required), *few]:
        one = _one(known[name], depth)
        built[name] = draw(st.lists(one, min_size=1, max_size=2)) if known[name].many else draw(one)
    return built


def _one(element: Element, depth: int) -> st.SearchStrategy[Any]:
    if element.codes:
        return st.sampled_from(element.codes)
    if element.struct is not None:
        if element.name.startswith("_"):
            return st.just({"extension": [{"url": "http://e.x", "valueString": "x"}]})
        return structs(element.struct, depth + 1)
    if element.media:
        return st.sampled_from(["text/plain", "application/fhir+json; fhirVersion=4.0", "xml"])
    return PRIMITIVES[element.kind]


def text_of(value: Any) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(value)


@pytest.mark.parametrize("type_name", TYPES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_resources_round_trip(type_name: str, data: st.DataObject) -> None:
    built = {"resourceType": type_name, **data.draw(structs(codec.resource_class(type_name)))}
    sent = text_of(built)
    resource, written = codec.decode_with_bytes(sent)
    assert json.loads(written, parse_float=Decimal) == json.loads(sent, parse_float=Decimal)
    again = codec.decode(written)
    assert codec.encode(again) == codec.encode(resource) == written


SEED = text_of(
    {
        "resourceType": "Observation",
        "id": "a",
        "contained": [{"resourceType": "Patient", "id": "p", "birthDate": "1990-01-02"}],
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2", "display": "Chiều cao"}]},
        "_issued": {"extension": [{"url": "http://e.x", "valueString": '\u0110 \\ " é'}]},
        "valueQuantity": {"value": Decimal("172.20"), "unit": "cm"},
    }
)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SEED) - 1), st.integers(0, 3), st.binary(max_size=6)),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_bytes_are_invalid_and_nothing_else(damages: list[tuple[int, int, bytes]]) -> None:
    data = bytearray(SEED)
    for at, cut, put in damages:
        data[at : at + cut] = put
    _decode_or_invalid(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_noise_is_invalid_and_nothing_else(noise: bytes) -> None:
    _decode_or_invalid(noise)
    _decode_or_invalid(b'{"resourceType":"Patient",' + noise)


def _decode_or_invalid(data: bytes) -> None:
    try:
        resource, written = codec.decode_with_bytes(data)
    except Invalid as refusal:
        key, message = refusal.key, refusal.message
    else:
        assert isinstance(resource, Resource)
        assert json.loads(written, parse_float=Decimal) == json.loads(data, parse_float=Decimal)
        return
    assert key.startswith("codec.")
    assert message.endswith(".")
