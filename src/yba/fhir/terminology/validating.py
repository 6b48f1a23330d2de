"""Whether a code is right: in its system, in a value set, and named as it should be.

Sources: FHIR R4, valueset-operation-validate-code.html and codesystem-operation-validate-code.html; the issues and
their words are those of HL7's terminology ecosystem (tx-issue-type), which validators look for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from yba.fhir.errors import RecordError
from yba.fhir.terminology.compose import Selection, Versions, systems_of
from yba.fhir.terminology.concept import STANDARDS_STATUS, Concept
from yba.fhir.terminology.expanding import required_supplements, spoken
from yba.fhir.terminology.failures import TX_ISSUE
from yba.fhir.terminology.languages import Languages, Wording, chosen, languages_of, wordings
from yba.fhir.terminology.library import Library
from yba.fhir.terminology.systems import System, canonical, is_partial, version_of

Tree = Any


@dataclass(slots=True)
class Asked:
    """What is to be judged, and how."""

    codings: list[Tree]  # one, unless a CodeableConcept was sent
    path: str = ""  # of the coding in the request: "", "Coding" or "CodeableConcept"
    concept: Tree | None = None  # the CodeableConcept, told back
    infer_system: bool = False
    abstract: bool = True  # whether a code may be one that only groups others
    display_language: str | None = None
    header_language: str | None = None
    lenient_display: bool = False
    membership_only: bool = False
    supplements: list[str] = field(default_factory=list)
    versions: Versions = field(default_factory=Versions)


@dataclass(slots=True)
class Verdict:
    """What was found of one coding."""

    system: str | None = None
    code: str | None = None
    version: str | None = None
    display: str | None = None
    concept: Concept | None = None
    normalized: str | None = None
    valid: bool = True
    unknown_system: str | None = None
    issues: list[Tree] = field(default_factory=list)


def issue(severity: str, kind: str, tx: str, text: str, path: str | None) -> Tree:
    """One issue of an OperationOutcome with its tx-issue-type."""
    found: Tree = {
        "severity": severity,
        "code": kind,
        "details": {"coding": [{"system": TX_ISSUE, "code": tx}], "text": text},
    }
    if path:
        found["expression"] = [path]
    return found


def validate(library: Library, asked: Asked, value_set: Tree | None) -> Tree:
    """The Parameters that answer. Raises NotFound for a supplement that is nowhere."""
    supplements = [*asked.supplements, *(required_supplements(value_set) if value_set is not None else ())]
    for one in supplements:
        library.supplement(one)
    judge = _Judge(library, asked, value_set, supplements)
    verdicts = [judge.of(coding, judge.path(place)) for place, coding in enumerate(asked.codings)]
    return _answer(asked, value_set, verdicts)


class _Judge:
    """Judges codings for one question."""

    def __init__(
        self, library: Library, asked: Asked, value_set: Tree | None, supplements: list[str]
    ) -> None:
        self.asked = asked
        self.value_set = value_set
        self.selection = Selection(library, versions=asked.versions, supplements=supplements)
        self.languages = languages_of(spoken(asked.display_language, asked.header_language, value_set))

    def path(self, place: int) -> str:
        return f"CodeableConcept.coding[{place}]" if self.asked.concept is not None else self.asked.path

    def of(self, coding: Tree, path: str) -> Verdict:
        found = Verdict(coding.get("system"), coding.get("code"))
        if found.code is None:
            return _wrong(
                found, "invalid", "invalid-data", "No code was given, so there is nothing to judge", path
            )
        if found.system is None and not self._infer(found, path):
            return found
        system = self._system(found, coding.get("version"), path)
        if system is not None:
            self._judge_code(system, found, coding, path)
        if self.value_set is not None:
            self._judge_membership(found, path, system)
        return found

    def _infer(self, found: Verdict, path: str) -> bool:
        """Whether the system could be told from the value set; only one may have the code."""
        assert found.code is not None
        fitting: list[str] = []
        if self.value_set is not None and (self.asked.infer_system or self.asked.path == ""):
            fitting = [
                one
                for one in systems_of(self.selection.library, self.value_set)
                if self.selection.holds(self.value_set, one, found.code)
            ]
        if len(fitting) == 1:
            found.system = fitting[0]
            return True
        name = _named(self.value_set)
        if self.value_set is None or not (self.asked.infer_system or self.asked.path == ""):
            text = (
                "Coding has no system. A code with no system has no defined meaning, and it cannot be validated. "
                "A system should be provided"
            )
            found.issues.append(issue("warning", "invalid", "invalid-data", text, path or "code"))
        elif fitting:
            listed = ", ".join(fitting)
            text = f"The code '{found.code}' is in several systems of the value set '{name}': {listed}"
            found.issues.append(issue("error", "not-found", "cannot-infer", text, _at(path, "code")))
        else:
            text = (
                f"The System URI could not be determined for the code '{found.code}' in the ValueSet '{name}'"
            )
            found.issues.append(issue("error", "not-found", "cannot-infer", text, _at(path, "code")))
        if self.value_set is not None:
            self._not_in(found, path)
        found.valid = False
        return False

    def _system(self, found: Verdict, version: str | None, path: str) -> System | None:
        assert found.system is not None
        named = version or self._version_named(found.system)
        try:
            system = self.selection.system(found.system, named)
        except RecordError as error:
            _wrong(found, "exception", "version-error", error.message, _at(path, "version"))
            return None
        if system is not None:
            found.version = version_of(system)
            return system
        found.valid = False
        other = self.selection.library.system(found.system)
        if other is not None:
            known = version_of(other)
            text = (
                f"A definition for CodeSystem '{found.system}' version '{named}' could not be found, so the code "
                f"cannot be validated. Valid versions: {known or 'none is named'}"
            )
            found.unknown_system = f"{found.system}|{named}"
        else:
            text = f"A definition for CodeSystem '{found.system}' could not be found, so the code cannot be validated"
            found.unknown_system = found.system
        found.issues.append(issue("error", "not-found", "not-found", text, _at(path, "system")))
        return None

    def _version_named(self, system: str) -> str | None:
        """The version the value set's definition names for a system, if it names one."""
        for part in (self.value_set or {}).get("compose", {}).get("include", ()):
            if part.get("system") == system and part.get("version"):
                return str(part["version"])
        return None

    def _judge_code(self, system: System, found: Verdict, coding: Tree, path: str) -> None:
        assert found.code is not None
        concept = system.find(found.code)
        if concept is None:
            named = f"'{found.system}'" + (f" version '{found.version}'" if found.version else "")
            if is_partial(system):
                text = (
                    f"Unknown Code '{found.code}' in the CodeSystem {named} - note that the code system is labeled as "
                    "a fragment, so the code may be valid in some other fragment"
                )
                found.issues.append(issue("warning", "code-invalid", "invalid-code", text, _at(path, "code")))
                return
            text = f"Unknown code '{found.code}' in the CodeSystem {named}"
            _wrong(found, "code-invalid", "invalid-code", text, _at(path, "code"))
            return
        found.concept = concept
        if system.head.get("versionNeeded") and not coding.get("version"):
            text = f"The code system '{found.system}' changes what its codes mean: a code needs its version"
            _wrong(found, "invalid", "invalid-data", text, _at(path, "version"))
        if concept.code != found.code:
            found.normalized = concept.code
            text = (
                f"The code '{found.code}' differs from the correct code '{concept.code}' by case. Although the code "
                f"system '{canonical(system.head)}' is case insensitive, implementers are strongly encouraged to use "
                "the correct case anyway"
            )
            found.issues.append(issue("information", "business-rule", "code-rule", text, _at(path, "code")))
        if concept.abstract and not self.asked.abstract:
            text = f"Code '{found.system}#{found.code}' is abstract, and not allowed in this context"
            _wrong(found, "business-rule", "code-rule", text, _at(path, "code"))
        texts = wordings(
            concept.display, system.head.get("language"), concept.designations,
            self._said(found.system or "", concept.code), (self.value_set or {}).get("language"),
        )  # fmt: skip
        shown = chosen(texts, self.languages)
        found.display = shown.text if shown is not None else None
        if not self.asked.membership_only:
            if not system.head.get("sample"):  # of those only some names are known
                self._judge_display(found, coding.get("display"), texts, path)
            if concept.inactive:
                text = (
                    f"The concept '{concept.code}' has a status of {concept.status or 'inactive'} "
                    "and its use should be reviewed"
                )
                found.issues.append(issue("warning", "business-rule", "code-comment", text, path or "code"))

    def _said(self, system: str, code: str) -> Tree | None:
        for part in (self.value_set or {}).get("compose", {}).get("include", ()):
            if part.get("system") == system:
                for one in part.get("concept", ()):
                    if one.get("code") == code:
                        return one
        return None

    def _judge_display(self, found: Verdict, display: str | None, texts: list[Wording], path: str) -> None:
        if display is None or not texts:
            return
        allowed = [
            one for one in texts if self.languages.match(one.language) is not None or one.language is None
        ]
        allowed = allowed if self.languages.ranges and allowed else texts
        fitting = [one for one in allowed if _same(display, one.text)]
        if fitting:
            state = _standing(fitting[0])
            if all(_standing(one) for one in fitting):
                current = " or ".join(f"'{one.text}'" for one in allowed if not _standing(one))
                text = (
                    f"'{display}' is no longer considered a correct display for code '{found.code}' "
                    f"(status = {state}). The correct display is {current or 'not known'}"
                )
                found.issues.append(
                    issue("warning", "invalid", "display-comment", text, _at(path, "display"))
                )
            return
        text = _wrong_display(display, f"{found.system}#{found.code}", allowed, self.languages)
        severity = "warning" if self.asked.lenient_display else "error"
        found.issues.append(issue(severity, "invalid", "invalid-display", text, _at(path, "display")))
        if severity == "error":
            found.valid = False

    def _judge_membership(self, found: Verdict, path: str, system: System | None) -> None:
        assert found.code is not None
        assert found.system is not None
        code = found.concept.code if found.concept is not None else found.code
        within = self.selection.holds(self.value_set, found.system, code, version=found.version)
        if within:
            return
        if within is None and system is not None:
            unknown = next(iter(self.selection.unknown_systems), None)
            text = f"Unable to check whether the code is in the value set '{_named(self.value_set)}'" + (
                f" because the code system {unknown} was not found" if unknown else ""
            )
            found.issues.append(issue("warning", "not-found", "vs-invalid", text, None))
            found.valid = False
            return
        self._not_in(found, path)

    def _not_in(self, found: Verdict, path: str) -> None:
        coded = f"{found.system or ''}#{found.code}"
        text = f"The provided code '{coded}' was not found in the value set '{_named(self.value_set)}'"
        if self.asked.concept is not None:
            found.issues.append(
                issue("information", "code-invalid", "this-code-not-in-vs", text, _at(path, "code"))
            )
            found.valid = False
        else:
            _wrong(found, "code-invalid", "not-in-vs", text, _at(path, "code"))


def _standing(text: Wording) -> str | None:
    """Why a text is no longer to be used; None for one that is."""
    for one in (text.designation or {}).get("extension", ()):
        if one.get("url") == STANDARDS_STATUS and one.get("valueCode") in ("deprecated", "withdrawn"):
            return str(one["valueCode"])
    return None


def _wrong(found: Verdict, kind: str, tx: str, text: str, path: str | None) -> Verdict:
    found.valid = False
    found.issues.append(issue("error", kind, tx, text, path))
    return found


def _at(path: str, element: str) -> str:
    return f"{path}.{element}" if path else element


def _named(value_set: Tree | None) -> str:
    if value_set is None:
        return ""
    return canonical(value_set) if value_set.get("url") else str(value_set.get("id", ""))


def _same(one: str, other: str) -> bool:
    return (
        one.split() == other.split() or " ".join(one.split()).casefold() == " ".join(other.split()).casefold()
    )


def _wrong_display(display: str, coded: str, allowed: list[Wording], languages: Languages) -> str:
    choices = list(dict.fromkeys(f"'{one.text}' ({one.language or '--'})" for one in allowed))
    asked = ", ".join(languages.ranges) or "--"
    if len(choices) == 1:
        valid = f"is {choices[0]}"
    else:
        valid = f"is one of {len(choices)} choices: {', '.join(choices[:-1])} or {choices[-1]}"
    return (
        f"Wrong Display Name '{display}' for {coded}. Valid display {valid} (for the language(s) '{asked}')"
    )


def _answer(asked: Asked, value_set: Tree | None, verdicts: list[Verdict]) -> Tree:
    """The Parameters: the first valid coding speaks for a concept, else the last one."""
    best = next((one for one in verdicts if one.valid), verdicts[-1] if verdicts else Verdict(valid=False))
    issues = [one for verdict in verdicts for one in verdict.issues]
    result = any(one.valid for one in verdicts)
    if result:  # one good coding is enough beside those of systems that are not known here
        for verdict in verdicts:
            for one in verdict.issues if verdict.unknown_system else ():
                one["severity"] = "warning" if one["severity"] == "error" else one["severity"]
    if asked.concept is not None and value_set is not None and not result:
        text = f"No valid coding was found for the value set '{_named(value_set)}'"
        issues.insert(0, issue("error", "code-invalid", "not-in-vs", text, None))
    elif asked.concept is not None and any(one["severity"] == "error" for one in issues):
        result = False
    rows: list[Tree] = [{"name": "result", "valueBoolean": result}]
    if best.code is not None:
        rows.append({"name": "code", "valueCode": best.code})
    if best.system is not None:
        rows.append({"name": "system", "valueUri": best.system})
    if best.version is not None:
        rows.append({"name": "version", "valueString": best.version})
    if best.display is not None:
        rows.append({"name": "display", "valueString": best.display})
    if best.normalized is not None:
        rows.append({"name": "normalized-code", "valueCode": best.normalized})
    if best.concept is not None and best.concept.inactive and result:
        rows.append({"name": "inactive", "valueBoolean": True})
        rows.append({"name": "status", "valueString": best.concept.status or "inactive"})
    if asked.concept is not None:
        rows.append({"name": "codeableConcept", "valueCodeableConcept": asked.concept})
    unknown = dict.fromkeys(one.unknown_system for one in verdicts if one.unknown_system)
    rows += [{"name": "x-caused-by-unknown-system", "valueCanonical": one} for one in unknown]
    grave = [one for one in issues if one["severity"] == "error"] or (
        [one for one in issues if one["severity"] == "warning"]
    )
    if grave:
        text = "; ".join(one["details"]["text"] for one in grave)
        rows.append({"name": "message", "valueString": text})
    if issues:
        rows.append({"name": "issues", "resource": {"resourceType": "OperationOutcome", "issue": issues}})
    return {"resourceType": "Parameters", "parameter": rows}
