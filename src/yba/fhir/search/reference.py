"""Reference parameters: links between resources. FHIR R4, search.html#reference."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from yba.fhir.r4 import MODULES
from yba.fhir.search import casing
from yba.fhir.search.clause import Clause, among, either, every, probe
from yba.fhir.search.parameters import of_type, param_number
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.string import LAST
from yba.fhir.search.values import plain, split

_NO_SYSTEM = Clause("x.identifier_system is null")
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")


def target(text: str) -> tuple[str | None, str, str | None]:
    """What a reference points to: (type, id, version) for a local one, (None, the URL, None) for any other."""
    parts = text.split("/")
    if len(parts) >= 2 and parts[0] in MODULES:
        if len(parts) == 2:
            return parts[0], parts[1], None
        if len(parts) == 4 and parts[2] == "_history":
            return parts[0], parts[1], parts[3]
    return None, text, None


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type and the target type it is narrowed to."""

    def any_reference(value: Any, rows: Gathered) -> None:
        named(value, rows, None)

    def named(value: Any, rows: Gathered, only: str | None) -> None:
        text, logical = value.reference, value.identifier
        kind, identifier, version = target(text) if text is not None else (None, "", None)
        if only is not None and only != (kind or value.type or _type_in(identifier, rows.resource)):
            return
        rows.reference.append(
            (
                number,
                kind,
                key(identifier),
                key(logical.system) if logical is not None and logical.system else None,
                casing.folded(logical.system, logical.value)
                if logical is not None and logical.value
                else None,
                version,
            )
        )

    def canonical(value: Any, rows: Gathered) -> None:
        kind, identifier, version = target(value)
        rows.reference.append((number, kind, key(identifier), None, None, version))
        bare = identifier.partition("|")[0]
        if bare != identifier:
            rows.reference.append((number, None, key(bare), None, None, None))

    def resource(value: Any, rows: Gathered) -> None:
        """A resource inside another (the first entry of a document): known by its type and id."""
        found = _HEAD.decode(value)
        if found.id is not None:
            rows.reference.append((number, found.resource_type, found.id, None, None, None))

    def by_type(name: str, only: str | None) -> Handler | None:
        if name == "str":
            return canonical
        if name == "Raw":
            return resource
        if name != "Reference":
            return None
        return any_reference if only is None else lambda value, rows: named(value, rows, only)

    return by_type


class _Head(msgspec.Struct, rename={"resource_type": "resourceType"}):
    """What says which resource it is."""

    resource_type: str
    id: str | None = None


_HEAD = msgspec.json.Decoder(_Head)


def _type_in(url: str, resource: Any) -> str | None:
    """The resource type an absolute URL names, or that of a contained resource."""
    if url.startswith("#"):
        for raw in getattr(resource, "contained", ()):
            found = _HEAD.decode(raw)
            if found.id == url[1:]:
                return found.resource_type
        return None
    parts = url.split("/")
    return next((part for part in reversed(parts[:-1]) if part in MODULES), None)


def clause(question: Question) -> Clause:
    """The condition of a reference question: an id, ``Type/id``, a URL, ``:Type`` or ``:identifier`` ..."""
    asked = split(question.value, ",")
    if question.modifier == "identifier":
        return probe("reference", question.number, either([_logical(question, one) for one in asked]))
    if question.modifier in ("above", "below"):
        return probe("reference", question.number, either([hierarchy(question, plain(one)) for one in asked]))
    if question.modifier is not None and question.modifier not in MODULES:
        raise unsupported_modifier(question)
    return probe("reference", question.number, either([condition(question, one) for one in asked]))


def condition(question: Question, text: str) -> Clause:
    """One value against an index row ``x``."""
    value = plain(text)
    kind, identifier, version = _asked(question, value)
    found = _one(kind, identifier)
    if version is not None:
        found = Clause(f"({found.sql} and x.target_version = {{}})", (*found.values, version))
    if (
        _without_base(value, question.base_url) != value
    ):  # a reference may be kept with this server's address, too
        return either([found, _one("", value)])
    return found


def asked_target(question: Question, text: str) -> tuple[str | None, str]:
    """What one value points to: (type, id), (None, id) when no type is said, ("", url) for a foreign URL."""
    kind, identifier, _version = _asked(question, text)
    return kind, identifier


def is_more_than_an_id(question: Question, text: str) -> bool:
    """Whether one value asks for a version of its target, or for this server's own address."""
    return _asked(question, text)[2] is not None or _without_base(text, question.base_url) != text


def _asked(question: Question, text: str) -> tuple[str | None, str, str | None]:
    local = _without_base(text, question.base_url)
    kind, identifier, version = target(local)
    narrowed = question.modifier if question.modifier in MODULES else None
    if kind is not None:
        if narrowed is not None and narrowed != kind:
            raise invalid(question, text, f"a reference to {narrowed}")
        if _ID.fullmatch(identifier):
            return kind, identifier, version
    elif _ID.fullmatch(local):
        return narrowed or _only_target(question), local, None
    elif ":" in local or local.startswith("#"):
        return "", local, None
    raise invalid(question, text, "an id, 'Type/id' or a URL")


def hierarchy(question: Question, text: str) -> Clause:
    """``:below`` a resource: it and all that are part of it, of any depth; ``:above``: it and what it is part of.

    Of a canonical with a version, ``:below`` is that version and those that go on after it: ``url|1`` has ``url|1.2``.
    """
    kind, identifier, _version = _asked(question, text)
    below = question.modifier == "below"
    if kind == "":
        return _canonical(question, identifier, below=below)
    part = parent_code(kind) if kind is not None else None
    if kind is None or part is None:
        raise invalid(
            question, text, "'Type/id' of a type whose resources are part of each other, such as Location"
        )
    door = question.asking.door(kind) if question.asking is not None else None
    step = (
        "select r.id from tree join record.reference p on p.target_id = tree.id"
        " join record.resource r on r.shard = p.shard and r.rid = p.rid"
        if below
        else "select p.target_id from tree join record.resource r on r.id = tree.id"
        " join record.reference p on p.shard = r.shard and p.rid = r.rid"
    )
    guarded = " and " + door.sql if door is not None else ""
    return Clause(
        '(x.target_type = {} and x.target_id in (with recursive tree(id) as (select {}::text collate "C" union '  # noqa: S608 - our own texts
        + step
        + " where p.param = {} and p.target_type = {} and r.type = {} and r.content is not null"
        + guarded
        + ") select id from tree))",
        (
            kind,
            identifier,
            param_number(kind, part),
            kind,
            kind,
            *(door.values if door is not None else ()),
        ),
    )


def parent_code(type_name: str) -> str | None:
    """The parameter that says what a resource of a type is part of, where that is one of the same type."""
    known = of_type(type_name)
    for code in ("partof", "part-of", "parent"):
        if code in known and known[code].kind == "reference" and type_name in known[code].targets:
            return code
    return None


def _canonical(question: Question, text: str, *, below: bool) -> Clause:
    url, bar, version = text.partition("|")
    if not bar:
        return Clause("x.target_id = {}", (key(url),))
    if below:
        low = f"{url}|{version}."
        return Clause(
            "(x.target_id = {} or (x.target_id >= {} and x.target_id < {}))", (key(text), low, low + LAST)
        )
    parts = version.split(".")
    above = [key(f"{url}|" + ".".join(parts[:count])) for count in range(1, len(parts) + 1)]
    return Clause("x.target_id = any({})", (above,))


def _only_target(question: Question) -> str | None:
    targets = question.parameter.targets
    if question.parameter.code == "patient":
        return "Patient"
    return targets[0] if len(targets) == 1 else None


def _without_base(text: str, base_url: str | None) -> str:
    if base_url is not None and text.startswith(base_url + "/"):
        return text[len(base_url) + 1 :]
    return text


def _one(kind: str | None, identifier: str) -> Clause:
    if kind is None:
        return Clause("(x.target_id = {} and x.target_type is not null)", (identifier,))
    if not kind:
        return Clause("(x.target_id = {} and x.target_type is null)", (key(identifier),))
    return Clause("(x.target_id = {} and x.target_type = {})", (identifier, kind))


def _logical(question: Question, text: str) -> Clause:
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1 and parts[0]:
        return among("x.identifier_value", casing.wanted(question.parameter, None, parts[0]))
    if len(parts) == 2 and parts[1]:
        values = casing.wanted(question.parameter, parts[0], parts[1])
        system = Clause("x.identifier_system = {}", (key(parts[0]),)) if parts[0] else _NO_SYSTEM
        return every([among("x.identifier_value", values), system])
    raise invalid(question, text, "an identifier as 'system|value'")
