"""``_include`` and ``_revinclude``: what matches point to and what points to them. FHIR R4, search.html#include.

Works in rounds: the first over the matches, the next (``:iterate``) over what the last has added, until nothing new
is found. Every included row passes the door of its type. More than the limit is an error, never a part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import psycopg

from yba.fhir.access import past
from yba.fhir.errors import TooCostly
from yba.fhir.search import canonical, statement
from yba.fhir.search.asked import ANY, Include
from yba.fhir.search.clause import Clause, of_patients
from yba.fhir.search.parameters import hidden_of, of_type, param_number
from yba.fhir.search.principal import names_the_patient
from yba.fhir.search.question import Asking
from yba.fhir.search.reference import target
from yba.fhir.search.statement import Arm
from yba.fhir.store import read
from yba.fhir.store.identity import shard_of
from yba.fhir.store.rows import Stored, execute

LARGEST_INCLUDE = 5000
_Connection = psycopg.Connection[Any]
_Key = tuple[str, str, int]
_Target = tuple[int, str | None, str, str | None, int]


def included(
    connection: _Connection, includes: Sequence[Include], matches: Sequence[Stored], asking: Asking
) -> list[Stored]:
    """What is to be added to the matches, each once, none that is a match itself. Raises TooCostly above 5,000."""
    seen: set[_Key] = {_key(one) for one in matches}
    added: list[Stored] = []
    sources: Sequence[Stored] = matches
    asked = includes
    while sources and asked:
        fresh: list[Stored] = []
        for ways in _ways(connection, asked, sources, asking):
            for one in ways:
                if _key(one) not in seen:
                    seen.add(_key(one))
                    fresh.append(one)
            if len(added) + len(fresh) > LARGEST_INCLUDE:
                raise too_many()
        added += fresh
        sources = fresh
        asked = [include for include in includes if include.iterate]
    return added


def _ways(
    connection: _Connection, asked: Sequence[Include], sources: Sequence[Stored], asking: Asking
) -> Iterator[Iterator[Stored]]:
    """What is included by each of these; all that point forward share their reads."""
    forward = [one for one in asked if not one.reverse]
    if forward:
        yield _pointed(connection, forward, sources, asking)
    for one in asked:
        if one.reverse:
            yield _pointing(connection, one, sources, asking)


def too_many() -> TooCostly:
    """More would be included than a page may hold."""
    return TooCostly(
        "search.include-too-many",
        f"More than {LARGEST_INCLUDE:,} resources would be included. Ask for fewer matches with '_count', "
        "or for fewer includes.",
    )


def _key(one: Stored) -> _Key:
    return one.type, one.id, one.version


# -- forward -----------------------------------------------------------------------------------------------

_TARGETS = """
select distinct x.rid, x.target_type::varchar, x.target_id::varchar, x.target_version::varchar, x.param
  from record.reference x
 where x.shard = any(%(shards)s::smallint[]) and x.rid = any(%(rids)s) and x.param = any(%(params)s)
   and x.target_id <> ''
 limit %(most)s"""


def _pointed(
    connection: _Connection, includes: Sequence[Include], sources: Sequence[Stored], asking: Asking
) -> Iterator[Stored]:
    """The targets of reference parameters: by type and id, by canonical URL, by version where one is named."""
    for type_name, rows in _by_type(sources):
        ways = [(one, codes) for one in includes if (codes := _codes(one, type_name))]
        if not ways:
            continue
        numbers = {code: param_number(type_name, code) for _, codes in ways for code in codes}
        most = 4 * LARGEST_INCLUDE * len(ways)  # the same target may be named by many
        targets = execute(
            connection,
            _TARGETS,
            {
                "shards": sorted({shard_of(one.patient or one.id) for one in rows}),
                "rids": [one.rid for one in rows],
                "params": list(numbers.values()),
                "most": most + 1,
            },
        ).fetchall()
        if len(targets) > most:
            raise too_many()
        own = [(include, codes, _naming(targets, {numbers[one] for one in codes})) for include, codes in ways]
        yield from _resolved(connection, [(include, named) for include, _, named in own], asking)
        for include, codes, named in own:
            allowed = {target for code in codes for target in of_type(type_name)[code].targets}
            yield from _canonical(connection, include, named, allowed, asking)


def _naming(targets: Sequence[_Target], params: set[int]) -> list[_Target]:
    """The targets that are named by these parameters."""
    return [row for row in targets if row[4] in params]


def _codes(include: Include, type_name: str) -> list[str]:
    """The reference parameters of a type that are meant."""
    if include.source not in (ANY, type_name):
        return []
    return [
        code
        for code, parameter in of_type(type_name).items()
        if parameter.kind == "reference" and include.code in (ANY, code)
    ]


def _by_type(sources: Sequence[Stored]) -> Iterable[tuple[str, list[Stored]]]:
    grouped: dict[str, list[Stored]] = {}
    for one in sources:
        if one.rid:
            grouped.setdefault(one.type, []).append(one)
    return grouped.items()


def _resolved(
    connection: _Connection,
    asked: Sequence[tuple[Include, Sequence[_Target]]],
    asking: Asking,
) -> Iterator[Stored]:
    """References by type and id, relative or under the record's own address; with the version they name, if any."""
    wanted: dict[str, dict[str, set[int | None]]] = {}
    for include, targets in asked:
        for _, kind, identifier, named, _param in targets:
            if kind is None:
                kind, identifier, named = _own(identifier, asking.base_url)
            if kind is not None and include.target in (None, kind):
                version = int(named) if named is not None and named.isdecimal() and len(named) < 10 else None
                wanted.setdefault(kind, {}).setdefault(identifier, set()).add(version)
    for kind in sorted(wanted):
        ids = wanted[kind]
        for current in _linked(connection, kind, Clause("r.id = any({})", (sorted(ids),)), asking):
            for version in sorted(ids[current.id], key=lambda one: one or 0):
                found = (
                    current
                    if version in (None, current.version)
                    else _version(connection, current, version, asking)
                )
                if found is not None:
                    yield found


def _own(url: str, base_url: str | None) -> tuple[str | None, str, str | None]:
    """An absolute URL under the record's own address as (type, id, version)."""
    if base_url is not None and url.startswith(base_url + "/"):
        return target(url[len(base_url) + 1 :])
    return None, url, None


def _version(connection: _Connection, current: Stored, version: int | None, asking: Asking) -> Stored | None:
    """A version of a resource whose current one may be seen, unless it was another's or says what is hidden."""
    if version is None:
        return current
    found = read.one_version(connection, current.type, current.id, version)
    if found is None or found.content is None or not found.kept_like(current):
        return None
    if not past.told(connection, found, asking.access(current.type)):
        return None
    return msgspec.structs.replace(
        found, rid=0
    )  # its references are not followed: index rows are the current one's


class _Versioned(msgspec.Struct):
    version: str | None = None
    url: str | None = None


_versioned = msgspec.json.Decoder(_Versioned)


def _canonical(
    connection: _Connection,
    include: Include,
    targets: Sequence[_Target],
    allowed: set[str],
    asking: Asking,
) -> Iterator[Stored]:
    """References by canonical URL, ``url|version`` or ``url``: the one of the version, or the newest."""
    urls: dict[str, set[str | None]] = {}
    for rid in {row[0] for row in targets}:
        own = [text for one, kind, text, _, _param in targets if one == rid and kind is None and ":" in text]
        named = {text.partition("|")[0] for text in own if "|" in text}
        for text in own:
            url, bar, version = text.partition("|")
            if bar or url not in named:
                urls.setdefault(url, set()).add(version if bar else None)
    if not urls:
        return
    for kind in sorted(allowed):
        parameter = of_type(kind).get("url")
        if parameter is None or parameter.kind != "uri" or include.target not in (None, kind):
            continue
        clause = Clause(
            f"(r.shard, r.rid) in (select x.shard, x.rid from record.uri x where x.param = {param_number(kind, 'url')}"  # noqa: S608
            " and x.value = any({}))",
            (sorted(urls),),
        )
        yield from _chosen(_linked(connection, kind, clause, asking), urls)


def _chosen(candidates: Sequence[Stored], urls: dict[str, set[str | None]]) -> Iterator[Stored]:
    newest: dict[str, Stored] = {}
    for one in candidates:
        said = _versioned.decode(one.content or b"{}")
        wanted = urls.get(said.url or "", set())
        if said.version is not None and said.version in wanted:
            yield one
        if None in wanted and (said.url not in newest or newest[said.url].updated < one.updated):
            newest[said.url or ""] = one
    yield from newest.values()


# -- reverse -----------------------------------------------------------------------------------------------


def _pointing(
    connection: _Connection, include: Include, sources: Sequence[Stored], asking: Asking
) -> Iterator[Stored]:
    """What points to the sources by a parameter, or (``*``) by any."""
    for type_name, rows in _by_type(sources):
        if include.target not in (None, type_name):
            continue
        ids = [one.id for one in rows]
        if include.source == ANY:
            for source in _pointing_types(connection, type_name, ids):
                yield from _linked(connection, source, _by_any(source, type_name, ids), asking)
        elif include.code == ANY:
            yield from _linked(connection, include.source, _by_any(include.source, type_name, ids), asking)
        else:
            parameter = of_type(include.source)[include.code]
            if not parameter.targets or type_name in parameter.targets or include.code == "patient":
                yield from _linked(connection, include.source, _by_code(include, type_name, ids), asking)
                if canonical.has_url(type_name) and canonical.is_canonical(include.source, include.code):
                    yield from _linked(connection, include.source, _by_url(include, rows), asking)


def _by_any(source: str, type_name: str, ids: list[str]) -> Clause:
    return Clause(
        "(r.shard, r.rid) in (select x.shard, x.rid from record.reference x"  # noqa: S608 - our own texts
        f" where x.target_type = '{type_name}' and x.target_id = any({{}}){_but(source)})",
        (ids,),
    )


def _but(source: str) -> str:
    """Without what points there by an element that is masked for who asks."""
    hidden = sorted(hidden_of(source))
    return (
        f" and x.param not in ({', '.join(str(param_number(source, one)) for one in hidden)})"
        if hidden
        else ""
    )


def _by_code(include: Include, type_name: str, ids: list[str]) -> Clause:
    if type_name == "Patient" and names_the_patient(include.source, include.code):
        return of_patients(ids)
    return Clause(
        "(r.shard, r.rid) in (select x.shard, x.rid from record.reference x"  # noqa: S608
        f" where x.param = {param_number(include.source, include.code)}"
        f" and x.target_id = any({{}}) and x.target_type = '{type_name}')",
        (ids,),
    )


def _by_url(include: Include, rows: Sequence[Stored]) -> Clause:
    said = [_versioned.decode(one.content or b"{}") for one in rows]
    urls = [one.url for one in said if one.url]
    versions = [f"{one.url}|{one.version}" for one in said if one.url and one.version]
    return canonical.naming_any(param_number(include.source, include.code), urls, versions)


_POINTING_TYPES = """
select distinct r.type::varchar from record.reference x join record.resource r on r.rid = x.rid and r.shard = x.shard
 where x.target_type = %(type)s and x.target_id = any(%(ids)s)"""


def _pointing_types(connection: _Connection, type_name: str, ids: list[str]) -> list[str]:
    rows = execute(connection, _POINTING_TYPES, {"type": type_name, "ids": ids}).fetchall()
    return sorted(row[0] for row in rows)


def _linked(connection: _Connection, type_name: str, clause: Clause, asking: Asking) -> list[Stored]:
    """The rows of a type that meet a clause and may be seen. Raises TooCostly above the limit."""
    door = asking.door(type_name)
    arm = Arm(type_name, [clause] if door is None else [clause, door])
    text, values = statement.page([arm], "r.rid", LARGEST_INCLUDE + 1)
    rows = execute(connection, text, values).fetchall()
    if len(rows) > LARGEST_INCLUDE:
        raise too_many()
    return [Stored(type_name, row[0], row[1], row[2], row[3], row[4], row[5], row[6]) for row in rows]
