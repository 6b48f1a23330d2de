"""Accounts, tokens, sessions and apps of a served house for everybody of the world: ``python -m tests.access.keys``.

Run in the house's own environment; prints, as JSON, what a test needs to come as each of them.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

TOKENS = (
    "receptionist", "customer_care", "doctor", "head_of_department", "nurse", "laboratory", "imaging", "pharmacist",
    "cashier", "insurance_clerk", "records_office", "facility_administrator", "provincial_officer", "auditor",
    "system_administrator", "device", "wall", "kiosk", "programme_officer", "outside_system", "citizen", "citizen_dead",
    "citizen_other", "doctor_a2", "doctor_hiv", "doctor_b", "head_other", "nurse_b", "cashier_b", "records_b",
    "system_role",
)  # fmt: skip
"""Whoever of ``ACTORS`` an operator can make a token for."""
SESSIONS = tuple(
    name for name in TOKENS if name not in ("device", "outside_system", "system_role", "citizen_dead")
)
SCOPES = {
    "chart": "launch/patient patient/*.rs", "one type": "launch/patient patient/Observation.rs",
    "read only": "launch/patient patient/Observation.r patient/Patient.r", "none": "openid fhirUser launch/patient",
}  # fmt: skip


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "yba.site.settings"
    import django

    django.setup()
    from django.contrib.auth.hashers import Argon2PasswordHasher
    from django.test.utils import setup_test_environment

    setup_test_environment()
    # Nobody signs in by these passwords: by the same algorithm, with less work each (as in conftest.py).
    Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = (
        1,
        8,
        1,
    )
    print(json.dumps({"tokens": _tokens(), "sessions": _sessions(), "apps": _apps(), "backend": _backend()}))


def _fields(name: str) -> dict[str, Any]:
    from tests.access.asking import ACTORS

    actor = ACTORS[name]
    return {
        "role": actor.role, "facility": actor.facility or "", "practitioner": actor.practitioner or "",
        "departments": sorted(actor.departments), "programme": actor.programme or "", "rights": sorted(actor.rights),
    }  # fmt: skip


def _tokens() -> dict[str, str]:
    from tests.access.asking import ACTORS
    from yba.site.accounts.actions import make_token

    return {
        name: make_token(**_fields(name), person=ACTORS[name].person or "", now=datetime.now(UTC))
        for name in TOKENS
    }


def _account(name: str) -> Any:
    from tests.access.asking import ACTORS
    from tests.signing import staff
    from tests.site.oauth.steps import an_account, own

    person = ACTORS[name].person
    if person is not None:
        account = an_account(login=f"09050{SESSIONS.index(name):05}", name=f"Tài khoản {name}")
        own(account, person)
        return account
    fields = _fields(name)
    return staff(f"tk.{name}", fields.pop("role"), **fields)


def _sessions() -> dict[str, str]:
    """A session cookie each, begun as signing in begins it."""
    from django.conf import settings
    from django.test import Client

    found = {}
    for name in SESSIONS:
        client = Client()
        client.force_login(_account(name))
        found[name] = client.cookies[settings.SESSION_COOKIE_NAME].value
    return found


def _apps() -> dict[str, str]:
    """Access tokens of an app that a citizen has let do this and that, by the steps an app takes."""
    from django.test import Client

    from tests.site.oauth.steps import Steps, an_app
    from yba.site.accounts.models import Account

    browser = Client()
    browser.force_login(Account.objects.get(links__patient_id="me"))
    found = {}
    for name, scope in SCOPES.items():
        found[name] = Steps(an_app(name=f"Ứng dụng {name}"), browser).tokens(scope=scope)["access_token"]
    return found


def _backend() -> str:
    """An access token of a program of its own, which works for longer here than the five minutes it has."""
    from tests.site.oauth.steps import an_app
    from yba.site.oauth import issuing
    from yba.site.oauth.models import AccessToken

    app = an_app(
        name="Hệ thống bên ngoài", client_id="app-1", facility="A", method="private_key_jwt", redirect_uris=[],
        backend=True, scopes="system/Observation.rs system/Patient.rs",
    )  # fmt: skip
    now = datetime.now(UTC)
    text: str = issuing.token_of_backend(app, app.scopes.split(), now=now)["access_token"]
    AccessToken.objects.filter(app=app).update(expires_at=now + timedelta(hours=1))
    return text


if __name__ == "__main__":
    main()
