"""``$reindex``: index rows made anew in the background, and what is under way.

``POST /$reindex`` begins it for all types or those of ``type``; ``GET /$reindex`` tells every run with its progress,
and the added parameters that are still being indexed. One run is followed and ended like other long work.
"""

from __future__ import annotations

from typing import Any

from yba.fhir import jobs as kept
from yba.fhir.access import policy
from yba.fhir.access.actor import Actor
from yba.fhir.errors import Forbidden, Invalid
from yba.fhir.rest.operations import jobs
from yba.fhir.rest.operations.call import Call, Operation, parameters
from yba.fhir.rest.response import Response
from yba.fhir.store import reindex as work
from yba.fhir.store.parameters import KIND


def reindex(call: Call) -> Response:
    """Begin a run, or tell of them."""
    if not _may(call.record.actor):
        raise Forbidden("reindex.forbidden", "Only an administrator may have the record indexed anew.")
    if call.request.method != "POST":
        return _told(call)
    types = [one.strip() for text in call.texts("type") + call.texts("_type") for one in text.split(",")]
    types += [call.type_name] if call.type_name is not None else []
    for one in work.known_types(types):
        raise Invalid("reindex.type", f"'{one[:50]}' is no resource type.", path="Parameters.type")
    return jobs.accepted(call.record, call.request, KIND, {"types": sorted(set(types))})


def _may(actor: Actor) -> bool:
    return policy.may_call(actor, "reindex")


def _told(call: Call) -> Response:
    found: list[dict[str, Any]] = []
    for job in kept.newest(call.record.connection, KIND):
        part: list[dict[str, Any]] = [
            {"name": "id", "valueString": job.id},
            {"name": "state", "valueCode": job.state},
            {"name": "done", "valueInteger": job.done},
            {"name": "created", "valueInstant": job.created.isoformat()},
        ]
        if job.total is not None:
            part.append({"name": "total", "valueInteger": job.total})
        if job.error is not None:
            part.append({"name": "error", "valueString": job.error})
        found.append({"name": "run", "part": part})
    for base, code in work.waiting(call.record.connection):
        found.append({"name": "indexing", "valueString": f"{base}.{code}"})
    return parameters(*found)


OPERATIONS = (Operation("reindex", reindex, system=True, type_level=True),)
"""The operations of this module."""
