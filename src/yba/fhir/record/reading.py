"""Reads of a record: the current version, one version, a history. What the access door hides is not there."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from yba.fhir.access import past, policy
from yba.fhir.access.roles import ANY
from yba.fhir.audit import search as audit_search
from yba.fhir.audit.terms import TYPE as AUDIT
from yba.fhir.errors import Forbidden, Gone, NotFound, Unsupported
from yba.fhir.record.failures import translated
from yba.fhir.store import read
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record

Known = tuple[Stored, int]
"""A row and its shard."""
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


def current(
    record: Record, type_name: str, identifier: str, *, lock: bool = False, interaction: str = "read"
) -> Known:
    """The current row as far as the actor may see it, deleted or not. Raises NotFound."""
    found = None
    if _ID.fullmatch(identifier):
        found = visible(record, type_name, identifier, lock=lock, interaction=interaction)
        if found is None:
            _note_hidden(record, type_name, identifier)
    if found is None:
        raise not_found(type_name, identifier)
    return found


def not_found(type_name: str, identifier: str) -> NotFound:
    """The one answer for what is not there and for what is hidden."""
    return NotFound(
        "store.not-found", f"There is no {type_name}/{identifier[:64]}.", type=type_name, id=identifier
    )


def _note_hidden(record: Record, type_name: str, identifier: str) -> None:
    """An attempt at a row that is there and hidden is in the audit, with whose row it was."""
    if policy.sees_all(record.actor, type_name) or type_name == AUDIT:
        return
    with translated:
        hidden = read.current(record.connection, type_name, identifier, condition=None)
    if hidden is not None:
        record.refused(not_found(type_name, identifier), type_name, hidden[0])


def visible(
    record: Record, type_name: str, identifier: str, *, lock: bool = False, interaction: str = "read"
) -> Known | None:
    """The current row where the actor may see it, else None."""
    if type_name == AUDIT:
        event = audit_search.one_event(record, identifier)
        return None if event is None else (event, 0)
    may = record.may(type_name, interaction)
    with translated:
        if lock:
            return read.current(record.connection, type_name, identifier, condition=may, lock=True)
        return read.seen(record.asked, type_name, identifier, may)


def sees(record: Record, type_name: str, identifier: str) -> bool:
    """Whether the actor may see a row that is there."""
    if type_name == AUDIT:
        return visible(record, type_name, identifier) is not None
    return policy.sees_all(record.actor, type_name) or visible(record, type_name, identifier) is not None


def alive(stored: Stored) -> Stored:
    """The version itself. Raises Gone for one that says "deleted"."""
    if stored.content is None:
        raise Gone(
            "store.gone", f"{stored.type}/{stored.id} has been deleted.", type=stored.type, id=stored.id
        )
    return stored


def content_of(stored: Stored) -> bytes:
    """The bytes of a version that is known to have some."""
    assert stored.content is not None
    return stored.content


def head(record: Record, type_name: str, identifier: str) -> Stored:
    """The current version as the actor is shown it, for an answer that has its own audit row. Raises NotFound, Gone."""
    return alive(record.shown(current(record, type_name, identifier)[0]))


def read_stored(record: Record, type_name: str, identifier: str) -> Stored:
    """The current version. Raises NotFound, Gone."""
    stored, _ = current(record, type_name, identifier)
    record.audit("read", type_name=type_name, stored=stored)
    return alive(record.shown(stored))


def vread_stored(record: Record, type_name: str, identifier: str, version: str) -> Stored:
    """One version; the actor must be able to see the resource as it is now.

    A version that was another patient's or kept by another facility (misfiled, then put right) is not there for who
    does not see all; nor is one that says what the actor may not see, though the resource says it no more.
    """
    stored, _ = current(record, type_name, identifier)
    if type_name == AUDIT and version == "1":
        record.audit("vread", type_name=type_name, stored=stored)
        return stored
    with translated:
        found = (
            read.one_version(record.connection, type_name, identifier, int(version))
            if version.isdecimal() and version.isascii() and len(version) < 10
            else None
        )
    if (
        found is None
        or not (found.kept_like(stored) or policy.sees_all(record.actor, type_name))
        or not past.told(record.connection, found, record.may(type_name))
    ):
        raise NotFound(
            "store.version-not-found",
            f"There is no version {version[:64]} of {type_name}/{identifier}.",
            type=type_name, id=identifier, version=version,
        )  # fmt: skip
    record.audit("vread", type_name=type_name, stored=msgspec.structs.replace(found, patient=stored.patient))
    return alive(record.shown(found))


@dataclass(frozen=True, slots=True)
class Versions:
    """A stretch of a history: pairs of type and version. ``total`` is None where it was not counted."""

    found: Sequence[tuple[str, Stored]]
    total: int | None = None


def history(
    record: Record, type_name: str | None, identifier: str | None, asked: read.History, *, count: bool = False
) -> Versions:
    """Versions of a resource, a type or everything; with ``count`` how many there are in all.

    Raises Forbidden for the whole record's history to anybody but the system; NotFound.
    """
    if type_name == AUDIT:
        raise Unsupported(
            "audit.history", "An AuditEvent has one version: read it, or search for AuditEvents."
        )
    if type_name is None and not policy.sees_all(record.actor, ANY, "history"):
        raise Forbidden("access.history", "History of the whole record is for the role 'system'.")
    condition = record.may(type_name or ANY, "history" if identifier is not None else "history-type")
    if identifier is not None and type_name is not None:
        current(record, type_name, identifier, interaction="history")
    with translated:
        found = read.history(record.connection, type_name, identifier, condition=condition, asked=asked)
        total = (
            read.count_history(record.connection, type_name, identifier, condition=condition, asked=asked)
            if count
            else None
        )
    subject = found[0][1] if identifier is not None and found else None
    record.audit("history", type_name=type_name, stored=subject)
    return Versions([(name, record.shown(one)) for name, one in found], total)


def history_stored(
    record: Record,
    type_name: str | None,
    identifier: str | None,
    *,
    since: datetime | None,
    before: tuple[datetime, int, int] | None,
    count: int,
) -> list[tuple[str, Stored]]:
    """Versions, newest first, older than the key ``before``."""
    asked = read.History(since=since, after=before, count=count)
    return list(history(record, type_name, identifier, asked).found)
