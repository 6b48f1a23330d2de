"""Code systems, value sets and maps the record keeps, as far as the actor may read them.

A small code system is read from its resource and kept in memory until it changes; a large one is read into rows when
it is first asked for, and from then on answered from them (``tables``). Of several resources with one canonical url
the newest version that is not retired counts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import psycopg
from psycopg import sql

from yba.fhir.condition import Condition
from yba.fhir.errors import TooCostly
from yba.fhir.model import tree
from yba.fhir.model.fold import fold
from yba.fhir.search.parameters import param_number
from yba.fhir.store.rows import execute
from yba.fhir.terminology.library import sortable
from yba.fhir.terminology.systems import Listed, System, fits
from yba.fhir.terminology.tables import Tabled, fill, is_filled

Tree = Any
LARGE = 1_000_000
"""Bytes of a CodeSystem above which its concepts are kept in rows."""
_KEPT = 64
_MOST_MAPS = 2_000

_BY_URL = sql.SQL(
    "select r.id::varchar, r.version, octet_length(r.content), r.updated,"
    " case when octet_length(r.content) <= {large} then r.content end"
    " from record.uri x join record.resource r on r.rid = x.rid and r.shard = x.shard"
    " where x.param = %(param)s and x.value = %(url)s and r.type = %(type)s and r.content is not null"
).format(large=sql.Literal(LARGE))
_CONTENT = sql.SQL("select r.content from record.resource r where r.type = %(type)s and r.id = %(id)s")
_MAPS = sql.SQL(
    "select r.content from record.resource r where r.type = 'ConceptMap' and r.content is not null"
)


_NAMED = sql.SQL(
    "select r.content from record.string x join record.resource r on r.rid = x.rid and r.shard = x.shard"
    " where x.param = %(param)s and x.folded = %(folded)s and r.type = 'NamingSystem' and r.content is not null"
)


class _Cache:
    """Code systems read from resources, by the version they were read from; the least used go first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Listed] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> Listed | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: tuple[object, ...], system: Listed) -> None:
        with self._lock:
            self._kept[key] = system
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


_systems = _Cache()


Access = Callable[[str], Condition]


class RecordShelf:
    """Terminology out of the record, as far as its door lets: ``access`` gives the condition on rows of a type.

    ``connect`` gives the connection each time: others may have acted on it meanwhile.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection[Any]], access: Access) -> None:
        self._connect = connect
        self._access = access

    @property
    def _connection(self) -> psycopg.Connection[Any]:
        return self._connect()

    def resource(self, kind: str, url: str, version: str | None) -> Tree | None:
        """The newest resource of a canonical url, or of that version; None when there is none to see.

        ``ValueSet/id`` names one by its id (a search's ``:in`` may do so).
        """
        identifier = url.removeprefix(f"{kind}/")
        if identifier != url:
            rows = self._query(_CONTENT, kind, {"type": kind, "id": identifier}, sql.SQL(""))
            return tree.parse(rows[0][0]) if rows and rows[0][0] is not None else None
        found = [self._tree(kind, row) for row in self._rows(kind, url)]
        return newest(one for one in found if fits(one.get("version"), version))

    def by_id(self, kind: str, identifier: str) -> Tree | None:
        """The resource of an id, if the actor may read it."""
        rows = self._query(_CONTENT, kind, {"type": kind, "id": identifier}, sql.SQL(""))
        return tree.parse(rows[0][0]) if rows and rows[0][0] is not None else None

    def system(self, url: str, version: str | None) -> System | None:
        """The newest code system of a url with its concepts; supplements are not systems."""
        rows = self._rows("CodeSystem", url)
        heads = []
        for row in rows:
            head = self._head(row)
            if head.get("content") != "supplement" and fits(head.get("version"), version):
                heads.append((head, row))
        chosen = newest(head for head, _ in heads)
        if chosen is None:
            return None
        row = next(row for head, row in heads if head is chosen)
        if chosen.get("content") == "not-present" or row[2] > LARGE:
            return self._tabled(row, chosen)
        return self._listed(row)

    def maps(self) -> Iterable[Tree]:
        """Every concept map the actor may read, the newest first. Raises TooCostly where there are too many."""
        end = sql.SQL(" order by r.updated desc limit {}").format(_MOST_MAPS + 1)
        rows = self._query(_MAPS, "ConceptMap", {}, end)
        if len(rows) > _MOST_MAPS:
            raise TooCostly(
                "terminology.many-maps",
                f"There are more than {_MOST_MAPS} maps to look through. Name the map by its url.",
            )
        return [tree.parse(row[0]) for row in rows]

    def other_names(self, url: str) -> list[str]:
        """What else a NamingSystem calls the system of this name, the preferred first."""
        bare = url.removeprefix("urn:oid:").removeprefix("urn:uuid:")
        params: dict[str, object] = {"param": param_number("NamingSystem", "value"), "folded": fold(bare)}
        names: list[str] = []
        for row in self._query(_NAMED, "NamingSystem", params, sql.SQL("")):
            read = tree.parse(row[0])
            known = [
                (not one.get("preferred", False), _prefixed(one), one.get("value") in (url, bare))
                for one in read.get("uniqueId", ())
            ]
            if read.get("kind") == "codesystem" and any(same for *_, same in known):
                names += [name for _, name, _ in sorted(known) if name != url]
        return names

    # -- rows --------------------------------------------------------------------------------------------

    def _rows(self, kind: str, url: str) -> list[tuple[Any, ...]]:
        params = {"param": param_number(kind, "url"), "url": url, "type": kind}
        return self._query(_BY_URL, kind, params, sql.SQL(""))

    def _query(
        self, query: sql.Composable, kind: str, params: dict[str, object], end: sql.Composable
    ) -> list[tuple[Any, ...]]:
        condition = self._access(kind)
        if condition.sql is not None:
            query = sql.SQL("{} and {}").format(query, condition.sql)
        query = sql.SQL("{}{}").format(query, end)
        return execute(self._connection, query, {**params, **condition.params}).fetchall()

    def _tree(self, kind: str, row: tuple[Any, ...]) -> Tree:
        content = row[4]
        if content is None:
            (content,) = self._query(_CONTENT, kind, {"type": kind, "id": row[0]}, sql.SQL(""))[0]
        return tree.parse(content)

    def _head(self, row: tuple[Any, ...]) -> Tree:
        """The CodeSystem without its concepts; a large one is not read for it once its rows are there."""
        if row[4] is not None:
            return self._listed(row).head
        return self._large_head(row)

    def _listed(self, row: tuple[Any, ...]) -> Listed:
        key = (row[0], row[1], row[3], row[2])
        found = _systems.get(key)
        if found is None:
            found = Listed(self._tree("CodeSystem", row))
            _systems.put(key, found)
        return found

    def _large_head(self, row: tuple[Any, ...]) -> Tree:
        key = ("head", row[0], row[1], row[3], row[2])
        found = _systems.get(key)
        if found is None:
            whole = self._tree("CodeSystem", row)
            if not is_filled(self._connection, row[0], row[1]):
                fill(self._connection, row[0], whole, stamp=row[1], at=row[3])
            whole.pop("concept", None)
            found = Listed(whole)
            _systems.put(key, found)
        return found.head

    def _tabled(self, row: tuple[Any, ...], head: Tree) -> System | None:
        stamp = row[1] if row[2] > LARGE else None
        if not is_filled(self._connection, row[0], stamp):
            return Listed(head) if stamp is None else self._refilled(row)
        content = "complete" if stamp is None else head.get("content")
        return Tabled(self._connection, row[0], {**head, "content": content})

    def _refilled(self, row: tuple[Any, ...]) -> System:
        whole = self._tree("CodeSystem", row)
        fill(self._connection, row[0], whole, stamp=row[1], at=row[3])
        head = {key: value for key, value in whole.items() if key != "concept"}
        return Tabled(self._connection, row[0], head)


def _prefixed(one: Tree) -> str:
    """A unique id as Coding.system writes it."""
    prefix = {"oid": "urn:oid:", "uuid": "urn:uuid:"}.get(one.get("type"), "")
    value = str(one.get("value", ""))
    return value if value.startswith(prefix) else prefix + value


def newest(found: Iterable[Tree]) -> Tree | None:
    """Of several versions of one resource the newest; a retired one only where there is no other."""
    return max(
        found,
        key=lambda one: (
            one.get("status") != "retired",
            sortable(one.get("version")),
            str(one.get("date", "")),
        ),
        default=None,
    )
