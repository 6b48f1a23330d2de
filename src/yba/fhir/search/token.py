"""Token parameters: codes, identifiers, flags. FHIR R4, search.html#token.

Case is passed over (``casing.py``).
"""

from __future__ import annotations

from typing import Any

from yba.fhir.model.fold import fold
from yba.fhir.search import casing, concepts
from yba.fhir.search.casing import folded
from yba.fhir.search.clause import Clause, among, either, negated, probe
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
    kept = number in casing.kept_numbers()

    def add(rows: Gathered, system: str | None, code: str | None, display: str | None) -> None:
        """A row of a parameter that keeps the case, and one for finding it without."""
        rows.token.append((number, system, key(code) if code else None, display))
        if code and folded(system, code) != key(code):
            rows.token.append((kinds, system, folded(system, code), None))

    def coding(value: Any, rows: Gathered) -> None:
        code, system, display = value.code, value.system, value.display
        if kept:
            add(rows, key(system) if system else None, code, fold(display) if display else None)
        elif code is not None or system is not None or display is not None:
            rows.token.append(
                (
                    number,
                    key(system) if system else None,
                    folded(system, code) if code else None,
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
                folded(value.system, value.value) if value.value else None,
                fold(text) if text else None,
            )
        )
        if kind is not None and value.value is not None:
            for one in kind.coding:
                if one.code is not None:
                    of_type = folded(None, f"{one.code}|{value.value}")
                    rows.token.append((kinds, key(one.system or ""), of_type, None))

    def contact(value: Any, rows: Gathered) -> None:
        if value.value is None:
            return
        written = [value.value]
        if value.system in ("phone", "fax", "sms"):
            written.append("".join(letter for letter in value.value if letter not in " .-()"))
        for one in dict.fromkeys(written):
            rows.token.append((number, value.use, folded(None, one), None))
            if value.system is not None:
                rows.token.append((number, value.system, folded(None, one), None))

    def flag(value: Any, rows: Gathered) -> None:
        rows.token.append((number, None, "true" if value else "false", None))

    def text(value: Any, rows: Gathered) -> None:
        if kept:
            add(rows, None, str(value), None)
        else:
            rows.token.append((number, None, folded(None, str(value)), None))

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
        found = _probe(question, _any(question))
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
        found = _probe(question, concepts.clause(question))
        return negated(found) if modifier == "not-in" else found
    raise unsupported_modifier(question)


def _probe(question: Question, met: Clause) -> Clause:
    """There is an index row that meets the condition; of a parameter that keeps the case, also a folded one."""
    found = probe("token", question.number, met)
    return casing.probed(question.number, found) if casing.keeps(question.parameter) else found


def _any(question: Question) -> Clause:
    asked = [_parts(question, one) for one in split(question.value, ",")]
    plain_codes = [code for system, code in asked if system is None and code is not None]
    if len(plain_codes) == len(asked):
        codes = [one for code in plain_codes for one in casing.wanted(question.parameter, None, code)]
        return among("x.code", codes)
    return either([_one(question, system, code) for system, code in asked])


def condition(question: Question, text: str) -> Clause:
    """One value against an index row ``x``."""
    return _one(question, *_parts(question, text))


def _parts(question: Question, text: str) -> tuple[str | None, str | None]:
    """``system|code`` as (system, code): system None is any, "" is none; code None is any."""
    parts = [plain(part) for part in split(text, "|")]
    if len(parts) == 1 and parts[0]:
        return None, parts[0]
    if len(parts) == 2 and (parts[0] or parts[1]):
        return key(parts[0]), parts[1] or None
    raise invalid(question, text, "a code, 'system|code', '|code' or 'system|'")


def _one(question: Question, system: str | None, code: str | None) -> Clause:
    met = _coded(question, system, code) if code is not None else None
    if system is None and met is not None:
        return met
    if not system and met is not None:
        return Clause(f"({met.sql} and x.system is null)", met.values)
    # A plain code has no system in its row: it is the one of the element's value set.
    implied = system in question.parameter.systems or system == _FLAGS
    if met is None:
        if implied:
            return Clause("(x.system = {} or (x.system is null and x.code is not null))", (system,))
        return Clause("x.system = {}", (system,))
    if implied:
        return Clause(f"({met.sql} and (x.system = {{}} or x.system is null))", (*met.values, system))
    return Clause(f"({met.sql} and x.system = {{}})", (*met.values, system))


def _coded(question: Question, system: str | None, code: str) -> Clause:
    """The code alone, as index rows hold it."""
    return among("x.code", casing.wanted(question.parameter, system, code))


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
    met = _coded(question, "", f"{code}|{value}")
    return Clause(f"({met.sql} and x.system = {{}})", (*met.values, key(system)))
