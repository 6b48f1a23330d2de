"""capabilities: what this server truly offers, made from the tables that offer it. FHIR R4, http.html#capabilities."""

from __future__ import annotations

from functools import lru_cache

from yba.fhir.model import codec
from yba.fhir.r4 import MODULES
from yba.fhir.r4.capability_statement import (
    CapabilityStatement,
    CapabilityStatementImplementation,
    CapabilityStatementRest,
    CapabilityStatementRestInteraction,
    CapabilityStatementRestResource,
    CapabilityStatementRestResourceInteraction,
    CapabilityStatementRestResourceSearchParam,
    CapabilityStatementRestSecurity,
    CapabilityStatementSoftware,
)
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response, refused
from yba.fhir.search.asked import answered_kinds
from yba.fhir.search.index import unindexed
from yba.fhir.search.parameters import of_type

VERSION = "0.1.0"
PUBLISHED = "2026-11-22"
_INTERACTIONS = (
    "read", "vread", "update", "delete", "history-instance", "history-type", "create", "search-type",
)  # fmt: skip


def capabilities(request: Request) -> Response:
    """The CapabilityStatement; needs no token."""
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        from yba.fhir.rest.route import MethodNotAllowed

        return refused(MethodNotAllowed("rest.method", "Ask by GET."), [("Allow", "GET, HEAD, OPTIONS")])
    return Response(200, _statement(request.base_url))


@lru_cache(maxsize=16)
def _statement(base_url: str) -> bytes:
    return codec.encode(
        CapabilityStatement(
            status="active",
            date=PUBLISHED,
            kind="instance",
            software=CapabilityStatementSoftware(name="Y Bạ", version=VERSION),
            implementation=CapabilityStatementImplementation(description="Y Bạ", url=base_url),
            fhirVersion="4.0.1",
            format=["application/fhir+json", "json"],
            rest=[
                CapabilityStatementRest(
                    mode="server",
                    security=CapabilityStatementRestSecurity(
                        description="A bearer token in the Authorization header; what it may see and write "
                        "follows from its role."
                    ),
                    resource=[_resource(name) for name in MODULES],
                    interaction=[
                        CapabilityStatementRestInteraction(code="transaction"),
                        CapabilityStatementRestInteraction(code="batch"),
                        CapabilityStatementRestInteraction(code="history-system"),
                    ],
                )
            ],
        )
    )


def _resource(type_name: str) -> CapabilityStatementRestResource:
    known = of_type(type_name)
    gaps = unindexed(codec.resource_class(type_name), type_name)
    offered = [one for code, one in known.items() if one.kind in answered_kinds(code) and code not in gaps]
    return CapabilityStatementRestResource(
        type=type_name,  # type: ignore[arg-type]  # MODULES holds exactly the resource types
        interaction=[CapabilityStatementRestResourceInteraction(code=code) for code in _INTERACTIONS],  # type: ignore[arg-type]
        versioning="versioned",
        readHistory=True,
        updateCreate=True,
        conditionalCreate=True,
        conditionalRead="full-support",
        conditionalUpdate=False,
        conditionalDelete="not-supported",
        searchInclude=[f"{type_name}:{one.code}" for one in offered if one.kind == "reference"],
        searchRevInclude=_revincludes(type_name),
        searchParam=[
            CapabilityStatementRestResourceSearchParam(
                name=one.code,
                type=one.kind,  # type: ignore[arg-type]  # the generated table's kinds are the codes
                definition=one.url or None,
            )
            for one in offered
        ],
    )


def _revincludes(type_name: str) -> list[str | None]:
    return [
        f"{source}:{code}"
        for source in MODULES
        for code, one in of_type(source).items()
        if one.kind == "reference" and type_name in one.targets
    ]
