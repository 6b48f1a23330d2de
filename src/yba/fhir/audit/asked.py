"""A search of AuditEvents as it is asked: each parameter as a condition on rows. FHIR R4, auditevent.html#search.

A row of ours is asked by its columns, an event that was sent by its terms. What a person is not told of acts about
themselves (``event.py``) they can't ask by either: it never matches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from yba.fhir.audit import event
from yba.fhir.audit.acts import KINDS, OTHER, OUTCOMES, Code, codings, kind_of
from yba.fhir.audit.terms import ANY, BETWEEN, TYPE, term
from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.search.casing import folded
from yba.fhir.search.date import on_updated
from yba.fhir.search.parameters import Parameter, of_type
from yba.fhir.search.question import Question
from yba.fhir.search.string import searchable
from yba.fhir.search.values import plain, split

_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
_OWN_ID = re.compile(re.escape(event.PREFIX) + r"([0-9]{1,18})")
ACTION = "http://hl7.org/fhir/audit-event-action"
OUTCOME = "http://hl7.org/fhir/audit-event-outcome"
FOLDED = r"replace(regexp_replace(lower(normalize({}, NFD)), '[\u0300-\u036f]', '', 'g'), 'đ', 'd')"
_PERSONS = "(a.patient is not null or a.patients is not null)"
_RESOURCE = "(a.type is not null and a.id is not null and not coalesce(a.type = 'Patient' and a.id = a.patient, false))"


@dataclass(slots=True)
class Values:
    """Conditions joined by "and", with their values by name."""

    parts: list[str] = field(default_factory=list)
    params: dict[str, object] = field(default_factory=dict)

    def put(self, value: object) -> str:
        """A placeholder for a value."""
        name = f"v{len(self.params)}"
        self.params[name] = value
        return f"%({name})s"


@dataclass(frozen=True, slots=True)
class Asking:
    """What a search is read by. ``own``: whose acts a person is told of; None: everything may be asked by.

    ``persons`` are those whom a search finds, ``charts`` those in whose charts a resource has always been.
    """

    now: datetime
    base_url: str | None
    own: Collection[str] | None
    persons: Callable[[str, str], Sequence[str]]
    charts: Callable[[str, str], list[str]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One parameter while it is turned into SQL."""

    asking: Asking
    values: Values
    code: str
    modifier: str | None
    parameter: Parameter

    def invalid(self, value: str, wanted: str) -> Invalid:
        return Invalid(
            "search.value",
            f"The search parameter '{self.code}' takes {wanted}, not '{value[:100]}'.",
            parameter=self.code,
        )


def condition(values: Values, asking: Asking, name: str, value: str) -> bool:
    """Add what one parameter asks; False for a name AuditEvent has no parameter of. Raises Invalid, Unsupported."""
    if "\x00" in value or "\x00" in name:
        raise Invalid("search.value", f"The search parameter {name[:50]!r} holds a NUL character.")
    bare, _, modifier = name.partition(":")
    code, dot, chained = bare.partition(".")
    if "." in modifier:
        modifier, dot, chained = modifier.partition(".")
    parameter = of_type(TYPE).get(code)
    if code in ("_id", "_lastUpdated"):
        _CONTROL[code](values, asking, name, value)
        return True
    if parameter is None or code.startswith("_"):
        if code.startswith("_"):
            raise Unsupported(
                "search.parameter", f"'{name[:50]}' is not offered for AuditEvent.", parameter=name
            )
        return False
    asked = _Asked(asking, values, code, modifier or None, parameter)
    if dot:
        values.parts.append(_chained(asked, chained, value))
    elif modifier == "missing":
        values.parts.append(_missing(asked, value))
    else:
        found = "(" + " or ".join(_one(asked, one) for one in split(value, ",")) + ")"
        values.parts.append(f"({found} is not true)" if modifier == "not" else found)
    return True


def _one(asked: _Asked, value: str) -> str:
    kind = asked.parameter.kind
    if kind == "date":
        return _dated(asked, value)
    makers = {"token": _token, "string": _string, "reference": _reference, "uri": _uri}
    allowed = {
        "token": (None, "not"), "string": (None, "exact", "contains"), "uri": (None,),
        "reference": (None, "identifier", *asked.parameter.targets),
    }[kind]  # fmt: skip
    if asked.modifier not in allowed:
        raise Unsupported(
            "search.modifier",
            f"':{asked.modifier}' is not offered for '{asked.code}' of AuditEvent.",
            parameter=asked.code,
        )
    if asked.code == "patient" and asked.modifier in (None, "Patient"):
        return _reference(asked, value)[0]  # whose it is stands in the same columns for both
    ours, sent = makers[kind](asked, value)
    if asked.asking.own is not None and asked.code in _UNTOLD:
        ours = sent = "false"
    return _either(ours, sent)


def _either(ours: str, sent: str) -> str:
    """What is asked of a row of ours, and what of an event that was sent."""
    if ours == sent:
        return ours
    return f"((a.content is null and {ours}) or (a.content is not null and {sent}))"


# What a person is not told of acts about themselves.
_UNTOLD = frozenset({"address", "policy", "entity-name"})


def _has(asked: _Asked, *parts: str) -> str:
    return f"a.terms @> array[{asked.values.put(term(*parts))}]::text[]"


# -- tokens ----------------------------------------------------------------------------------------------------


def _token(asked: _Asked, value: str) -> tuple[str, str]:
    """``code``, ``system|code``, ``|code``, ``system|``. FHIR R4, search.html#token."""
    parts = [plain(one) for one in split(value, "|")]
    if len(parts) > 2 or not any(parts):
        raise asked.invalid(value, "a code or 'system|code'")
    system = parts[0] if len(parts) == 2 else None
    code = parts[-1] or None
    looked = ANY if code is None else folded(system, code)
    sent = _has(asked, asked.code, ANY if system is None else system, looked)
    return _TOKENS[asked.code](asked, system, code), sent


def _matches(one: Code, system: str | None, code: str | None) -> bool:
    return (system is None or system == one.system) and (
        code is None or code.casefold() == one.code.casefold()
    )


def _by_act(of: Callable[[str], Sequence[Code]], asked: _Asked, system: str | None, code: str | None) -> str:
    """Acts that have the code, as all of them are known; one of a newer release has those of ``OTHER``."""
    acts = [act for act in KINDS if any(_matches(one, system, code) for one in of(act))]
    parts = [f"a.act = any({asked.values.put(acts)}::text[])"]
    if of is _types and _matches(OTHER.type, system, code):
        parts.append(f"a.act <> all({asked.values.put(list(KINDS))}::text[])")
    return "(" + " or ".join(parts) + ")"


def _types(act: str) -> Sequence[Code]:
    return (kind_of(act).type,)


def _actions(act: str) -> Sequence[Code]:
    return (Code(ACTION, kind_of(act).action, ""),)


def _of_outcome(asked: _Asked, system: str | None, code: str | None) -> str:
    if system not in (None, OUTCOME):
        return "false"
    named = [name for name, one in OUTCOMES.items() if code in (None, one)]
    found = f"a.outcome = any({asked.values.put(named)}::text[])"
    other = f"a.outcome <> all({asked.values.put(list(OUTCOMES))}::text[])"
    return f"({found} or {other})" if code in (None, "8") else found


def _of_role(asked: _Asked, system: str | None, code: str | None) -> str:
    if system not in (None, event.ROLE):
        return "false"
    return "true" if code is None else f"a.role = {asked.values.put(code.casefold())}"


def _of_account(asked: _Asked, system: str | None, code: str | None) -> str:
    if system or code is None:
        return "false"
    here = f"any({asked.values.put([code, code.casefold()])}::text[])"
    return f"(a.actor = {here} or a.origin = {here} or a.app = {here})"


def _of_site(asked: _Asked, system: str | None, code: str | None) -> str:
    if system or code is None:
        return "false"
    house = asked.values.put(event.HOUSE)
    return f"lower(coalesce(a.actor_facility, a.facility, {house})) = {asked.values.put(code.lower())}"


def _of_entities(
    known: Mapping[tuple[str, str], str], asked: _Asked, system: str | None, code: str | None
) -> str:
    found = [text for one, text in known.items() if _matches(Code(*one, ""), system, code)]
    if asked.asking.own is not None:
        found = [text for text in found if text in (_PERSONS, _RESOURCE)]
    return "(" + " or ".join(found) + ")" if found else "false"


def _question() -> str:
    acts = sorted(act for act, kind in KINDS.items() if kind.action in ("E", "R"))
    listed = ", ".join(f"'{act}'" for act in acts)
    return f"(a.detail is not null and a.act in ({listed}))"


_ROLES = {
    (event.OBJECT_ROLE, "1"): _PERSONS,
    (event.OBJECT_ROLE, "4"): _RESOURCE,
    (event.OBJECT_ROLE, "24"): _question(),
}
_KINDS_OF_ENTITIES = {
    (event.ENTITY_TYPE, "1"): _PERSONS,
    (event.ENTITY_TYPE, "2"): f"({_RESOURCE} or {_question()})",
    (event.BALP_ENTITY, "XrequestId"): "a.request is not null",
}
_TOKENS: Mapping[str, Callable[[_Asked, str | None, str | None], str]] = {
    "type": partial(_by_act, _types),
    "subtype": partial(_by_act, codings),
    "action": partial(_by_act, _actions),
    "outcome": _of_outcome,
    "agent-role": _of_role,
    "altid": _of_account,
    "site": _of_site,
    "entity-role": partial(_of_entities, _ROLES),
    "entity-type": partial(_of_entities, _KINDS_OF_ENTITIES),
}


# -- strings, addresses ------------------------------------------------------------------------------------------


def _string(asked: _Asked, value: str) -> tuple[str, str]:
    """Begins with, without accents; ``:exact`` and ``:contains``."""
    text = plain(value)
    if not searchable(text):
        raise asked.invalid(value, "a text")
    column = {"agent-name": "a.name", "address": "a.address"}.get(asked.code)
    looked = searchable(text)
    like = term(
        asked.code, "%" + _escaped(looked) + "%" if asked.modifier == "contains" else _escaped(looked) + "%"
    )
    if asked.modifier == "exact":
        like = term(asked.code, _escaped(looked))
    sent = f"exists (select from unnest(a.terms) t where t like {asked.values.put(like)})"
    if column is None:
        return "false", sent
    if asked.modifier == "exact":
        return f"{column} = {asked.values.put(text)}", sent
    bare, here = FOLDED.format(column), asked.values.put(looked)
    if asked.modifier == "contains":
        return f"position({here} in {bare}) > 0", sent
    return f"starts_with({bare}, {here})", sent


def _escaped(text: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", text)


def _uri(asked: _Asked, value: str) -> tuple[str, str]:
    return "false", _has(asked, asked.code, plain(value))


# -- references --------------------------------------------------------------------------------------------------


def _reference(asked: _Asked, value: str) -> tuple[str, str]:
    text = plain(value)
    if asked.modifier == "identifier":
        return _logical(asked, value)
    base = f"{asked.asking.base_url}/" if asked.asking.base_url else ""
    local = text.removeprefix(base) if base else text
    parts = local.split("/")
    if len(parts) == 4 and parts[2] == "_history":
        parts = parts[:2]
    kind = parts[0] if len(parts) == 2 else asked.modifier
    identifier = parts[-1]
    if ":" in local:
        return "false", _has(asked, asked.code, local)
    if (
        len(parts) > 2
        or not _ID.fullmatch(identifier)
        or (kind is not None and kind not in asked.parameter.targets)
    ):
        raise asked.invalid(value, "an id, 'Type/id' or a URL")
    ours = _REFERENCES[asked.code](asked, kind, identifier)
    return ours, _has(asked, asked.code, f"{kind or ANY}/{identifier}")


def _logical(asked: _Asked, value: str) -> tuple[str, str]:
    parts = [plain(one) for one in split(value, "|")]
    if len(parts) > 2 or not parts[-1]:
        raise asked.invalid(value, "a value or 'system|value'")
    system = parts[0] if len(parts) == 2 else None
    here = asked.values.put(parts[-1])
    found = [
        text.format(here)
        for (code, of), text in _LOGICAL.items()
        if code == asked.code
        and system in (None, of)
        and not (asked.asking.own is not None and code == "entity")
    ]
    ours = "(" + " or ".join(found) + ")" if found else "false"
    return ours, _has(asked, f"{asked.code}:identifier", ANY if system is None else system, parts[-1])


_LOGICAL = {
    ("agent", event.ACCOUNT): "coalesce(a.origin, a.actor) = {}",
    ("agent", event.APP): "a.app = {}",
    ("entity", ""): "a.request = {}",
    ("source", "https://yba.vn/fhir/system"): "{} = 'record'",
}


def _is_person(asked: _Asked, identifier: str) -> str:
    if asked.asking.own is not None and identifier not in asked.asking.own:
        return "false"
    here = asked.values.put(identifier)
    return f"(a.patient = {here} or a.patients @> array[{here}]::text[])"


def _of_patient(asked: _Asked, kind: str | None, identifier: str) -> str:
    return _is_person(asked, identifier)


def _of_agent(asked: _Asked, kind: str | None, identifier: str) -> str:
    here = asked.values.put(identifier)
    found = []
    if kind in (None, "Practitioner"):
        found.append(f"a.practitioner = {here}")
    if kind in (None, "Patient"):
        found.append(f"(a.practitioner is null and a.person = {here})")
    return "(" + " or ".join(found) + ")" if found else "false"


def _of_entity(asked: _Asked, kind: str | None, identifier: str) -> str:
    found = [_is_person(asked, identifier)] if kind in (None, "Patient") else []
    here = asked.values.put(identifier)
    own = "" if kind is None else f" and a.type = {asked.values.put(kind)}"
    charts = asked.asking.charts(kind, identifier) if kind not in (None, "Patient") else []
    # Whose chart it is in is known: so the index of the person's rows finds them.
    chart = f" and a.patient = any({asked.values.put(charts)}::text[])" if charts else ""
    if asked.asking.own is None or kind != "Patient":
        found.append(f"(a.type is not null and a.id = {here}{own}{chart})")
    return "(" + " or ".join(found) + ")"


_REFERENCES: Mapping[str, Callable[[_Asked, str | None, str], str]] = {
    "patient": _of_patient,
    "agent": _of_agent,
    "entity": _of_entity,
    "source": lambda asked, kind, identifier: "false",
}


def _chained(asked: _Asked, chained: str, value: str) -> str:
    """``patient.name=...``: the persons whom a search of the asker's own finds, at most a thousand."""
    if asked.code != "patient" or asked.modifier not in (None, "Patient") or not chained:
        raise Unsupported(
            "search.chain", "Of AuditEvent's references only 'patient' takes a chain.", parameter=asked.code
        )
    persons = asked.values.put(list(asked.asking.persons(chained, value)))
    return f"(a.patient = any({persons}::text[]) or a.patients && {persons}::text[])"


# -- dates, ids, what is missing -----------------------------------------------------------------------------------


def _moment(asking: Asking, values: Values, code: str, value: str, column: str) -> str:
    """All prefixes, on a column that holds one instant. FHIR R4, search.html#date."""
    parameter = of_type("Patient")["_lastUpdated"] if code == "_lastUpdated" else of_type(TYPE)[code]
    clause = on_updated(Question(TYPE, parameter, None, value, asking.now, asking.base_url))
    return clause.sql.replace("r.updated", column).format(
        *(f"{values.put(one)}::timestamptz" for one in clause.values)
    )


def _dated(asked: _Asked, value: str) -> str:
    if asked.modifier is not None:
        raise Unsupported(
            "search.modifier", f"':{asked.modifier}' is not offered for a date.", parameter=asked.code
        )
    return _moment(asked.asking, asked.values, asked.code, value, "coalesce(a.occurred, a.at)")


def _updated(values: Values, asking: Asking, name: str, value: str) -> None:
    if name != "_lastUpdated":
        raise Unsupported("search.modifier", f"'{name[:50]}' is not offered.", parameter=name)
    values.parts.append("(" + _moment(asking, values, "_lastUpdated", value, "a.at") + ")")


def _named(values: Values, asking: Asking, name: str, value: str) -> None:
    if name != "_id":
        raise Unsupported("search.modifier", f"'{name[:50]}' is not offered.", parameter=name)
    asked = [plain(one) for one in split(value, ",")]
    ours = [int(found[1]) for one in asked if (found := _OWN_ID.fullmatch(one))]
    numbers, sent = values.put(ours), values.put(asked)
    values.parts.append(
        f"((a.content is null and a.seq = any({numbers}::bigint[]))"
        f" or (a.content is not null and a.id = any({sent}::text[])))"
    )


_CONTROL: Mapping[str, Callable[[Values, Asking, str, str], None]] = {"_id": _named, "_lastUpdated": _updated}
_ALWAYS = "true"
_THERE: Mapping[str, str] = {
    "date": _ALWAYS, "type": _ALWAYS, "subtype": _ALWAYS, "action": _ALWAYS, "outcome": _ALWAYS, "altid": _ALWAYS,
    "site": _ALWAYS, "source": _ALWAYS, "agent": _ALWAYS, "agent-role": _ALWAYS, "agent-name": "a.name is not null",
    "address": "a.address is not null", "patient": _PERSONS,
    "entity": f"({_PERSONS} or {_RESOURCE} or a.request is not null)",
    "entity-role": f"({_PERSONS} or {_RESOURCE} or {_question()})",
    "entity-type": f"({_PERSONS} or {_RESOURCE} or {_question()} or a.request is not null)",
    "entity-name": "false", "policy": "false",
}  # fmt: skip


def _missing(asked: _Asked, value: str) -> str:
    if value not in ("true", "false"):
        raise asked.invalid(value, "true or false")
    ours = _THERE[asked.code]
    if asked.asking.own is not None and asked.code in _UNTOLD:
        ours = "false"
    like = asked.values.put(f"{asked.code}{BETWEEN}%")
    logical = asked.values.put(f"{asked.code}:identifier{BETWEEN}%")
    sent = f"exists (select from unnest(a.terms) t where t like {like} or t like {logical})"
    if asked.parameter.kind == "date":
        sent = _ALWAYS
    there = _either(ours, sent)
    return f"({there} is not true)" if value == "true" else there
