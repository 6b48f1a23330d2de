"""``$validate-code``, ``$lookup`` and ``$subsumes``: questions about single codes.

Sources: FHIR R4, valueset-operation-validate-code.html, codesystem-operation-validate-code.html,
codesystem-operation-lookup.html, codesystem-operation-subsumes.html.
"""

from __future__ import annotations

from typing import Any

from yba.fhir.errors import Invalid, NotFound
from yba.fhir.rest.operations import terminology
from yba.fhir.rest.operations.call import Call, Operation, answer_tree, parameters
from yba.fhir.rest.response import Response
from yba.fhir.terminology.failures import refused
from yba.fhir.terminology.languages import languages_of
from yba.fhir.terminology.library import Library
from yba.fhir.terminology.looking import looked_up
from yba.fhir.terminology.systems import System, version_of
from yba.fhir.terminology.validating import Asked, validate

Tree = Any


@terminology.told
def validate_in_value_set(call: Call) -> Response:
    """Whether a code is in a value set."""
    found = terminology.library(call)
    value_set = terminology.value_set(call, found)
    if value_set is None:
        raise _missing("validate-code", "url")
    return answer_tree(validate(found, _asked(call, None), value_set))


@terminology.told
def validate_in_system(call: Call) -> Response:
    """Whether a code is in a code system."""
    sent = terminology.resource(call, "codeSystem", "CodeSystem") or terminology.own_resource(call)
    found = terminology.library(call, sent)
    url = call.text("url") or call.text("system") or (sent.get("url") if sent is not None else None)
    asked = _asked(call, url)
    if asked.concept is None and asked.codings and not asked.codings[0].get("system"):
        raise _missing("validate-code", "url")
    return answer_tree(validate(found, asked, None))


def _asked(call: Call, system: str | None) -> Asked:
    """The code of the call: a code with its system, a Coding or a CodeableConcept, exactly one of them."""
    given = [name for name in ("code", "coding", "codeableConcept") if call.all(name)]
    if len(given) != 1:
        raise Invalid(
            "operation.value", "$validate-code takes one of 'code', 'coding' and 'codeableConcept'.",
            path="Parameters.parameter",
        )  # fmt: skip
    asked = Asked(
        codings=[],
        infer_system=call.flag("inferSystem"),
        abstract=call.flag("abstract", default=True),
        display_language=call.text("displayLanguage"),
        header_language=terminology.header_language(call),
        lenient_display=call.flag("lenient-display-validation"),
        membership_only=call.flag("valueset-membership-only"),
        supplements=call.texts("useSupplement"),
        versions=terminology.versions(call),
    )
    if given == ["code"]:
        version = call.text("systemVersion") if call.type_name == "ValueSet" else call.text("version")
        coding = {
            "system": call.text("system") or system, "code": call.needed("code"),
            "version": version, "display": call.text("display"),
        }  # fmt: skip
        asked.codings = [{key: value for key, value in coding.items() if value}]
        return asked
    value = terminology.coded(call, given[0], "Coding" if given == ["coding"] else "CodeableConcept") or {}
    if given == ["coding"]:
        asked.codings, asked.path = [value], "Coding"
        if system is not None and "system" not in value:
            asked.codings = [{**value, "system": system}]
    else:
        asked.codings, asked.concept = (
            [one for one in value.get("coding", ()) if isinstance(one, dict)],
            value,
        )
        if system is not None:
            asked.codings = [one for one in asked.codings if one.get("system") == system]
    return asked


def _missing(name: str, parameter: str) -> Invalid:
    return Invalid(
        "operation.missing", f"${name} needs the parameter '{parameter}'.", path=f"Parameters.{parameter}"
    )


@terminology.told
def lookup(call: Call) -> Response:
    """What is known of a code."""
    found = terminology.library(call)
    coding = terminology.coded(call, "coding", "Coding") or {
        "system": call.text("system"), "code": call.text("code"), "version": call.text("version"),
    }  # fmt: skip
    if not coding.get("system") or not coding.get("code"):
        raise _missing("lookup", "code" if coding.get("system") else "system")
    system = _system(found, coding["system"], coding.get("version"))
    supplements = call.texts("useSupplement")
    for one in supplements:
        found.supplement(one)
    system = found.supplemented(system, supplements)
    concept = system.find(coding["code"])
    if concept is None:
        raise _unknown_code(coding["code"], system)
    languages = languages_of(call.text("displayLanguage") or terminology.header_language(call))
    return answer_tree(looked_up(system, concept, properties=call.texts("property"), languages=languages))


@terminology.told
def subsumes(call: Call) -> Response:
    """How two codes of one system stand to each other."""
    own = terminology.own_resource(call)
    found = terminology.library(call, own)
    codes = []
    url, version = call.text("system") or (own or {}).get("url"), call.text("version")
    for letter in ("A", "B"):
        coding = terminology.coded(call, f"coding{letter}", "Coding")
        if coding is not None:
            if url is not None and coding.get("system") not in (None, url):
                raise Invalid("operation.value", "Both codes must be of the same system.", path="Parameters")
            url, version = coding.get("system", url), coding.get("version", version)
        codes.append(coding.get("code") if coding is not None else call.needed(f"code{letter}"))
    if not url:
        raise _missing("subsumes", "system")
    system = _system(found, url, version)
    concepts = [system.find(str(code)) for code in codes]
    for code, concept in zip(codes, concepts, strict=True):
        if concept is None:
            raise _unknown_code(str(code), system)
    one, other = (concept.code for concept in concepts if concept is not None)
    if one == other:
        outcome = "equivalent"
    elif one in system.ancestors(other):
        outcome = "subsumes"
    else:
        outcome = "subsumed-by" if other in system.ancestors(one) else "not-subsumed"
    return parameters({"name": "outcome", "valueCode": outcome})


def _system(found: Library, url: str, version: str | None) -> System:
    system = found.system(url, version)
    if system is None:
        named = f"'{url}'" + (f" version '{version}'" if version else "")
        raise refused(
            NotFound, "system-unknown", f"A definition for CodeSystem {named} could not be found", "not-found"
        )
    return system


def _unknown_code(code: str, system: System) -> Exception:
    version = version_of(system)
    named = f"'{system.head['url']}'" + (f" version '{version}'" if version else "")
    return refused(
        NotFound, "code-unknown", f"Unknown code '{code}' in the CodeSystem {named}", "invalid-code"
    )


_SYSTEM = frozenset({"CodeSystem"})
_DEFINED = "http://hl7.org/fhir/OperationDefinition/"
OPERATIONS = (
    Operation(
        "validate-code", validate_in_value_set, type_level=True, instance=True, types=frozenset({"ValueSet"}),
        body="valueSet", definition=_DEFINED + "ValueSet-validate-code",
    ),
    Operation(
        "validate-code", validate_in_system, type_level=True, instance=True, types=_SYSTEM, body="codeSystem",
        definition=_DEFINED + "CodeSystem-validate-code",
    ),
    Operation(
        "lookup", lookup, type_level=True, types=_SYSTEM, body="", definition=_DEFINED + "CodeSystem-lookup"
    ),
    Operation(
        "subsumes", subsumes, type_level=True, instance=True, types=_SYSTEM, body="",
        definition=_DEFINED + "CodeSystem-subsumes",
    ),
)  # fmt: skip
