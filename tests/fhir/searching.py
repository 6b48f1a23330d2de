"""What the tests of search share: put resources in, ask, get ids."""

from __future__ import annotations

from tests.fhir.searches import put
from yba import fhir

__all__ = ["found", "observation", "patient", "put", "quantity"]


def found(record: fhir.Record, type_name: str, *params: tuple[str, str]) -> set[str]:
    """Ids of the first page; unknown parameters are refused."""
    return {one.id for one in record.search_stored(type_name, params, strict=True).matches}


def patient(identifier: str, rest: str = "") -> str:
    return f'{{"resourceType":"Patient","id":"{identifier}"{rest}}}'


def observation(identifier: str, rest: str = "", code: str = "8302-2") -> str:
    return (
        f'{{"resourceType":"Observation","id":"{identifier}","status":"final",'
        f'"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}}{rest}}}'
    )


def quantity(value: str, code: str = "mg", system: str = "http://unitsofmeasure.org", more: str = "") -> str:
    return f'{{"value":{value},"system":"{system}","code":"{code}","unit":"{code}"{more}}}'
