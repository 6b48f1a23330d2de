"""Tokens by what their codes mean: in a value set, above or below a code. FHIR R4, search.html#modifiers."""

from __future__ import annotations

from collections.abc import Iterable

from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.search import casing
from yba.fhir.search.clause import Clause, either
from yba.fhir.search.question import Question, invalid
from yba.fhir.search.rows import key
from yba.fhir.search.values import plain, split

MOST_CODES = 10_000
_MIME = "urn:ietf:bcp:13"


def clause(question: Question) -> Clause:
    """``:in``/``:not-in`` a value set, ``:above``/``:below`` a code, against an index row ``x``."""
    asked = split(question.value, ",")
    if question.modifier in ("in", "not-in"):
        return either([_among(question, _codes(question, plain(one))) for one in asked])
    return either([_related(question, one) for one in asked])


def _codes(question: Question, value_set: str) -> list[tuple[str, str]]:
    base = question.base_url
    if base is not None and value_set.startswith(base + "/ValueSet/"):
        value_set = value_set[len(base) + 1 :]
    known = question.terminology.codes(value_set)
    if known is None:
        raise Invalid(
            "search.value-set",
            f"The value set '{value_set[:200]}' is not known here, or cannot be expanded. "
            "Store it as a ValueSet, with its code systems.",
            parameter=question.parameter.code,
            value=value_set,
        )
    return _bounded(question, known)


def _bounded(question: Question, codes: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    found = list(codes)
    if len(found) > MOST_CODES:
        raise TooCostly(
            "search.too-many-codes",
            f"'{question.name}' stands for {len(found)} codes; a search may compare with {MOST_CODES}. "
            "Ask for a smaller value set or a code further down.",
            parameter=question.parameter.code,
        )
    return found


def _among(question: Question, codes: list[tuple[str, str]]) -> Clause:
    """Any of these codes; a plain code counts where its element's value set has that system."""
    if not codes:
        return Clause("false")
    pairs = [
        (key(system), one)
        for system, code in codes
        for one in casing.wanted(question.parameter, system, code)
    ]
    systems = [system for system, _ in pairs]
    names = [code for _, code in pairs]
    listed = Clause(
        "(x.code = any({}::text[]) and (x.system, x.code) in (select v.s, v.c"
        " from unnest({}::text[], {}::text[]) v(s, c)))",
        (names, systems, names),
    )
    implied = [
        one
        for system, code in codes
        if system in question.parameter.systems
        for one in casing.wanted(question.parameter, "", code)
    ]
    if not implied:
        return listed
    return either([listed, Clause("(x.system is null and x.code = any({}::text[]))", (implied,))])


def _related(question: Question, text: str) -> Clause:
    parts = [plain(part) for part in split(text, "|")]
    systems = question.parameter.systems
    if _MIME in systems and (len(parts) == 1 or parts[0] == _MIME):
        ways = casing.wanted(question.parameter, "", parts[-1])
        return either([_mime(one, below=question.modifier == "below") for one in ways])
    if len(parts) == 1 and len(systems) == 1:
        parts = [systems[0], parts[0]]
    if len(parts) != 2 or not all(parts):
        raise invalid(question, text, "'system|code', for codes have no order without their system")
    system, code = parts
    known = question.terminology
    written = dict.fromkeys([code, code.upper(), code.lower()])  # whatever the case it is asked in
    code = next((one for one in written if known.concept(system, one) is not None), "")
    if not code:
        raise Invalid(
            "search.code-system",
            f"The code '{parts[1][:100]}' of the system '{system[:200]}' is not known here: "
            "nothing is above or below it.",
            parameter=question.parameter.code,
            value=text,
        )
    related = (
        known.descendants(system, code) if question.modifier == "below" else known.ancestors(system, code)
    )
    return _among(question, _bounded(question, [(system, one) for one in dict.fromkeys([code, *related])]))


def _mime(text: str, *, below: bool) -> Clause:
    """Media types: ``image/png`` is below ``image``, and ``text/plain;charset=UTF-8`` below ``text/plain``."""
    if below:
        return Clause(
            "(x.code = {} or starts_with(x.code, {}) or starts_with(x.code, {}))",
            (key(text), text.rstrip("/") + "/", text + ";"),
        )
    bare = text.partition(";")[0]
    return Clause("x.code = any({})", ([key(text), key(bare), key(bare.partition("/")[0])],))
