"""Numbers stay whole: 50 threads draw 1,000 tickets, also with the database killed and started again in between."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from yba.site.database import Embedded
from yba.site.environment import environment

ROOT = Path(__file__).parents[2]
#: Whom a test has sent to draw.
CROWDS: list[subprocess.Popen[str]] = []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Embedded]:
    """A database of its own, with the tables of the line."""
    embedded = Embedded(dataclasses.replace(environment(), data=tmp_path, database_url=None))
    embedded.start()
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "line"], env=_env(embedded), check=True, cwd=ROOT
    )
    yield embedded
    for one in CROWDS:  # a crowd tries again for ever: none outlives its test
        one.kill()
        one.wait()
    CROWDS.clear()
    embedded.stop()


def _env(server: Embedded) -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]))
    return {
        **os.environ, "PYTHONPATH": path, "DJANGO_SETTINGS_MODULE": "yba.site.settings",
        "YBA_DATA": str(server.env.data), "YBA_DATABASE_URL": server.env.conninfo,
    }  # fmt: skip


def _crowd(server: Embedded, threads: int, each: int) -> subprocess.Popen[str]:
    found = subprocess.Popen(
        [sys.executable, "-m", "tests.care.line_drawer", str(threads), str(each)],
        env=_env(server), cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    CROWDS.append(found)
    return found


def _stored(server: Embedded) -> list[int]:
    with psycopg.connect(server.env.conninfo) as connection:
        return [row[0] for row in connection.execute("select number from line_ticket order by number")]


def _line(server: Embedded) -> list[tuple[int, str, str, str]]:
    """Everybody in the line, in its order, with where and how they stand."""
    with psycopg.connect(server.env.conninfo) as connection:
        return list(
            connection.execute(
                "select t.number, t.room, t.status, s.outcome from line_ticket t join line_stop s on s.id = t.stop"
                " order by t.queued_at, t.number"
            )
        )


@pytest.mark.slow
def test_peer_05_fifty_threads_draw_one_thousand_numbers(server: Embedded) -> None:
    crowd = _crowd(server, 50, 20)
    drawn, _ = crowd.communicate(timeout=120)
    assert sorted(map(int, drawn.split())) == list(range(1, 1001))
    assert _stored(server) == list(range(1, 1001))


@pytest.mark.slow
def test_peer_05_a_killed_database_loses_and_repeats_no_number_and_keeps_the_line(server: Embedded) -> None:
    crowd = _crowd(server, 50, 20)
    assert crowd.stdout is not None
    before = [int(crowd.stdout.readline()) for _ in range(300)]
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    server.start()
    line = _line(server)
    assert [one for one in line if one[0] in before] == sorted(one for one in line if one[0] in before)
    assert {one[0] for one in line} >= set(before)
    rest = [int(line) for line in crowd.stdout]
    assert crowd.wait(timeout=120) == 0
    assert sorted(before + rest) == list(range(1, 1001))
    assert _line(server)[: len(line)] == line
    assert _stored(server) == list(range(1, 1001))
