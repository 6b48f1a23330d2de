"""What the tests of search share: short ways to put resources in and to ask for ids."""

from __future__ import annotations

from typing import Any

import psycopg

from yba import fhir
from yba.fhir.access import Actor
from yba.fhir.model import codec

Params = tuple[str, str]


def put(record: fhir.Record, *texts: str) -> None:
    """Store resources given as JSON."""
    for text in texts:
        record.update(codec.decode(text))


def found(record: fhir.Record, type_name: str | None, *params: Params) -> list[str]:
    """Ids of the first page, in order."""
    return [one.id for one in record.search_stored(type_name, params, strict=True).matches]


def added(record: fhir.Record, type_name: str | None, *params: Params) -> list[str]:
    """What is included with the first page, as Type/id, sorted."""
    page = record.search_stored(type_name, params, strict=True)
    return sorted(f"{one.type}/{one.id}" for one in page.included)


def citizen(connection: psycopg.Connection[Any], person: str) -> fhir.Record:
    """The record of somebody who may see this person only: themselves."""
    actor = Actor(user="u", role="citizen", persons=frozenset({person}), person=person)
    return fhir.open(connection, actor=actor)


def resource(reference: str, rest: str = "") -> str:
    """A resource by ``Type/id`` with more members, as JSON."""
    kind, _, identifier = reference.partition("/")
    return f'{{"resourceType":"{kind}","id":"{identifier}"{rest}}}'


def observation(identifier: str, of: str, code: str = "8302-2", rest: str = "") -> str:
    """An Observation of a subject with a LOINC code."""
    return resource(
        f"Observation/{identifier}",
        f',"status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},'
        f'"subject":{{"reference":"{of}"}}{rest}',
    )


def encounter(identifier: str, of: str, rest: str = "") -> str:
    """An Encounter of a patient."""
    return resource(
        f"Encounter/{identifier}",
        f',"status":"finished","class":{{"code":"AMB"}},"subject":{{"reference":"{of}"}}{rest}',
    )


def patient(identifier: str, rest: str = "") -> str:
    """A Patient."""
    return resource(f"Patient/{identifier}", rest)
