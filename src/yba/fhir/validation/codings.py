"""Coded values: bindings by strength, codes that their system has not, displays that say something else.

FHIR R4, terminologies.html#strength: required is a must, extensible a must where a code fits (a warning here, as no
program can tell whether one does), preferred advice. A code that its system has not is an error under any strength.
What is not known here is information, never a fault.
"""

from __future__ import annotations

import re
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.model.structures import Binding
from yba.fhir.validation.state import State

Tree = Any

_UCUM = "http://unitsofmeasure.org"
_TEXT = frozenset({"code", "string", "uri", "url", "canonical", "markdown", "id"})
_SNOMED = "http://snomed.info/sct"
_LOINC = "http://loinc.org"
_LONGEST_LOINC = 7
# Classifications of which each country and each year has its own edition, under one name.
_EDITIONS = "http://hl7.org/fhir/sid/"
_MIME_TYPES = "http://hl7.org/fhir/ValueSet/mimetypes"
_MIME = re.compile(
    r"[^\s/;]+/[^\s/;]+\s*(;.*)?|xml|json|ttl"
)  # with parameters; and what _format takes (http.html#mime-type)
_SEVERITY = {"required": "error", "extensible": "warning", "preferred": "information"}
QUANTITIES = frozenset(
    {"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"}
)


def bound(
    state: State, value: Tree, code: str, binding: Binding | None, path: str, *, choice: bool = False
) -> None:
    """Hold a value of the type ``code`` against its binding; ``choice``: other types are allowed as well."""
    if binding is None or state.terminology is None or binding.strength not in _SEVERITY:
        return
    if code in _TEXT:
        if isinstance(value, str):
            _judge(state, [member(state, binding.value_set, None, value)], f"'{value[:60]}'", binding, path)
        return
    if not isinstance(value, dict):
        return
    if code == "CodeableConcept":
        _concept(state, value, binding, path)
    elif code == "Coding":
        _codings(state, [value], binding, path)
    elif code in QUANTITIES and isinstance(value.get("code"), str):
        if choice and binding.strength == "required":
            # said of a choice of several types a binding is not surely about units: told, but no fault
            binding = Binding("extensible", binding.value_set)
        _codings(state, [value], binding, path)


def _concept(state: State, value: Tree, binding: Binding, path: str) -> None:
    codings = value.get("coding")
    codings = [one for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []
    if not codings:
        if binding.strength == "required" and "extension" not in value:
            state.error(
                "code-invalid", path, "binding.required",
                f"needs a code of the value set {binding.value_set}; text alone is not enough.",
            )  # fmt: skip
        return
    _codings(state, codings, binding, path)


def _codings(state: State, codings: list[Tree], binding: Binding, path: str) -> None:
    answers: list[bool | None] = []
    shown = []
    for one in codings:
        code, system = one.get("code"), one.get("system")
        if not isinstance(code, str):
            continue
        shown.append(f"{system or ''}#{code}"[:120])
        answers.append(member(state, binding.value_set, system, code) if isinstance(system, str) else False)
    if not answers and (binding.strength != "required" or any("extension" in one for one in codings)):
        return
    _judge(state, answers or [False], ", ".join(shown) or "no code", binding, path)


def _judge(state: State, answers: list[bool | None], shown: str, binding: Binding, path: str) -> None:
    if any(answers):
        return
    if None in answers:
        if binding.strength == "required":
            state.add(
                "information", "not-supported", path, "binding.unknown",
                f"{path}: whether {shown} is in the value set {binding.value_set} cannot be told here.",
            )  # fmt: skip
        return
    wanted = "must come" if binding.strength == "required" else "should come"
    state.add(
        _SEVERITY[binding.strength], "code-invalid", path, f"binding.{binding.strength}",
        f"{path}: {shown} is not in the value set {binding.value_set}, from which the code {wanted}.",
    )  # fmt: skip


def member(state: State, value_set: str, system: str | None, code: str) -> bool | None:
    """Whether a code is in a value set; None where that is not known."""
    name = ("in", value_set, system, code)
    if name not in state.codes:
        try:
            if system is None and value_set.partition("|")[0] == _MIME_TYPES:
                found = _MIME.fullmatch(code) is not None
            else:
                found = state.terminology.member(value_set, system, code)
        except RecordError:
            found = None
        state.codes[name] = found
    answer: bool | None = state.codes[name]
    return answer


def coding(state: State, value: Tree, path: str) -> None:
    """One Coding by itself: its system is no value set, has the code, and shows it so."""
    system, code = value.get("system"), value.get("code")
    if not isinstance(system, str):
        return
    if "/ValueSet/" in system and system.startswith("http"):
        state.error(
            "code-invalid", f"{path}.system", "coding.value-set",
            f"'{system[:120]}' is a value set; a code comes from a code system.",
        )  # fmt: skip
        return
    if state.terminology is None or not isinstance(code, str):
        return
    _known(state, value, system, code, path)


def _known(state: State, value: Tree, system: str, code: str, path: str) -> None:
    version = value.get("version")
    concept = known(state, system, code, f"{path}.code", version if isinstance(version, str) else None)
    if concept is None:
        return
    display = value.get("display")
    if not isinstance(display, str) or system == _UCUM:
        return
    names = _displays(concept)
    if names and _folded(display) not in {_folded(one) for one in names}:
        state.add(
            "warning", "value", f"{path}.display", "coding.display",
            f"{path}.display: '{display[:100]}' is not what {system} calls {code}: '{names[0][:100]}'.",
        )  # fmt: skip


def known(state: State, system: str, code: str, at: str, version: str | None = None) -> Any:
    """The concept of a code, None where it is not known; an error where the system surely has no such code.

    So it is where the system is here whole (in the version named, if one is), or the code has a wrong check digit.
    """
    if state.terminology is None:
        return None
    concept, whole = _concept_of(state, system, code, version)
    if concept is None and (whole or _miswritten(system, code)):
        state.add(
            "warning" if system.startswith(_EDITIONS) else "error", "code-invalid", at, "coding.unknown",
            f"{at} '{code[:60]}' is not a code of {system}.",
        )  # fmt: skip
    return concept


def _miswritten(system: str, code: str) -> bool:
    """Whether a code has not the form all codes of its system have, also of those that are not here."""
    if system == _SNOMED:
        return code.isdigit() and not _is_sctid(code)
    if system == _LOINC:
        number, dash, digit = code.partition("-")
        digits = code.isascii() and bool(dash) and number.isdigit() and digit.isdigit()
        return digits and (len(number) > _LONGEST_LOINC or _check_10(number) != digit)
    return False


# SNOMED CT, Release File Specification, "Check-digit computation": Verhoeff's dihedral group and permutation.
_SUCCESSORS = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _permuted(digit: int, times: int) -> int:
    for _ in range(times % 8):
        digit = _SUCCESSORS[digit]
    return digit


def _multiplied(one: int, other: int) -> int:
    """In the dihedral group of order ten: 0 to 4 turn, 5 to 9 turn and mirror."""
    turned = (one - other if one >= 5 else one + other) % 5
    return turned if (one >= 5) == (other >= 5) else turned + 5


def _is_sctid(code: str) -> bool:
    """Six to eighteen digits, the first no zero, the last Verhoeff's check digit."""
    if not (6 <= len(code) <= 18 and code.isascii() and code[0] != "0"):
        return False
    sum_ = 0
    for place, digit in enumerate(reversed(code)):
        sum_ = _multiplied(sum_, _permuted(int(digit), place))
    return sum_ == 0


def _check_10(number: str) -> str:
    """LOINC Users' Guide, appendix on check digits: mod 10, every second digit from the right doubled."""
    odd = str(int(number[::-2]) * 2)
    even = number[-2::-2] or ""
    return str(-sum(int(one) for one in odd + even) % 10)


def unit(state: State, value: Tree, path: str) -> None:
    """A Quantity in UCUM has a unit that UCUM has."""
    code = value.get("code")
    if state.terminology is None or value.get("system") != _UCUM or not isinstance(code, str):
        return
    concept, whole = _concept_of(state, _UCUM, code, None)
    if concept is None and whole:
        state.error(
            "code-invalid", f"{path}.code", "coding.unit",
            f"'{code[:60]}' is no unit of UCUM; write what UCUM has, or another system.",
        )  # fmt: skip


def _concept_of(state: State, system: str, code: str, version: str | None) -> tuple[Any, bool]:
    name = ("code", system, code, version)
    if name not in state.codes:
        try:
            concept = state.terminology.concept(system, code)
            whole = concept is None and state.terminology.knows(system, version=version)
        except RecordError:
            concept, whole = None, False
        state.codes[name] = (concept, whole)
    found: tuple[Any, bool] = state.codes[name]
    return found


def _displays(concept: Any) -> list[str]:
    found = [concept.display] if concept.display else []
    for one in concept.designations or ():
        text = one.get("value") if isinstance(one, dict) else getattr(one, "value", None)
        if isinstance(text, str):
            found.append(text)
    return found


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
