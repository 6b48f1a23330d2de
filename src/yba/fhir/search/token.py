"""Token parameters: codes, identifiers, flags. FHIR R4, search.html#token."""

from __future__ import annotations

from typing import Any

from yba.fhir.model.fold import fold
from yba.fhir.search.clause import Clause, either, negated, probe
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.values import plain, split


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type."""

    def coding(value: Any, rows: Gathered) -> None:
        code, system, display = value.code, value.system, value.display
        if code is not None or system is not None or display is not None:
            rows.token.append(
                (
                    number,
                    key(system) if system else None,
                    key(code) if code else None,
                    fold(display) if display else None,
                )
            )

    def concept(value: Any, rows: Gathered) -> None:
        for one in value.coding:
            coding(one, rows)
        if value.text is not None:
            rows.token.append((number, None, None, fold(value.text)))

    def identifier(value: Any, rows: Gathered) -> None:
        if value.value is not None or value.system is not None:
            rows.token.append(
                (
                    number,
                    key(value.system) if value.system else None,
                    key(value.value) if value.value else None,
                    None,
                )
            )

    def contact(value: Any, rows: Gathered) -> None:
        if value.value is None:
            return
        rows.token.append((number, None, key(value.value), None))
        compact = "".join(letter for letter in value.value if letter not in " .-()")
        if compact != value.value and value.system in ("phone", "fax", "sms"):
            rows.token.append((number, None, key(compact), None))

    def flag(value: Any, rows: Gathered) -> None:
        rows.token.append((number, None, "true" if value else "false", None))

    def text(value: Any, rows: Gathered) -> None:
        rows.token.append((number, None, key(str(value)), None))

    by_type: dict[str, Handler] = {
        "Coding": coding,
        "CodeableConcept": concept,
        "Identifier": identifier,
        "ContactPoint": contact,
        "bool": flag,
        "str": text,
        "int": text,
    }
    return lambda name, _only: by_type.get(name)


def clause(question: Question) -> Clause:
    """The condition of a token question."""
    if question.modifier not in (None, "not"):
        raise unsupported_modifier(question)
    asked = [_parts(question, one) for one in split(question.value, ",")]
    if all(system is None for system, _ in asked):
        found = probe("token", question.number, Clause("x.code = any({})", ([code for _, code in asked],)))
    else:
        found = probe("token", question.number, either([_one(system, code) for system, code in asked]))
    return negated(found) if question.modifier == "not" else found


def _parts(question: Question, text: str) -> tuple[str | None, str | None]:
    """``system|code`` as (system, code): system None is any, "" is none; code None is any."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1 and parts[0]:
        return None, key(parts[0])
    if len(parts) == 2 and (parts[0] or parts[1]):
        return key(parts[0]), key(parts[1]) if parts[1] else None
    raise invalid(question, text, "a code, 'system|code', '|code' or 'system|'")


def _one(system: str | None, code: str | None) -> Clause:
    if system is None:
        return Clause("x.code = {}", (code,))
    if not system:
        return Clause("(x.code = {} and x.system is null)", (code,))
    if code is None:
        return Clause("x.system = {}", (system,))
    return Clause("(x.code = {} and x.system = {})", (code, system))
