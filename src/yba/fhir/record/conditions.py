"""Resources named by a search: what If-None-Exist, a conditional update and their kin ask for.

Source: FHIR R4, http.html#ccreate, #cond-update, #cdelete, #conditional.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from yba.fhir import search
from yba.fhir.access import policy
from yba.fhir.errors import Conflict, Invalid, NotFound, PreconditionFailed
from yba.fhir.record import writing
from yba.fhir.record.failures import BUSY, translated
from yba.fhir.record.reading import Known, sees
from yba.fhir.search.parameters import without
from yba.fhir.store.read import lock_many
from yba.fhir.store.rows import Stored, execute

if TYPE_CHECKING:
    from yba.fhir.r4.datatypes import Resource
    from yba.fhir.record.handle import Parameter, Record
    from yba.fhir.record.writing import Change

MOST_DELETED = 100
"""How many resources one conditional delete may take away."""
_LOCKS = 1024
"""Conditions share so many locks: a transaction of ten thousand conditions must not fill the lock table."""
_SPACE = 72_161
# They say how an answer is to look, not which resources are meant.
_RESULT = frozenset(
    {"_count", "_sort", "_include", "_revinclude", "_total", "_summary", "_elements", "_cursor", "_offset",
     "_contained", "_containedType", "_score", "_page", "_graph", "_maxresults"}
)  # fmt: skip


class TooMany(PreconditionFailed):
    """More resources match than one request may change."""

    issue = "too-costly"


def key_of(type_name: str, params: Iterable[Parameter]) -> str:
    """A condition as text, the same for the same parameters in any order."""
    return type_name + "?" + "&".join(sorted(f"{name}={value}" for name, value in params))


def lock(record: Record, keys: Iterable[str]) -> None:
    """Make askers of the same conditions wait for each other until the transaction ends; always in one order."""
    execute(
        record.connection,
        "select pg_advisory_xact_lock(%s::int4, x.number) from (select distinct"
        " (hashtextextended(key, 0) & %s::int8)::int4 as number from unnest(%s::text[]) key order by number) x",
        (_SPACE, _LOCKS - 1, list(keys)),
    )


def checked(type_name: str, params: Sequence[Parameter]) -> list[Parameter]:
    """The criteria of a condition. Raises Invalid where nothing, or something else, is asked."""
    criteria = [(name, value) for name, value in params if value.strip()]
    for name, value in criteria:
        if "\x00" in name + value:
            raise Invalid("search.value", "A condition holds a NUL character.")
        if name.partition(":")[0] in _RESULT:
            raise Invalid(
                "store.condition", f"'{name[:50]}' is no criterion; a condition holds criteria only."
            )
    if not criteria:
        raise Invalid(
            "store.condition", f"The condition on {type_name} asks nothing. Name it, like 'identifier=x'."
        )
    return criteria


def matches(record: Record, type_name: str, params: Sequence[Parameter], most: int) -> list[Stored]:
    """What a condition names, one more than ``most`` at most."""
    criteria = checked(type_name, params)
    with translated, without(policy.hidden_codes(record.actor)):
        found = search.run(
            record.connection, type_name, [*criteria, ("_count", str(most + 1)), ("_total", "none")],
            access=lambda name: record.may(name, "search"), strict=True,
            now=record.clock(), base_url=record.base_url, walled=record.walled,
        )  # fmt: skip
    return found.matches


def match(
    record: Record, type_name: str, params: Sequence[Parameter], *, locked: bool = False
) -> Stored | None:
    """The one resource a condition names, or None. Raises PreconditionFailed when several match."""
    key = key_of(type_name, checked(type_name, params))
    if locked:
        lock(record, [key])
    found = matches(record, type_name, params, 1)
    if len(found) > 1:
        raise PreconditionFailed(
            "store.several-match",
            f"Several {type_name} match the condition '{key}'. Name one by its id.",
        )
    return found[0] if found else None


def decide(record: Record, resource: Resource, found: Stored | None) -> str | None:
    """Under which id a conditional update stores a resource: the match's, its own, or None for a new one.

    Raises Invalid when it carries another id than its match, Conflict when its id is of one that does not match.
    Source: http.html#cond-update.
    """
    type_name = type(resource).__name__
    if found is None:
        if resource.id is not None and (known := _taken(record, type_name, resource.id)):
            raise Conflict(
                "store.id-taken",
                f"Nothing matches the condition, yet {known} is there. Update it by its id.",
                path=f"{type_name}.id",
            )
        return resource.id
    if resource.id not in (None, found.id):
        raise Invalid(
            "store.id-differs",
            f"The condition names {type_name}/{found.id}, the resource has the id '{resource.id}'.",
            path=f"{type_name}.id",
        )
    return found.id


def _taken(record: Record, type_name: str, identifier: str) -> str | None:
    known = writing.known_row(record, type_name, identifier)
    if known is None or known[0].content is None or not sees(record, type_name, identifier):
        return None  # a hidden one is met as hidden by the write itself
    return f"{type_name}/{identifier}"


def create(
    record: Record, resource: Resource, params: Sequence[Parameter], identifier: str | None
) -> tuple[Stored, bool]:
    """Create where nothing matches; else the match and False."""

    def work() -> tuple[Stored, bool]:
        found = match(record, type(resource).__name__, params, locked=True)
        if found is not None:
            return existing(record, found), False
        return writing.put(record, resource, identifier, "POST", None), True

    return record.attempt(work)


def existing(record: Record, found: Stored) -> Stored:
    """What is answered instead of being made: it is read, so it is noted, and shown as any read shows it."""
    record.audit("read", type_name=found.type, stored=found)
    return record.shown(found)


def update(
    record: Record, resource: Resource, params: Sequence[Parameter], *, if_match: str | None
) -> tuple[Stored, bool]:
    """Update what matches, or create; the flag says whether it was made new."""

    def work() -> tuple[Stored, bool]:
        type_name = type(resource).__name__
        found = match(record, type_name, params, locked=True)
        identifier = decide(record, resource, found)
        known = None
        if identifier is not None:
            known = writing.known_row(record, type_name, identifier, lock=True)
        if found is not None:
            check_unchanged(found, known)
        writing.check_version(record, type_name, identifier or "", known, if_match)
        is_new = known is None or known[0].content is None
        return writing.put(record, resource, identifier, "PUT", known), is_new

    return record.attempt(work, taken=True)


def check_unchanged(found: Stored, known: Known | None) -> None:
    """Ask again when the match was changed before it was locked: it may match no longer."""
    if known is None or known[0].version != found.version:
        raise Conflict(
            BUSY,
            f"{found.type}/{found.id} was changed at the same moment. Nothing was stored; send it again.",
        )


def patch(
    record: Record, type_name: str, params: Sequence[Parameter], change: Change, *, if_match: str | None
) -> Stored:
    """Change the one that matches. Raises NotFound when none does."""

    def work() -> Stored:
        found = match(record, type_name, params, locked=True)
        if found is None:
            raise NotFound(
                "store.no-match",
                f"Nothing matches the condition '{key_of(type_name, params)[:200]}'.",
                type=type_name,
            )
        check_unchanged(found, writing.known_row(record, type_name, found.id, lock=True))
        return writing.patch_in(record, type_name, found.id, change, if_match=if_match)

    return record.attempt(work)


def delete(
    record: Record, type_name: str, params: Sequence[Parameter], *, most: int, if_match: str | None
) -> list[Stored]:
    """Delete all that match, or nothing when they are more than ``most``. Raises TooMany."""

    def work() -> list[Stored]:
        found = matched_for_delete(record, type_name, params, most)
        known = lock_many(record.connection, [(type_name, one.id) for one in found])
        for one in found:
            check_unchanged(one, known.get((type_name, one.id)))
        deleted = [writing.delete_in(record, type_name, one.id, if_match=if_match) for one in found]
        return [one for one in deleted if one is not None]

    return record.attempt(work)


def matched_for_delete(
    record: Record, type_name: str, params: Sequence[Parameter], most: int = MOST_DELETED
) -> list[Stored]:
    """What a conditional delete would take away. Raises TooMany."""
    found = matches(record, type_name, params, most)
    if len(found) > most:
        raise TooMany(
            "store.too-many-match",
            f"More than {most} {type_name} match. Nothing was deleted; narrow the condition.",
            type=type_name,
        )
    return found
