"""create, update and delete. FHIR R4, http.html#create, #ccreate, #update, #delete."""

from __future__ import annotations

from urllib.parse import parse_qsl

from yba.fhir.errors import Invalid
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import Record
from yba.fhir.rest.content import check_sent
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import Response, written


def create(record: Record, request: Request, type_name: str) -> Response:
    """A new resource under an id of the record's; with If-None-Exist the one that matches instead."""
    resource = _sent(request, type_name)
    condition = request.header("IF_NONE_EXIST")
    params = None
    if condition is not None:
        params = parse_qsl(condition.partition("?")[2] or condition, keep_blank_values=True)
        if not params:
            raise Invalid("rest.if-none-exist", "If-None-Exist takes search parameters, like 'identifier=x'.")
    stored, made = record.create_stored(resource, if_none_exist=params)
    return written(request, stored, 201 if made else 200)


def update(record: Record, request: Request, type_name: str, identifier: str) -> Response:
    """A new version, or the first under this id."""
    resource = _sent(request, type_name)
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


def delete(record: Record, request: Request, type_name: str, identifier: str) -> Response:
    """Gone from now on; its versions stay."""
    stored = record.delete(type_name, identifier, if_match=request.if_match())
    return Response(204, b"", [("ETag", f'W/"{stored.version}"')] if stored else [])


def _sent(request: Request, type_name: str) -> Resource:
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
