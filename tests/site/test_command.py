"""The words of `yba` as a person types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.houses import House, free_port, roof
from yba.site.command import parser
from yba.site.environment import environment, secret

pytestmark = pytest.mark.slow


def test_every_word_has_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    text = capsys.readouterr().out
    for word in ("serve", "migrate", "load", "token", "export", "backup", "restore", "import", "demo-reset"):
        assert f"\n    {word}" in text


def test_load_export_backup_restore(tmp_path: Path) -> None:
    house = House(tmp_path / "a", port=free_port())
    roof(house.data)
    source = tmp_path / "Patient.ndjson"
    rows = [{"resourceType": "Patient", "id": f"p{n}", "multipleBirthInteger": n} for n in range(3)]
    source.write_text("".join(json.dumps(row) + "\n" for row in [*rows, {"resourceType": "Cat"}]))

    loaded = house.command("load", str(source))
    assert loaded.returncode == 1
    assert f"{source}:4: " in loaded.stderr
    assert "3 resources stored" in loaded.stdout

    exported = house.command("export", str(tmp_path / "out"))
    assert exported.returncode == 0, exported.stderr
    kept = [json.loads(line) for line in (tmp_path / "out" / "Patient.ndjson").read_text().splitlines()]
    assert [{name: row[name] for name in rows[0]} for row in kept] == rows
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Patient.ndjson"]

    backup = tmp_path / "all.backup"
    assert house.command("backup", str(backup)).returncode == 0
    assert house.command("backup", str(backup)).returncode == 1

    other = House(tmp_path / "b", port=free_port())
    restored = other.command("restore", str(backup))
    assert restored.returncode == 0, restored.stderr
    assert other.command("export", str(tmp_path / "out2")).returncode == 0
    assert (tmp_path / "out2" / "Patient.ndjson").read_bytes() == (
        tmp_path / "out" / "Patient.ndjson"
    ).read_bytes()

    refused = other.command("restore", str(backup))
    assert refused.returncode == 1
    assert "not empty" in refused.stderr
    assert other.command("restore", "--force", str(backup)).returncode == 0
    torn = tmp_path / "torn.backup"
    torn.write_bytes(backup.read_bytes()[:100])
    assert other.command("restore", "--force", str(torn)).returncode == 1
    assert "3 resources" in other.command("export", str(tmp_path / "out3")).stdout


def test_tokens_open_the_endpoint(tmp_path: Path) -> None:
    import urllib.error
    import urllib.request

    house = House(tmp_path / "a", port=free_port(), arguments=("--empty",))
    roof(house.data)
    assert house.command("token", "--role", "doctor").returncode == 2
    house.start()
    try:
        token = house.command("token", "--role", "system").stdout.strip()
        assert token.startswith("yba_")
        request = urllib.request.Request(
            f"{house.address}/fhir/Patient",
            data=b'{"resourceType":"Patient","gender":"female"}',
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 201
            assert "/fhir/Patient/" in answer.headers["Location"]
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{house.address}/fhir/Patient")
        assert refused.value.code == 401
        assert json.loads(refused.value.read())["resourceType"] == "OperationOutcome"
        assert "Patient: 1\n" in house.command("export", str(tmp_path / "out")).stdout
    finally:
        house.stop()


def test_the_secret_is_made_once_and_is_only_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YBA_SECRET")
    monkeypatch.setenv("YBA_DATA", str(tmp_path / "data"))
    first = secret(environment())
    assert len(first) >= 50
    assert secret(environment()) == first
    assert (tmp_path / "data" / "secret").stat().st_mode & 0o777 == 0o600


def test_settings_that_make_no_sense_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YBA_PORT", "99999")
    with pytest.raises(SystemExit, match="YBA_PORT"):
        environment()
    monkeypatch.setenv("YBA_PORT", "8000")
    monkeypatch.setenv("YBA_ENV", "prod")
    with pytest.raises(SystemExit, match="YBA_ENV"):
        environment()


def test_production_refuses_demo_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess
    import sys

    house = House(tmp_path / "a", port=free_port())
    roof(house.data)
    code = (
        "from yba.site.opening import database_ready\n"
        "with database_ready():\n"
        "    from yba.site.accounts.models import Account\n"
        "    Account.objects.create_account('x', role='doctor', password='y', is_demo=True)\n"
    )
    subprocess.run([sys.executable, "-c", code], env=house.environ, check=True)
    answer = subprocess.run(
        [sys.executable, "-m", "yba.site.command", "serve"],
        env=house.environ | {"YBA_ENV": "production"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 1
    assert "demo accounts" in answer.stderr


@pytest.mark.parametrize("word", ["migrate", "serve"])
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "YBA_DATABASE_URL can't be read"),
        ("postgresql://yba:geheim@127.0.0.1:1/yba", "does not answer"),
    ],
    ids=["unreadable", "silent"],
)
def test_an_outside_database_that_cannot_be_used_is_said_in_a_sentence(
    tmp_path: Path, word: str, address: str, said: str
) -> None:
    house = House(tmp_path, port=free_port())
    line = [sys.executable, "-m", "yba.site.command", word]
    environ = house.environ | {"YBA_DATABASE_URL": address}
    done = subprocess.run(line, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "geheim" not in done.stderr


def test_export_and_token_refuse_what_makes_no_sense(tmp_path: Path) -> None:
    house = House(tmp_path / "a", port=free_port())
    assert house.command("export", "--type", "Cat", str(tmp_path / "out")).returncode == 2
    assert house.command("token", "--role", "system", "--days", "-1").returncode == 2
    assert house.command("token", "--role", "programme_officer").returncode == 2
    who = ("invite", "--name", "A", "--phone")
    assert house.command(*who, "0912345678", "--role", "doctor").returncode == 2
    assert house.command(*who, "12345", "--role", "auditor").returncode == 2
