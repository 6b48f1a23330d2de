"""Live events: a page hears of the topics it was given, and of no other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest

from yba.site import live
from yba.ui.live import LISTENS, token


class Page:
    """A browser's side of one stream, on the ASGI callable itself."""

    def __init__(self, application: live.Application, query: str, path: str = "/live") -> None:
        self.application = application
        self.scope = {
            "type": "http", "method": "GET", "path": path, "query_string": query.encode(),
            "headers": [(b"origin", b"http://127.0.0.1:8000")],
        }  # fmt: skip
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.sent.put(dict(message))

    async def next(self) -> dict[str, Any]:
        return await asyncio.wait_for(self.sent.get(), 5)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Page]:
        task = asyncio.create_task(self.application(self.scope, self.receive, self.send))
        try:
            yield self
        finally:
            self.gone.set()
            await asyncio.wait_for(task, 5)


def query(*topics: str) -> str:
    return urlencode([("t", token(topic)) for topic in topics])


def test_a_page_hears_its_topics_and_no_other(own_database: str) -> None:
    async def story() -> None:
        application = live.Application(own_database)
        listening = asyncio.create_task(live.listen(application.hub, own_database))
        async with Page(application, query("queue/204", "desk/1")).open() as page:
            start = await page.next()
            headers = dict(start["headers"])
            assert start["status"] == 200
            assert headers[b"content-type"].startswith(b"text/event-stream")
            assert headers[b"access-control-allow-origin"] == b"http://127.0.0.1:8000"
            assert (await page.next())["body"] == b"retry: 2000\n\n"
            await asyncio.sleep(0.5)
            while not page.sent.empty():
                page.sent.get_nowait()  # on connecting, every page is told to look
            async with await psycopg.AsyncConnection.connect(own_database, autocommit=True) as other:
                for topic in ("queue/205", "queue/204"):
                    await other.execute("SELECT pg_notify('yba_live', %s)", (topic,))
            assert (await page.next())["body"] == b"event: changed\ndata: queue/204\n\n"
            assert page.sent.empty()
            assert application.hub.listeners == 1
        assert application.hub.listeners == 0
        assert not application.hub.by_topic
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())


def test_a_lost_connection_is_opened_again_and_pages_look(own_database: str) -> None:
    async def story() -> None:
        application = live.Application(own_database)
        listening = asyncio.create_task(live.listen(application.hub, own_database))
        async with Page(application, query("a")).open() as page:
            assert (await page.next())["status"] == 200
            assert (await page.next())["body"] == b"retry: 2000\n\n"
            assert (await page.next())["body"] == b"event: changed\ndata: a\n\n"
            async with await psycopg.AsyncConnection.connect(own_database, autocommit=True) as other:
                await other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'yba-live'"
                    " AND datname = current_database()"
                )
            assert (await page.next())["body"] == b"event: changed\ndata: a\n\n"
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())


def test_heartbeats_keep_a_quiet_stream_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "HEARTBEAT", 0.05)

    async def story() -> None:
        async with Page(live.Application(""), query("a")).open() as page:
            assert (await page.next())["status"] == 200
            assert (await page.next())["body"] == b"retry: 2000\n\n"
            assert (await page.next())["body"] == b": here\n\n"

    asyncio.run(story())


@pytest.mark.parametrize(
    ("asked", "status"),
    [("t=queue%2F204%3Aforged", 403), ("", 404), ("x=1", 404)],
)
def test_topics_must_be_signed(asked: str, status: int) -> None:
    async def story() -> None:
        async with Page(live.Application(""), asked).open() as page:
            assert (await page.next())["status"] == status

    asyncio.run(story())


def test_listeners_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_LISTENERS", 1)

    async def story() -> None:
        application = live.Application("")
        async with Page(application, query("a")).open() as first:
            assert (await first.next())["status"] == 200
            await first.next()
            async with Page(application, query("a")).open() as second:
                assert (await second.next())["status"] == 503

    asyncio.run(story())


def test_a_topic_signed_long_ago_is_not_heard(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token stands in an address: who finds it in a log some days later hears nothing."""
    fresh, then = query("queue/204"), time.time() - LISTENS.total_seconds() - 5
    monkeypatch.setattr("django.core.signing.time.time", lambda: then)
    old = query("queue/204")
    monkeypatch.undo()

    async def story() -> None:
        for asked, status in ((fresh, 200), (old, 403)):
            async with Page(live.Application(own_database), asked).open() as page:
                assert (await page.next())["status"] == status

    asyncio.run(story())


def test_a_page_of_another_house_hears_nothing(own_database: str) -> None:
    async def story() -> None:
        page = Page(live.Application(own_database), query("queue/204"))
        page.scope["headers"] = [(b"origin", b"https://evil.example"), (b"host", b"127.0.0.1:8001")]
        async with page.open():
            start = await page.next()
            assert start["status"] == 403
            assert dict(start["headers"])[b"x-content-type-options"] == b"nosniff"

    asyncio.run(story())


def test_a_subscription_is_followed_from_where_one_was(
    own_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Server-sent events with the numbers of the subscription, for who owns it alone."""
    from datetime import UTC, datetime, timedelta

    from yba import fhir
    from yba.fhir.access import SYSTEM, Actor
    from yba.fhir.model import codec
    from yba.fhir.subscriptions import matching
    from yba.fhir.subscriptions.guard import guard
    from yba.site.subscription_stream import Streams

    subscription = (
        b'{"resourceType":"Subscription","id":"s","status":"requested","reason":"x","criteria":"Patient",'
        b'"channel":{"_type":{"extension":[{"url":"http://hl7.org/fhir/uv/subscriptions-backport/'
        b'StructureDefinition/backport-channel-type","valueCoding":{"code":"sse"}}]},'
        b'"payload":"application/fhir+json"}}'
    )
    with psycopg.connect(own_database, autocommit=True) as connection:
        past = fhir.open(
            connection, actor=SYSTEM, guards={"Subscription": [guard(())]},
            clock=lambda: datetime.now(UTC) - timedelta(minutes=1),
        )  # fmt: skip
        past.update(codec.decode(subscription))
        record = fhir.open(connection, actor=SYSTEM)
        for name in ("a", "b"):
            record.update(codec.decode(b'{"resourceType":"Patient","id":"%b"}' % name.encode()))
        matching.step(connection)
    actors = {"mine": SYSTEM, "theirs": Actor(user="d", role="doctor", facility="x")}
    streams = Streams(own_database, actors.get, "http://record.test/fhir")

    async def first(token_: str, *headers: tuple[bytes, bytes]) -> list[dict[str, Any]]:
        page = Page(live.Application(own_database), "")
        scope = {
            "path": "/live/subscriptions/s",
            "headers": [(b"authorization", f"Bearer {token_}".encode()), *headers],
        }
        task = asyncio.create_task(streams.answer(scope, page.send))
        found = [await page.next(), await page.next()]
        if found[0]["status"] == 200:
            found.append(await page.next())
        task.cancel()
        return found

    async def ends_with_its_token() -> None:
        """A token that was revoked meanwhile is told nothing more."""
        page = Page(live.Application(own_database), "")
        known = {"mine": SYSTEM}
        following = Streams(own_database, known.get, "http://record.test/fhir")
        scope = {"path": "/live/subscriptions/s", "headers": [(b"authorization", b"Bearer mine")]}
        task = asyncio.create_task(following.answer(scope, page.send))
        assert (await page.next())["status"] == 200
        known.clear()
        await asyncio.wait_for(task, 3)  # within a look or two, not after a time of trust
        sent = [page.sent.get_nowait() for _ in range(page.sent.qsize())]
        assert sent[-1] == {"type": "http.response.body", "body": b""}

    async def story() -> None:
        start, _, event = await first("mine", (b"last-event-id", b"1"))
        assert start["status"] == 200
        assert event["body"].startswith(b"id: 2\nevent: event-notification\ndata: {")
        assert b'"fullUrl":"http://record.test/fhir/Patient/b"' in event["body"]
        assert (await first("theirs"))[0]["status"] == 404
        assert (await first("nobody"))[0]["status"] == 401
        await ends_with_its_token()

    asyncio.run(story())
