"""What is hidden leaves no mark: every answer is the same, byte for byte, when the hidden rows are not there at all.

For each actor all questions are asked of the whole world, then the rows the oracle says are hidden are taken out of the
tables, and the same questions are asked again. Nor does any answer hold the secret word of a hidden row.
``YBA_ACCESS_QUESTIONS``: one question in so many is asked of each actor (usually 6); 1 asks all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count, secrets_in
from tests.access.facts import Row
from tests.access.questions import questions
from tests.access.test_matrix_reading import chosen
from tests.access.world import World
from tests.fhir.test_rest import Answer
from yba.fhir.store.write import INDEX_TABLES

EVERY = int(os.environ.get("YBA_ACCESS_QUESTIONS", "6"))
ASKING = (
    "citizen", "guardian", "delegate", "citizen_dead", "doctor", "doctor_hiv", "doctor_b", "head_of_department",
    "nurse",
    "laboratory", "pharmacist", "cashier", "insurance_clerk", "customer_care", "records_office", "programme_officer",
    "outside_system", "device", "auditor", "provincial_officer", "unknown",
)  # fmt: skip
# A Bundle's own id and moment, and the number of a failure, are new each time.
NEW = re.compile(
    rb'"id":"[0-9a-f-]{36}"|urn:uuid:[0-9a-f-]{36}|"timestamp":"[^"]*"|"generated[^"]*":"[^"]*"|"date":"20[^"]*T[^"]*"'
)


Shape = tuple[int, bytes, str]


def plain(answer: Answer) -> Shape:
    """An answer without what is new in every answer."""
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in ("X-Request-Id", "Content-Length")
    }
    return answer.status, NEW.sub(b"", answer.body), repr(sorted(headers.items()))


def take_away(asking: Asking, rows: list[Row]) -> None:
    """The rows out of the tables, as if they had never been."""
    keys = [(row.type, row.id) for row in rows]
    connection = asking.connection
    connection.execute("create temp table hidden (type text, id text) on commit drop")
    with connection.cursor().copy("copy pg_temp.hidden (type, id) from stdin") as copy:
        for key in keys:
            copy.write_row(key)
    connection.execute("alter table pg_temp.hidden add column rid bigint")
    connection.execute(
        "update pg_temp.hidden h set rid = r.rid from record.unwalled_resource r where r.type = h.type and r.id = h.id"
    )
    for table in (*INDEX_TABLES, "unwalled_version", "unwalled_resource"):
        connection.execute(f"delete from record.{table} x using pg_temp.hidden h where x.rid = h.rid")


@pytest.mark.parametrize("name", ASKING)
def test_answers_are_the_same_without_what_is_hidden(asking: Asking, world: World, name: str) -> None:
    actor = ACTORS[name]
    seen = {row.secret for row in world.rows if oracle.allowed(world, actor, row, "search")}
    asked = [one for one in questions() if chosen(name, one, every=EVERY)]
    leaves_no_mark(asking, world, seen, lambda one: asking.by(actor, "GET", f"/{one}"), asked)
    count("questions", len(asked))


def leaves_no_mark(
    asking: Asking,
    world: World,
    seen: set[str],
    ask: Callable[[str], Answer],
    asked: Iterable[str],
    shape: Callable[[Answer], Shape] | None = None,
) -> None:
    """What is asked is answered without a secret but those ``seen``, and alike once all other rows are gone.

    ``shape``: what of an answer has to be alike, else all of it but what is new in every answer.
    """
    shape = shape or plain
    before: dict[str, Shape] = {}
    told: dict[str, list[str]] = {}
    for one in asked:
        answer = ask(one)
        assert answer.status < 500, (one, answer.body[:500])
        before[one] = shape(answer)
        leaked = secrets_in(answer) - seen
        if leaked and "bimat" not in one:
            told[one] = sorted(leaked)[:5]
    assert told == {}
    take_away(asking, [row for row in world.rows if row.secret not in seen])
    after = {one: shape(ask(one)) for one in before}
    assert {one: difference(before[one], after[one]) for one in before if before[one] != after[one]} == {}


def difference(first: Shape, second: Shape) -> tuple[Any, ...]:
    """Where two answers part."""
    if first[0] != second[0] or first[2] != second[2]:
        return first[0], second[0], first[1][:200], second[1][:200], first[2][:200], second[2][:200]
    at = next((n for n, (a, b) in enumerate(zip(first[1], second[1], strict=False)) if a != b), 0)
    return first[0], first[1][max(0, at - 120) : at + 160], second[1][max(0, at - 20) : at + 160]
