"""Live events: one small ASGI process that listens in PostgreSQL and tells pages which topic changed.

Only the topic travels; the page fetches its part again. A lost event costs one poll.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yba.site.settings")

from django.conf import settings

from yba.site.environment import serve_behind_wall

if not settings.configured:
    serve_behind_wall()

if os.environ.get("YBA_CHILD"):
    from yba.site.lifetime import die_with_parent

    die_with_parent()

import django
import psycopg
from django.core.signing import BadSignature
from django.http.request import validate_host

from yba.site.subscription_stream import GUARDED, PATH, Streams
from yba.ui import live as topics

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HEARTBEAT = 15.0
MOST_LISTENERS = 2_000
MOST_TOPICS = 20
#: Topics waiting for one slow reader; more are told by one word: everything changed.
MOST_WAITING = 100

logger = logging.getLogger(__name__)


class Hub:
    """Who listens to what."""

    def __init__(self) -> None:
        self.by_topic: dict[str, set[asyncio.Queue[str]]] = defaultdict(set)
        self.listeners = 0

    @contextlib.contextmanager
    def _listening(self, names: list[str], queue: asyncio.Queue[str]) -> Any:
        self.listeners += 1
        for name in names:
            self.by_topic[name].add(queue)
        try:
            yield
        finally:
            self.listeners -= 1
            for name in names:
                self.by_topic[name].discard(queue)
                if not self.by_topic[name]:
                    del self.by_topic[name]

    def tell(self, topic: str) -> None:
        """A topic changed."""
        for queue in self.by_topic.get(topic, ()):
            # A full queue already holds news enough to make its page look again.
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(topic)

    def tell_all(self) -> None:
        """Events may have been missed: every page looks again."""
        for topic in list(self.by_topic):
            self.tell(topic)

    async def events(self, names: list[str]) -> AsyncIterator[bytes]:
        """The stream of one page."""
        queue: asyncio.Queue[str] = asyncio.Queue(MOST_WAITING)
        with self._listening(names, queue):
            yield b"retry: 2000\n\n"
            while True:
                try:
                    topic = await asyncio.wait_for(queue.get(), HEARTBEAT)
                except TimeoutError:
                    yield b": here\n\n"
                    continue
                yield f"event: changed\ndata: {topic}\n\n".encode()


async def listen(hub: Hub, conninfo: str) -> None:
    """Hear what the database says; when the connection breaks, open it again and tell every page to look."""
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True, application_name="yba-live", connect_timeout=5
            )
            async with connection:
                await connection.execute(f"LISTEN {topics.CHANNEL}")
                hub.tell_all()
                async for notice in connection.notifies():
                    hub.tell(notice.payload)
        except psycopg.Error as problem:
            logger.warning("The live connection broke: %s", problem)
        await asyncio.sleep(0.5)


class Application:
    """The ASGI face: `GET /live?t=<signed topic>&t=...`."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.hub = Hub()
        self.listening: asyncio.Task[None] | None = None
        authenticate = remembering(known_of_bearer, Ends(conninfo).mark)
        self.streams = Streams(conninfo, authenticate, settings.YBA_ORIGIN + "/fhir")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.listening = asyncio.create_task(listen(self.hub, self.conninfo))
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self.listening is not None:
                    self.listening.cancel()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/health":
            await _plain(send, 200, "ok")
            return
        if scope["path"].startswith(PATH) and scope["method"] == "GET":
            await _while_there(self.streams.answer(scope, send), receive)
            return
        origin = allowed_origin(dict(scope["headers"]))
        if origin is None:
            await _plain(send, 403, "Only pages of this house listen here.")
            return
        signed = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("t", [])
        try:
            names = [topics.topic_of(one) for one in signed]
        except BadSignature:
            await _plain(send, 403, "These topics were not signed here.")
            return
        if scope["path"] not in ("/", "/live") or scope["method"] != "GET" or not names:
            await _plain(send, 404, "GET /live?t=<signed topic>")
        elif len(names) > MOST_TOPICS or self.hub.listeners >= MOST_LISTENERS:
            await _plain(send, 503, "Too many listen now.")
        else:
            await self._stream(origin, names, receive, send)

    async def _stream(self, origin: str, names: list[str], receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            *GUARDED,
        ]
        if origin:
            headers += [(b"access-control-allow-origin", origin.encode("ascii")), (b"vary", b"origin")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await _while_there(self._send_events(names, send), receive)

    async def _send_events(self, names: list[str], send: Send) -> None:
        async with contextlib.aclosing(self.hub.events(names)) as events:  # type: ignore[type-var]  # a generator
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})


async def _while_there(sending: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Send until it is done, or until the client goes."""
    gone = asyncio.create_task(_until_gone(receive))
    task = asyncio.create_task(sending)
    try:
        await asyncio.wait({gone, task}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (gone, task):
            one.cancel()
        await asyncio.gather(gone, task, return_exceptions=True)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def allowed_origin(headers: Mapping[bytes, bytes]) -> str | None:
    """The origin to name in the answer: the asking page's, when it is of this house; None refuses.

    A page of this house has the address of YBA_ORIGIN, or the name of the host that was asked (any port: pages and
    events are two ports of one host). Who sends no Origin is no page, and is answered without one. Signed topics are
    the other half of the protection; no cookie is read or allowed here.
    """
    said = headers.get(b"origin")
    if said is None:
        return ""
    origin = said.decode("latin-1")
    if hmac.compare_digest(origin.encode(), settings.YBA_ORIGIN.encode()):
        return origin
    try:
        page, asked = urlsplit(origin), urlsplit("//" + headers.get(b"host", b"").decode("latin-1"))
        same = page.scheme in ("http", "https") and bool(page.hostname) and page.hostname == asked.hostname
    except ValueError:
        return None
    plain = origin.isascii() and f"{page.scheme}://{page.netloc}" == origin
    return origin if same and plain and _is_ours(str(page.hostname)) else None


def _is_ours(host: str) -> bool:
    """Whether the house answers to this name: else a name turned towards it (DNS re-binding) would be same-host."""
    return validate_host(f"[{host}]" if ":" in host else host, settings.ALLOWED_HOSTS)


async def _plain(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store"), *GUARDED]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


django.setup()

from yba.site.oauth.bearer import known_of_bearer  # noqa: E402 - needs Django to be ready
from yba.site.oauth.remembering import Ends, remembering  # noqa: E402 - needs Django to be ready

application = Application(settings.ENVIRONMENT.conninfo)
