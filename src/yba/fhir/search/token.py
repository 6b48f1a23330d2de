"""Token parameters: codes, identifiers, flags. FHIR R4, search.html#token."""

from __future__ import annotations

from typing import Any

from yba.fhir.model.fold import fold
from yba.fhir.search import concepts
from yba.fhir.search.clause import Clause, either, negated, probe
from yba.fhir.search.parameters import beside, needs_version
from yba.fhir.search.paths import Handler
from yba.fhir.search.question import Question, invalid, unsupported_modifier
from yba.fhir.search.rows import Gathered, key
from yba.fhir.search.values import plain, split


def leaf(number: int) -> Any:
    """What adds the rows of a value, by the name of its type.

    An identifier with a type has a second row under a number of its own, for ``:of-type``. A contact's namespace is
    its use or its system.
    """
    kinds = beside(number)

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
        kind = value.type
        if value.value is None and value.system is None and kind is None:
            return
        text = kind.text if kind is not None else None
        rows.token.append(
            (
                number,
                key(value.system) if value.system else None,
                key(value.value) if value.value else None,
                fold(text) if text else None,
            )
        )
        if kind is not None and value.value is not None:
            for one in kind.coding:
                if one.code is not None:
                    rows.token.append((kinds, key(one.system or ""), key(f"{one.code}|{value.value}"), None))

    def contact(value: Any, rows: Gathered) -> None:
        if value.value is None:
            return
        written = [value.value]
        if value.system in ("phone", "fax", "sms"):
            written.append("".join(letter for letter in value.value if letter not in " .-()"))
        for one in dict.fromkeys(written):
            rows.token.append((number, value.use, key(one), None))
            if value.system is not None:
                rows.token.append((number, value.system, key(one), None))

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
    modifier = question.modifier
    if modifier in (None, "not"):
        found = probe("token", question.number, _any(question))
        return negated(found) if modifier == "not" else found
    if modifier == "text":
        return probe(
            "token", question.number, either([_text(question, one) for one in split(question.value, ",")])
        )
    if modifier == "of-type":
        needs_version(2, question.name)
        asked = [_of_type(question, one) for one in split(question.value, ",")]
        return probe("token", beside(question.number), either(asked))
    if modifier in ("in", "not-in", "above", "below"):
        found = probe("token", question.number, concepts.clause(question))
        return negated(found) if modifier == "not-in" else found
    raise unsupported_modifier(question)


def _any(question: Question) -> Clause:
    asked = [_parts(question, one) for one in split(question.value, ",")]
    if all(system is None for system, _ in asked):
        return Clause("x.code = any({})", ([code for _, code in asked],))
    return either([_one(question, system, code) for system, code in asked])


def condition(question: Question, text: str) -> Clause:
    """One value against an index row ``x``."""
    return _one(question, *_parts(question, text))


def _parts(question: Question, text: str) -> tuple[str | None, str | None]:
    """``system|code`` as (system, code): system None is any, "" is none; code None is any."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1 and parts[0]:
        return None, key(parts[0])
    if len(parts) == 2 and (parts[0] or parts[1]):
        return key(parts[0]), key(parts[1]) if parts[1] else None
    raise invalid(question, text, "a code, 'system|code', '|code' or 'system|'")


def _one(question: Question, system: str | None, code: str | None) -> Clause:
    if system is None:
        return Clause("x.code = {}", (code,))
    if not system:
        return Clause("(x.code = {} and x.system is null)", (code,))
    # A plain code has no system in its row: it is the one of the element's value set.
    implied = system in question.parameter.systems or system == _FLAGS
    if code is None:
        if implied:
            return Clause("(x.system = {} or (x.system is null and x.code is not null))", (system,))
        return Clause("x.system = {}", (system,))
    if implied:
        return Clause("(x.code = {} and (x.system = {} or x.system is null))", (code, system))
    return Clause("(x.code = {} and x.system = {})", (code, system))


_FLAGS = "http://terminology.hl7.org/CodeSystem/special-values"


def _text(question: Question, text: str) -> Clause:
    """Like a string: the beginning of the text or display, without case and accents."""
    folded = fold(plain(text))
    if not folded.strip():
        raise invalid(question, text, "a text")
    return Clause("(x.display >= {} and x.display < {})", (folded, folded + "\U0010ffff"))


def _of_type(question: Question, text: str) -> Clause:
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) != 3 or not all(parts[1:]):
        raise invalid(question, text, "'system|code|value' of an identifier's type and value")
    system, code, value = parts
    if not system:
        return Clause("(x.code = {} and x.system = '')", (key(f"{code}|{value}"),))
    return Clause("(x.code = {} and x.system = {})", (key(f"{code}|{value}"), key(system)))
