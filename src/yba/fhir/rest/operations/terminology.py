"""What all terminology operations read alike: resources sent along, versions, languages; and their refusals.

Source: FHIR R4, terminology-service.html; tx-resource and useSupplement as HL7's terminology ecosystem has them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model import codec, tree
from yba.fhir.record import Record
from yba.fhir.rest.operations.call import Call, answer_tree
from yba.fhir.rest.response import Response
from yba.fhir.terminology.compose import Versions
from yba.fhir.terminology.failures import TX_ISSUE, unknown_value_set
from yba.fhir.terminology.library import Library, split
from yba.fhir.terminology.sent import checked
from yba.fhir.terminology.stored import RecordShelf

Tree = Any
_KINDS = ("CodeSystem", "ValueSet", "ConceptMap")


def library(call: Call, *more: Tree) -> Library:
    """What the call may use: resources sent along, what is published, what the actor may read."""
    sent = [one.resource for one in call.all("tx-resource")]
    for one in sent:
        if one is None or one.get("resourceType") not in _KINDS:
            raise Invalid(
                "operation.value", f"tx-resource takes {', '.join(_KINDS)}.", path="Parameters.tx-resource"
            )
        checked(one, one["resourceType"], one["resourceType"])
    return Library(shelf(call.record), [one for one in (*sent, *more) if one is not None])


def shelf(record: Record) -> RecordShelf:
    """What the record keeps, as far as its actor may read it."""
    return RecordShelf(lambda: record.connection, record.may)


def resource(call: Call, name: str, kind: str) -> Tree | None:
    """The resource of a parameter, of the kind it must have."""
    sent = call.resource(name)
    if sent is None:
        return None
    if sent.get("resourceType") != kind:
        raise Invalid("operation.value", f"'{name}' takes a {kind}.", path=f"Parameters.{name}")
    return checked(sent, kind, kind)


def coded(call: Call, name: str, kind: str) -> Tree | None:
    """The Coding or CodeableConcept of a parameter, which only a body can hold."""
    value = call.value(name)
    if value is None and not call.all(name):
        return None
    if not isinstance(value, dict):
        raise Invalid(
            "operation.value",
            f"'{name}' is a {kind}, sent in the body, as a Parameters resource.",
            path=f"Parameters.{name}",
        )
    checked(value, kind, kind)
    # It is told back, so it has to be one in every part.
    sent = {"resourceType": "Parameters", "parameter": [{"name": name, f"value{kind}": value}]}
    codec.decode(tree.dump(sent), "Parameters")
    return value


def own_resource(call: Call) -> Tree | None:
    """The resource of an instance-level call, through the access door; None on the type."""
    if call.id is None or call.type_name is None:
        return None
    stored = call.record.read_stored(call.type_name, call.id)
    return tree.parse(stored.content or b"{}")


def value_set(call: Call, found: Library, *, url: str = "url") -> Tree | None:
    """The value set of the call: sent, of the instance, or by its url. Raises NotFound for an unknown one."""
    sent = resource(call, "valueSet", "ValueSet")
    if sent is not None:
        return sent
    own = own_resource(call)
    if own is not None:
        return own
    named = call.text(url) or call.text("valueSetUrl")
    if named is None:
        if call.one("context") is not None:
            raise Invalid(
                "operation.context", "This server keeps no contexts: name the value set by 'url'.",
                path="Parameters.context",
            )  # fmt: skip
        return None
    address, version = split(named)
    named_set = found.resource("ValueSet", address, call.text("valueSetVersion") or version)
    if named_set is None:
        raise unknown_value_set(named)
    return named_set


def versions(call: Call) -> Versions:
    """The versions of systems that were asked for, as ``system|version``."""

    def read(name: str) -> dict[str, str]:
        pairs = (split(text) for text in call.texts(name))
        return {system: version for system, version in pairs if version is not None}

    return Versions(read("system-version"), read("check-system-version"), read("force-system-version"))


def header_language(call: Call) -> str | None:
    """The languages of the request's header, unless any will do."""
    header = call.request.header("ACCEPT_LANGUAGE")
    return header if header and header.strip() != "*" else None


def told(run: Callable[[Call], Response]) -> Callable[[Call], Response]:
    """Answer a refusal of the service with the issue type its clients look for."""

    def answered(call: Call) -> Response:
        try:
            return run(call)
        except RecordError as error:
            kind = error.params.get("tx")
            if kind is None:
                raise
            details = {"coding": [{"system": TX_ISSUE, "code": kind}], "text": error.message}
            issue = {
                "severity": "error",
                "code": error.issue,
                "details": details,
                "diagnostics": f"{error.key}: {error.message}",
            }
            return answer_tree({"resourceType": "OperationOutcome", "issue": [issue]}, error.status)

    return answered
