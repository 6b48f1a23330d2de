"""From method and path to the interaction that answers."""

from __future__ import annotations

import re

from yba.fhir.errors import NotFound, Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.record import Record
from yba.fhir.rest import reading, searching, transactions, versions, writing
from yba.fhir.rest.operations import OPERATIONS
from yba.fhir.rest.operations import call as operation
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Interaction, Response, refused

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_TYPE: dict[str, Interaction] = {"GET": searching.search, "POST": writing.create}
_TYPE_SEARCH: dict[str, Interaction] = {"POST": searching.search_posted}
_INSTANCE: dict[str, Interaction] = {"GET": reading.read, "PUT": writing.update, "DELETE": writing.delete}
_HISTORY: dict[str, Interaction] = {"GET": versions.history}
_VERSION: dict[str, Interaction] = {"GET": reading.vread}
_ROOT: dict[str, Interaction] = {"POST": transactions.run}


class MethodNotAllowed(Unsupported):
    """The place exists and does not take this method."""

    status = 405


def answer_of(record: Record, request: Request) -> Response:
    """Answer a request. Raises a RecordError for what is refused."""
    path = request.path
    size = len(path)
    if size == 2 and path[1][0] not in "_$":
        return _answer(record, request, _INSTANCE, (_type(path[0]), _id(path)))
    if size == 0:
        return _answer(record, request, _ROOT, ())
    if path[-1][0] == "$" and size <= 3:
        return _operation(record, request, path)
    if size == 1:
        if path[0] == "_history":
            return _answer(record, request, _HISTORY, ())
        return _answer(record, request, _TYPE, (_type(path[0]),))
    if size == 2 and path[1] == "_search":
        return _answer(record, request, _TYPE_SEARCH, (_type(path[0]),))
    if size == 2 and path[1] == "_history":
        return _answer(record, request, _HISTORY, (_type(path[0]),))
    if size == 3 and path[2] == "_history":
        return _answer(record, request, _HISTORY, (_type(path[0]), _id(path)))
    if size == 4 and path[2] == "_history":
        return _answer(record, request, _VERSION, (_type(path[0]), _id(path), path[3]))
    raise NotFound("rest.no-such-place", f"There is nothing at '/{'/'.join(path)[:200]}'.")


def _operation(record: Record, request: Request, path: list[str]) -> Response:
    type_name = _type(path[0]) if len(path) > 1 else None
    identifier = _id(path) if len(path) > 2 else None
    try:
        return operation.call(OPERATIONS, record, request, path[-1][1:], type_name, identifier)
    except operation.MethodNotAllowed as error:
        return refused(error, [("Allow", str(error.params["allowed"]))])


def _answer(
    record: Record, request: Request, methods: dict[str, Interaction], parts: tuple[str, ...]
) -> Response:
    interaction = methods.get("GET" if request.method == "HEAD" else request.method)
    if interaction is not None:
        return interaction(record, request, *parts)
    allowed = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
    error = MethodNotAllowed("rest.method", f"{request.method[:20]} is not offered here; {allowed} is.")
    return refused(error, [("Allow", allowed)])


def _type(name: str) -> str:
    if name not in MODULES:
        raise NotFound("rest.unknown-type", f"'{name[:100]}' is not a resource type of FHIR R4.", type=name)
    return name


def _id(path: list[str]) -> str:
    if not _ID.fullmatch(path[1]):
        raise NotFound("store.not-found", f"There is no {path[0]} with such an id: {path[1][:100]!r}.")
    return path[1]
