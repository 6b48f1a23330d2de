"""``ValueSet/$expand``. Source: FHIR R4, valueset-operation-expand.html; ``property`` as in R5."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from yba.fhir.errors import Invalid
from yba.fhir.rest.operations import terminology
from yba.fhir.rest.operations.call import Call, Operation, answer_tree
from yba.fhir.rest.response import Response
from yba.fhir.terminology.expanding import Asked, expand

Tree = Any
# Told back in the expansion, with the type each has there (R4, ValueSet.expansion.parameter).
_ECHOED = {
    "filter": "valueString", "date": "valueDateTime", "offset": "valueInteger", "count": "valueInteger",
    "includeDesignations": "valueBoolean", "designation": "valueString", "includeDefinition": "valueBoolean",
    "activeOnly": "valueBoolean", "excludeNested": "valueBoolean", "excludeNotForUI": "valueBoolean",
    "excludePostCoordinated": "valueBoolean", "displayLanguage": "valueCode", "exclude-system": "valueUri",
    "system-version": "valueUri", "check-system-version": "valueUri", "force-system-version": "valueUri",
}  # fmt: skip
PARAMETERS = (
    *_ECHOED, "url", "valueSet", "valueSetVersion", "context", "contextDirection", "property", "useSupplement",
    "tx-resource", "cache-id", "profile", "limitedExpansion", "_limit", "_incomplete", "diagnostics",
)  # fmt: skip


@terminology.told
def run(call: Call) -> Response:
    """Expand the value set that is sent, named or addressed."""
    call.refuse_unknown(PARAMETERS)
    found = terminology.library(call)
    value_set = terminology.value_set(call, found)
    if value_set is None:
        raise Invalid(
            "operation.missing", "$expand needs a value set: 'url', 'valueSet', or an instance.",
            path="Parameters.url",
        )  # fmt: skip
    identifier = f"urn:uuid:{uuid4()}"
    return answer_tree(expand(found, value_set, asked(call), identifier=identifier, at=call.record.clock()))


def asked(call: Call) -> Asked:
    """The parameters of the call, read."""
    return Asked(
        filter=call.text("filter") or None,
        offset=call.number("offset"),
        count=call.number("count"),
        include_designations=call.flag("includeDesignations", default=bool(call.all("designation"))),
        designations=call.texts("designation"),
        include_definition=call.flag("includeDefinition"),
        active_only=call.flag("activeOnly"),
        exclude_nested=call.flag("excludeNested"),
        exclude_not_for_ui=call.flag("excludeNotForUI"),
        display_language=call.text("displayLanguage"),
        header_language=terminology.header_language(call),
        excluded_systems=[text.partition("|")[0] for text in call.texts("exclude-system")],
        properties=call.texts("property"),
        supplements=call.texts("useSupplement"),
        versions=terminology.versions(call),
        echo=_echo(call),
    )


def _echo(call: Call) -> list[Tree]:
    """What was asked, each in the type its parameter has: who sends another one is understood all the same."""
    return [
        {"name": one.name, kind: _valued(kind, call.plain(one))}
        for one in call.parameters
        if (kind := _ECHOED.get(one.name)) is not None
    ]


def _valued(kind: str, text: str) -> Tree:
    if kind == "valueBoolean":
        return text == "true"
    return int(text) if kind == "valueInteger" else text


OPERATIONS = (
    Operation(
        "expand", run, type_level=True, instance=True, types=frozenset({"ValueSet"}), body="valueSet",
        definition="http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
    ),
)  # fmt: skip
