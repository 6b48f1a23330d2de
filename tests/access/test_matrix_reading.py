"""Every role, every type, every relation: what each may read, search and see the past of, against the oracle.

A search over a type answers for all its rows at once, and so does its history; each is asked of every actor and type.
Reads by id, of a version and of a row's history are as many as actors times rows: one in ``YBA_ACCESS_EVERY`` (usually
41) is asked, always the same ones; 1 asks them all.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from zlib import crc32

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count, secrets_in
from tests.access.facts import Row
from tests.access.world import TYPES, World

EVERY = int(os.environ.get("YBA_ACCESS_EVERY", "41"))


def chosen(*parts: str, every: int = EVERY) -> bool:
    """Whether this one of very many is asked: always the same, spread over all."""
    return every <= 1 or crc32("|".join(parts).encode()) % every == 0


def missing_and_leaked(expected: Iterable[Row], found: set[str]) -> tuple[list[str], set[str]]:
    """Names of rows that should have been told and were not; secrets that should not have been told."""
    known = {row.secret: row.name for row in expected}
    return sorted(name for secret, name in known.items() if secret not in found), found - set(known)


def pages(asking: Asking, name: str, url: str) -> set[str]:
    """The secrets in all pages of a search or history."""
    found: set[str] = set()
    for _ in range(40):
        answer = asking.by(ACTORS[name], "GET", url)
        assert answer.status == 200, (name, url, answer.body)
        found |= secrets_in(answer)
        links = {one["relation"]: one["url"] for one in answer.json.get("link", [])}
        if "next" not in links:
            return found
        url = links["next"]
    raise AssertionError("pages without end")


@pytest.mark.parametrize("name", ACTORS)
@pytest.mark.parametrize("way", ["search", "history"])
def test_all_of_a_type(asking: Asking, world: World, name: str, way: str) -> None:
    actor = ACTORS[name]
    wrong = {}
    for type_name in TYPES:
        rows = world.of_type(type_name)
        expected = [row for row in rows if oracle.allowed(world, actor, row, way)]
        url = f"/{type_name}?_count=500" if way == "search" else f"/{type_name}/_history?_count=500"
        missing, leaked = missing_and_leaked(expected, pages(asking, name, url))
        count(way)
        if missing or leaked:
            wrong[type_name] = missing, sorted(one.name for one in rows if one.secret in leaked)
    assert wrong == {}


@pytest.mark.parametrize("name", ACTORS)
def test_one_by_one(asking: Asking, world: World, name: str) -> None:
    """By id, by version, its history: 200 for what may be seen, 404 for all else, in the same words as for nothing."""
    actor = ACTORS[name]
    wrong = []
    for row in world.rows:
        for way, end in (("read", ""), ("read", "/_history/1"), ("history", "/_history")):
            if not chosen(name, row.name, end):
                continue
            count(f"read{end}")
            answer = asking.by(actor, "GET", f"/{row.name}{end}")
            expected = oracle.allowed(world, actor, row, way)
            found = secrets_in(answer)
            told = {row.secret} if expected else set()
            if answer.status != (200 if expected else 404) or found != told:
                wrong.append((row.name, end, answer.status, expected, sorted(found)))
    assert wrong == []


@pytest.mark.parametrize("name", ACTORS)
def test_what_is_hidden_and_what_is_not_there_are_told_alike(asking: Asking, world: World, name: str) -> None:
    """No word, header or status differs between a hidden row and an id that was never used."""
    actor = ACTORS[name]
    different = []
    for row in world.rows:
        if not chosen("nothing", name, row.name, every=EVERY * 4):
            continue
        if oracle.allowed(world, actor, row, "read") or oracle.allowed(world, actor, row, "history"):
            continue
        for end in ("", "/_history/1", "/_history", "/_history/7"):
            hidden = asking.by(actor, "GET", f"/{row.name}{end}")
            none = asking.by(actor, "GET", f"/{row.type}/{'n' * len(row.id)}{end}")
            count("hidden or nothing")
            if shape(hidden, row.name) != shape(none, f"{row.type}/{'n' * len(row.id)}"):
                different.append(
                    (row.name, end, hidden.status, hidden.body[:200], none.status, none.body[:200])
                )
    assert different == []


def shape(answer: object, name: str) -> tuple[int, bytes, list[tuple[str, str]]]:
    """An answer without what was asked for and what counts requests."""
    from tests.fhir.test_rest import Answer

    assert isinstance(answer, Answer)
    headers = sorted(
        (name, value) for name, value in answer.headers.items() if name not in ("X-Request-Id", "Date")
    )
    return answer.status, answer.body.replace(name.encode(), b"ID"), headers
