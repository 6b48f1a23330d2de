"""What the environment says: read here once, so that no other module looks at `os.environ`."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

from yba.site import secret_files

#: A unix socket's whole path may have 107 bytes on Linux and 103 on macOS; the file name takes 13.
LONGEST_SOCKET_FOLDER = 85
WEB_ROLE = "yba_web"
WEB_THREADS = 12
"""Of each web process: what arrives together shares statements (decision 0015), and most of a request is waiting."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings a person can choose, with their defaults."""

    data: Path
    database_url: str | None
    mode: str
    port: int
    host: str
    origin: str | None
    live_url: str | None
    hosts: tuple[str, ...]
    import_sources: tuple[str, ...] = ()
    subscription_endpoints: tuple[str, ...] = ()
    archive: Path | None = None
    integrity: bool = False
    workers: int = 1
    profiles: tuple[str, ...] = ()
    identity_key: str | None = None
    lock_minutes: int = 10
    oidc: tuple[str, str, str, str] = ("", "", "", "")
    oidc_number_claim: str = "citizen_number"
    proxies: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    scanner: str = ""
    web_database_url: str | None = None
    behind_wall: bool = False
    gateways: str = ""
    hospital_systems: str = ""
    prescription_portal: str = ""
    telephone: str = ""

    @property
    def demo(self) -> bool:
        """Demo accounts, demo data and the message page exist only in demo mode."""
        return self.mode == "demo"

    @property
    def identity_provider(self) -> dict[str, dict[str, list[dict[str, object]]]]:
        """The OpenID Connect provider whose word on who a citizen is counts; none where nothing is said."""
        issuer, client, secret, name = self.oidc
        if not issuer:
            return {}
        app: dict[str, object] = {
            "provider_id": "dinh-danh",
            "name": name or "OpenID Connect",
            "client_id": client,
            "secret": secret,
            "settings": {
                "server_url": issuer,
                "oauth_pkce_enabled": True,
                "scope": ["openid", "profile", "phone"],
            },
        }
        return {"openid_connect": {"APPS": [app]}}

    @property
    def base_url(self) -> str:
        """Where the record answers, as others call it."""
        return (self.origin or f"http://127.0.0.1:{self.port}") + "/fhir"

    @property
    def files_folder(self) -> Path:
        """Where exports lie until they are fetched."""
        return self.data / "files"

    @property
    def database_folder(self) -> Path:
        return self.data / "postgres"

    @property
    def socket_folder(self) -> Path:
        """Where the embedded database listens: beside its data, or in /tmp when that path is too long."""
        beside = self.data / "socket"
        plain = re.fullmatch(r"[A-Za-z0-9/._-]+", str(beside))
        if plain and len(os.fsencode(beside)) <= LONGEST_SOCKET_FOLDER:
            return beside
        mark = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]
        base = "/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir()  # noqa: S108 - its owner is checked
        return Path(base) / f"yba-{os.getuid()}-{mark}"

    @property
    def conninfo(self) -> str:
        """The libpq connection string of the one database: the owner's, in a web process the one behind the wall."""
        return self.web_conninfo if self.behind_wall else self.owner_conninfo

    @property
    def owner_conninfo(self) -> str:
        """As worker, commands and migrations come: as the owner of the tables."""
        return self.database_url or f"host={self.socket_folder} dbname=yba user=yba"

    @property
    def web_conninfo(self) -> str:
        """As web processes come: by a login of their own, or by the owner's, working as the role ``yba_web``."""
        if self.web_database_url:
            return self.web_database_url
        from psycopg.conninfo import (
            conninfo_to_dict,
            make_conninfo,
        )  # loads the driver, which some commands do without

        said = str(conninfo_to_dict(self.owner_conninfo).get("options") or "")
        return make_conninfo(self.owner_conninfo, options=f"{said} -c role={WEB_ROLE}".strip())


def serve_behind_wall() -> None:
    """Let this process, which serves the web and has not read its settings, come to the database as the web does."""
    os.environ["YBA_BEHIND_WALL"] = "1"


def _listed(name: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in (os.environ.get(name) or "").split(",") if one.strip())


def _workers() -> int:
    """How many web processes: one for each of the first two processors, where nothing else is said."""
    said = os.environ.get("YBA_WORKERS")
    if not said:
        return min(2, os.cpu_count() or 1)
    if not said.isascii() or not said.isdigit() or not 1 <= int(said) <= 64:
        raise SystemExit(f"YBA_WORKERS is {said!r}; it is a number from 1 to 64.")
    return int(said)


def _switched(name: str) -> bool:
    said = os.environ.get(name) or "off"
    if said not in ("on", "off"):
        raise SystemExit(f"{name} is {said!r}; it can be 'on' or 'off' (the default).")
    return said == "on"


def environment() -> Environment:
    """Read the environment as it is now."""
    data = Path(os.environ.get("YBA_DATA") or "var").expanduser().resolve()
    mode = os.environ.get("YBA_ENV") or "demo"
    if mode not in ("demo", "production"):
        raise SystemExit(f"YBA_ENV is {mode!r}; it can be 'demo' (the default) or 'production'.")
    return Environment(
        data=data,
        database_url=os.environ.get("YBA_DATABASE_URL") or None,
        mode=mode,
        port=_port(),
        host=os.environ.get("YBA_HOST") or "127.0.0.1",
        origin=os.environ.get("YBA_ORIGIN") or None,
        live_url=os.environ.get("YBA_LIVE_URL") or None,
        hosts=_listed("YBA_HOSTS"),
        import_sources=_listed("YBA_IMPORT_SOURCES"),
        subscription_endpoints=_listed("YBA_SUBSCRIPTION_ENDPOINTS"),
        archive=Path(archive).expanduser().resolve() if (archive := os.environ.get("YBA_ARCHIVE")) else None,
        integrity=_switched("YBA_REFERENCE_INTEGRITY"),
        workers=_workers(),
        profiles=_listed("YBA_PROFILES"),
        identity_key=os.environ.get("YBA_IDENTITY_KEY") or None,
        lock_minutes=_lock_minutes(),
        oidc=(
            _issuer(mode),
            os.environ.get("YBA_OIDC_CLIENT") or "",
            os.environ.get("YBA_OIDC_SECRET") or "",
            os.environ.get("YBA_OIDC_NAME") or "",
        ),
        oidc_number_claim=os.environ.get("YBA_OIDC_NUMBER_CLAIM") or "citizen_number",
        proxies=_proxies(),
        scanner=os.environ.get("YBA_SCANNER") or "",
        web_database_url=os.environ.get("YBA_WEB_DATABASE_URL") or None,
        behind_wall=bool(os.environ.get("YBA_BEHIND_WALL")),
        gateways=os.environ.get("YBA_GATEWAYS") or "",
        hospital_systems=os.environ.get("YBA_HOSPITAL_SYSTEMS") or "",
        prescription_portal=os.environ.get("YBA_PRESCRIPTION_PORTAL") or "",
        telephone=os.environ.get("YBA_TELEPHONE") or "",
    )


def _proxies() -> tuple[str, ...]:
    """The machines whose word is taken for where a request came from: this one, where nothing else is said."""
    found = _listed("YBA_PROXIES") or ("127.0.0.0/8", "::1/128")
    for one in found:
        try:
            ip_network(one)
        except ValueError:
            raise SystemExit(
                f"YBA_PROXIES has {one!r}; it is a list of networks, like 10.0.0.5/32,10.1.0.0/16."
            ) from None
    return found


def _issuer(mode: str) -> str:
    """The provider's address: what it says of people must not travel in the clear."""
    found = os.environ.get("YBA_OIDC_ISSUER") or ""
    if found and not found.startswith("https://") and mode != "demo":
        raise SystemExit(f"YBA_OIDC_ISSUER is {found!r}; outside the demo it begins with https://.")
    return found


def _lock_minutes() -> int:
    text = os.environ.get("YBA_LOCK_MINUTES") or "10"
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 240:
        raise SystemExit(f"YBA_LOCK_MINUTES is {text!r}; it is a number of minutes from 1 to 240.")
    return int(text)


def _port() -> int:
    text = os.environ.get("YBA_PORT") or "8000"
    if not text.isdecimal() or not 1 <= int(text) <= 65534:
        raise SystemExit(f"YBA_PORT is {text!r}; it must be a number from 1 to 65534.")
    return int(text)


def audit_keys() -> tuple[str | None, tuple[str, ...]]:
    """The private key that signs the audit, if one is given, and public keys that signed before it."""
    return os.environ.get("YBA_AUDIT_KEY") or None, _listed("YBA_AUDIT_KEYS_BEFORE")


def secret(env: Environment) -> str:
    """The key that signs sessions and codes: from YBA_SECRET, else a file only its owner can read."""
    given = os.environ.get("YBA_SECRET")
    if given:
        return given
    return secret_files.kept(env.data, "secret", lambda: secrets.token_urlsafe(50).encode()).decode().strip()
