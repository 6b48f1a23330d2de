"""A code system whose concepts are rows of ``record.concept``: asked for what is needed, never read whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

import psycopg
from psycopg import sql

from yba.fhir.model import tree
from yba.fhir.store.rows import Query, execute
from yba.fhir.terminology.concept import Concept, concept_of, property_names, spoken

Tree = Any
_BATCH = 2_000
_ONE = (
    "select c.detail, c.parents::varchar[] from record.concept c"
    " where c.system_id = %(system)s and c.code = %(code)s"
)
_ONE_FOLDED = (
    "select c.detail, c.parents::varchar[] from record.concept c"
    " where c.system_id = %(system)s and lower(c.code) = lower(%(code)s) order by c.place limit 1"
)
_AFTER = (
    "select c.place, c.detail, c.parents::varchar[] from record.concept c"
    " where c.system_id = %(system)s and c.place > %(after)s order by c.place limit %(count)s"
)
# Every word begins a word of the concept's texts, as ``concept.spoken`` writes them.
_SPEAKS = sql.SQL(
    "not exists (select from unnest(%(words)s::text[]) w(word) where position(' ' || w.word in c.folded) = 0)"
)
_MATCHING = sql.SQL(
    "select c.place, c.detail, c.parents::varchar[] from record.concept c"
    " where c.system_id = %(system)s and c.place > %(after)s and {} order by c.place limit %(count)s"
).format(_SPEAKS)
_PAGE = sql.SQL(
    "select c.place, c.detail, c.parents::varchar[] from record.concept c"
    " where c.system_id = %(system)s and {} order by c.place offset %(offset)s limit %(count)s"
).format(_SPEAKS)
_COUNT = sql.SQL("select count(*) from record.concept c where c.system_id = %(system)s and {}").format(
    _SPEAKS
)
_SEVERAL = (
    "select c.place, c.detail, c.parents::varchar[] from record.concept c"
    " where c.system_id = %(system)s and c.code = any(%(codes)s::text[]) order by c.place"
)
_CHILDREN = (
    "select p.code::varchar from record.concept_parent p join record.concept c"
    " on c.system_id = p.system_id and c.code = p.code"
    " where p.system_id = %(system)s and p.parent = %(code)s order by c.place"
)
_BELOW = (
    "with recursive below(code) as ("
    "select p.code from record.concept_parent p where p.system_id = %(system)s and p.parent = %(code)s"
    " union select p.code from below b join record.concept_parent p"
    " on p.system_id = %(system)s and p.parent = b.code)"
    " select b.code::varchar from below b join record.concept c"
    " on c.system_id = %(system)s and c.code = b.code where b.code <> %(code)s order by c.place"
)
_ABOVE = (
    "with recursive above(code) as ("
    "select unnest(c.parents) from record.concept c where c.system_id = %(system)s and c.code = %(code)s"
    " union select unnest(c.parents) from above a join record.concept c"
    " on c.system_id = %(system)s and c.code = a.code)"
    " select a.code::varchar from above a where a.code <> %(code)s"
)


class Tabled:
    """A code system in rows; the same face as one in memory (``systems.System``)."""

    def __init__(self, connection: psycopg.Connection[Any], identifier: str, head: Tree) -> None:
        self.head = head
        self.names = property_names(head.get("property", []))
        self._connection = connection
        self._id = identifier
        self.find = lru_cache(maxsize=1_000)(self._find)  # type: ignore[method-assign]  # a cache of its own life

    def find(self, code: str) -> Concept | None:
        """The concept of a code; replaced by a cached one on each instance."""
        return self._find(code)

    def _find(self, code: str) -> Concept | None:
        row = self._rows(_ONE, code=code)
        if not row and not self.head.get("caseSensitive", True):
            row = self._rows(_ONE_FOLDED, code=code)
        return self._concept(row[0][0], row[0][1]) if row else None

    def concepts(self) -> Iterable[Concept]:
        """All, read in parts."""
        return self._in_parts(_AFTER, {})

    def matching(self, words: list[str]) -> Iterable[Concept]:
        """Those in whose texts every folded word occurs."""
        return self._in_parts(_MATCHING, {"words": words})

    def several(self, codes: list[str]) -> Iterable[Concept]:
        """Those of these codes, in the order of definition."""
        for start in range(0, len(codes), _BATCH):
            for row in self._rows(_SEVERAL, codes=codes[start : start + _BATCH]):
                yield self._concept(row[1], row[2])

    def part(self, offset: int, count: int, words: list[str]) -> list[Concept]:
        """Some in the order of definition: of all, or of those that speak of the words."""
        if words:
            rows = self._rows(_PAGE, offset=offset, count=count, words=words)
        else:  # places run from 0 without gaps
            rows = self._rows(_AFTER, after=offset - 1, count=count)
        return [self._concept(row[1], row[2]) for row in rows]

    def count(self, words: list[str]) -> int:
        """How many there are: in all, or that speak of the words."""
        if words:
            return int(self._rows(_COUNT, words=words)[0][0])
        rows = self._rows("select s.concepts from record.code_system s where s.id = %(system)s")
        return int(rows[0][0]) if rows else 0

    def children(self, code: str) -> list[str]:
        return [row[0] for row in self._rows(_CHILDREN, code=code)]

    def descendants(self, code: str) -> Iterable[str]:
        return [row[0] for row in self._rows(_BELOW, code=code)]

    def ancestors(self, code: str) -> set[str]:
        return {row[0] for row in self._rows(_ABOVE, code=code)}

    def _in_parts(self, query: Query, params: dict[str, object]) -> Iterator[Concept]:
        after = -1
        while True:
            rows = self._rows(query, after=after, count=_BATCH, **params)
            for row in rows:
                yield self._concept(row[1], row[2])
            if len(rows) < _BATCH:
                return
            after = rows[-1][0]

    def _rows(self, query: Query, **params: object) -> list[tuple[Any, ...]]:
        return execute(self._connection, query, {"system": self._id, **params}).fetchall()

    def _concept(self, detail: bytes, parents: list[str]) -> Concept:
        return concept_of(tree.parse(detail), self.names, tuple(parents))


def is_filled(connection: psycopg.Connection[Any], identifier: str, stamp: int | None) -> bool:
    """Whether rows are there: of this version of the resource, or by an import where ``stamp`` is None."""
    query = "select 1 from record.code_system s where s.id = %(id)s and s.stamp is not distinct from %(stamp)s::integer"
    return bool(execute(connection, query, {"id": identifier, "stamp": stamp}).fetchall())


def fill(
    connection: psycopg.Connection[Any], identifier: str, whole: Tree, *, stamp: int | None, at: datetime
) -> int:
    """Replace the rows of a code system by the concepts of its resource; how many."""
    names = property_names(whole.get("property", []))
    return replace(
        connection,
        identifier,
        ((one, above) for one, above in _walked(whole.get("concept", ()))),
        parent=names.parent,
        content=str(whole.get("content", "complete")),
        stamp=stamp,
        at=at,
    )


def _walked(concepts: Iterable[Tree]) -> Iterator[tuple[Tree, str | None]]:
    """Every concept with the one it stands under, parents first."""
    waiting: list[tuple[Tree, str | None]] = [(one, None) for one in reversed(list(concepts))]
    while waiting:
        one, above = waiting.pop()
        below = one.get("concept", ())
        yield {key: value for key, value in one.items() if key != "concept"}, above
        waiting += [(child, one["code"]) for child in reversed(below)]


def replace(
    connection: psycopg.Connection[Any],
    identifier: str,
    concepts: Iterable[tuple[Tree, str | None]],
    *,
    parent: str = "parent",
    content: str = "complete",
    stamp: int | None = None,
    at: datetime,
) -> int:
    """Replace all rows of a code system in one transaction, streaming them in; how many there are now.

    Of a code that comes twice the first counts.
    """
    names = property_names([])
    with connection.transaction(), psycopg.Cursor(connection) as cursor:
        cursor.execute("select pg_advisory_xact_lock(hashtextextended(%s, 3))", (f"CodeSystem/{identifier}",))
        for table in ("concept_parent", "concept"):
            cursor.execute(f"delete from record.{table} where system_id = %s", (identifier,))  # noqa: S608 - our names
        seen: set[str] = set()
        edges: list[tuple[str, str, str]] = []
        with cursor.copy(
            "copy record.concept (system_id, code, place, display, folded, detail, parents) from stdin"
        ) as copy:
            for one, above in concepts:
                if one["code"] in seen:
                    continue
                found = concept_of(one, names, (above,) if above else ())
                parents = list(found.parents) if parent == "parent" else _parents(one, above, parent)
                folded = spoken(found)
                copy.write_row(
                    (
                        identifier, found.code, len(seen), found.display, folded, tree.dump(one).decode(), parents,
                    )
                )  # fmt: skip
                seen.add(found.code)
                edges += [(identifier, code, found.code) for code in dict.fromkeys(parents)]
        with cursor.copy("copy record.concept_parent (system_id, parent, code) from stdin") as copy:
            for edge in edges:
                copy.write_row(edge)
        cursor.execute(
            "insert into record.code_system (id, stamp, content, concepts, filled) values (%s, %s, %s, %s, %s)"
            " on conflict (id) do update set stamp = excluded.stamp, content = excluded.content,"
            " concepts = excluded.concepts, filled = excluded.filled",
            (identifier, stamp, content, len(seen), at),
        )
    return len(seen)


def _parents(one: Tree, above: str | None, name: str) -> list[str]:
    own = [
        next((str(value) for key, value in part.items() if key.startswith("value")), "")
        for part in one.get("property", ())
        if part.get("code") == name
    ]
    return list(dict.fromkeys([*([above] if above else []), *own]))
