"""`yba check`: each rule finds what it is for, and nothing where all is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.houses import House, free_port, roof
from yba.care.privacy.models import Officer
from yba.site import checking, demo, dumping
from yba.site.accounts.models import Account, Token
from yba.site.checking.facts import Facts, Stored, gathered
from yba.site.checking.finding import error
from yba.site.commands.check import OF_DEPLOYMENT, lines
from yba.site.database import DatabaseProblem
from yba.site.environment import Environment, environment
from yba.site.models import Done

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
GOOD = Facts(
    env=Environment(
        data=Path("/srv/yba"), database_url=None, mode="production", port=8000, host="127.0.0.1",
        origin="https://yba.vn", live_url=None, hosts=("yba.vn",), archive=Path("/mnt/archive"),
    ),
    secret="pZ3l9Xk2mQ8vT1cR7bN4wJ6yH5gF0sD-aE_uIoPzXcVbNmLkJhG",
    settings={"ALLOWED_HOSTS": ["yba.vn"], "YBA_SCANNER": "/run/clamd", "YBA_MESSAGE_CHANNEL": "a.b"},
    rights={"/srv/yba/": "0700", "/mnt/archive/": "0700"},
    newest_copy=NOW - timedelta(days=1),
    now=NOW,
    stored=Stored(),
)  # fmt: skip


def keys(facts: Facts) -> list[str]:
    return [one.key for one in checking.judged(facts)]


def test_an_installation_that_is_well_has_no_finding() -> None:
    assert keys(GOOD) == []


ENVIRONMENTS: list[tuple[str, dict[str, Any]]] = [
    ("mode.demo", {"mode": "demo"}),
    ("hosts.none", {"hosts": ()}),
    ("origin.none", {"origin": None}),
    ("origin.http", {"origin": "http://yba.vn"}),
    ("origin.path", {"origin": "https://yba.vn/"}),
    ("origin.host", {"origin": "https://elsewhere.vn"}),
    ("proxies.any", {"proxies": ("0.0.0.0/0",)}),
    ("proxies.any", {"proxies": ("::/0",)}),
    ("listen.open", {"host": "0.0.0.0"}),
    ("database.address", {"database_url": "nonsense"}),
    ("database.tls", {"database_url": "postgresql://u:p@db.vn/yba"}),
    ("database.tls", {"database_url": "postgresql://u:p@db.vn/yba?sslmode=require"}),
    ("addresses.plain", {"import_sources": ("http://a.vn/in/",)}),
    ("addresses.plain", {"subscription_endpoints": ("http://10.0.0.1/",)}),
    ("backup.none", {"archive": None}),
    ("backup.beside", {"archive": Path("/srv/yba/archive")}),
]
FACTS: list[tuple[str, dict[str, Any]]] = [
    ("secret.short", {"secret": "short"}),
    ("secret.short", {"secret": "ab" * 40}),
    ("secret.rights", {"rights": {"/srv/yba/secret": "can be read by others"}}),
    ("folder.writable", {"rights": {"/srv/yba/": "0770"}}),
    ("folder.writable", {"rights": {"/srv/yba/": "0702"}}),
    ("folder.readable", {"rights": {"/srv/yba/": "0750"}}),
    ("root", {"root": True}),
    ("backup.empty", {"newest_copy": None}),
    ("backup.old", {"newest_copy": NOW - timedelta(days=8)}),
    ("audit.key", {"audit_key": "no key"}),
    ("database.silent", {"stored": None}),
    ("django.security.W001", {"django": (("security.W001", "warning", "100% wrong", "mend"),)}),
]
SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("debug", {"DEBUG": True}),
    ("hosts.any", {"ALLOWED_HOSTS": ["*"]}),
    ("messages.none", {"YBA_MESSAGE_CHANNEL": None}),
    ("scanner.none", {"YBA_SCANNER": ""}),
]
STORED: list[tuple[str, dict[str, Any]]] = [
    ("database.tables", {"unapplied": ("accounts.0002",)}),
    ("database.superuser", {"superuser": True}),
    ("database.superuser", {"passes_row_security": True}),
    ("database.roles", {"creates_roles": True}),
    ("database.wall", {"web_passes_wall": True}),
    ("database.wall", {"web_silent": True}),
    ("database.listens", {"listen_addresses": "*"}),
    ("database.socket", {"socket_rights": "0777"}),
    ("backup.off", {"archiving": False}),
    ("backup.failing", {"archive_failing": True}),
    ("demo.accounts", {"demo_accounts": 3}),
    ("demo.data", {"demo_data": True}),
    ("demo.password", {"known_passwords": ("le-tan",)}),
    ("staff.factor", {"staff_without_factor": 2}),
    ("tokens.endless", {"endless_tokens": 1}),
    ("officer.none", {"facilities_without_officer": ("bv",)}),
]


@pytest.mark.parametrize(("key", "changed"), ENVIRONMENTS)
def test_what_the_environment_says_wrong(key: str, changed: dict[str, Any]) -> None:
    assert keys(replace(GOOD, env=replace(GOOD.env, **changed))) == [key]


@pytest.mark.parametrize(("key", "changed"), FACTS)
def test_what_files_and_secrets_say_wrong(key: str, changed: dict[str, Any]) -> None:
    assert keys(replace(GOOD, **changed)) == [key]


@pytest.mark.parametrize(("key", "changed"), SETTINGS)
def test_what_settings_say_wrong(key: str, changed: dict[str, Any]) -> None:
    assert keys(replace(GOOD, settings={**GOOD.settings, **changed})) == [key]


@pytest.mark.parametrize(("key", "changed"), STORED)
def test_what_the_database_says_wrong(key: str, changed: dict[str, Any]) -> None:
    assert keys(replace(GOOD, stored=Stored(**changed))) == [key]


OUTSIDE = replace(GOOD, env=replace(GOOD.env, database_url="postgresql://u:p@db.vn/yba?sslmode=verify-full"))


def test_an_outside_database_has_rules_of_its_own() -> None:
    assert keys(OUTSIDE) == []
    assert keys(replace(OUTSIDE, stored=Stored(local=False, encrypted=False))) == ["database.clear"]
    (found,) = checking.judged(replace(OUTSIDE, stored=Stored(superuser=True)))
    assert (found.key, found.level) == ("database.superuser", "error")
    assert checking.judged(replace(GOOD, stored=Stored(superuser=True)))[0].level == "warning"
    assert keys(replace(OUTSIDE, stored=Stored(listen_addresses="*"))) == []


def test_folders_may_be_walked_through() -> None:
    assert keys(replace(GOOD, rights={"/srv/yba/": "0711"})) == []


def test_every_finding_is_said_in_both_languages() -> None:
    wrong = [replace(GOOD, env=replace(GOOD.env, **changed)) for _key, changed in ENVIRONMENTS]
    wrong += [replace(GOOD, **changed) for _key, changed in FACTS]
    wrong += [replace(GOOD, settings={**GOOD.settings, **changed}) for _key, changed in SETTINGS]
    wrong += [replace(GOOD, stored=Stored(**changed)) for _key, changed in STORED]
    found = [one for facts in wrong for one in checking.judged(facts) if not one.key.startswith("django.")]
    with translation.override("vi"):
        vietnamese = [(one.said(one.what), one.said(one.mend)) for one in found]
    with translation.override("en"):
        english = [(one.said(one.what), one.said(one.mend)) for one in found]
    assert all("%(" not in words for pair in (*vietnamese, *english) for words in pair)
    same = [one[0] for one, other in zip(vietnamese, english, strict=True) if one[0] == other[0]]
    assert same == []


def test_errors_come_first_and_are_counted() -> None:
    facts = replace(GOOD, root=True, secret="short")
    with translation.override("vi"):
        said = lines(checking.judged(facts))
        assert lines([]) == ["Không thấy gì sai."]
    assert [one.level for one in checking.judged(facts)] == ["error", "warning"]
    assert said[-1] == "1 lỗi, 1 cảnh báo."
    assert said[0].startswith("LỖI [secret.short]")
    assert error("x", "y", "100% %(a)s", "z").said("100%") == "100%"


def test_the_facts_of_a_database_are_asked(committed: str, django_db_blocker: Any, tmp_path: Path) -> None:
    with django_db_blocker.unblock():
        Account.objects.create_account(
            "le-tan", role="receptionist", facility="f1", password=demo.PASSWORD, is_demo=True
        )
        Account.objects.create_account("bs", role="doctor", facility="f2", password="another-long-one")
        Token.objects.create(digest="x", role="system")
        Officer.objects.create(facility="f2", name="A", named_at=NOW, named_by="B")
        Done.objects.create(name=demo.DONE)
        found = gathered(replace(environment(), data=tmp_path), committed)
    stored = found.stored
    assert stored is not None
    assert (stored.demo_accounts, stored.demo_data, stored.known_passwords) == (1, True, ["le-tan"])
    assert (stored.staff_without_factor, stored.endless_tokens) == (2, 1)
    assert (stored.facilities_without_officer, stored.unapplied) == (["f1"], ())
    assert stored.local
    assert found.rights[f"{tmp_path}/"] == "0700"


def test_a_demo_dump_does_not_stay_in_production(
    committed: str, django_db_blocker: Any, tmp_path: Path
) -> None:
    with django_db_blocker.unblock():
        dumping.refuse_demo(committed)
        Account.objects.create_account("le-tan", role="receptionist", is_demo=True)
    with pytest.raises(DatabaseProblem, match="demo's dump"):
        dumping.refuse_demo(committed)
    dumping.refuse_demo(committed)  # nothing is left, not even the tables


@pytest.mark.slow
def test_the_command_judges_a_real_installation(tmp_path: Path) -> None:
    house = House(tmp_path / "house", port=free_port(), settings={"YBA_ENV": "production"})
    roof(house.data)
    found = house.command("check", "--deploy", "--language", "en")
    assert found.returncode == 1, found.stderr
    for key in ("origin.none", "hosts.none", "backup.none", "messages.none"):
        assert f"[{key}]" in found.stdout
    for key in ("demo.accounts", "secret.short", "database.listens", "django."):
        assert f"[{key}" not in found.stdout
    assert house.command("demo-reset", "--yes").returncode == 1
    (house.data / "secret").chmod(0o644)
    wide = house.command("check", "--deploy")
    assert wide.returncode == 1
    assert "rights 0644" in wide.stderr


def test_what_is_right_in_a_demo_is_named() -> None:
    every = {key for key, _changed in (*ENVIRONMENTS, *FACTS, *SETTINGS, *STORED)}
    assert {key for key in every if not key.startswith(OF_DEPLOYMENT)} == {
        "proxies.any", "database.address", "database.tls", "addresses.plain", "secret.short", "secret.rights",
        "folder.writable", "folder.readable", "audit.key", "database.silent", "debug", "database.tables",
        "database.roles", "database.wall", "database.listens", "database.socket",
    }  # fmt: skip
