"""From method and path to the interaction that answers."""

from __future__ import annotations

import re
from collections.abc import Mapping

from yba.fhir.errors import NotFound, Unsupported
from yba.fhir.r4 import MODULES
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.record import Record
from yba.fhir.rest import patching, reading, searching, transactions, versions, writing
from yba.fhir.rest.capabilities import capabilities
from yba.fhir.rest.operations import OPERATIONS
from yba.fhir.rest.operations import call as operation
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Interaction, Response, refused

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_Methods = Mapping[str, Interaction]
_TYPE: _Methods = {"GET": searching.search, "POST": writing.create}
# On a type these name their resources by a condition; without one they are not offered.
_BY_CONDITION: _Methods = {
    "PUT": writing.update_where, "PATCH": patching.patch_where, "DELETE": writing.delete_where,
}  # fmt: skip
_TYPE_SEARCH: _Methods = {"POST": searching.search_posted}
_INSTANCE: _Methods = {
    "GET": reading.read, "PUT": writing.update, "PATCH": patching.patch, "DELETE": writing.delete,
}  # fmt: skip
# The audit is read and added to; nobody changes it (yba.fhir.audit).
_OF_AUDIT: _Methods = {"GET": reading.read}
_HISTORY: _Methods = {"GET": versions.history}
_VERSION: _Methods = {"GET": reading.vread}
_ROOT: _Methods = {"GET": searching.search_system, "POST": transactions.run}
_ROOT_SEARCH: _Methods = {"POST": searching.search_system_posted}
_COMPARTMENT: _Methods = {"GET": searching.search_compartment}
_COMPARTMENT_SEARCH: _Methods = {"POST": searching.search_compartment_posted}


class MethodNotAllowed(Unsupported):
    """The place exists and does not take this method."""

    status = 405


# Not stored here and no type of R4, yet named in the paths of operations: SQL on FHIR's logical model.
_LOGICAL = frozenset({"ViewDefinition"})


def answer_of(record: Record, request: Request) -> Response:
    """Answer a request. Raises a RecordError for what is refused."""
    path = request.path
    if path and path[-1][0] == "$" and (len(path) <= 3 or _of_version(path)):
        return _operation(record, request, path)
    methods, parts = _place(path)
    if (
        methods is _TYPE
        and request.method in _BY_CONDITION
        and request.condition()
        and path[0] != "AuditEvent"
    ):
        methods = _BY_CONDITION
    interaction = methods.get("GET" if request.method == "HEAD" else request.method)
    if interaction is not None:
        return interaction(record, request, *parts)
    allowed = _allowed(methods)
    more = (
        " With a condition ('?identifier=...') it is."
        if methods is _TYPE and request.method in _BY_CONDITION
        else ""
    )
    error = MethodNotAllowed("rest.method", f"{request.method[:20]} is not offered here; {allowed} is.{more}")
    return refused(error, [("Allow", allowed)])


def _of_version(path: list[str]) -> bool:
    """The one operation on a version that is no more: its labels (resource-operation-meta.html)."""
    return len(path) == 5 and path[2] == "_history" and path[4] == "$meta"


def options(request: Request) -> Response:
    """What may be done at a place; at the root the capability statement with it. Needs no token."""
    if not request.path:
        found = capabilities(request)
        found.headers.append(("Allow", _allowed(_ROOT)))
        return found
    if request.path[-1][0] == "$":
        return Response(200, b"", [("Allow", "GET, HEAD, POST, OPTIONS")])
    methods, _ = _place(request.path)
    return Response(
        200, b"", [("Allow", _allowed({**methods, **_BY_CONDITION} if methods is _TYPE else methods))]
    )


def _place(path: list[str]) -> tuple[_Methods, tuple[str, ...]]:
    """What may be done at a path, and the parts of it that say to what. Raises NotFound."""
    match path:
        case []:
            return _ROOT, ()
        case ["_history"]:
            return _HISTORY, ()
        case ["_search"]:
            return _ROOT_SEARCH, ()
        case [name]:
            return _TYPE, (_type(name),)
        case [name, "_search"]:
            return _TYPE_SEARCH, (_type(name),)
        case [name, "_history"]:
            return _HISTORY, (_type(name),)
        case ["AuditEvent", _]:
            return _OF_AUDIT, ("AuditEvent", _id(path))
        case [name, _]:
            return _INSTANCE, (_type(name), _id(path))
        case [name, _, "_history"]:
            return _HISTORY, (_type(name), _id(path))
        case [name, _, "_search"] if name in COMPARTMENTS:
            return _COMPARTMENT_SEARCH, (name, _id(path), "*")
        case [name, _, inside] if name in COMPARTMENTS and (inside == "*" or inside in MODULES):
            return _COMPARTMENT, (name, _id(path), inside)
        case [name, _, inside, "_search"] if name in COMPARTMENTS and (inside == "*" or inside in MODULES):
            return _COMPARTMENT_SEARCH, (name, _id(path), inside)
        case [name, _, "_history", version]:
            return _VERSION, (_type(name), _id(path), version)
    raise NotFound("rest.no-such-place", f"There is nothing at '/{'/'.join(path)[:200]}'.")


def _allowed(methods: _Methods) -> str:
    return ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])


def _operation(record: Record, request: Request, path: list[str]) -> Response:
    type_name = path[0] if len(path) > 1 else None
    if type_name is not None and type_name not in _LOGICAL:
        _type(type_name)
    identifier = _id(path) if len(path) > 2 else None
    try:
        offered = (*OPERATIONS, *(request.services.operations if request.services is not None else ()))
        return operation.call(offered, record, request, path[-1][1:], type_name, identifier)
    except operation.MethodNotAllowed as error:
        return refused(error, [("Allow", str(error.params["allowed"]))])


def _type(name: str) -> str:
    if name not in MODULES:
        raise NotFound("rest.unknown-type", f"'{name[:100]}' is not a resource type of FHIR R4.", type=name)
    return name


def _id(path: list[str]) -> str:
    if not _ID.fullmatch(path[1]):
        raise NotFound("store.not-found", f"There is no {path[0]} with such an id: {path[1][:100]!r}.")
    return path[1]
