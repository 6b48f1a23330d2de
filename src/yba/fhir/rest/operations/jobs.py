"""How a client follows long work: 202 with a place to look, progress, the result, its files, and an end.

FHIR R4, async.html, and Bulk Data Access 2.0, "Bulk Data Status Request" and "Delete". A handler of a job leaves its
answer as ``{"body": ...}``; where the body names a file as ``job-file:NAME``, the client is given an address for it.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from yba.fhir import jobs
from yba.fhir.access import policy
from yba.fhir.bulk import export
from yba.fhir.errors import Gone, NotFound, RecordError, Unsupported
from yba.fhir.jobs import Job
from yba.fhir.model import tree
from yba.fhir.record import Record
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response, refused

RETRY_SECONDS = 2
FILE = "job-file:"
_NEEDED = {
    "export": "export", "import": "import", "view-export": "views", "materialize": "materialize", "reindex": "reindex",
}  # fmt: skip
"""Kind of job -> the operation a role must be let call (roles.yaml)."""
_KINDS_OF_FILES = {
    ".ndjson": "application/fhir+ndjson", ".csv": "text/csv; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet", ".json": "application/fhir+json; charset=utf-8",
}  # fmt: skip


class JobFailed(RecordError):
    """The work ended without a result."""


def accepted(record: Record, request: Request, kind: str, params: Mapping[str, Any]) -> Response:
    """Submit a job for the actor; the 202 that says where to look."""
    params = {"request": _asked(request), "base_url": request.base_url, **params}
    number = jobs.submit(record.connection, kind, record.actor, params, record.clock())
    record.audit("submit", detail=f"{kind} {number}")
    return Response(202, b"", [("Content-Location", f"{request.base_url}/$job-status?id={number}")])


def folder_of(files: Path, number: str) -> Path:
    """Where a job's files lie."""
    return files / number


def _asked(request: Request) -> str:
    query = request.environ.get("QUERY_STRING") or ""
    return "/".join([request.base_url, *request.path]) + (f"?{query}" if query else "")


def _own(call: Call) -> Job:
    """The job, when it is the actor's own; another's is not there.

    Nor is one of the account itself, or of another app of it, there for an app; nor one that its owner, of another
    role by now, might not ask for any more.
    """
    job, actor = jobs.get(call.record.connection, call.needed("id")), call.record.actor
    if actor.role == "system" and actor.app is None:
        return job
    needed = _NEEDED.get(job.kind)
    own = job.actor.user == actor.user and actor.app in (None, job.actor.app)
    if not own or (needed is not None and not policy.may_call(actor, needed)):
        raise NotFound("jobs.not-found", "There is no job with this id.")
    return job


def status(call: Call) -> Response:
    """202 with progress while it goes on, then the answer; by DELETE an end to it and to its files."""
    job = _own(call)
    if call.request.method == "DELETE":
        return _end(call, job)
    if job.cancel:
        raise NotFound("jobs.cancelled", "This work was ended before it was done; what it had made is gone.")
    if job.state in ("queued", "running"):
        return Response(202, b"", [("X-Progress", _progress(job)), ("Retry-After", str(RETRY_SECONDS))])
    if job.state == "failed":
        return refused(JobFailed("jobs.failed", job.error or "It failed."))
    return _answer(call, job)


def _progress(job: Job) -> str:
    if job.state == "queued":
        return "waiting"
    if job.total:
        return f"{job.done} of {job.total} ({min(100, 100 * job.done // job.total)}%)"
    return f"{job.done} done"


def _answer(call: Call, job: Job) -> Response:
    result = job.result or {}
    body = result.get("body")
    if body is None:
        return Response(200, b"")
    text = tree.dump(_with_addresses(body, f"{call.request.base_url}/$job-file?id={job.id}&name="))
    return Response(
        200, text, [("Expires", result["expires"])] if "expires" in result else [],
        content_type=result.get("content_type", "application/json"),
    )  # fmt: skip


def _with_addresses(value: Any, address: str) -> Any:
    if isinstance(value, dict):
        return {name: _with_addresses(one, address) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_addresses(one, address) for one in value]
    if isinstance(value, str) and value.startswith(FILE):
        return address + quote(value.removeprefix(FILE))
    return value


def _end(call: Call, job: Job) -> Response:
    jobs.cancel(call.record.connection, job.id, call.record.clock())
    jobs.forget(call.record.connection, job.id)
    services = call.request.services
    if services is not None and services.files is not None:
        shutil.rmtree(folder_of(services.files, job.id), ignore_errors=True)
    call.record.audit("cancel", detail=f"{job.kind} {job.id}")
    return Response(202, b"")


def file(call: Call) -> Response:
    """A file a job has made, to whom the job belongs."""
    job = _own(call)
    name = call.needed("name")
    services = call.request.services
    if services is None or services.files is None:
        raise Unsupported("jobs.no-files", "This server keeps no files.")
    path = folder_of(services.files, job.id) / Path(name).name
    kept = Path(name).name == name and path.suffix != export.PERSONS and path.is_file()
    if job.state != "done" or not kept:
        raise NotFound("jobs.file-not-found", f"The job has no file '{name[:100]}'.")
    if job.kind == export.KIND and not export.stands_open(call.record, path):
        raise Gone(
            "jobs.file-closed",
            f"What '{name[:100]}' holds may not all be taken along any more. Ask for the export anew.",
        )
    call.record.audit("export", detail=f"{job.kind} {job.id} {name}")
    return Response(200, content_type=_KINDS_OF_FILES.get(path.suffix, "application/octet-stream"), file=path)


OPERATIONS = (
    Operation("job-status", status, system=True, also=frozenset({"DELETE"})),
    Operation("job-file", file, system=True),
)
