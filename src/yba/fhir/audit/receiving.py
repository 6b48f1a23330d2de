"""AuditEvents that outside systems and devices send: kept in the audit like our own acts, under the same seals.

What is sent is kept as it came, with an id and a moment of ours, and found by all parameters of R4. It is never changed
and never deleted, by nobody: see FHIR R4, auditevent.html, "it is not usual to update or delete audit events".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from yba.fhir.access import policy
from yba.fhir.access.writing import Given, may_store
from yba.fhir.audit.event import PREFIX
from yba.fhir.audit.terms import TYPE, terms_of
from yba.fhir.errors import Forbidden, Invalid
from yba.fhir.model.dates import period_of
from yba.fhir.record.failures import translated
from yba.fhir.search.parameters import param_number
from yba.fhir.store.audit import act_of
from yba.fhir.store.rows import Stored, execute

if TYPE_CHECKING:
    from yba.fhir.r4.audit_event import AuditEvent
    from yba.fhir.record.handle import Record

_INSERT = """
insert into record.audit (at, actor, role, actor_facility, origin, act, type, id, version, patient, facility, name,
                          practitioner, person, app, session, address, purpose, request, patients, occurred, content,
                          terms)
values (%(at)s, %(actor)s, %(role)s, %(actor_facility)s, %(origin)s, %(act)s, %(type)s, %(id)s, %(version)s,
        %(patient)s, %(facility)s, %(name)s, %(practitioner)s, %(person)s, %(app)s, %(session)s, %(address)s,
        %(purpose)s, %(request)s, %(patients)s::text[], %(occurred)s, %(content)s, %(terms)s::text[])
returning seq
"""


class AppendOnly(Forbidden):
    """An AuditEvent is made and read: nobody changes one, nobody deletes one."""

    status = 405
    issue = "not-supported"


def unchanging() -> AppendOnly:
    """The refusal of every change of an AuditEvent."""
    return AppendOnly(
        "audit.append-only",
        "An AuditEvent is never changed or deleted, by nobody. Send another one that tells what was wrong.",
        type=TYPE,
    )


def receive(
    record: Record, stamped: AuditEvent, content: bytes, moment: datetime, facility: str | None
) -> Stored:
    """Keep an event that was checked and stamped. Raises Forbidden, Invalid; Conflict for an id that is taken."""
    identifier = stamped.id
    assert identifier is not None
    if identifier.startswith(PREFIX):
        raise Invalid(
            "audit.id", f"Ids that begin with '{PREFIX}' are of the record's own events.", path="id"
        )
    patients = _patients(stamped)
    row = Given(
        TYPE, identifier, 0, patients[0] if len(patients) == 1 else None, facility, moment, moment,
        lambda table: "[]",
    )  # fmt: skip
    if not policy.may(record.actor, TYPE, "create") or not may_store(
        lambda: record.connection, record.actor, "create", row
    ):
        error = Forbidden(
            "access.write",
            f"The role '{record.actor.role}' may not send AuditEvents. Systems and devices may.",
            type=TYPE,
        )
        record.refused(error, TYPE)
        raise error
    with translated:
        found = execute(
            record.connection, _INSERT, _values(record, stamped, content, moment, facility, patients)
        ).fetchone()
    assert found is not None
    return Stored(
        TYPE, identifier, 1, moment, content, row.patient, facility, rid=int(found[0]), method="POST"
    )


def _values(
    record: Record, event: AuditEvent, content: bytes, moment: datetime, facility: str | None, patients: list[str]
) -> dict[str, Any]:  # fmt: skip
    act = act_of(
        record.actor, "receive", moment, record.came, type=TYPE, id=event.id, version=1,
        patient=patients[0] if len(patients) == 1 else None, facility=facility,
    )  # fmt: skip
    values = {name: getattr(act, name) for name in act.__struct_fields__}
    return values | {
        "patients": patients if len(patients) > 1 else None,
        "occurred": period_of(event.recorded)[0] if event.recorded else None,
        "content": content.decode(),
        "terms": terms_of(event),
    }


def _patients(event: AuditEvent) -> list[str]:
    """The persons whom the parameter ``patient`` finds it by: who acted, and whose records it is about."""
    from yba.fhir.search.index import rows as index_rows

    number = param_number(TYPE, "patient")
    rows = index_rows(event).reference
    return sorted({row[2] for row in rows if row[0] == number and row[1] == "Patient"})
