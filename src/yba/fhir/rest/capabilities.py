"""capabilities: what this server truly offers, made from the tables that offer it. FHIR R4, http.html#capabilities."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model import codec
from yba.fhir.r4 import MODULES
from yba.fhir.r4 import terminology_capabilities as tc
from yba.fhir.r4.capability_statement import (
    CapabilityStatement,
    CapabilityStatementImplementation,
    CapabilityStatementRest,
    CapabilityStatementRestInteraction,
    CapabilityStatementRestResource,
    CapabilityStatementRestResourceInteraction,
    CapabilityStatementRestResourceOperation,
    CapabilityStatementRestResourceSearchParam,
    CapabilityStatementRestSecurity,
    CapabilityStatementSoftware,
)
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension
from yba.fhir.rest.content import JSON, XML
from yba.fhir.rest.operations import OPERATIONS, Operation
from yba.fhir.rest.operations.terminology_expand import PARAMETERS as EXPANSION_PARAMETERS
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response, refused
from yba.fhir.search.asked import answered_kinds
from yba.fhir.search.kinds import gaps
from yba.fhir.search.parameters import Parameter, generation, of_type
from yba.fhir.subscriptions.definition import BACKPORT
from yba.fhir.subscriptions.topics import TOPICS
from yba.fhir.terminology import lists, packaged, rules

VERSION = "0.1.0"
PUBLISHED = "2026-11-22"
MODES = ("full", "normative", "terminology")
_INTERACTIONS = (
    "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip
_SYSTEM_INTERACTIONS = ("transaction", "batch", "history-system", "search-system")
# What R4 has made normative: what is said of the rest may change with the next release. FHIR R4, versions.html.
_NORMATIVE = frozenset(
    {
        "Binary", "Bundle", "CapabilityStatement", "CodeSystem", "Observation", "OperationDefinition",
        "OperationOutcome", "Parameters", "Patient", "StructureDefinition", "ValueSet",
    }
)  # fmt: skip
# Parameters without an element behind them, and what kind of value they take. FHIR R4, search.html#all.
_SPECIAL = {"_has": "string", "_list": "string", "_filter": "special"}
_COMMON = ("_id", "_lastUpdated", "_profile", "_security", "_source", "_tag", "_content", "_text")
_HL7 = "http://hl7.org/fhir/OperationDefinition/"
_BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/OperationDefinition/"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_OWN = "https://yba.vn/fhir/OperationDefinition/"
# Operations that R4 itself does not define, by type and name.
_OF_GUIDES = {
    ("", "export"): f"{_BULK}export",
    ("Patient", "export"): f"{_BULK}patient-export",
    ("Group", "export"): f"{_BULK}group-export",
    ("Patient", "summary"): "http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
    ("Questionnaire", "populate"): f"{_SDC}Questionnaire-populate",
    ("QuestionnaireResponse", "extract"): f"{_SDC}QuestionnaireResponse-extract",
} | {
    ("", name): _OWN + name for name in ("import", "job-status", "job-file", "job-cancel", "reindex", "diff")
}


def capabilities(request: Request) -> Response:
    """The CapabilityStatement, or with ``mode=terminology`` the TerminologyCapabilities; needs no token."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        return refused(_NotAllowed("rest.method", "Ask by GET."), [("Allow", "GET, HEAD, OPTIONS")])
    mode = next((value for name, value in request.query if name == "mode"), "full")
    if mode not in MODES:
        raise Invalid("rest.mode", f"'mode' is {', '.join(MODES[:-1])} or {MODES[-1]}, not '{mode[:50]}'.")
    if mode == "terminology":
        return Response(200, _terminology(request.base_url))
    oauth = request.services.oauth if request.services is not None else ()
    beside = request.services.operations if request.services is not None else ()
    return Response(200, _statement(request.base_url, mode, generation(), oauth, beside))


class _NotAllowed(Unsupported):
    """The place exists and does not take this method."""

    status = 405


@lru_cache(maxsize=16)
def _statement(
    base_url: str,
    mode: str,
    added: str | None,
    oauth: tuple[tuple[str, str], ...] = (),
    beside: tuple[Operation, ...] = (),
) -> bytes:
    """The statement; ``added``: the state of search parameters that users added; ``beside``: operations of areas."""
    names = [name for name in MODULES if mode == "full" or name in _NORMATIVE]
    common = of_type("Patient")
    rest = CapabilityStatementRest(
        mode="server",
        security=_security(oauth),
        resource=[_audit() if name == "AuditEvent" else _resource(name, beside) for name in names],
        interaction=[CapabilityStatementRestInteraction(code=code) for code in _SYSTEM_INTERACTIONS],  # type: ignore[arg-type]  # codes of R4
        searchParam=[_parameter(common[code]) for code in _COMMON if code in common]
        + [_named("_type", "token"), _named("_list", "string"), _named("_filter", "special")],
        operation=_operations(
            [
                *(one for one in OPERATIONS if one.system or _beyond(one)),
                *(one for one in beside if one.system),
            ]
        ),
        compartment=[f"http://hl7.org/fhir/CompartmentDefinition/{name.lower()}" for name in COMPARTMENTS],
    )
    return codec.encode(
        CapabilityStatement(
            url=f"{base_url}/metadata",
            version=VERSION,
            name="YBa",
            title="Y Bạ",
            status="active",
            date=PUBLISHED,
            publisher="Y Bạ",
            kind="instance",
            software=CapabilityStatementSoftware(name="Y Bạ", version=VERSION),
            implementation=CapabilityStatementImplementation(description="Y Bạ", url=base_url),
            fhirVersion="4.0.1",
            format=[JSON, XML, "json", "xml"],
            patchFormat=["application/json-patch+json", "application/merge-patch+json", JSON, XML],
            rest=[rest],
        )
    )


def _security(oauth: tuple[tuple[str, str], ...]) -> CapabilityStatementRestSecurity:
    """How to come in; with an authorization server beside the record, as SMART App Launch says it."""
    found = CapabilityStatementRestSecurity(
        cors=bool(oauth),
        description="A bearer token in the Authorization header; what it may see and write follows from its role"
        + (" and its scopes. Apps get tokens by SMART App Launch 2.2." if oauth else "."),
    )
    if oauth:
        found.service = [
            CodeableConcept(
                coding=[Coding(system=_SECURITY_SERVICE, code="SMART-on-FHIR", display="SMART-on-FHIR")]
            )
        ]
        uris = [Extension(url=name, valueUri=address) for name, address in oauth]
        found.extension = [Extension(url=_OAUTH_URIS, extension=uris)]
    return found


def _resource(type_name: str, beside: tuple[Operation, ...] = ()) -> CapabilityStatementRestResource:
    offered = _offered(type_name)
    references = [f"{type_name}:{one.code}" for one in offered if one.kind == "reference"]
    return CapabilityStatementRestResource(
        type=type_name,  # type: ignore[arg-type]  # MODULES holds exactly the resource types
        extension=_topics() if type_name == "Subscription" else [],
        profile=f"http://hl7.org/fhir/StructureDefinition/{type_name}",
        interaction=_interactions(_INTERACTIONS),
        versioning="versioned",
        readHistory=True,
        updateCreate=True,
        conditionalCreate=True,
        conditionalRead="full-support",
        conditionalUpdate=True,
        conditionalDelete="multiple",
        referencePolicy=["literal", "logical", "local"],
        searchInclude=["*", *references] if references else [],
        searchRevInclude=_revincludes(type_name),
        searchParam=[_parameter(one) for one in offered] + [_named(*one) for one in _SPECIAL.items()],
        operation=_operations(
            one for one in (*OPERATIONS, *beside) if one.takes(type_name, None) or one.takes(type_name, "x")
        ),
    )


def _interactions(codes: Iterable[str]) -> list[CapabilityStatementRestResourceInteraction]:
    return [CapabilityStatementRestResourceInteraction(code=code) for code in codes]  # type: ignore[arg-type]  # of type-restful-interaction


def _audit() -> CapabilityStatementRestResource:
    """AuditEvents are the audit itself: read, searched and added to (yba.fhir.audit)."""
    offered = [
        one
        for one in _offered("AuditEvent")
        if one.code in ("_id", "_lastUpdated") or not one.code.startswith("_")
    ]
    references = [
        f"AuditEvent:{one.code}" for one in offered if one.kind == "reference" and one.code != "source"
    ]
    return CapabilityStatementRestResource(
        type="AuditEvent",
        profile="http://hl7.org/fhir/StructureDefinition/AuditEvent",
        documentation="The audit of this record, and the events that systems and devices send to it. "
        "Nobody changes or deletes one.",
        interaction=_interactions(("read", "vread", "create", "search-type")),
        versioning="versioned",
        readHistory=False,
        updateCreate=False,
        conditionalCreate=True,
        conditionalRead="full-support",
        conditionalUpdate=False,
        conditionalDelete="not-supported",
        referencePolicy=["literal", "logical"],
        searchInclude=["*", *references],
        searchParam=[_parameter(one) for one in offered],
        operation=_operations(
            one for one in OPERATIONS if one.takes("AuditEvent", "x") and one.name == "meta"
        ),
    )


def _topics() -> list[Extension]:
    """The topics there are, as the backport names them."""
    url = f"{BACKPORT}capabilitystatement-subscriptiontopic-canonical"
    return [Extension(url=url, valueCanonical=one) for one in sorted(TOPICS)]


def _beyond(operation: Operation) -> bool:
    """Whether an operation is on a type that R4 does not have, so that no resource of the statement lists it."""
    return bool((operation.types or frozenset()) - MODULES.keys())


@lru_cache(maxsize=256)
def _built_in(type_name: str, added: str | None) -> tuple[Parameter, ...]:
    missing = gaps(type_name)
    return tuple(
        one
        for code, one in of_type(type_name).items()
        if one.kind in answered_kinds(code) and code not in missing
    )


def _offered(type_name: str) -> tuple[Parameter, ...]:
    return _built_in(type_name, generation())


def _parameter(one: Parameter) -> CapabilityStatementRestResourceSearchParam:
    return CapabilityStatementRestResourceSearchParam(
        name=one.code,
        type=one.kind,  # type: ignore[arg-type]  # the generated table's kinds are the codes
        definition=one.url or None,
    )


def _named(name: str, kind: str) -> CapabilityStatementRestResourceSearchParam:
    return CapabilityStatementRestResourceSearchParam(name=name, type=kind)  # type: ignore[arg-type]  # as above


def _operations(found: Iterable[Operation]) -> list[CapabilityStatementRestResourceOperation]:
    """Each by its name once: where it may be called besides is the same operation."""
    named: dict[str, Operation] = {}
    for one in found:
        named.setdefault(one.name, one)
    return [
        CapabilityStatementRestResourceOperation(name=one.name, definition=definition_of(one))
        for one in named.values()
    ]


def definition_of(operation: Operation) -> str:
    """The canonical of an operation: its own, its guide's, HL7's by the way those are named, or ours."""
    if operation.definition:
        return operation.definition
    kinds = sorted(operation.types or ())
    kind = kinds[0] if len(kinds) == 1 else "Resource"
    guide = _OF_GUIDES.get((kind, operation.name)) or _OF_GUIDES.get(("", operation.name))
    return guide or f"{_HL7}{kind}-{operation.name}"


def _revincludes(type_name: str) -> list[str | None]:
    return [
        f"{source}:{one.code}"
        for source in MODULES
        if source != "AuditEvent"  # searched by itself
        for one in _offered(source)
        if one.kind == "reference" and type_name in one.targets
    ]


@lru_cache(maxsize=16)
def _terminology(base_url: str) -> bytes:
    """What is known of codes out of the box; CodeSystems stored in the record are known besides."""
    systems = sorted({*packaged.urls("CodeSystem"), *rules.urls(), *lists.urls()})
    return codec.encode(
        tc.TerminologyCapabilities(
            url=f"{base_url}/metadata?mode=terminology",
            version=VERSION,
            name="YBaTerminology",
            title="Y Bạ",
            status="active",
            date=PUBLISHED,
            kind="instance",
            software=tc.TerminologyCapabilitiesSoftware(name="Y Bạ", version=VERSION),
            implementation=tc.TerminologyCapabilitiesImplementation(description="Y Bạ", url=base_url),
            codeSystem=[tc.TerminologyCapabilitiesCodeSystem(uri=one, subsumption=True) for one in systems],
            expansion=tc.TerminologyCapabilitiesExpansion(
                hierarchical=True,
                paging=True,
                incomplete=False,
                parameter=[
                    tc.TerminologyCapabilitiesExpansionParameter(name=name)
                    for name in sorted(EXPANSION_PARAMETERS)
                ],
                textFilter="Each word begins a word of the code, the display or a designation; accents do not matter.",
            ),
            codeSearch="explicit",
            validateCode=tc.TerminologyCapabilitiesValidateCode(translations=True),
            translation=tc.TerminologyCapabilitiesTranslation(needsMap=True),
        )
    )
