"""Alerts as auditors see and judge them: those of their facility, each new, seen, or explained with a note.

Who may look at the audit of a facility may look at its alerts; the access door says so, as of AuditEvents. Every
judgement is an act of the audit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from yba.fhir.access import policy
from yba.fhir.audit.terms import TYPE
from yba.fhir.errors import Conflict, Invalid, NotFound
from yba.fhir.record.failures import translated
from yba.fhir.store.rows import execute

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record

STATES: Final = ("new", "seen", "explained")
SHORTEST_NOTE: Final = 5
LONGEST_NOTE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. ``count``: books, or acts; ``patient``: whose book, of rules that speak of one."""

    number: int
    rule: str
    found: datetime
    since: datetime
    until: datetime
    actor: str
    name: str | None
    role: str
    facility: str | None
    patient: str | None
    count: int
    state: str
    note: str | None
    judged: datetime | None
    judge: str | None


_COLUMNS = (
    "number, rule::varchar, found, since, until, actor::varchar, name::varchar, role::varchar, facility::varchar,"
    " patient::varchar, count, state::varchar, note::varchar, judged, judge::varchar"
)
# Of the facility, or of nobody's where somebody is not known (sign-ins that failed).
_OURS = "(%(all)s or facility = %(facility)s)"


def _whose(record: Record) -> dict[str, Any]:
    """Which alerts the actor may see: all, or the facility's. Raises NotFound for who may not look at the audit."""
    actor = record.actor
    if policy.sees_all(actor, TYPE):
        return {"all": True, "facility": None}
    if (
        actor.facility is None
        or policy.condition(actor, TYPE).narrow
        or not policy.may(actor, TYPE, "search")
    ):
        raise NotFound("audit.no-alerts", "There are no alerts.")
    return {"all": False, "facility": actor.facility}


def alerts(
    record: Record, *, state: str | None = None, before: int | None = None, limit: int = 50
) -> list[Alert]:
    """Alerts, newest first; with ``state`` those in it, from the one before ``before`` on."""
    query = f"""
        select {_COLUMNS} from record.audit_alert
         where {_OURS} and (%(state)s::text is null or state = %(state)s)
           and (%(before)s::bigint is null or number < %(before)s) order by number desc limit %(limit)s"""  # noqa: S608
    asked = {**_whose(record), "state": state, "before": before, "limit": limit}
    with translated:
        found = [Alert(*row) for row in execute(record.connection, query, asked).fetchall()]
    record.audit("audit", type_name=TYPE, detail=f"alerts {state or 'all'}", answered=len(found))
    return found


def count_new(record: Record) -> int:
    """How many nobody has seen yet."""
    query = f"select count(*) from record.audit_alert where {_OURS} and state = 'new'"  # noqa: S608 - our own text
    found = execute(record.connection, query, _whose(record)).fetchone()
    return int(found[0]) if found is not None else 0


def alert(record: Record, number: int) -> Alert:
    """One alert. Raises NotFound."""
    query = f"select {_COLUMNS} from record.audit_alert where number = %(number)s and {_OURS}"  # noqa: S608 - as above
    with translated:
        found = execute(record.connection, query, {**_whose(record), "number": number}).fetchone()
    if found is None:
        raise NotFound("audit.no-alert", f"There is no alert {number}.")
    return Alert(*found)


def judge(record: Record, number: int, *, state: str, note: str = "") -> Alert:
    """Say that an alert was seen, or what explains it. What is explained stays so.

    Raises NotFound; Invalid for an explanation without words; Conflict where somebody has explained it already.
    """
    note = note.strip()
    if state not in ("seen", "explained"):
        raise Invalid("audit.state", "An alert is seen, or explained.")
    if state == "explained" and not SHORTEST_NOTE <= len(note) <= LONGEST_NOTE:
        raise Invalid("audit.note", "Say in some words what explains it.", path="note")
    known = alert(record, number)
    query = f"""
        update record.audit_alert
           set state = %(state)s, note = coalesce(%(note)s, note), judged = %(now)s, judge = %(judge)s
         where number = %(number)s and state <> 'explained' and not (state = 'seen' and %(state)s = 'seen')
        returning {_COLUMNS}"""  # noqa: S608 - our own text
    asked = {
        "state": state, "note": note or None, "now": record.clock(), "judge": record.actor.name or record.actor.user,
        "number": number,
    }  # fmt: skip
    with translated:
        found = execute(record.connection, query, asked).fetchone()
    if found is None:
        if state == "seen":
            return known
        raise Conflict("audit.judged", f"The alert {number} is explained already.")
    record.audit(
        "alert",
        detail=f"alert {number} {known.rule}: {state}",
        patients=[known.patient] if known.patient else (),
    )
    return Alert(*found)
