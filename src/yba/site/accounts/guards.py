"""A citizen number that is vouched for meets those who typed it of themselves: both go to a human, nobody is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from yba.care import people
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record

# On the record's own connection: `/fhir` writes are no transaction of Django's.
_RAISE: Final = """
insert into accounts_doubt (account_id, said, source, candidates, raised_at, decided_for, reason)
select l.account_id, %(said)s::jsonb, 'number', array[%(patient)s]::varchar[], %(now)s, '', ''
from accounts_accountperson l where l.patient_id = %(claimant)s and l.relation = 'ban-than'
on conflict (account_id) where decided_at is null do update
set candidates = accounts_doubt.candidates || excluded.candidates
where not accounts_doubt.candidates @> excluded.candidates
"""


def compare_claimants(record: Record, before: Any, after: Any) -> None:
    """Put whoever claims the number this person carries from now on beside them on the human's list."""
    if not isinstance(after, Patient) or after.active is False:
        return
    number = people.proved_number(after.identifier)
    stood = isinstance(before, Patient) and before.active is not False
    if not number or (stood and people.proved_number(before.identifier) == number):
        return
    for one in people.claimants_of(record.as_system(), number):
        if one.id == after.id:
            continue
        person = people.person_of(one)
        said = {
            "name": person.name, "birth_date": person.birth_date, "sex": person.gender,
            "citizen_number": number, "phone": person.phone,
        }  # fmt: skip
        given = {"said": msgspec.json.encode(said).decode(), "patient": after.id, "claimant": one.id}
        with record.connection.cursor() as cursor:
            cursor.execute(_RAISE, given | {"now": datetime.now(UTC)})


GUARDS = {"Patient": (compare_claimants,)}
