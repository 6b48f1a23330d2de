"""Who texts: an account that proved the number acts as in the app, anybody else as nobody."""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from yba import fhir
from yba.areas.booking.texting import dialogue
from yba.care.messages.incoming import Asked
from yba.fhir.access import Actor
from yba.fhir.record import now
from yba.site.accounts import roles, rules
from yba.site.accounts.models import Phone
from yba.site.guards import guards


def heard(asked: Asked) -> str:
    """Answer a text (`settings.YBA_HEARD`)."""
    actor = _account(asked)
    connection.ensure_connection()
    record = fhir.open(
        connection.connection, actor=actor or dialogue.stranger(asked.phone), clock=now,
        guards=guards(), journal=import_string(settings.YBA_JOURNAL)() if settings.YBA_JOURNAL else None,
        transaction=transaction.atomic,
    )  # fmt: skip
    return dialogue.heard(record, asked, known=actor is not None)


def _account(asked: Asked) -> Actor | None:
    """The citizen whose number this is: proved, and not so long ago that the operator may have given it away."""
    row = Phone.objects.select_related("account").filter(number=asked.phone).first()
    if row is None or row.account.role != roles.CITIZEN or not row.account.may_enter(asked.now):
        return None
    if rules.is_silent(row.used_at, asked.now):
        return None
    actor = row.account.actor(session="sms")
    return actor if actor.person else None
