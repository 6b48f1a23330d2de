"""What happens to accounts, noted in the audit: signing in and out, refusals, factors, standing, identity."""

from __future__ import annotations

from typing import Final, Literal

from django.db import connection
from django.http import HttpRequest
from django.utils import timezone

from yba.fhir.access import Actor
from yba.fhir.store.audit import act_of, write_acts
from yba.site.accounts.models import Account
from yba.ui.requests import actor_of

Kind = Literal["sign-in", "sign-in-failed", "sign-out", "lock", "factor", "policy"]
STRANGER: Final = Actor(user="anonymous", role="anonymous")


def note(
    kind: Kind,
    *,
    request: HttpRequest | None = None,
    account: Account | None = None,
    by: Account | None = None,
    detail: str = "",
    patient: str | None = None,
    outcome: str = "ok",
) -> None:
    """Write one row, on this connection: it stands and falls with the change it tells of.

    ``account``: whom it happened to; ``by``: who did it, when not they themselves. ``detail`` is short and holds
    no secret, nor a name as it was typed: people type their password there.
    """
    came = actor_of(request) if request is not None and hasattr(request, "session") else STRANGER
    doer = by or account
    if doer is not None and came.user != str(doer.pk):
        came = doer.actor(session=came.session, address=_address(request))
    elif doer is None:
        came = Actor(user="anonymous", role="anonymous", address=_address(request))
    row = act_of(
        came,
        kind,
        timezone.now(),
        type=None,
        id=f"account-{account.pk}" if account is not None else None,
        patient=patient,
        facility=(account.facility or None) if account is not None else None,
        detail=detail[:400] or None,
        outcome=outcome,
    )
    connection.ensure_connection()
    write_acts(connection.connection, [row])


def _address(request: HttpRequest | None) -> str | None:
    return (request.META.get("REMOTE_ADDR") or None) if request is not None else None
