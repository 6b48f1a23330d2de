"""Whom to compare with: the few records the index offers for the traits that are given, never all.

Each question is an indexed search of Patient by the actor's own right: by each identifier, by telephone and e-mail, by
insurance card through Coverage, by date of birth (also with day and month exchanged) with a word of the name, and by
the whole name within the year of birth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from yba.fhir.record import Record
from yba.fhir.rest.operations.match.traits import INSURANCE, Traits
from yba.fhir.store.rows import Stored

MOST = 500
"""Records one question may offer; namesakes beyond it are not compared, and the answer says so."""
Question = list[tuple[str, str]]


@dataclass(slots=True)
class Found:
    """The records to compare with, and what is to be said about how they were found."""

    rows: list[Stored] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def of(record: Record, asked: Traits) -> Found:
    """Every record a question offers, once."""
    rows: dict[str, Stored] = {}
    found = Found()
    for question in [*_questions(asked), *_by_card(record, asked, found)]:
        page = record.search_stored(
            "Patient", [*question, ("_count", str(MOST)), ("_total", "none")], strict=True
        )
        rows |= {one.id: one for one in page.matches}
        if page.next is not None:
            names = ", ".join(name for name, _ in question)
            found.notes.append(
                f"More than {MOST} people agree by {names} alone; not all were compared. Give more of the person."
            )
    found.rows = list(rows.values())
    return found


def _questions(asked: Traits) -> Iterator[Question]:
    for number in asked.numbers:
        system = f"{escaped(number.system)}|" if number.system else ""
        yield [("identifier", system + escaped(number.value))]
    for contact in sorted(asked.contacts):
        if "@" in contact:
            yield [("email", escaped(contact))]
        else:
            bare = contact.removeprefix("0")
            yield [("phone", ",".join(dict.fromkeys([contact, f"+84{bare}", f"84{bare}"])))]
    yield from _by_name(asked)


def _by_name(asked: Traits) -> Iterator[Question]:
    words = sorted({word for name in asked.names for word in name.folded})
    wholes = sorted({" ".join(name.folded) for name in asked.names if len(name.folded) > 1})
    birth = asked.birth
    if len(birth) == 10 and words:
        dates = dict.fromkeys([birth, *_exchanged(birth)])
        yield [("birthdate", ",".join(dates)), ("name", ",".join(words))]
    if birth:
        for whole in wholes:
            yield [("name", whole), ("birthdate", birth[:4])]
    if len(birth) == 4:
        for name in asked.names:
            if len(name.folded) > 1:
                yield [("birthdate", birth), ("name", name.folded[-1]), ("name", name.folded[0])]
    if not birth:
        yield from ([("name", whole)] for whole in wholes)


def _exchanged(birth: str) -> Iterator[str]:
    """The date with day and month exchanged, when that is one."""
    if int(birth[8:]) <= 12:
        yield f"{birth[:4]}-{birth[8:]}-{birth[5:7]}"


def _by_card(record: Record, asked: Traits, found: Found) -> Iterator[Question]:
    """Holders of an insurance card: the number stands on the Coverage. ``found`` is told when there are too many."""
    for number in asked.numbers:
        if number.system == INSURANCE:
            values = dict.fromkeys([number.value, number.value[-10:]])
            text = ",".join(f"{INSURANCE}|{escaped(value)}" for value in values)
            page = record.search_stored(
                "Coverage", [("identifier", text), ("_count", str(MOST)), ("_total", "none")], strict=True
            )
            if page.next is not None:
                found.notes.append(
                    f"More than {MOST} insurance cards have the number {number.value}; not all were looked at. Give "
                    "more of the person."
                )
            ids = sorted({one.patient for one in page.matches if one.patient})
            if ids:
                yield [("_id", ",".join(ids))]


def escaped(text: str) -> str:
    """A value with the signs that mean something in a search taken as they are (search.html#escaping)."""
    return re.sub(r"([\\,|$])", r"\\\1", text)
