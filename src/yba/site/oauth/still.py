"""Whether an app whose actor was kept (with a job, with a subscription) may still act: by one query, without Django."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import psycopg

from yba.fhir.access import Actor

#: What begins the session of an actor that came by an app, before the number of its sitting.
SITTING: Final = "app-"
#: Labels of `access/labels.yaml` that a citizen gives by a tick of their own. That somebody is known to the public is
#: no part of their book one could leave out.
SENSITIVE: Final = frozenset({"hiv", "mental", "reproductive", "restricted"})

#: What a sitting (``s``) of a connection (``c``) of an account (``a``) with an app (``p``) rests on, account apart.
STANDS: Final = """
p.state = 'approved' and s.ended_at is null and c.ended_at is null and c.until > clock_timestamp()
   and (case when a.role = 'citizen' then p.for_citizens
        else p.for_staff and a.role not in ('wall', 'kiosk') and p.facility in ('', a.facility) end)
   and (s.session = '' or exists (select from django_session d
                                   where d.session_key = s.session and d.expire_date > clock_timestamp()))"""
JOINED: Final = """
oauth_sitting s join oauth_connection c on c.id = s.connection_id join oauth_app p on p.id = c.app_id
  join accounts_account a on a.id = c.account_id"""
_OF_PERSON = f"""
select c.sensitive, a.role = 'citizen' from {JOINED}
 where s.id = %s and p.client_id = %s and a.id = %s and {STANDS}"""  # noqa: S608 - fixed texts
BACKEND_STANDS: Final = "state = 'approved' and backend and method = 'private_key_jwt' and facility <> ''"
_OF_BACKEND = f"select facility from oauth_app where client_id = %s and {BACKEND_STANDS}"  # noqa: S608 - the same


def app_still(connection: psycopg.Connection[Any], actor: Actor) -> Actor | None:
    """An app's actor as it is now; None when person, review or time have ended it.

    `accounts.still` sees to the account.
    """
    if actor.user == actor.app:
        row = connection.execute(_OF_BACKEND, (actor.app,)).fetchone()
        return replace(actor, facility=row[0]) if row is not None else None
    number = (actor.session or "").removeprefix(SITTING)
    if not number.isdecimal() or not actor.user.isdecimal():
        return None
    row = connection.execute(_OF_PERSON, (int(number), actor.app, int(actor.user))).fetchone()
    if row is None:
        return None
    sensitive, citizen = row
    return replace(actor, withheld=SENSITIVE if citizen and not sensitive else frozenset())
