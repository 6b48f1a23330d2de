"""The record's WSGI face: who asks, on which connection, and every failure as an OperationOutcome."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import psycopg

from yba import fhir
from yba.fhir.access import Actor, Came
from yba.fhir.errors import Forbidden, RecordError, Unavailable
from yba.fhir.record import Clock, Guard, Ids
from yba.fhir.record.conditions import MOST_DELETED
from yba.fhir.record.joining import Joining
from yba.fhir.rest.capabilities import capabilities
from yba.fhir.rest.content import PLAIN, Format, wanted, wanted_in_form, written_as
from yba.fhir.rest.operations.call import Operation
from yba.fhir.rest.request import Request
from yba.fhir.rest.response import JSON, STATUS, Response, refused
from yba.fhir.rest.route import answer_of, options
from yba.fhir.rest.services import Services
from yba.fhir.store.audit import Journal
from yba.fhir.subscriptions.guard import guard as subscription_guard
from yba.fhir.validation.enforcing import Enforced

log = logging.getLogger(__name__)

BODY_LIMIT = 16 * 1024 * 1024
# A chart is kept by no cache on the way, and by no browser; a client of its own may still ask with If-None-Match.
# Whatever an answer holds, a browser that is led to it runs, frames and shows elsewhere nothing of it.
GUARDED = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
Connect = Callable[[], psycopg.Connection[Any]]
Authenticate = Callable[[str], Actor | None]
StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Unauthorized(Forbidden):
    """No token, or one that is not known."""

    status = 401
    issue = "login"


class Failure(RecordError):
    """Something broke that should not: the log knows what."""


def application(
    connect: Connect,
    authenticate: Authenticate,
    guards: Mapping[str, Sequence[Guard]] | None = None,
    base_url: str | None = None,
    *,
    clock: Clock | None = None,
    ids: Ids | None = None,
    body_limit: int = BODY_LIMIT,
    journal: Journal | None = None,
    files: Path | None = None,
    import_sources: tuple[str, ...] = (),
    subscription_endpoints: tuple[str, ...] = (),
    integrity: bool = False,
    most_deleted: int = MOST_DELETED,
    validation: Enforced | None = None,
    oauth: tuple[tuple[str, str], ...] = (),
    operations: Sequence[Operation] = (),
) -> Application:
    """The WSGI application to mount at ``/fhir``.

    ``connect`` gives the calling thread its connection in autocommit; ``authenticate`` turns a bearer token into
    an actor, or None. Without ``base_url`` links are made from the request's Host. The audit of reads is buffered
    in ``journal``, by default one of the application's own, begun with its first request. ``files`` is the folder
    in which exports lie until they are fetched.
    ``integrity``: references must lead somewhere (``fhir.open``). ``most_deleted``: how many resources one
    conditional delete may take away. ``validation``: the profiles that writes must meet.
    ``oauth``: where apps get tokens, told in the CapabilityStatement (``Services``). ``operations``: what areas offer
    beside the record's own.
    """
    if validation is not None:
        guards = validation.guards(guards)
    journals: list[Journal] = [journal] if journal is not None else []
    lock = Lock()
    joining = Joining()
    guards = {**(guards or {})}
    guards["Subscription"] = (*guards.get("Subscription", ()), subscription_guard(subscription_endpoints))
    services = Services(connect, files, import_sources, oauth, tuple(operations))

    def journal_now() -> Journal:
        if not journals:
            with lock:
                if not journals:
                    journals.append(Journal(connect))
        return journals[0]

    def actor_of(request: Request) -> Actor:
        scheme, _, token = (request.header("AUTHORIZATION") or "").partition(" ")
        actor = authenticate(token.strip()) if scheme.lower() == "bearer" and token else None
        if actor is None and token:
            raise Unauthorized(
                "rest.token", "This bearer token is not known here, or has ended. Ask for a new one."
            )
        if actor is None:
            raise Unauthorized("rest.login", "A bearer token is needed: 'Authorization: Bearer ...'.")
        return actor

    def answered(request: Request) -> Response:
        if request.path == ["metadata"]:
            return capabilities(request)
        if request.method == "OPTIONS":
            return options(request)
        actor = actor_of(request)
        record = fhir.open(
            connect(),
            actor=actor,
            clock=clock,
            ids=ids,
            guards=guards,
            journal=journals[0] if journals else journal_now(),
            integrity=integrity,
            base_url=request.base_url,
            came=Came(request.number, request.environ.get("REMOTE_ADDR") or None),
            joining=joining,
        )
        response = answer_of(record, request)
        response.headers.append(("X-Request-Id", request.number))
        return response

    def serve(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        form = PLAIN
        try:
            request = Request(
                environ, base_url=base_url, limit=body_limit, services=services, most_deleted=most_deleted
            )
            form = wanted(request)
            response = answered(request)
            if request.path[-1:] == ["_search"]:
                form = wanted_in_form(request, form)
        except RecordError as error:
            challenge = [("WWW-Authenticate", 'Bearer realm="yba"')] if error.status == 401 else None
            response = refused(error, challenge)
        except psycopg.OperationalError:
            log.exception("rest: the database does not answer")
            response = refused(
                Unavailable("store.unavailable", "The database does not answer. Try again in a moment."),
                [("Retry-After", "1")],
            )
        except Exception:  # noqa: BLE001 - the outermost edge: a client never sees a trace
            response = _failed()
        return _send(environ, start_response, response, form)

    return serve


def _failed() -> Response:
    number = secrets.token_hex(6)
    log.exception("rest: failure %s", number)
    return refused(
        Failure(
            "rest.failure",
            f"The record failed to answer. Tell its operator the number {number}.",
            number=number,
        )
    )


def _send(
    environ: dict[str, Any], start_response: StartResponse, response: Response, form: Format
) -> Iterable[bytes]:
    if response.file is not None:
        return _send_file(environ, start_response, response, response.file)
    body, kind = response.body, response.content_type
    if body and kind is None:
        try:
            body, kind = written_as(form, body), f"{form.mime}; charset=utf-8"
        except RecordError as error:
            response = refused(error)
            body, kind = response.body, JSON
        except Exception:  # noqa: BLE001 - as in ``serve``: what can't be written as XML is told in JSON
            response = _failed()
            body, kind = response.body, JSON
    headers = response.headers
    if body and kind is not None:
        headers.append(("Content-Type", kind))
    if response.status not in (204, 304):
        headers.append(("Content-Length", str(len(body))))
    headers += GUARDED
    start_response(STATUS[response.status], headers)
    return [body] if environ["REQUEST_METHOD"] != "HEAD" else []


_PART = 256 * 1024


def _send_file(
    environ: dict[str, Any], start_response: StartResponse, response: Response, file: Path
) -> Iterable[bytes]:
    """A file in parts, so that its size never stands in memory."""
    headers = [
        *response.headers,
        ("Content-Type", response.content_type or JSON),
        ("Content-Length", str(file.stat().st_size)),
        *GUARDED,
    ]
    start_response(STATUS[response.status], headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else _parts(file)


def _parts(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while part := stream.read(_PART):
            yield part
