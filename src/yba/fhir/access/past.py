"""Versions at the door: what a version says counts, also where the resource says it no more.

A result marked as HIV and put right later, or deleted, has the label in its old versions only. Who may not see such a
row does not see the version either, nor is it counted for them. What was sensitive in a version is kept with it
(``record.version.sensitive``); of versions of an older release it is not known until the background has looked
(``store/version_labels.py``), and these are hidden from who is held to labels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import psycopg
from psycopg import sql

from yba.fhir.access import labels
from yba.fhir.condition import Condition
from yba.fhir.store.rows import Stored, execute

_LABELS: Final = "r.sensitive"
_THEN: Final = f"(r.sensitive | coalesce(v.sensitive, {labels.UNKNOWN}))"
_KNOWN: Final = "(r.sensitive | coalesce(v.sensitive, %(past_labels)s::smallint))"
_ROW: Final = (
    "select 1 from record.resource r left join record.version v on v.type = r.type and v.id = r.id"
    " and v.version = %(past_version)s where r.type = %(past_type)s and r.id = %(past_id)s and "
)


def of_versions(condition: Condition) -> sql.SQL | None:
    """What a condition asks of a version ``v`` beside the resource ``r`` as it is; None: nothing more.

    Most versions have no label, or are the current one: said first, they cost no second look.
    """
    return None if condition.sql is None else _of_versions(condition.sql.as_string(None))


@lru_cache(maxsize=1024)
def _of_versions(text: str) -> sql.SQL | None:
    if _LABELS not in text:
        return None
    then = text.replace(_LABELS, _THEN)
    return sql.SQL(f"(v.sensitive = 0 or v.version = r.version or {then})")


def told(connection: psycopg.Connection[Any], version: Stored, condition: Condition) -> bool:
    """Whether the condition lets the resource through with the labels of this version as well as its own."""
    if condition.sql is None:
        return True
    bits = 0
    if version.content is not None:
        found = labels.found_in(version.type, version.content)
        bits = found.bits | found.of_minors
        if not bits:
            return True
    text = condition.sql.as_string(None)
    if _LABELS not in text:
        return True
    params = {
        **condition.params, "past_type": version.type, "past_id": version.id, "past_version": version.version,
        "past_labels": bits,
    }  # fmt: skip
    return execute(connection, _ROW + text.replace(_LABELS, _KNOWN), params).fetchone() is not None
