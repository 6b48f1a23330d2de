"""``$export`` on the record, on all Patients, on a Group: begins the work. Bulk Data Access 2.0, "Kick-off Request"."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from yba.fhir.access import policy
from yba.fhir.bulk import export
from yba.fhir.errors import Forbidden, Invalid, Unsupported
from yba.fhir.model.dates import period_of
from yba.fhir.model.references import Target, parse
from yba.fhir.r4 import MODULES
from yba.fhir.r4.group import Group
from yba.fhir.rest.operations import jobs
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.response import Response

_FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})
_KNOWN = (
    "_outputFormat", "_since", "_type", "_typeFilter", "patient", "includeAssociatedData", "_elements",
    "allowPartialManifests", "organizeOutputBy",
)  # fmt: skip
# A comma between two filters, not one within a value.
_BETWEEN = re.compile(r",(?=[A-Z][A-Za-z]+\?)")
# Parameters of an answer, not of what matches: with '_summary=count' a search has no matches at all.
_SHOWN = frozenset(
    {"_count", "_sort", "_include", "_revinclude", "_total", "_summary", "_elements", "_cursor", "_score"}
)
_LATER = ("includeAssociatedData", "_elements", "organizeOutputBy")


def whole(call: Call) -> Response:
    """Everything the actor may see."""
    return _begin(call, {})


def patients(call: Call) -> Response:
    """Every Patient's compartment, or those of the ``patient`` parameters."""
    named = _named_patients(call)
    return _begin(call, {"patients": named} if named else {"every_patient": True})


def group(call: Call) -> Response:
    """The compartments of a Group's active Patient members."""
    assert call.id is not None
    members = call.record.read(Group, call.id).member
    ids = []
    for member in members:
        target = parse(member.entity.reference or "")
        if target is not None and _is_here(call, target) and not member.inactive:
            ids.append(target.id)
    named = _named_patients(call)
    if named and not set(named) <= set(ids):
        raise Invalid("export.patient", "A 'patient' is no member of the Group.", path="Parameters.patient")
    return _begin(call, {"patients": named or sorted(set(ids))})


def _is_here(call: Call, target: Target) -> bool:
    """Whether a reference is to a Patient of this record: another server's of the same id is another person."""
    return target.type == "Patient" and target.base in ("", call.request.base_url + "/")


def _begin(call: Call, which: dict[str, Any]) -> Response:
    _check(call)
    types = [one for text in call.texts("_type") for one in text.split(",") if one]
    for one in types:
        if one not in MODULES:
            raise Invalid("export.type", f"'{one[:50]}' is no resource type.", path="Parameters._type")
    if "AuditEvent" in types:
        raise Unsupported(
            "export.audit", "The audit is not exported with the record. Search for AuditEvents, by date.",
            path="Parameters._type",
        )  # fmt: skip
    if which and not export.COMPARTMENT.issuperset(types):
        outside = sorted(set(types) - export.COMPARTMENT)
        raise Invalid(
            "export.type", f"{', '.join(outside)} is in no Patient's compartment. Export it from the whole record.",
            path="Parameters._type",
        )  # fmt: skip
    params: dict[str, Any] = {**which, "types": types, "filters": _filters(call, types)}
    since = call.text("_since")
    if since is not None:
        params["since"] = _moment(since)
    return jobs.accepted(call.record, call.request, export.KIND, params)


def _check(call: Call) -> None:
    services = call.request.services
    if services is None or services.files is None:
        raise Unsupported("export.no-files", "This server has no folder for exported files.")
    if not policy.may_call(call.record.actor, "export"):
        raise Forbidden(
            "access.export",
            f"The role '{call.record.actor.role}' exports nothing. The records office does; one's own book is "
            "Patient/$everything.",
        )
    if "respond-async" not in (call.request.header("PREFER") or ""):
        raise Invalid("export.prefer", "An export takes a while: send the header 'Prefer: respond-async'.")
    lenient = call.request.prefers("handling") == "lenient"
    if not lenient:
        call.refuse_unknown(_KNOWN)
        for name in _LATER:
            if call.all(name):
                raise Unsupported("export.parameter", f"'{name}' is not offered. Leave it out.")
    wanted = call.text("_outputFormat")
    if wanted is not None and wanted.replace(" ", "+") not in _FORMATS:
        raise Invalid("export.format", f"An export is in application/fhir+ndjson, not in '{wanted[:50]}'.")


def _named_patients(call: Call) -> list[str]:
    found = []
    for one in call.all("patient"):
        text = one.value.get("reference") if isinstance(one.value, dict) else one.value
        target = parse(text) if isinstance(text, str) else None
        if target is None or not _is_here(call, target):
            raise Invalid(
                "export.patient", "'patient' is a reference to a Patient.", path="Parameters.patient"
            )
        found.append(target.id)
    return sorted(set(found))


def _filters(call: Call, types: list[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """``Type?query`` each; checked now, so that a mistake is told at once and not by a failed job."""
    found = []
    for text in call.texts("_typeFilter"):
        for one in _BETWEEN.split(text):
            kind, mark, query = one.partition("?")
            params = parse_qsl(query, keep_blank_values=True)
            if kind not in MODULES or not mark or not params or (types and kind not in types):
                raise Invalid(
                    "export.filter", f"'_typeFilter' takes 'Type?query' of an exported type, not '{one[:100]}'.",
                    path="Parameters._typeFilter",
                )  # fmt: skip
            if any(name.partition(":")[0] in _SHOWN for name, _ in params):
                raise Invalid(
                    "export.filter", "A '_typeFilter' says what is exported, not how an answer looks: leave out "
                    f"'_sort', '_include' and their kin in '{one[:100]}'.", path="Parameters._typeFilter",
                )  # fmt: skip
            call.record.search_stored(kind, [*params, ("_count", "0"), ("_total", "none")], strict=True)
            found.append((kind, params))
    return found


def _moment(text: str) -> datetime:
    try:
        return period_of(text.replace(" ", "+"))[0]
    except (Invalid, ValueError, OverflowError):
        raise Invalid("export.since", f"'_since' takes an instant, not '{text[:50]}'.") from None


OPERATIONS = (
    Operation("export", whole, system=True),
    Operation("export", patients, type_level=True, types=frozenset({"Patient"})),
    Operation("export", group, instance=True, types=frozenset({"Group"})),
)
