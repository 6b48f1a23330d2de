"""What the rules judge, read once: the environment, Django's settings, files, and the database."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from yba.site import secret_files
from yba.site.environment import Environment

#: A sign-in is tried with the demo's password at so many accounts.
MOST_TRIED = 50


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database holds, as far as it matters here; ``None`` of it: it could not be asked."""

    encrypted: bool = True
    local: bool = True
    superuser: bool = False
    creates_roles: bool = False
    passes_row_security: bool = False
    web_passes_wall: bool = False
    web_silent: bool = False
    listen_addresses: str = ""
    socket_rights: str = "0700"
    archiving: bool = True
    archive_failing: bool = False
    unapplied: Sequence[str] = ()
    demo_accounts: int = 0
    demo_data: bool = False
    known_passwords: Sequence[str] = ()
    staff_without_factor: int = 0
    endless_tokens: int = 0
    facilities_without_officer: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a rule may look at."""

    env: Environment
    secret: str = ""
    secret_from_environment: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    django: Sequence[tuple[str, str, str, str]] = ()
    rights: dict[str, str] = field(default_factory=dict)
    root: bool = False
    newest_copy: datetime | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    audit_key: str = ""
    stored: Stored | None = None


SETTINGS = (
    "DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "YBA_SCANNER",
    "YBA_MESSAGE_CHANNEL",
)  # fmt: skip


def gathered(env: Environment, conninfo: str | None) -> Facts:
    """Ask everything; nothing is changed. Django must be set up."""
    from django.conf import settings

    return Facts(
        env=env,
        secret=settings.SECRET_KEY,
        secret_from_environment=bool(os.environ.get("YBA_SECRET")),
        settings={name: getattr(settings, name, None) for name in SETTINGS},
        django=_django(),
        rights=_rights(env),
        root=os.geteuid() == 0,
        newest_copy=_newest_copy(env),
        audit_key=_audit_key(env),
        stored=_stored(conninfo, env.web_conninfo) if conninfo else None,
    )


def _django() -> list[tuple[str, str, str, str]]:
    """Django's own findings: key, level, what, how to mend."""
    from django.core import checks

    found = checks.run_checks(include_deployment_checks=True, tags=[checks.Tags.security])
    return [
        (str(one.id), "error" if one.level >= checks.ERROR else "warning", str(one.msg), str(one.hint or ""))
        for one in found
        if not one.is_silenced()
    ]


def _rights(env: Environment) -> dict[str, str]:
    """What is wrong with the rights of each secret's file, and who may enter each folder: path -> octal or words."""
    found = {}
    for name in ("secret", "audit-key"):
        path = env.data / name
        if os.path.lexists(path) and (problem := secret_files.problem_of(path.lstat())):
            found[str(path)] = problem
    for folder in filter(None, (env.data, env.files_folder, env.archive)):
        if folder.is_dir():
            found[f"{folder}/"] = f"{folder.stat().st_mode & 0o777:04o}"
    return found


def _newest_copy(env: Environment) -> datetime | None:
    from yba.site import recovery

    if env.archive is None or not env.archive.is_dir():
        return None
    try:
        copies = recovery.bases(env.archive)
    except (OSError, ValueError, KeyError):
        return None
    return copies[-1].finished if copies else None


def _audit_key(env: Environment) -> str:
    """What is wrong with the key that seals the audit; empty: nothing."""
    try:
        from yba.site import audit_keys
    except ImportError:
        return ""
    if not os.environ.get("YBA_AUDIT_KEY") and not (env.data / audit_keys.FILE).exists():
        return ""  # made at the first start
    try:
        audit_keys.signer(env)
    except SystemExit as problem:
        return str(problem)
    return ""


def _stored(conninfo: str, web: str) -> Stored | None:
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
            return Stored(**_of_server(connection), **_of_web(web), **_of_tables(connection))
    except psycopg.Error:
        return None


def _one(connection: psycopg.Connection[Any], query: str, *values: object) -> Any:
    row = connection.execute(query, values).fetchone()
    return row[0] if row else None


def _of_server(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    role = connection.execute(
        "SELECT rolsuper, rolcreaterole, rolbypassrls FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    archiver = connection.execute(
        "SELECT coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) FROM pg_stat_archiver"
    ).fetchone()
    host = connection.info.host or ""
    return {
        "local": host.startswith("/") or host in ("", "localhost", "127.0.0.1", "::1"),
        "encrypted": bool(_one(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")),
        "superuser": bool(role and role[0]),
        "creates_roles": bool(role and role[1]),
        "passes_row_security": bool(role and role[2]),
        "listen_addresses": str(_one(connection, "SHOW listen_addresses")),
        "socket_rights": str(_one(connection, "SHOW unix_socket_permissions")),
        "archiving": _one(connection, "SHOW archive_mode") in ("on", "always"),
        "archive_failing": bool(archiver and archiver[0]),
    }


def _of_web(conninfo: str) -> dict[str, Any]:
    """As web processes come: whether the wall stands before them."""
    try:
        with psycopg.connect(conninfo, autocommit=True, connect_timeout=10) as connection:
            held = _one(connection, "SELECT row_security_active(to_regclass('record.resource'))")
            return {"web_passes_wall": held is False}
    except psycopg.Error:
        return {"web_silent": True}


def _of_tables(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Through Django, which is set up for the same database."""
    from django.db import connection as django_connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(django_connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan or _one(connection, "SELECT to_regclass('record.resource') IS NULL"):
        return {"unapplied": [f"{one.app_label}.{one.name}" for one, _backwards in plan] or ["record"]}
    return _of_people()


def _of_people() -> dict[str, Any]:
    from django.contrib.auth.hashers import check_password
    from django.utils import timezone

    from yba.care.privacy.models import Officer
    from yba.site import demo
    from yba.site.accounts import roles
    from yba.site.accounts.models import Account, Token
    from yba.site.models import Done

    active = Account.objects.filter(is_active=True)
    staff = active.filter(role__in=roles.STAFF)
    known = [
        one.login
        for one in active.exclude(role=roles.CITIZEN).order_by("pk")[:MOST_TRIED]
        if check_password(demo.PASSWORD, one.password)
    ]
    facilities = set(staff.exclude(facility="").values_list("facility", flat=True))
    named = set(Officer.objects.values_list("facility", flat=True))
    far = timezone.now() + timedelta(days=400)
    return {
        "demo_accounts": active.filter(is_demo=True).count(),
        "demo_data": Done.objects.filter(name=demo.DONE).exists(),
        "known_passwords": known,
        "staff_without_factor": _without_factor(staff),
        "endless_tokens": Token.objects.filter(revoked_at=None).exclude(expires_at__lt=far).count(),
        "facilities_without_officer": sorted(facilities - named),
    }


def _without_factor(staff: Any) -> int:
    """Staff who see records and have no second factor yet."""
    from django.apps import apps

    if not apps.is_installed("allauth.mfa"):
        return int(staff.count())
    from allauth.mfa.models import Authenticator

    from yba.site.accounts import roles

    kinds = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
    has = Authenticator.objects.filter(type__in=kinds).values("user_id")
    return int(staff.exclude(role__in=getattr(roles, "SCREENS", (roles.WALL,))).exclude(pk__in=has).count())


def folder_rights(facts: Facts) -> dict[Path, int]:
    """The folders and their rights as numbers."""
    return {
        Path(name): int(said, 8)
        for name, said in facts.rights.items()
        if name.endswith("/") and said.isdigit()
    }
