"""The parameters users add, as they are kept: read, followed when a SearchParameter is written, marked ready.

``record.search_state.generation`` changes with every change, and every write names the generation its index rows
were made by: the statement writes nothing when another process has changed parameters meanwhile.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import msgspec
import psycopg

from yba.fhir import jobs
from yba.fhir.access.actor import Actor
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.r4 import MODULES
from yba.fhir.r4.search_parameters import PARAMETERS, Component
from yba.fhir.search.limits import Limits, of_resource
from yba.fhir.search.parameters import Added, Parameter, Registry, builtin, use
from yba.fhir.store.rows import execute

KIND = "reindex"
ABSTRACT = ("Resource", "DomainResource")
_held: WeakKeyDictionary[psycopg.Connection[Any], Registry] = WeakKeyDictionary()
_STATE = "select generation::varchar, version from record.search_state"
_ADDED = (
    "select id::varchar, base::varchar, code::varchar, number, kind::varchar, expression::varchar,"
    " targets::varchar[], components::text, url::varchar, state::varchar,"
    " limits::text from record.search_parameter"
    " where state <> 'removed' order by base, code"
)


class Part(msgspec.Struct):
    """A component as it is kept."""

    code: str
    kind: str
    expression: str


_parts = msgspec.json.Decoder(list[Part])
_limits = msgspec.json.Decoder(Limits)


def registry(connection: psycopg.Connection[Any]) -> Registry:
    """What was added, as this connection last saw it; read when it never has."""
    found = _held.get(connection)
    if found is None:
        return refreshed(connection)
    use(found)
    return found


def refreshed(connection: psycopg.Connection[Any]) -> Registry:
    """What was added, as it is now."""
    row = execute(connection, _STATE).fetchone()
    assert row is not None
    held = _held.get(connection)
    if held is None or (held.generation, held.version) != (row[0], row[1]):
        by_base: dict[str, list[Added]] = {}
        for one in execute(connection, _ADDED).fetchall():
            by_base.setdefault(one[1], []).append(_added(one))
        held = Registry(row[0], row[1], by_base)
        _held[connection] = held
    use(held)
    return held


def _added(row: tuple[Any, ...]) -> Added:
    components = tuple(Component(one.code, one.kind, one.expression) for one in _parts.decode(row[7]))
    parameter = Parameter(row[2], row[4], row[5], tuple(row[6]), components, "normal", row[8], (), row[3])
    return Added(row[0], row[1], parameter, row[9] == "indexing", _limits.decode(row[10]))


def prepare(
    connection: psycopg.Connection[Any], type_name: str | None, params: Iterable[tuple[str, str]]
) -> None:
    """Know the parameters a search may name: what FHIR defines is always known, all else is read as it is now."""
    known = builtin(type_name or "Resource")
    for name, value in params:
        code = name.partition(":")[0]
        if code == "_sort":
            plain = all(one.removeprefix("-") in known or one.startswith("_") for one in value.split(","))
        elif code in _INCLUDES:
            plain = _includes_known(value)
        else:
            plain = "." not in name and (code in known or code in _PLAIN)
        if not plain:
            refreshed(connection)
            return
    if registry(connection).version < index_version():
        refreshed(connection)


_PLAIN = frozenset(
    {"_count", "_total", "_summary", "_elements", "_format", "_pretty", "_cursor", "_score", "_type", "_list"}
)


_INCLUDES = frozenset({"_include", "_revinclude"})


def _includes_known(value: str) -> bool:
    """Whether an include goes by a parameter FHIR defines: "PractitionerRole:location"."""
    type_name, _, rest = value.partition(":")
    return type_name in MODULES and rest.partition(":")[0] in builtin(type_name)


def index_version() -> int:
    """What the code makes index rows by."""
    from yba.fhir.search.index import VERSION

    return VERSION


def follow(
    connection: psycopg.Connection[Any], actor: Actor, identifier: str, resource: Any | None, now: datetime
) -> None:
    """A SearchParameter was written (None: deleted): what it adds is taken up, changed or taken away.

    Called in the transaction of the write. Raises Invalid for an expression that cannot be compiled, Conflict when
    another SearchParameter has the code.
    """
    wanted = {} if resource is None else _wanted(connection, identifier, resource)
    rows = execute(connection, _ADDED).fetchall()
    known = {row[1]: _added(row) for row in rows if row[0] == identifier}
    changed = False
    for base, added in known.items():
        new = wanted.get(base)
        if new is None or new._replace(number=0) != added.parameter._replace(number=0):
            execute(
                connection,
                "update record.search_parameter set state = 'removed' where number = %s",
                (added.parameter.number,),
            )
            changed = True
    for base, parameter in wanted.items():
        added_before = known.get(base)
        if added_before is None or parameter._replace(number=0) != added_before.parameter._replace(number=0):
            _insert(connection, identifier, base, parameter, rows)
            changed = True
    if wanted:
        _set_limits(connection, identifier, resource)
    if changed:
        touch(connection)
        jobs.submit(connection, KIND, actor, {"parameters": True}, now)
        refreshed(connection)


def _set_limits(connection: psycopg.Connection[Any], identifier: str, resource: Any) -> None:
    """What may be asked, as the resource says now: no row has to be made anew for it."""
    text = msgspec.json.encode(of_resource(resource)).decode()
    found = execute(
        connection,
        "update record.search_parameter set limits = %(limits)s::jsonb"
        " where id = %(id)s and state <> 'removed' and limits <> %(limits)s::jsonb",
        {"id": identifier, "limits": text},
    )
    if found.rowcount:
        touch(connection)
        refreshed(connection)


def touch(connection: psycopg.Connection[Any]) -> None:
    """A new generation: every process reads the parameters anew before its next write."""
    execute(connection, "update record.search_state set generation = gen_random_uuid()")


def _wanted(connection: psycopg.Connection[Any], identifier: str, resource: Any) -> dict[str, Parameter]:
    """What a SearchParameter adds, by base; nothing unless it is active and has an expression.

    A code that FHIR itself defines for the base stays FHIR's.
    """
    if resource.status != "active" or not resource.expression or not resource.code:
        return {}
    if resource.type not in (
        "token",
        "string",
        "reference",
        "date",
        "number",
        "quantity",
        "uri",
        "composite",
    ):
        return {}
    bases = [one for one in resource.base if one in MODULES or one in ABSTRACT]
    bases = [one for one in bases if resource.code not in builtin(one)]
    if not bases:
        return {}
    from yba.fhir.search.evaluated import check

    parameter = Parameter(
        resource.code, resource.type, resource.expression, tuple(sorted(one for one in resource.target if one)),
        tuple(_component(connection, one) for one in resource.component) if resource.type == "composite" else (),
        "normal", resource.url or "",
    )  # fmt: skip
    check(parameter)
    return dict.fromkeys(bases, parameter)


def _component(connection: psycopg.Connection[Any], part: Any) -> Component:
    url = (part.definition or "").partition("|")[0]
    known = [one for table in PARAMETERS.values() for one in table.values()]
    known += [one.parameter for found in registry(connection).by_base.values() for one in found]
    for one in known:
        if one.url == url:
            return Component(one.code, one.kind, part.expression or one.expression)
    raise Invalid(
        "search.parameter-component",
        f"The component's definition '{url[:200]}' is no search parameter that is known here.",
        path="SearchParameter.component.definition",
    )


def _insert(
    connection: psycopg.Connection[Any],
    identifier: str,
    base: str,
    parameter: Parameter,
    rows: Iterable[tuple[Any, ...]],
) -> None:
    types = list(MODULES) if base in ABSTRACT else [base, *ABSTRACT]
    for row in rows:
        if row[0] != identifier and row[2] == parameter.code and (row[1] in types or row[1] == base):
            raise Conflict(
                "search.parameter-taken",
                f"SearchParameter/{row[0]} has added '{parameter.code}' to {row[1]} already. Retire it first.",
                parameter=parameter.code,
            )
    number = _number(connection, base, parameter.code)
    execute(
        connection,
        "insert into record.search_parameter"
        " (id, base, code, number, kind, expression, targets, components, url, state)"
        " values (%s, %s, %s, %s, %s, %s, %s::text[], %s::jsonb, %s, 'indexing')",
        (
            identifier,
            base,
            parameter.code,
            number,
            parameter.kind,
            parameter.expression,
            list(parameter.targets),
            msgspec.json.encode([Part(*one) for one in parameter.components]).decode(),
            parameter.url,
        ),
    )


def _number(connection: psycopg.Connection[Any], base: str, code: str) -> int:
    """A number no other parameter has, nor its second number, and none has had."""
    from yba.fhir.search.parameters import beside, hashed

    published = {number for name in MODULES for one in builtin(name) for number in _both(hashed(name, one))}
    taken = {row[0] for row in execute(connection, "select number from record.search_parameter").fetchall()}
    while True:
        number = zlib.crc32(f"{base}.{code}@{secrets.token_hex(8)}".encode())
        number = number - (1 << 32) if number >= 1 << 31 else number
        if not ({number, beside(number)} & (published | taken | {beside(one) for one in taken})):
            return number


def _both(number: int) -> Sequence[int]:
    from yba.fhir.search.parameters import beside

    return (number, beside(number))
