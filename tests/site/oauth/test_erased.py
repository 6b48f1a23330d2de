"""What is left of apps when an account is erased: nothing of the account's own, and everything that is others'."""

from __future__ import annotations

from tests.site.oauth.steps import Steps, a_developer
from yba.site.accounts.models import Account
from yba.site.erasing import erase_account
from yba.site.oauth.bearer import actor_of_bearer
from yba.site.oauth.models import AccessToken, App, Connection, Sitting


def test_an_app_outlives_who_registered_it(steps: Steps) -> None:
    token = steps.tokens()["access_token"]
    erase_account(a_developer())
    assert App.objects.get().registered_by is None
    assert actor_of_bearer(token) is not None


def test_what_an_account_had_connected_goes_with_it(steps: Steps, citizen: Account) -> None:
    token = steps.tokens()["access_token"]
    erase_account(citizen)
    assert actor_of_bearer(token) is None
    assert [table.objects.count() for table in (Connection, Sitting, AccessToken)] == [0, 0, 0]
