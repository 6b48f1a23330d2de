"""`yba fhirpath` as a person types it."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from yba.site.command import main

PATIENT = (
    '{"resourceType":"Patient","name":[{"given":["Đức","An"]}],"extension":[{"url":"w","valueDecimal":3.10}]}'
)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "patient.json"
    path.write_text(PATIENT, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("expression", "printed"),
    [
        ("name.given", '["Đức","An"]'),
        ("extension.value", "[3.10]"),
        ("name", '[{"given":["Đức","An"]}]'),
        ("birthDate", "[]"),
        ("-1 + 2.50 | true | @2024-02", '[1.50,true,"2024-02"]'),
        ("-5", "[-5]"),
        ("1 week | 'a'.type()", '["1 \'wk\'",{"namespace":"System","name":"String"}]'),
    ],
)
def test_result(file: str, expression: str, printed: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["fhirpath", "--resource", file, expression]) == 0
    assert capsysbinary.readouterr().out.decode() == printed + "\n"


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("name.", "The FHIRPath expression, column 6: a name is expected, not the end."),
        ("name.wings", "The FHIRPath expression, column 6: HumanName has no wings."),
        (
            "-1.convertsToInteger()",
            "The FHIRPath expression: the sign '-' stands before a number, not a Boolean.",
        ),
    ],
)
def test_a_bad_expression(file: str, expression: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fhirpath", "--resource", file, expression]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"yba: {told}\n")


@pytest.mark.parametrize("order", [["-5 + 1", "--resource", "FILE"], ["--resource=FILE", "--", "-5 + 1"]])
def test_any_order(file: str, order: list[str], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["fhirpath", *[word.replace("FILE", file) for word in order]]) == 0
    assert capsysbinary.readouterr().out == b"[-4]\n"


def test_unchecked_names_give_nothing(file: str, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["fhirpath", "--unchecked", "--resource", file, "name.wings"]) == 0
    assert capsysbinary.readouterr().out == b"[]\n"


def test_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fhirpath", "--resource", str(tmp_path / "none"), "id"]) == 1
    assert capsys.readouterr().err == f"yba: {tmp_path / 'none'} cannot be read: No such file or directory\n"
    (tmp_path / "list").write_text("[]")
    assert main(["fhirpath", "--resource", str(tmp_path / "list"), "id"]) == 1
    assert capsys.readouterr().err == f"yba: {tmp_path / 'list'} cannot be read: It is no JSON object.\n"


def test_standard_input_and_trace(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PATIENT.encode())))
    assert main(["fhirpath", "--resource", "-", "name.given.trace('n').count()"]) == 0
    said = capsysbinary.readouterr()
    assert (said.out, said.err.decode()) == (b"[2]\n", 'trace n: ["Đức","An"]\n')


def test_no_database_is_loaded(file: str) -> None:
    code = (
        f"import sys; from yba.site.command import main; main(['fhirpath', '--resource', {file!r}, 'id']); "
    )
    code += "sys.exit(bool({'django', 'psycopg'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"[]\n")
