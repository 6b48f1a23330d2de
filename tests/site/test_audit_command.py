"""`yba audit` as an operator types it, on a house's own database."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import psycopg
import pytest

from tests.houses import House, free_port, roof
from yba.site.database import Embedded

pytestmark = pytest.mark.slow


def test_verify_tells_whole_from_not_whole(tmp_path: Path) -> None:
    house = House(tmp_path / "a", port=free_port())
    roof(house.data)
    source = tmp_path / "Patient.ndjson"
    source.write_text('{"resourceType": "Patient", "id": "p1"}\n')
    assert house.command("load", str(source)).returncode == 0
    key = house.command("audit", "key").stdout.strip()
    assert len(base64.b64decode(key)) == 32
    assert stat.S_IMODE((house.data / "audit-key").stat().st_mode) == 0o600

    before = house.command("audit", "verify")
    assert before.returncode == 0
    assert "are not sealed yet" in before.stdout
    assert house.command("audit", "seal").returncode == 0
    whole = house.command("audit", "verify")
    assert (whole.returncode, "not sealed yet" in whole.stdout) == (0, False)
    assert "Whole. Head: " in whole.stdout
    printed = tmp_path / "heads"
    printed.write_text(house.command("audit", "heads").stdout)
    assert printed.read_text().count("\n") == 1

    foreign = house.command("audit", "verify", "--key", "A" * 43 + "=")
    assert foreign.returncode == 1
    assert "foreign key: seal 1" in foreign.stdout

    with _database(house) as connection:
        connection.execute("alter table record.audit disable trigger all")
        connection.execute("delete from record.audit where id = 'p1'")
        connection.execute("alter table record.audit enable always trigger audit_no_change")
    broken = house.command("audit", "verify")
    assert broken.returncode == 1
    assert "removed row: row " in broken.stdout
    assert "NOT WHOLE: 1 faults." in broken.stdout

    with _database(house) as connection:
        connection.execute("alter table record.audit_seal disable trigger all")
        connection.execute("delete from record.audit_seal")
        connection.execute("alter table record.audit_seal enable always trigger audit_seal_no_change")
    assert "missing head: seal 1" in house.command("audit", "verify").stdout
    assert house.command("audit", "restored", "--reason", "đĩa hỏng").stdout == "1 heads are set aside.\n"
    assert house.command("audit", "verify").returncode == 0
    assert house.command("audit", "verify", "--heads", str(printed)).returncode == 1
    assert house.command("audit", "verify", "--heads", str(tmp_path / "none")).returncode == 2


class _database:
    """A superuser on the house's embedded database, while nothing else runs."""

    def __init__(self, house: House) -> None:
        from dataclasses import replace

        from yba.site.environment import environment

        self.environment = replace(environment(), data=house.data, database_url=None)
        self.embedded = Embedded(self.environment)

    def __enter__(self) -> psycopg.Connection[tuple[object, ...]]:
        self.embedded.start()
        self.connection = psycopg.connect(self.environment.conninfo, autocommit=True)
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.embedded.stop()
