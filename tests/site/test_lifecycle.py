"""`yba serve` as it really runs: start, refuse a second, survive a kill, stop without leaving a process."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.houses import House, free_port, roof

pytestmark = pytest.mark.slow


@pytest.fixture
def empty_house(tmp_path: Path) -> Iterator[House]:
    """A house without the demo, in a folder with a space in its name."""
    found = House(tmp_path / "nhà của tôi", port=free_port(), arguments=("--empty",))
    yield found
    if found.process is not None and found.process.poll() is None:
        found.stop()
    for pid in found.processes():
        os.kill(pid, signal.SIGKILL)


def connect(house: House) -> psycopg.Connection[tuple[object, ...]]:
    """The house's database, wherever its socket is: its own command line knows."""
    from yba.site.environment import Environment

    env = Environment(
        data=house.data, database_url=None, mode="demo", port=house.port, host="127.0.0.1",
        origin=None, live_url=None, hosts=(),
    )  # fmt: skip
    return psycopg.connect(env.conninfo, autocommit=True)


def wait_for(found: object, seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


def test_start_refuse_a_second_lose_parts_be_killed_start_again_and_stop(empty_house: House) -> None:
    house = empty_house
    house.start()
    assert house.get("/health") == (200, '{"status": "ok"}')
    first = house.process
    assert first is not None

    second = house.command("serve")
    assert second.returncode == 1
    assert f"process {first.pid} at {house.address}" in second.stderr

    a_part_that_ends_is_started_again(house)

    with connect(house) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")

    house.kill()
    assert wait_for(lambda: not house.processes()), house.processes()

    assert "Preparing the tables" in house.said()
    house.start()
    assert "Preparing the tables" not in house.said()  # it begins where it was, nothing is made again
    assert "Record: " not in house.said()
    with connect(house) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)

    killing_everything_at_once_loses_nothing_acknowledged(house)

    assert house.stop() == 0
    assert house.processes() == []
    assert "Stopped." in house.said()
    assert not (house.data / "postgres" / "postmaster.pid").exists()


def killing_everything_at_once_loses_nothing_acknowledged(house: House) -> None:
    with connect(house) as connection:
        connection.execute("CREATE TABLE at_once (n int)")
        for n in range(100):
            connection.execute("INSERT INTO at_once VALUES (%s)", (n,))
        for pid in house.processes():
            os.kill(pid, signal.SIGKILL)
    assert house.process is not None
    house.process.wait(10)
    wait_for(lambda: not house.processes())
    assert (house.data / "postgres" / "postmaster.pid").exists()
    house.start()
    with connect(house) as connection:
        assert connection.execute("SELECT count(*) FROM at_once").fetchone() == (100,)


def a_part_that_ends_is_started_again(house: House) -> None:
    assert house.process is not None
    children = (
        Path("/proc") / str(house.process.pid) / "task" / str(house.process.pid) / "children"
    ).read_text()
    for pid in children.split():
        os.kill(int(pid), signal.SIGKILL)
    assert wait_for(lambda: "The database ended unexpectedly" in house.said())
    assert wait_for(lambda: "The web process ended" in house.said())

    def answers() -> bool:
        try:
            return house.get("/health")[0] == 200
        except OSError:
            return False

    assert wait_for(answers, 30), house.said()


def test_a_taken_port_is_named(empty_house: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", empty_house.port))
        other.listen()
        answer = empty_house.command("serve")
    assert answer.returncode == 1
    assert f"Port {empty_house.port} can't be used" in answer.stdout + answer.stderr


def test_the_mark_of_a_number_used_again_does_not_keep_the_database_down(empty_house: House) -> None:
    house = empty_house
    roof(house.data)
    mark = house.data / "postgres" / "postmaster.pid"
    mark.write_text(f"{os.getpid()}\n{house.data / 'postgres'}\n0\n5432\n/tmp\n\n\n")
    answer = house.command("migrate")
    assert answer.returncode == 0, answer.stderr


def test_data_of_a_long_path_has_a_short_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("dài " * 20).strip() / ("x" * 60)
    house = House(folder, port=free_port())
    answer = house.command("migrate")
    assert answer.returncode == 0, answer.stderr
    assert (folder / "postgres" / "PG_VERSION").exists()
