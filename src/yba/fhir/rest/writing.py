"""create, update and delete, by id and by condition. FHIR R4, http.html#create, #ccreate, #update, #delete."""

from __future__ import annotations

from yba.fhir.errors import Invalid, NotFound
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import Record
from yba.fhir.rest import binaries
from yba.fhir.rest.content import check_sent, is_fhir, sent_kind
from yba.fhir.rest.request import Pairs, Request, pairs
from yba.fhir.rest.response import Response, informed, written


def create(record: Record, request: Request, type_name: str) -> Response:
    """A new resource under an id of the record's; with If-None-Exist the one that matches instead.

    Criteria in the URL, which some clients send, mean the same: passed over, they would make a second person.
    """
    resource = _sent(request, type_name)
    condition = request.header("IF_NONE_EXIST")
    params: Pairs | None = request.condition()
    if condition is not None:
        params = pairs(condition.partition("?")[2] or condition)
        if not params:
            raise Invalid("rest.if-none-exist", "If-None-Exist takes search parameters, like 'identifier=x'.")
    stored, made = record.create_stored(resource, if_none_exist=params)
    return written(request, stored, 201 if made else 200)


def update(record: Record, request: Request, type_name: str, identifier: str) -> Response:
    """A new version, or the first under this id."""
    resource = _sent(request, type_name, identifier)
    if resource.id != identifier:
        raise Invalid(
            "rest.id-differs",
            f"The resource has the id '{resource.id}', the URL says '{identifier}'."
            if resource.id
            else f"The resource has no id; it must be '{identifier}', as in the URL.",
            path=f"{type_name}.id",
        )
    stored, made = record.update_stored(
        resource, if_match=request.if_match(), only_new=(request.header("IF_NONE_MATCH") or "").strip() == "*"
    )
    return written(request, stored, 201 if made else 200)


def update_where(record: Record, request: Request, type_name: str) -> Response:
    """The one that the condition names, or a new one."""
    stored, made = record.update_where(
        _sent(request, type_name), request.condition() or [], if_match=request.if_match()
    )
    return written(request, stored, 201 if made else 200)


def delete(record: Record, request: Request, type_name: str, identifier: str) -> Response:
    """Gone from now on; its versions stay. What is not there, or hidden, is as good as deleted."""
    if_match = request.if_match()
    try:
        stored = record.delete(type_name, identifier, if_match=if_match)
    except NotFound:
        if if_match is not None:
            raise
        stored = None
    headers = [("ETag", f'W/"{stored.version}"')] if stored else []
    words = f"{type_name}/{identifier} is deleted." if stored else f"There is no {type_name}/{identifier}."
    return _deleted(request, words, headers)


def delete_where(record: Record, request: Request, type_name: str) -> Response:
    """All that the condition names."""
    gone = record.delete_where(
        type_name, request.condition() or [], most=request.most_deleted, if_match=request.if_match()
    )
    return _deleted(request, f"{len(gone)} {type_name} deleted.", [])


def _deleted(request: Request, words: str, headers: list[tuple[str, str]]) -> Response:
    if request.prefers("return") == "OperationOutcome":
        return Response(200, informed(words), headers)
    return Response(204, b"", headers)


def _sent(request: Request, type_name: str, identifier: str | None = None) -> Resource:
    kind = sent_kind(request)
    if type_name == "Binary" and not is_fhir(kind):
        binary = binaries.sent(request, kind)
        binary.id = identifier
        codec.check(binary)
        return binary
    check_sent(request)
    resource = codec.decode(request.body(), None)
    name = type(resource).__name__
    if name != type_name:
        raise Invalid(
            "rest.type-differs",
            f"The body is a {name}, the URL says {type_name}.",
            path="resourceType",
        )
    return resource
