"""Every role, every type, every kind of write: what each may make, change and take away, against the oracle.

Of each actor, type and kind of write two rows are tried: one the oracle allows, where there is any, and one it
does not.
``YBA_ACCESS_WRITES``: one of so many of these is tried (usually 6), always the same ones; 1 tries them all. With
``YBA_ACCESS_ROWS`` set to a number so many rows of each instead of one. What is written is taken back.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from zlib import crc32

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count, secrets_in
from tests.access.facts import Row
from tests.access.test_matrix_reading import chosen
from tests.access.world import TYPES, World
from yba.fhir.access import Actor

EVERY = int(os.environ.get("YBA_ACCESS_WRITES", "6"))
ROWS = int(os.environ.get("YBA_ACCESS_ROWS", "1"))
WAYS = ("create", "update", "patch", "delete")
PATCH = [{"op": "add", "path": "/language", "value": "vi"}]
# Types whose rules beyond the door refuse what these tests send; that they let nothing through is held all the same.
RULED = frozenset({"Subscription", "SearchParameter"})


def lets(world: World, actor: Actor, row: Row, way: str) -> bool:
    """Whether a write must be taken: the row as it is and as it is to be, and a person one sees."""
    if row.type == "Patient" and way == "delete" and actor.role != "system":
        return False  # everything hangs on a person
    kept = replace(row, facility=row.facility or actor.facility)
    if way == "create":
        # What somebody writes down they know: labels hide nothing of it. Whose a new Patient is nobody stands to yet.
        made = replace(kept, labels=frozenset(), patient="new" if row.type == "Patient" else row.patient)
        return oracle.allowed(_unlabelled(world), actor, made, way) and _sees_person(world, actor, row)
    if not oracle.allowed(world, actor, row, "read") or not oracle.allowed(world, actor, row, way):
        return False
    if way == "delete":
        return True
    after = replace(kept, labels=frozenset())
    return oracle.allowed(_unlabelled(world), actor, after, way) and _sees_person(world, actor, row)


def _unlabelled(world: World) -> Any:
    """The same facts, with nobody a VIP and nobody dead."""
    from tests.access.facts import Facts

    return Facts(world.rows, world.stands)


def _sees_person(world: World, actor: Actor, row: Row) -> bool:
    if row.patient is None or row.type == "Patient":
        return True
    person = next(one for one in world.rows if one.name == f"Patient/{row.patient}")
    return oracle.allowed(world, actor, person, "read")


def tried(world: World, name: str) -> Iterator[tuple[Row, str, bool]]:
    """The rows and writes that one actor tries, each with what is to come of it."""
    for type_name in TYPES:
        rows = [row for row in world.of_type(type_name) if not _by_rule(row)]
        for way in WAYS:
            if not chosen(name, type_name, way, every=EVERY):
                continue
            ordered = sorted(rows, key=lambda row: crc32(f"{name}{way}{row.name}".encode()))
            granted = any(oracle.speaks(ACTORS[name].role, type_name, way))
            left = {True: ROWS if granted else 0, False: ROWS}
            for row in ordered:
                may = lets(world, ACTORS[name], row, way)
                if left[may]:
                    left[may] -= 1
                    yield row, way, may
                if not any(left.values()):
                    break


def _by_rule(row: Row) -> bool:
    """An emergency opening: only the rule that makes it writes it."""
    return row.type == "Consent" and "emergency" in str(row.content.get("category"))


def kept(asking: Asking, row: Row) -> int | None:
    """The version of a row as the tables have it; None where its content is gone."""
    found = asking.connection.execute(
        "select version from record.unwalled_resource where type = %s and id = %s and content is not null",
        (row.type, row.id),
    ).fetchone()
    return None if found is None else found[0]


def write(asking: Asking, actor: Actor, row: Row, way: str) -> Any:
    content = {name: value for name, value in row.content.items() if name != "meta"}
    meta = {"tag": row.content["meta"]["tag"]} if "tag" in row.content["meta"] else None
    content |= {"meta": meta} if meta else {}
    if way == "create":
        return asking.by(actor, "POST", f"/{row.type}", {k: v for k, v in content.items() if k != "id"})
    if way == "update":
        return asking.by(actor, "PUT", f"/{row.name}", content)
    if way == "patch":
        return asking.by(actor, "PATCH", f"/{row.name}", PATCH, content_type="application/json-patch+json")
    return asking.by(actor, "DELETE", f"/{row.name}")


@pytest.mark.parametrize("name", ACTORS)
def test_writes(asking: Asking, world: World, name: str) -> None:
    actor = ACTORS[name]
    wrong: list[Any] = []
    for row, way, may in tried(world, name):
        with asking.undone():
            answer = write(asking, actor, row, way)
            if not may and way != "create" and kept(asking, row) != 1:
                wrong.append((row.name, way, "was changed"))
        count(way)
        seen = oracle.allowed(world, actor, row, "read")
        refused = {403, 404} if way == "create" else {403} if seen else {204} if way == "delete" else {404}
        if way != "delete" and seen and not _sees_person(world, actor, row):
            refused = {403, 404}  # it is the person who is not there
        expected = (
            {"create": {201}, "update": {200}, "patch": {200}, "delete": {204}}[way] if may else refused
        )
        if row.type in RULED and may:
            expected = expected | {400, 422, 403}
        told = secrets_in(answer) if not may else set()
        if way == "create":
            told -= {row.secret}  # what was sent
        if answer.status not in expected or told:
            wrong.append(
                (row.name, row.patient, row.facility, way, answer.status, expected, answer.body[:160], told)
            )
    assert wrong == []
