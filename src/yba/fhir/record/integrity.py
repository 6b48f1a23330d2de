"""References that must lead somewhere, and targets that may not be taken away: checked where the record is told to.

What was written is held until the end of the transaction and checked then, so that the entries of a transaction may
point at each other in any order. Source: FHIR R4, http.html#integrity.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from psycopg import sql

from yba.fhir.access import policy
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.model import references, tree
from yba.fhir.record.failures import translated
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record

_REFERENCE = re.compile(rb'"reference":"([^"\\]+)"')
_LIVING = sql.SQL(
    "select r.id::varchar from record.resource r where r.type = %(type)s and r.id = any(%(ids)s)"
    " and r.content is not null and {}"
)
_POINTING = (
    "select s.type::varchar, s.id::varchar from record.reference x"
    " join record.unwalled_resource s on s.rid = x.rid and s.shard = x.shard and s.content is not null"
    " where x.target_type = %(type)s and x.target_id = %(id)s and not (s.type = %(type)s and s.id = %(id)s)"
    " limit 1"
)


def check(record: Record) -> None:
    """Check what was written and deleted since the last time, and forget it.

    Raises Invalid with the path of a reference to a resource that is not there (or that the actor may not see),
    Conflict for a deleted resource that something still refers to.
    """
    sources, targets = list(record.unchecked_sources), list(record.unchecked_targets)
    forget(record)
    with translated:
        wanted: dict[str, set[str]] = {}
        for _, _, content in sources:
            for type_name, identifier, _ in _local(record, content):
                wanted.setdefault(type_name, set()).add(identifier)
        missing = {
            (type_name, identifier)
            for type_name, ids in wanted.items()
            for identifier in ids - _living(record, type_name, ids)
        }
        for source_type, _, content in sources:
            for type_name, identifier, text in _local(record, content):
                if (type_name, identifier) in missing:
                    raise _unmet(source_type, content, text)
        for type_name, identifier in targets:
            _check_unreferenced(record, type_name, identifier)


def forget(record: Record) -> None:
    """Nothing is left to check: it was, or it was never stored."""
    record.unchecked_sources.clear()
    record.unchecked_targets.clear()


def _local(record: Record, content: bytes) -> Iterator[tuple[str, str, str]]:
    for found in _REFERENCE.finditer(content):
        text = found[1].decode()
        target = references.parse(text)
        own = record.base_url + "/" if record.base_url else None
        if target is not None and target.base in ("", own):
            yield target.type, target.id, text


def _living(record: Record, type_name: str, ids: set[str]) -> set[str]:
    condition = record.may(type_name)
    query = _LIVING.format(condition.sql if condition.sql is not None else sql.SQL("true"))
    params = {"type": type_name, "ids": sorted(ids), **condition.params}
    return {row[0] for row in execute(record.connection, query, params).fetchall()}


def _unmet(source_type: str, content: bytes, text: str) -> Invalid:
    return Invalid(
        "store.reference",
        f"{text} is not there. Store it first, or in the same transaction.",
        path=_path_of(tree.parse(content), text, source_type),
    )


def _path_of(value: Any, text: str, at: str) -> str | None:
    """Where in a tree a reference stands."""
    if isinstance(value, dict):
        if value.get("reference") == text:
            return f"{at}.reference"
        inside = ((f"{at}.{name}", one) for name, one in value.items())
    elif isinstance(value, list):
        inside = ((f"{at}[{number}]", one) for number, one in enumerate(value))
    else:
        return None
    return next((path for where, one in inside if (path := _path_of(one, text, where))), None)


def _check_unreferenced(record: Record, type_name: str, identifier: str) -> None:
    row = execute(record.connection, _POINTING, {"type": type_name, "id": identifier}).fetchone()
    if row is None:
        return
    # Who points is told only to an actor who may see it.
    known = policy.sees_all(record.actor, row[0])
    raise Conflict(
        "store.referenced",
        f"{type_name}/{identifier} is referred to{f' by {row[0]}/{row[1]}' if known else ''}. "
        "Change or delete what refers to it first.",
        type=type_name,
        id=identifier,
    )
