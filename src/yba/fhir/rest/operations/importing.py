"""``$import``: begins to take NDJSON files in. SMART Bulk Data Import (draft), by reference to files."""

from __future__ import annotations

from typing import Any

from yba.fhir.access import policy
from yba.fhir.bulk import importing
from yba.fhir.errors import Forbidden, Invalid, Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.rest.operations import jobs
from yba.fhir.rest.operations.call import Call, Operation, Parameter
from yba.fhir.rest.response import Response

_FORMATS = frozenset({"application/fhir+ndjson", "application/ndjson", "ndjson"})


def begin(call: Call) -> Response:
    """Parameters ``inputFormat`` and, repeated, ``input`` with the parts ``type`` (or resourceType) and ``url``."""
    if not policy.may_call(call.record.actor, "import"):
        raise Forbidden("access.import", "Importing is for the role 'system'.")
    services = call.request.services
    if services is None or services.files is None:
        raise Unsupported("import.no-files", "This server has no folder for the files of jobs.")
    if "respond-async" not in (call.request.header("PREFER") or ""):
        raise Invalid("import.prefer", "An import takes a while: send the header 'Prefer: respond-async'.")
    call.refuse_unknown(("inputFormat", "inputSource", "storageDetail", "input"))
    wanted = call.text("inputFormat")
    if wanted is not None and wanted not in _FORMATS:
        raise Invalid("import.format", f"Files are in application/fhir+ndjson, not in '{wanted[:50]}'.")
    inputs = [_input(number, one) for number, one in enumerate(call.all("input"))]
    if not inputs:
        raise Invalid(
            "import.input", "Name at least one 'input' with its type and url.", path="Parameters.input"
        )
    for one in inputs:
        importing.check_source(one["url"], services.import_sources)
    return jobs.accepted(call.record, call.request, importing.KIND, {"input": inputs})


def _input(number: int, one: Parameter) -> dict[str, Any]:
    parts = {part.name: part.value for part in one.parts}
    kind, url = parts.get("type", parts.get("resourceType")), parts.get("url")
    if kind not in MODULES or not isinstance(url, str):
        raise Invalid(
            "import.input", "An 'input' has the parts 'type', a resource type, and 'url'.",
            path=f"Parameters.input[{number}]",
        )  # fmt: skip
    return {"type": kind, "url": url}


OPERATIONS = (Operation("import", begin, system=True, changes=True),)
