"""A whole book as a FHIR bundle: every row of the person's compartment that the asker may read, and who is named there.

What the door hides from the asker is not in it. Nothing is left out silently: a book above the limit is refused whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from yba.fhir.errors import RecordError, TooCostly
from yba.fhir.model import codec
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import Record
from yba.fhir.search.compartment import Compartment
from yba.fhir.store.rows import Stored

PAGE: Final = 500
MOST: Final = 50_000
#: Types that say who and where; what a book names of them is put beside it.
NAMED: Final = ("Practitioner", "PractitionerRole", "Organization", "Location", "Medication", "Device")
#: Notes of the machinery about a person, which are read on the page of who opened the book.
NOT_OF_THE_BOOK: Final = frozenset({"AuditEvent", "Subscription"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the book as it is stored."""

    type: str
    id: str
    content: bytes


def types() -> list[str]:
    return sorted({"Patient", *COMPARTMENTS["Patient"]} - NOT_OF_THE_BOOK)


def rows(record: Record, patient: str) -> list[Entry]:
    """Every row of the person's compartment, the person first. Raises NotFound, TooCostly."""
    head = record.read_stored("Patient", patient)
    found = {("Patient", head.id): _entry(head)}
    inside = Compartment("Patient", patient)
    for type_name in types():
        for one in _pages(record, type_name, inside):
            if one.content is not None:
                found.setdefault((type_name, one.id), _entry(one))
        if len(found) > MOST:
            raise TooCostly(
                "copy.too-large",
                f"The book has more than {MOST} entries. Ask the facility for a copy.",
                count=MOST,
            )
    return list(found.values())


def _pages(record: Record, type_name: str, inside: Compartment) -> Iterator[Stored]:
    after: str | None = None
    while True:
        asked = [("_count", str(PAGE))] + ([("_cursor", after)] if after else [])
        page = record.search_stored(type_name, asked, strict=True, compartment=inside)
        yield from page.matches
        after = page.next
        if after is None:
            return


def _entry(stored: Stored) -> Entry:
    return Entry(stored.type, stored.id, bytes(stored.content or b""))


def count(record: Record, patient: str) -> int:
    """How many rows a copy would have, at least: the types that make books thick."""
    thick = ("Encounter", "Observation", "Condition", "MedicationRequest", "DiagnosticReport", "ChargeItem")
    return sum(
        record.count(one, ("patient" if one != "ChargeItem" else "subject", f"Patient/{patient}"))
        for one in thick
    )


def named(record: Record, entries: Sequence[Entry]) -> list[Entry]:
    """People, places and things the rows refer to, as far as the asker may read them."""
    wanted: dict[tuple[str, str], None] = {}
    have = {(one.type, one.id) for one in entries}
    for one in entries:
        for target in _targets(msgspec.json.decode(one.content)):
            type_name, _slash, identifier = target.partition("/")
            if type_name in NAMED and identifier and (type_name, identifier) not in have:
                wanted[(type_name, identifier.partition("/")[0])] = None
    found = []
    for type_name, identifier in wanted:
        try:
            found.append(_entry(record.read_stored(type_name, identifier)))
        except RecordError:
            continue  # hidden, gone, or never here: the reference in the book still names it
    return found


def _targets(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("reference")
        if isinstance(reference, str):
            yield reference
        for one in value.values():
            yield from _targets(one)
    elif isinstance(value, list):
        for one in value:
            yield from _targets(one)


def bundle(entries: Sequence[Entry], *, base_url: str, made: str) -> bytes:
    """A collection of the rows as they are stored. FHIR R4, bundle.html#collection."""
    parts = [
        b'{"fullUrl":%b,"resource":%b}'
        % (msgspec.json.encode(f"{base_url}/{one.type}/{one.id}"), one.content)
        for one in entries
    ]
    return (
        b'{"resourceType":"Bundle","type":"collection","timestamp":%b,"entry":[' % msgspec.json.encode(made)
        + b",".join(parts)
        + b"]}"
    )


def decoded(entries: Sequence[Entry]) -> list[Resource]:
    return [codec.decode(one.content, one.type) for one in entries]
