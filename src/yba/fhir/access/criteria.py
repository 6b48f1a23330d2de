"""Search criteria as conditions of the door: what `where` of a role and the query of a SMART scope ask of a row.

They are read by search, so that they mean what they mean there, and held against stored rows and, before a write,
against the row that is to be. Only plain parameters of the type are taken: what follows a link would tell of rows
behind another door.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl

from yba.fhir.condition import NOTHING, Condition
from yba.fhir.errors import RecordError
from yba.fhir.search.clause import Clause, every
from yba.fhir.search.kinds import answer
from yba.fhir.search.parameters import TEXT_CODES, builtin
from yba.fhir.search.question import Asking, Question

Pairs = Sequence[tuple[str, str]]
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Criteria:
    """SQL on ``r`` with named places, and their values; ``sql`` "false" where the criteria are not understood."""

    sql: str
    params: tuple[tuple[str, object], ...] = ()


NEVER = Criteria("false")


def check(type_name: str, text: str, at: str) -> None:
    """Raise ValueError where criteria of a role cannot be read."""
    try:
        _clause(type_name, tuple(parse_qsl(text, strict_parsing=True)))
    except (RecordError, ValueError, KeyError) as error:
        raise ValueError(f"{at}: '{text}' is no search of {type_name}: {error}") from error


def of_text(type_name: str, text: str) -> Criteria:
    """The criteria of a role."""
    return of_pairs(type_name, tuple(parse_qsl(text, strict_parsing=True)))


@lru_cache(maxsize=4096)
def of_pairs(type_name: str, pairs: tuple[tuple[str, str], ...]) -> Criteria:
    """Criteria as SQL. What is not understood lets nothing through."""
    try:
        clause = _clause(type_name, pairs)
    except (RecordError, ValueError, KeyError):
        return NEVER
    mark = f"{zlib.crc32(repr((type_name, pairs)).encode()):08x}"
    parts = clause.sql.split("{}")
    text = "".join(
        f"{part}%(where_{mark}_{number})s" if number < len(parts) - 1 else part
        for number, part in enumerate(parts)
    )
    return Criteria(
        f"({text})", tuple((f"where_{mark}_{number}", value) for number, value in enumerate(clause.values))
    )


def _clause(type_name: str, pairs: Pairs) -> Clause:
    known = builtin(type_name)
    # A moment that moves ("ap") is no criterion of a right: the clock of the question is never asked.
    asking = Asking(_BEGINNING, access=lambda _: Condition(NOTHING))
    found = []
    for name, value in pairs:
        code, colon, modifier = name.partition(":")
        if code not in known or code in TEXT_CODES or "." in name or not value or "\x00" in value:
            raise KeyError(name)
        if modifier in _BY_TERMINOLOGY:
            raise KeyError(name)
        found.append(
            answer(
                Question(type_name, known[code], modifier if colon else None, value, asking.now, None, asking)
            )
        )
    if not found:
        raise KeyError("")
    return every(found)


_BY_TERMINOLOGY = frozenset({"in", "not-in", "above", "below"})
_INDEX = re.compile(r"\brecord\.(token|reference|string|date|number|uri|position|composite) x\b")


def on_given(text: str) -> str:
    """A condition's text put to index rows that are given beside the row, not stored yet (see ``writing.py``)."""
    return _INDEX.sub(r"given_\1 x", text)
