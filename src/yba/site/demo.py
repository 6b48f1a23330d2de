"""The demo province and its accounts, loaded once into a database."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils import timezone

from yba.care import demo as province
from yba.site.accounts import factors, roles
from yba.site.accounts.models import Account, AccountPerson
from yba.site.models import Done
from yba.site.opening import system_record

#: All demo staff share it; production refuses demo accounts (see `refuse_in_production`).
PASSWORD: Final = "yba-demo"  # noqa: S105 - printed for everyone on purpose
DONE: Final = "demo"


def load_once(*, say: Callable[[str], None]) -> bool:
    """Load the province when this database does not have it: all of it or nothing. True when it was loaded."""
    if Done.objects.filter(name=DONE).exists():
        _keep_factors()
        return False
    say("Loading the demo province (once) ...")
    today = timezone.localdate()
    with transaction.atomic():
        Done.objects.create(name=DONE)
        record = system_record()
        count = 0
        for resource in province.province(today):
            record.create_stored(resource, identifier=resource.id)
            count += 1
        for account in province.accounts():
            _keep_account(account)
        _keep_factors()
        _after_load(record)
    with connection.cursor() as cursor:
        cursor.execute("analyze")  # the planner knows nothing of what has just come
    say(f"{count} resources loaded.")
    return True


def _keep_account(given: province.DemoAccount) -> None:
    """One account of the demo; the hash is made once, for argon2 takes its time on purpose."""
    staff = given.role in roles.STAFF
    account, _ = Account.objects.update_or_create(
        login=given.login,
        defaults={
            "name": given.name,
            "role": given.role,
            "facility": given.facility or "",
            "practitioner": given.practitioner or "",
            "password": _hash() if staff else make_password(None),
            "is_demo": True,
        },
    )
    if not staff:
        account.phones.get_or_create(number=given.login)
    for patient_id, relation in given.persons:
        AccountPerson.objects.get_or_create(
            account=account, patient_id=patient_id, defaults={"relation": relation}
        )


def _keep_factors() -> None:
    """Every demo account of staff has its authenticator, whose code the demo's sign-in page shows."""
    known = Authenticator.objects.filter(type=Authenticator.Type.TOTP).values("user")
    for account in Account.objects.filter(is_demo=True, role__in=roles.SECOND_FACTOR).exclude(pk__in=known):
        factors.keep_demo(account)


_made: list[str] = []


def _hash() -> str:
    if not _made:
        _made.append(make_password(PASSWORD))
    return _made[0]


def _after_load(record: Any) -> None:
    """What areas add to a new province, such as open slots and stock: their `demo.load(record)`, if any."""
    from django.apps import apps

    for app in apps.get_app_configs():
        name = f"{app.name}.demo"
        if app.name.startswith("yba.areas.") and importlib.util.find_spec(name):
            importlib.import_module(name).load(record)


def accounts_table() -> str:
    """The demo accounts by role, as lines for the terminal."""
    rows = [("Role", "Sign in with", "Password", "Name")]
    for role in roles.NAMES:
        for account in Account.objects.filter(role=role, is_demo=True).order_by("pk")[:3]:
            secret = "code by message" if role == roles.CITIZEN else PASSWORD
            rows.append((role, account.login, secret, account.name))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def refuse_in_production() -> str | None:
    """A sentence when a production house still holds demo accounts that can sign in."""
    count = Account.objects.filter(is_demo=True, is_active=True).count()
    if not count:
        return None
    return (
        f"YBA_ENV=production, but this database holds {count} demo accounts with a known password. "
        "Use an empty database for production."
    )
