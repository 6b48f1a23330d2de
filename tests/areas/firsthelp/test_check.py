"""`yba first-help check`: the invented cases hold the rules, and a mistake in the data is seen."""

from __future__ import annotations

import dataclasses

import pytest

from yba.areas.firsthelp import checking, data
from yba.areas.firsthelp.data import Level, book
from yba.site import command


def test_peer_09_no_emergency_is_missed_and_few_are_sent_too_soon() -> None:
    found = checking.report(book(), checking.vignettes())
    assert len(found.outcomes) >= 120
    assert len(found.emergencies) >= 45
    assert [one.vignette.case for one in found.missed] == []
    assert found.over_share < 0.35
    assert found.problems == []
    assert [one.vignette.case for one in found.outcomes if not one.understood] == []
    assert len({one.vignette.case for one in found.outcomes}) == len(found.outcomes)


def test_the_command_prints_both_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["first-help", "check"]) == 0
    printed = capsys.readouterr().out
    assert "Under-triaged emergencies: 0" in printed
    assert "Over-triage: " in printed


def test_the_command_fails_when_an_emergency_is_missed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without its flags and always-rules chest pain is no emergency, and the check says so."""
    deaf = (dataclasses.replace(one, flags=(), rules=(), base=Level.LEISURE) for one in book().presentations)
    dull = dataclasses.replace(book(), always=(), danger=("seizure-now",), presentations=tuple(deaf))
    monkeypatch.setattr(data, "book", lambda: dull)
    assert command.main(["first-help", "check"]) == 1
    assert "an emergency was not seen as one" in capsys.readouterr().out


def test_the_command_fails_when_all_are_emergencies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shrill = dataclasses.replace(
        book(),
        presentations=tuple(dataclasses.replace(one, base=Level.EMERGENCY) for one in book().presentations),
    )
    monkeypatch.setattr(data, "book", lambda: shrill)
    assert command.main(["first-help", "check"]) == 1
    assert "over-triage is not below 35%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: {say: 'x'}", "not in both languages"),
        ("a: {say: 'x | y'}\na: {say: 'x | y'}", "given twice: a"),
        ("a: {say: 'x | y', word: 'z'}", "unknown field `word`"),
    ],
)
def test_a_mistake_in_the_data_stops_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        data.build(
            data.read_text(text, dict[str, data._Finding], name="findings.yaml"),
            data.read_file("presentations.yaml", data._Rules),
            {},
        )


def test_a_rule_about_an_unknown_finding_is_refused() -> None:
    findings = data.read_file("findings.yaml", dict[str, data._Finding])
    del findings["chest-pressure"]
    hotlines = data.read_file("hotlines.yaml", dict[str, tuple[data._Hotline, ...]])
    with pytest.raises(ValueError, match="unknown: chest-pressure"):
        data.build(findings, data.read_file("presentations.yaml", data._Rules), hotlines)
