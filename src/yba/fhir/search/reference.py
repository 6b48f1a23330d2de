"""Reference parameters: links between resources. FHIR R4, search.html#reference."""

from __future__ import annotations

import re
from typing import Any

from yba.fhir.r4 import MODULES
from yba.fhir.search.clause import Clause, either, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.values import plain, split

_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")


def target(text: str) -> tuple[str | None, str]:
    """What a reference points to: (type, id) for a local one, (None, the URL) for any other."""
    parts = text.split("/")
    if len(parts) >= 2 and parts[0] in MODULES and (len(parts) == 2 or parts[2] == "_history"):
        return parts[0], parts[1]
    return None, text


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type and the target type it is narrowed to."""

    def any_reference(value: Any, rows: Gathered) -> None:
        named(value, rows, None)

    def named(value: Any, rows: Gathered, only: str | None) -> None:
        text, logical = value.reference, value.identifier
        if text is None and logical is None:
            return
        kind, identifier = target(text) if text is not None else (None, "")
        if text is not None and text.startswith("#"):
            return
        if only is not None and only != (kind or value.type or _type_in(identifier)):
            return
        rows.reference.append(
            (
                number,
                kind,
                key(identifier),
                key(logical.system) if logical is not None and logical.system else None,
                key(logical.value) if logical is not None and logical.value else None,
            )
        )

    def canonical(value: Any, rows: Gathered) -> None:
        kind, identifier = target(value)
        rows.reference.append((number, kind, key(identifier), None, None))
        bare = identifier.partition("|")[0]
        if bare != identifier:
            rows.reference.append((number, None, key(bare), None, None))

    def by_type(name: str, only: str | None) -> Handler | None:
        if name == "str":
            return canonical
        if name != "Reference":
            return None
        return any_reference if only is None else lambda value, rows: named(value, rows, only)

    return by_type


def _type_in(url: str) -> str | None:
    """The resource type an absolute URL names."""
    parts = url.split("/")
    return next((part for part in reversed(parts[:-1]) if part in MODULES), None)


def clause(question: Question) -> Clause:
    """The condition of a reference question: an id, ``Type/id``, a URL, ``:Type`` or ``:identifier``."""
    asked = [plain(one) if question.modifier != "identifier" else one for one in split(question.value, ",")]
    if question.modifier == "identifier":
        return probe("reference", question.number, either([_logical(question, one) for one in asked]))
    if question.modifier is not None and question.modifier not in MODULES:
        raise unsupported_modifier(question)
    return probe("reference", question.number, either([_one(*asked_target(question, one)) for one in asked]))


def asked_target(question: Question, text: str) -> tuple[str | None, str]:
    """What one value points to: (type, id), (None, id) when no type is said, ("", url) for a foreign URL."""
    local = _without_base(text, question.base_url)
    kind, identifier = target(local)
    if kind is not None:
        if question.modifier is not None and question.modifier != kind:
            raise invalid(question, text, f"a reference to {question.modifier}")
        if _ID.fullmatch(identifier):
            return kind, identifier
    elif _ID.fullmatch(local):
        return question.modifier or _only_target(question), local
    elif ":" in local:
        return "", local
    raise invalid(question, text, "an id, 'Type/id' or a URL")


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
        return Clause("x.identifier_value = {}", (key(parts[0]),))
    if len(parts) == 2 and parts[1]:
        if not parts[0]:
            return Clause("(x.identifier_value = {} and x.identifier_system is null)", (key(parts[1]),))
        return Clause(
            "(x.identifier_value = {} and x.identifier_system = {})", (key(parts[1]), key(parts[0]))
        )
    raise invalid(question, text, "an identifier as 'system|value'")
