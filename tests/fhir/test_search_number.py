"""Numbers and quantities: precision, prefixes, units; by brute force against the specification's words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.searching import found, observation, put, quantity
from yba import fhir
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.model.quantities import implicit_range

UCUM = "http://unitsofmeasure.org"


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"5.4|{UCUM}|mg", {"mg", "g"}),
        (f"0.0054|{UCUM}|g", {"mg", "g"}),
        (f"5400|{UCUM}|ug", {"mg", "g"}),
        (f"5.4e-3|{UCUM}|g", {"mg", "g"}),
        (f"gt5|{UCUM}|mg", {"mg", "g", "more"}),
        (f"lt5|{UCUM}|mg", {"less"}),
        (f"le2|{UCUM}|mg", {"less"}),
        (f"ap5|{UCUM}|mg", {"mg", "g"}),
        (f"ne5.4|{UCUM}|mg", {"more", "less"}),
        ("5.4||mg", {"mg"}),
        ("5.4", {"mg", "odd"}),
        (f"5.4|{UCUM}|", {"mg", "odd"}),
        (f"5.4|{UCUM}|mgs", {"odd"}),
        (f"5.4|{UCUM}|mL", set()),
        (f"37|{UCUM}|Cel", {"warm"}),
        (f"98.6|{UCUM}|[degF]", {"warm"}),
        (f"310.15|{UCUM}|K", {"warm"}),
    ],
)
def test_units(record: fhir.Record, value: str, expected: set[str]) -> None:
    put(
        record,
        observation("mg", f',"valueQuantity":{quantity("5.4")}'),
        observation("g", f',"valueQuantity":{quantity("0.0054", "g")}'),
        observation("more", f',"valueQuantity":{quantity("11", "mg")}'),
        observation(
            "less", f',"valueQuantity":{quantity("2", "mg", more=",%comparator%:%<%".replace("%", chr(34)))}'
        ),
        observation("odd", f',"valueQuantity":{quantity("5.4", "mgs")}'),
        observation("warm", f',"valueQuantity":{quantity("37.0", "Cel")}'),
    )
    assert found(record, "Observation", ("value-quantity", value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("100", {"100"}),
        ("100.00", {"100"}),
        ("1e2", {"100", "96"}),
        ("1.0e2", {"100", "96"}),
        ("99.9", set()),
        ("ne100", {"96", "105"}),
        ("ge100", {"100", "105"}),
        ("ap100", {"100", "96", "105"}),
    ],
)
def test_precision(record: fhir.Record, value: str, expected: set[str]) -> None:
    for number in ("100", "96", "105"):
        put(record, observation(number, f',"valueQuantity":{{"value":{number}}}'))
    assert found(record, "Observation", ("value-quantity", value)) == expected


@pytest.mark.parametrize("unit", ["", f"|{UCUM}|mg", f"|{UCUM}|g"])
@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("eq5", {"point"}),
        ("ne5", {"<", "<=", ">=", ">"}),
        ("lt5", {"<", "<="}),
        ("le5", {"<", "<=", ">=", "point"}),
        ("ge5", {"<=", ">=", ">", "point"}),
        ("gt5", {">=", ">"}),
        ("sa5", {">"}),
        ("eb5", {"<"}),
        ("gt7", {">=", ">"}),
        ("lt3", {"<", "<="}),
        ("lt5.0000001", {"<", "<=", ">=", ">", "point"}),
        ("le4.9999999", {"<", "<="}),
        ("ap5", {"<", "<=", ">=", ">", "point"}),
    ],
)
def test_open_ends(record: fhir.Record, asked: str, expected: set[str], unit: str) -> None:
    """Of ``>5`` five is no value; of ``>=5`` it is (search.html#prefix, on ranges)."""
    for number, comparator in enumerate(("<", "<=", ">=", ">", None)):
        more = f',"comparator":"{comparator}"' if comparator else ""
        put(record, observation(f"o{number}", f',"valueQuantity":{quantity("5", more=more)}'))
    names = {"o0": "<", "o1": "<=", "o2": ">=", "o3": ">", "o4": "point"}
    if unit.endswith("|g"):
        asked = f"{asked}e-3"
    answer = found(record, "Observation", ("value-quantity", asked + unit))
    assert {names[one] for one in answer} == expected
    code = "8302-2$" + asked + unit
    assert {names[one] for one in found(record, "Observation", ("code-value-quantity", code))} == expected


def test_ranges_and_samples(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"onsetRange":{'
        f'"low":{quantity("10", "a")},"high":{quantity("12", "a")}}}}}',
        observation(
            "s",
            f',"valueSampledData":{{"origin":{quantity("1", "mV")},"period":10,"factor":2,"dimensions":1,'
            '"data":"0 1 E 3"}',
        ),
    )
    assert found(record, "Condition", ("onset-age", f"gt11|{UCUM}|a")) == {"c"}
    assert found(record, "Condition", ("onset-age", f"sa11|{UCUM}|a")) == set()
    assert found(record, "Condition", ("onset-age", f"eb13|{UCUM}|a")) == {"c"}
    assert found(record, "Observation", ("value-quantity", f"gt6|{UCUM}|mV")) == {"s"}
    assert found(record, "Observation", ("value-quantity", f"gt7|{UCUM}|mV")) == set()
    assert found(record, "Observation", ("value-quantity", f"eb8|{UCUM}|mV")) == {"s"}


@pytest.mark.parametrize("value", ["much", "5.4|mg", "5.4|a|b|c", "gt", "1e", "--1", "Infinity", "NaN"])
def test_refusals(record: fhir.Record, value: str) -> None:
    with pytest.raises(errors.Invalid):
        found(record, "Observation", ("value-quantity", value))


def meant(prefix: str, asked: Decimal, held: Decimal) -> bool:
    """search.html#prefix for a number that is a point."""
    low, high = implicit_range(asked)
    return {
        "eq": low <= held < high,
        "ne": not low <= held < high,
        "gt": held > asked,
        "lt": held < asked,
        "ge": held >= asked,
        "le": held <= asked,
        "sa": held > asked,
        "eb": held < asked,
    }[prefix]


_NUMBERS = st.decimals(min_value=-50, max_value=50, places=2) | st.integers(-50, 50).map(Decimal)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prefix=st.sampled_from(["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]),
    asked=_NUMBERS,
    held=_NUMBERS,
    unit=st.sampled_from([("", 1), (f"|{UCUM}|mg", 1), (f"|{UCUM}|ug", 1000)]),
)
def test_prefixes(
    connection: psycopg.Connection[Any], prefix: str, asked: Decimal, held: Decimal, unit: tuple[str, int]
) -> None:
    text, factor = unit
    if factor != 1:
        asked = asked.quantize(Decimal(1))
    record = fhir.open(connection, actor=SYSTEM)
    put(record, observation("o", f',"valueQuantity":{quantity(str(held))}'))
    expected = meant(prefix, asked, held * factor)
    assert (found(record, "Observation", ("value-quantity", f"{prefix}{asked}{text}")) == {"o"}) is expected
