"""An installation of the first day comes along: role keys, and the numbers citizens signed in with."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tests.builders import as_owner

LAST = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


def at(*targets: tuple[str, str]) -> object:
    """The models as they were at these migrations, and the database brought there."""
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return MigrationExecutor(connection).loader.project_state(list(targets)).apps


def test_care_desk_becomes_customer_care_and_numbers_get_rows(committed: str) -> None:
    connection.ensure_connection()
    with as_owner(connection.connection):
        _from_the_first_day()


def _from_the_first_day() -> None:
    old = at(("accounts", "0001_initial"))
    account, token = old.get_model("accounts", "Account"), old.get_model("accounts", "Token")  # type: ignore[attr-defined]
    account.objects.create(login="cskh", role="care_desk", facility="bv1")
    account.objects.create(login="0905123456", role="citizen", last_login=LAST)
    account.objects.create(login="+33612345678", role="citizen")
    token.objects.create(digest="d", role="care_desk")
    executor = MigrationExecutor(connection)
    executor.migrate([one for one in executor.loader.graph.leaf_nodes() if one[0] in ("accounts", "oauth")])

    from yba.site.accounts.models import Account, Phone, Token

    assert dict(Account.objects.values_list("login", "role")) == {
        "cskh": "customer_care",
        "0905123456": "citizen",
        "+33612345678": "citizen",
    }
    assert Token.objects.get().role == "customer_care"
    assert set(Phone.objects.values_list("number", "account__login")) == {
        ("0905123456", "0905123456"),
        ("+33612345678", "+33612345678"),
    }
    assert Phone.objects.get(number="0905123456").used_at == LAST
