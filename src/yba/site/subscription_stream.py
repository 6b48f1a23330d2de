"""A Subscription's notifications as server-sent events: ``GET /live/subscriptions/{id}`` with a bearer token.

Each event's id is its number in the subscription, so that a client that comes back with ``Last-Event-ID`` misses none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import psycopg

from yba.fhir.access import Actor
from yba.fhir.errors import RecordError
from yba.fhir.model import codec
from yba.fhir.outcome import outcome_of
from yba.fhir.subscriptions import stream

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

PATH = "/live/subscriptions/"
LOOK_SECONDS = 0.5
HEARTBEAT_SECONDS = 15.0
MOST_STREAMS = 200
#: What every answer of this process says to a browser: it is no page and no file.
GUARDED = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    (b"referrer-policy", b"no-referrer"),
)

log = logging.getLogger(__name__)


class Streams:
    """Who follows subscriptions just now."""

    def __init__(self, conninfo: str, authenticate: Callable[[str], Actor | None], base_url: str) -> None:
        self._conninfo = conninfo
        self._authenticate = authenticate
        self._base_url = base_url
        self._open = 0

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._conninfo, autocommit=True)

    async def answer(self, scope: Message, send: Send) -> None:
        """Send until the client goes (the caller ends this then). A refusal is an OperationOutcome."""
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        scheme, _, token = headers.get("authorization", "").partition(" ")
        actor = await asyncio.to_thread(self._authenticate, token) if scheme.lower() == "bearer" else None
        if actor is None:
            await _refuse(
                send,
                401,
                b'{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"login"}]}',
            )
            return
        last = headers.get("last-event-id", "")
        number = int(last) if last.isascii() and last.isdigit() and len(last) < 18 else None
        if self._open >= MOST_STREAMS:
            await _refuse(send, 503, b"")
            return
        self._open += 1
        try:
            await self._follow(actor, token, scope["path"].removeprefix(PATH), number, send)
        finally:
            self._open -= 1

    async def _follow(
        self, actor: Actor, token: str, identifier: str, number: int | None, send: Send
    ) -> None:
        connection = await asyncio.to_thread(self._connect)
        try:
            _, standing = await asyncio.to_thread(stream.listener, connection, actor, identifier)
        except RecordError as error:
            await _refuse(send, error.status, codec.encode(outcome_of(error)))
            connection.close()
            return
        number = standing.number if number is None else number
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store"), *GUARDED,
        ]  # fmt: skip
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _part(send, b"retry: 2000\n\n")
        quiet = 0.0
        try:
            while True:
                # Each time: nothing is sent once the token has ended. It is remembered, and heard of ends.
                known = await asyncio.to_thread(self._authenticate, token)
                if known is None:
                    log.info(
                        "the stream of Subscription/%s ended: its token does not count any more", identifier
                    )
                    await send({"type": "http.response.body", "body": b""})
                    return
                actor = known
                heard = await asyncio.to_thread(
                    stream.after, connection, actor, identifier, number,
                    base_url=self._base_url, now=datetime.now(UTC),
                )  # fmt: skip
                for each, body in heard.told:
                    await _part(send, b"id: %d\nevent: event-notification\ndata: %b\n\n" % (each, body))
                number = heard.reached
                quiet = 0.0 if heard.told else quiet + LOOK_SECONDS
                if quiet >= HEARTBEAT_SECONDS:
                    quiet = 0.0
                    await _part(send, b": here\n\n")
                await asyncio.sleep(LOOK_SECONDS)
        except (RecordError, psycopg.Error):
            log.info("the stream of Subscription/%s ended", identifier)
            await send({"type": "http.response.body", "body": b""})
        finally:
            connection.close()


async def _part(send: Send, text: bytes) -> None:
    await send({"type": "http.response.body", "body": text, "more_body": True})


async def _refuse(send: Send, status: int, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/fhir+json; charset=utf-8"), (b"cache-control", b"no-store"), *GUARDED,
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
