"""Whether an actor that was kept (with a job, with a subscription) may still act, and as whom now.

Asked by the background process, which runs without Django: by one query on the connection it has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import psycopg

from yba.fhir.access import Actor
from yba.site.accounts.rules import rights_at
from yba.site.oauth.still import app_still

_ACCOUNT = """
select a.role, a.facility, a.practitioner, a.departments, a.programme, a.rights, a.rights_until, clock_timestamp(),
       (select l.patient_id from accounts_accountperson l
         where l.account_id = a.id and l.relation = 'ban-than' order by l.id limit 1)
  from accounts_account a
 where a.id = %s and a.is_active and a.suspended_at is null
   and (a.expires_at is null or a.expires_at > clock_timestamp()) and (%s or not a.is_demo)"""
_SENT_BY = """
select 1 from accounts_token t left join accounts_account a on a.id = t.account_id
 where left(t.digest, 12) = %s and t.revoked_at is null and (t.expires_at is null or t.expires_at > clock_timestamp())
   and (a.id is null or (a.is_active and a.suspended_at is null
        and (a.expires_at is null or a.expires_at > clock_timestamp())))"""


def still(connect: Callable[[], psycopg.Connection[Any]], *, demo: bool) -> Callable[[Actor], Actor | None]:
    """The check over fresh connections. An actor of the house itself is as it was kept."""

    def check(actor: Actor) -> Actor | None:
        if actor.app is not None:
            with connect() as connection:
                found = app_still(connection, actor)
            if found is None or found.user == found.app:
                return found
            actor = found
        if actor.user.isdecimal():
            with connect() as connection:
                return _of_account(connection, actor, demo=demo)
        if actor.user.startswith("token-"):
            with connect() as connection:
                row = connection.execute(_SENT_BY, (actor.user.removeprefix("token-"),)).fetchone()
            return actor if row is not None else None
        return actor

    return check


def _of_account(connection: psycopg.Connection[Any], actor: Actor, *, demo: bool) -> Actor | None:
    row = connection.execute(_ACCOUNT, (int(actor.user), demo)).fetchone()
    if row is None:
        return None
    role, facility, practitioner, departments, programme, rights, until, now, person = row
    return replace(
        actor, role=role, facility=facility or None, practitioner=practitioner or None,
        departments=frozenset(departments), programme=programme or None, rights=rights_at(rights, until, now),
        person=person,
    )  # fmt: skip
