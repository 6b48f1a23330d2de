"""Who comes to the database as whom: web processes behind the wall, all others as the owner of the tables."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.error import HTTPError

import psycopg
import pytest
from django.db import connection as django_connection
from django.test import Client

from tests.houses import House
from yba import fhir
from yba.fhir.access import wall
from yba.fhir.r4.patient import Patient
from yba.fhir.store import webrole
from yba.site.checking.facts import _of_web
from yba.site.database import DatabaseProblem, check_web
from yba.site.environment import WEB_ROLE, environment


def as_role(conninfo: str) -> tuple[str, bool]:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("select current_user, row_security_active('record.resource')").fetchone()
    assert row is not None
    return str(row[0]), bool(row[1])


def test_the_record_and_the_site_mean_one_role() -> None:
    assert WEB_ROLE == webrole.ROLE


def test_the_web_comes_behind_the_wall(own_database: str) -> None:
    env = replace(environment(), database_url=own_database)
    assert as_role(env.conninfo)[1] is False
    assert env.conninfo == env.owner_conninfo == own_database
    walled = replace(env, behind_wall=True)
    assert walled.conninfo == walled.web_conninfo
    assert as_role(walled.conninfo) == ("yba_web", True)
    check_web(env)


def test_options_somebody_gave_stay(own_database: str) -> None:
    given = psycopg.conninfo.make_conninfo(own_database, options="-c statement_timeout=7s")
    env = replace(environment(), database_url=given)
    with psycopg.connect(env.web_conninfo) as connection:
        assert connection.execute("show statement_timeout").fetchone() == ("7s",)
        assert connection.execute("select current_user").fetchone() == ("yba_web",)


@contextmanager
def login(conninfo: str, *terms: str) -> Iterator[str]:
    """The address of the same database by a login made for the test."""
    with psycopg.connect(conninfo, autocommit=True) as owner:
        owner.execute("drop role if exists yba_test_login")
        owner.execute(f"create role yba_test_login login password 'p' {' '.join(terms)}".encode())
    try:
        yield psycopg.conninfo.make_conninfo(conninfo, user="yba_test_login", password="p")
    finally:
        with psycopg.connect(conninfo, autocommit=True) as owner:
            owner.execute("drop role yba_test_login")


def test_a_login_of_its_own(own_database: str) -> None:
    with login(own_database, "in role yba_web") as address:
        env = replace(environment(), database_url=own_database, web_database_url=address)
        check_web(env)
        assert as_role(env.web_conninfo) == ("yba_test_login", True)
        with psycopg.connect(env.web_conninfo, autocommit=True) as web:
            web.execute("set role none")
            wall.tell(web, wall.NOBODY)
            assert web.execute("select count(*) from record.resource").fetchone() == (0,)
        assert _of_web(env.web_conninfo) == {"web_passes_wall": False}


def test_a_login_without_the_role_is_told_what_to_do(own_database: str) -> None:
    with login(own_database) as address:
        env = replace(environment(), database_url=own_database, web_database_url=address)
        with pytest.raises(DatabaseProblem, match="GRANT yba_web TO") as told:
            check_web(env)
        assert "password" not in str(told.value)
        assert _of_web(env.web_conninfo) == {"web_silent": True}


def test_the_check_says_when_the_web_passes_the_wall(own_database: str) -> None:
    assert _of_web(own_database) == {"web_passes_wall": True}
    with login(own_database, "in role yba_web bypassrls") as address:
        assert _of_web(address) == {"web_passes_wall": True}
    assert _of_web("host=/nowhere dbname=none connect_timeout=2") == {"web_silent": True}


def test_a_login_that_may_not_make_roles_says_so(own_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on an outside server: where the role is missing and may not be made, nothing is let in, and nothing breaks."""
    monkeypatch.setattr(webrole, "ROLE", "yba_no_such_role")
    with login(own_database) as address, psycopg.connect(address, autocommit=True) as connection:
        assert webrole.admit(connection) is False


def test_a_page_begins_with_nobody(db: None, client: Client, record: fhir.Record) -> None:
    made = record.create(Patient())
    question = "select count(*) from record.resource where id = %s"
    driver: Any = django_connection.connection
    assert driver.execute(question, (made.id,)).fetchone() == (1,)
    assert client.get("/health").status_code == 200
    assert driver.execute(question, (made.id,)).fetchone() == (0,)
    assert record.read(Patient, str(made.id)).id == made.id


def test_a_served_house_stands_behind_its_wall(house: House) -> None:
    """A policy that hides one row from all but the owner hides it from the web, and from no command."""
    token = house.command("token", "--role", "system").stdout.strip()

    def ask(path: str) -> tuple[int, bytes]:
        asked = urllib.request.Request(
            f"{house.address}/fhir/{path}", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(asked) as answer:
                return int(answer.status), answer.read()
        except HTTPError as refused:
            return refused.code, b""

    identifier = json.loads(ask("Organization?_count=1")[1])["entry"][0]["resource"]["id"]
    path = f"Organization/{identifier}"
    assert ask(path)[0] == 200
    with psycopg.connect(house.conninfo, autocommit=True) as owner:
        hide = "create policy hidden on record.resource as restrictive using (id <> '{}')"
        owner.execute(hide.format(identifier).encode())
        try:
            assert ask(path)[0] == 404
        finally:
            owner.execute("drop policy hidden on record.resource")
    assert ask(path)[0] == 200
