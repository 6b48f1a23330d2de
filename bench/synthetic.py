"""A store of many persons, made in the database from one family written through the record.

Each person has a chart of 12 observations, 3 visits, 2 appointments and 2 prescriptions; every 20 persons there is a
schedule with 40 slots. What a family says is told apart by number: names, days, facilities, practitioners, statuses.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec

PERSON = 20
OBSERVATIONS = 12
SLOTS = 40
DAYS = 1_500
_FACILITY = '"meta":{"tag":[{"system":"https://yba.vn/fhir/facility","code":"bench-f0"}]}'
_SUBJECT = '"subject":{"reference":"Patient/bench-0"}'


def fill(connection: psycopg.Connection[Any], persons: int, *, observations: int = OBSERVATIONS) -> int:
    """Fill an empty record; how many resources it then holds. The connection commits by itself."""
    made = _copied(connection, _person(observations), persons) + _copied(
        connection, _schedule(), max(1, persons // 20)
    )
    record = fhir.open(connection, actor=SYSTEM)
    for number in range(50):
        record.update(codec.decode(_practitioner(number)))
    connection.execute(_STANDING)
    connection.execute("vacuum analyze")
    return made + 50


# Each person's last visit is open; it stands to facility and chart as the record itself would have it.
_STANDING = """
insert into record.standing (shard, patient, holder, basis, since, until, source_type, source_id)
select r.shard, r.patient, 'facility:' || r.facility, 'visit', '-infinity', 'infinity', 'Encounter', r.id
  from record.resource r where r.type = 'Encounter' and r.id like '%-e2' and r.facility is not null
"""


# -- what one family is ------------------------------------------------------------------------------------


def _person(observations: int) -> list[str]:
    patient = (
        '{"resourceType":"Patient","id":"bench-0","identifier":[{"system":"http://s","value":"bench-0"}],'
        '"name":[{"text":"ho0 ten0","family":"ho0","given":["ten0"]}],"gender":"female","birthDate":"1950-01-01",'
        '"generalPractitioner":[{"reference":"Practitioner/bench-d0"}]}'
    )
    return [
        patient,
        *(_observation(number) for number in range(observations)),
        *(_encounter(number) for number in range(3)),
        *(_appointment(number) for number in range(2)),
        *(_prescription(number) for number in range(2)),
    ]


def _observation(number: int) -> str:
    category = "laboratory" if number % 3 else "vital-signs"
    code = ("8867-4", "2339-0", "718-7", "8302-2")[number % 4]
    day = f"2020-{1 + number // 28:02}-{1 + number % 28:02}"
    return (
        f'{{"resourceType":"Observation","id":"bench-0-o{number}",{_FACILITY},"status":"final","category":[{{"coding":'
        f'[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"{category}"}}]}}],'
        f'"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}"}}]}},{_SUBJECT},'
        f'"encounter":{{"reference":"Encounter/bench-0-e{number % 3}"}},"effectiveDateTime":"{day}",'
        f'"performer":[{{"reference":"Practitioner/bench-d0"}}],"valueQuantity":{{"value":{60 + number}}}}}'
    )


def _encounter(number: int) -> str:
    status = ("finished", "finished", "triaged")[number]
    day = f"2020-01-{1 + number:02}"
    return (
        f'{{"resourceType":"Encounter","id":"bench-0-e{number}",{_FACILITY},"status":"{status}","class":{{"code":"AMB"}},'
        f'{_SUBJECT},"period":{{"start":"{day}T08:00:00+07:00","end":"{day}T09:00:00+07:00"}}}}'
    )


def _appointment(number: int) -> str:
    return (
        f'{{"resourceType":"Appointment","id":"bench-0-a{number}",{_FACILITY},"status":"booked",'
        f'"start":"2020-01-{1 + number:02}T08:00:00+07:00","end":"2020-01-{1 + number:02}T08:15:00+07:00",'
        '"participant":[{"actor":{"reference":"Patient/bench-0"},"status":"accepted"},'
        '{"actor":{"reference":"Practitioner/bench-d0"},"status":"accepted"}]}'
    )


def _prescription(number: int) -> str:
    status = ("active", "completed")[number]
    return (
        f'{{"resourceType":"MedicationRequest","id":"bench-0-m{number}",{_FACILITY},"status":"{status}","intent":"order",'
        f'"medicationCodeableConcept":{{"text":"x"}},{_SUBJECT},"authoredOn":"2020-01-{1 + number:02}"}}'
    )


def _schedule() -> list[str]:
    schedule = (
        f'{{"resourceType":"Schedule","id":"bench-0-s",{_FACILITY},'
        '"actor":[{"reference":"Practitioner/bench-d0"}]}'
    )
    return [schedule, *(_slot(number) for number in range(SLOTS))]


def _slot(number: int) -> str:
    status = "busy" if number % 4 else "free"
    hour = f"2020-01-{1 + number // 10:02}T{8 + number % 10:02}"
    return (
        f'{{"resourceType":"Slot","id":"bench-0-s{number}",{_FACILITY},"schedule":{{"reference":"Schedule/bench-0-s"}},'
        f'"status":"{status}","start":"{hour}:00:00+07:00","end":"{hour}:15:00+07:00"}}'
    )


def _practitioner(number: int) -> str:
    return (
        f'{{"resourceType":"Practitioner","id":"bench-d{number}","name":[{{"text":"Bs{number}"}}],'
        f'"identifier":[{{"system":"http://n","value":"{number}"}}]}}'
    )


# -- copied in the database --------------------------------------------------------------------------------

# What differs from family to family, in texts and contents.
_RENAMED = """replace(replace(replace(replace(replace({0}, 'bench-0', 'bench-' || n), 'bench-f0', 'bench-f' || n % 20),
 'bench-d0', 'bench-d' || n % 50), 'ho0', 'ho' || n % 700), 'ten0', 'ten' || n % 1100)"""
_STATUS = "replace({0}, 'triaged', case when n % 101 = 0 then 'in-progress' else 'finished' end)"


def _copied(connection: psycopg.Connection[Any], family: list[str], times: int) -> int:
    """The family itself and its copies, with all their index rows."""
    record = fhir.open(connection, actor=SYSTEM)
    for text in family:
        record.update(codec.decode(text))
    found = connection.execute(
        "select min(rid), max(rid) from (select rid from record.resource order by rid desc limit %s) r",
        (len(family),),
    ).fetchone()
    assert found is not None
    low, high = found
    for table in _tables(connection):
        indexes = _indexes(connection, table)
        for name, _ in indexes:
            connection.execute(sql.SQL("drop index record.{}").format(sql.Identifier(name)))
        _copy(connection, table, low, high, times - 1)
        for _, text in indexes:
            connection.execute(text.encode())
    connection.execute("select setval('record.rid', %s)", (high + (high - low + 1) * times,))
    return len(family) * times


def _tables(connection: psycopg.Connection[Any]) -> list[str]:
    """The tables of current rows and their index rows."""
    rows = connection.execute(
        "select c.table_name::text from information_schema.columns c"
        " join information_schema.tables t using (table_schema, table_name)"
        " where c.table_schema = 'record' and t.table_type = 'BASE TABLE'"
        " and c.column_name = 'rid' and c.table_name <> 'version' order by c.table_name <> 'resource', c.table_name"
    )
    return [row[0] for row in rows.fetchall()]


def _indexes(connection: psycopg.Connection[Any], table: str) -> list[tuple[str, str]]:
    """Name and definition of the indexes that no constraint holds: made anew when the rows are there."""
    rows = connection.execute(
        "select i.indexname::text, i.indexdef::text from pg_indexes i where i.schemaname = 'record'"
        " and i.tablename = %s and i.indexname not in (select conname from pg_constraint)",
        (table,),
    )
    return rows.fetchall()


def _copy(connection: psycopg.Connection[Any], table: str, low: int, high: int, times: int) -> None:
    columns = connection.execute(
        "select c.column_name::text, c.udt_name::text from information_schema.columns c where c.table_schema = 'record'"
        " and c.table_name = %s order by c.ordinal_position",
        (table,),
    ).fetchall()
    taken = ", ".join(_taken(table, name, kind) for name, kind in columns)
    names = ", ".join(name for name, _ in columns)
    query = (
        f"insert into record.{table} ({names}) select {taken} from record.{table} t, generate_series(1, %(times)s) n"
        " where t.rid between %(low)s and %(high)s"
    )
    connection.execute(
        query.encode(), {"times": times, "low": low, "high": high, "step": high - low + 1, "days": DAYS}
    )


# As ``store.identity`` places a row: by its patient, else by itself (PostgreSQL has crc32 from 18 on).
_SHARD = (
    f"(crc32(convert_to({_RENAMED.format('coalesce(t.patient, t.id)')}, 'UTF8')) % 1024)::smallint".replace(
        "%", "%%"
    )
)
_SHARD_OF_ROW = "(select r.shard from record.resource r where r.rid = t.rid + n * %(step)s)"


def _taken(table: str, name: str, kind: str) -> str:
    """A column of a copy."""
    if name == "shard":
        return _SHARD if table == "resource" else _SHARD_OF_ROW
    if name == "rid":
        return "t.rid + n * %(step)s"
    if name == "updated":
        return "t.updated + n * interval '1 second'"
    if kind == "timestamptz":
        return f"t.{name} + n %% %(days)s * interval '1 day'"
    if kind == "text" and name not in ("type", "system", "unit", "base"):
        renamed = _RENAMED.format(f"t.{name}")
        return (_STATUS.format(renamed) if name in ("code", "content") else renamed).replace("%", "%%")
    return f"t.{name}"
