"""The reference of commands names every word with its options, and every variable of the environment."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from yba.site import command

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8")
ROWS = {
    row[1]: row[0]
    for row in re.findall(r"^(\| `yba ([a-z-]+).*)$", TEXT.partition("## Environment")[0], re.M)
}


def test_every_word_has_a_row() -> None:
    assert set(ROWS) == set(command.WORDS)


@pytest.mark.parametrize("word", command.WORDS)
def test_a_word_has_the_options_of_its_row(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    found: set[str] = set()
    acts = {
        "view": (["run"], ["sql"]),
        "first-help": (["check"],),
        "audit": (["verify"], ["restored"], ["export"]),
    }
    for act in acts.get(word, ([],)):
        with pytest.raises(SystemExit):
            command.main([word, *act, "--help"])
        found |= set(re.findall(r"^ +(--[a-z-]+)", capsys.readouterr().out, re.M))
    assert set(re.findall(r"`(--[a-z-]+)`", ROWS[word])) == found


def test_every_variable_has_a_row() -> None:
    source = (ROOT / "src" / "yba" / "site" / "environment.py").read_text(encoding="utf-8")
    read = set(re.findall(r'"(YBA_[A-Z_]+)"', source))
    rows = TEXT.partition("## Environment")[2]
    assert {
        name
        for row in re.findall(r"^\| (`YBA.*?) \|", rows, re.M)
        for name in re.findall(r"YBA_[A-Z_]+", row)
    } == read


def test_the_readme_names_the_same_words_and_variables() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert {one for one in command.WORDS if f"`yba {one}" not in readme} == set()
    assert "docs/reference/commands.md" in readme
