"""Versions at the door: what a version says counts, also where the resource says it no more.

A result marked as HIV and put right later, or deleted, has the label in its old versions only. Who may not see such a
row does not see the version either.
"""

from __future__ import annotations

from typing import Any

import psycopg

from yba.fhir.access import labels
from yba.fhir.condition import Condition
from yba.fhir.store.rows import Stored, execute

_LABELS = "r.sensitive"
_ROW = "select 1 from record.resource r where r.type = %(past_type)s and r.id = %(past_id)s and "
_WITH = "(r.sensitive | %(past_labels)s::smallint)"


def told(connection: psycopg.Connection[Any], version: Stored, condition: Condition) -> bool:
    """Whether the condition lets the resource through with the labels of this version as well as its own.

    What marks rows of minors counts whoever it was: how old the person was then is not asked.
    """
    if condition.sql is None or version.content is None:
        return True
    found = labels.found_in(version.type, version.content)
    bits = found.bits | found.of_minors
    text = condition.sql.as_string(None)
    if not bits or _LABELS not in text:
        return True
    params = {**condition.params, "past_type": version.type, "past_id": version.id, "past_labels": bits}
    return execute(connection, _ROW + text.replace(_LABELS, _WITH), params).fetchone() is not None
