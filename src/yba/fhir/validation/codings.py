"""Coded values: bindings by strength, codes that their system has not, displays that say something else.

FHIR R4, terminologies.html#strength: required is a must, extensible a must where a code fits (a warning here, as no
program can tell whether one does), preferred advice. What is not known here is information, never a fault.
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
_FHIR = "http://hl7.org/fhir/"
_SID = "http://hl7.org/fhir/sid/"
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
    concept, whole = _concept_of(state, system, code)
    if concept is None:
        if whole:
            # what FHIR itself publishes is closed; other systems, HL7's terminology too, get new codes in time
            severity = "error" if system.startswith(_FHIR) and not system.startswith(_SID) else "warning"
            state.add(
                severity, "code-invalid", f"{path}.code", "coding.unknown",
                f"{path}.code '{code[:60]}' is not a code of {system}.",
            )  # fmt: skip
        return
    display = value.get("display")
    if not isinstance(display, str) or system == _UCUM:
        return
    known = _displays(concept)
    if known and _folded(display) not in {_folded(one) for one in known}:
        state.add(
            "warning", "value", f"{path}.display", "coding.display",
            f"{path}.display: '{display[:100]}' is not what {system} calls {code}: '{known[0][:100]}'.",
        )  # fmt: skip


def unit(state: State, value: Tree, path: str) -> None:
    """A Quantity in UCUM has a unit that UCUM has."""
    code = value.get("code")
    if state.terminology is None or value.get("system") != _UCUM or not isinstance(code, str):
        return
    concept, whole = _concept_of(state, _UCUM, code)
    if concept is None and whole:
        state.add(
            "warning", "code-invalid", f"{path}.code", "coding.unit",
            f"{path}.code '{code[:60]}' is no unit of UCUM; write what UCUM has, or another system.",
        )  # fmt: skip


def _concept_of(state: State, system: str, code: str) -> tuple[Any, bool]:
    name = ("code", system, code)
    if name not in state.codes:
        try:
            concept = state.terminology.concept(system, code)
            whole = concept is None and state.terminology.knows(system)
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
