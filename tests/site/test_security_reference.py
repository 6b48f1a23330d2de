"""The page of security holds a line for each requirement of ASVS 4.0.3, levels 1 and 2, and names what exists."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reference" / "security.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \| (.+) \|$", TEXT, re.M)
#: How many requirements of the levels 1 and 2 each section has; what 4.0.3 took out leaves holes in the numbers.
SECTIONS = {
    "1.1": 7, "1.2": 4, "1.4": 3, "1.5": 4, "1.6": 4, "1.7": 2, "1.8": 2, "1.9": 2, "1.10": 1, "1.11": 2, "1.12": 1,
    "1.14": 6, "2.1": 12, "2.2": 3, "2.3": 3, "2.4": 5, "2.5": 7, "2.6": 3, "2.7": 6, "2.8": 7, "2.9": 3, "2.10": 4,
    "3.1": 1, "3.2": 4, "3.3": 4, "3.4": 5, "3.5": 3, "3.7": 1, "4.1": 4, "4.2": 2, "4.3": 3, "5.1": 5, "5.2": 8,
    "5.3": 10, "5.4": 3, "5.5": 4, "6.1": 3, "6.2": 6, "6.3": 2, "6.4": 2, "7.1": 4, "7.2": 2, "7.3": 3, "7.4": 3,
    "8.1": 4, "8.2": 3, "8.3": 8, "9.1": 3, "9.2": 4, "10.2": 2, "10.3": 3, "11.1": 8, "12.1": 3, "12.2": 1, "12.3": 6,
    "12.4": 2, "12.5": 2, "12.6": 1, "13.1": 4, "13.2": 5, "13.3": 2, "13.4": 2, "14.1": 4, "14.2": 6, "14.3": 2,
    "14.4": 7, "14.5": 4,
}  # fmt: skip


def test_every_requirement_has_its_line() -> None:
    numbers = [row[0] for row in ROWS]
    assert len(numbers) == len(set(numbers)) == 259
    found: dict[str, int] = {}
    for number in numbers:
        section = number.rpartition(".")[0]
        found[section] = found.get(section, 0) + 1
    assert found == SECTIONS
    assert len(ROWS) == len(re.findall(r"^\| \d+\.\d+\.\d+ \|", TEXT, re.M))


def test_every_state_is_one_of_three() -> None:
    assert {row[3] for row in ROWS} == {"met", "n/a", "open"}


@cache
def _tests_of(path: Path) -> frozenset[str]:
    return frozenset(re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.M))


def _problem(named: str) -> str:
    """Why what a line names is not there; empty when it is."""
    name, _colons, test = named.partition("::")
    path = ROOT / "tests" / name if name.endswith(".py") and not name.startswith("src/") else ROOT / name
    if not path.exists():
        return f"{named}: no such file"
    if test and test not in _tests_of(path):
        return f"{named}: no such test"
    return ""


def _named(words: str) -> list[str]:
    return [
        one
        for one in re.findall(r"`([^`]+)`", words)
        if re.fullmatch(
            r"[\w./-]+\.(py|md|js|txt|toml|css)(::test_\w+)?|Makefile|\.ci/run|\.importlinter", one
        )
    ]


@pytest.mark.parametrize("row", [row for row in ROWS if row[3] == "met"], ids=lambda row: row[0])
def test_what_is_met_names_what_shows_it(row: tuple[str, ...]) -> None:
    named = _named(row[4])
    assert named, f"{row[0]} names nothing"
    assert [problem for one in named if (problem := _problem(one))] == []


def test_what_is_open_or_not_applicable_says_why() -> None:
    for number, _level, _short, state, by in ROWS:
        if state != "met":
            assert len(by) >= 8, number
            assert [
                problem for one in _named(by) if (problem := _problem(one.removeprefix("tests/")))
            ] == [] or (ROOT / _named(by)[-1]).exists()
