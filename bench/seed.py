"""Data to measure on: one person's chart written through the record, then copied to many persons in SQL."""

from __future__ import annotations

from typing import Any

import psycopg

from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec
from yba.fhir.r4.observation import Observation

OBSERVATIONS = 100
_INDEXES = ("token", "reference", "string", "date", "number", "uri")
_KINDS = (
    ("vital-signs", "8867-4", "Heart rate", "/min"),
    ("vital-signs", "8302-2", "Body height", "cm"),
    ("vital-signs", "29463-7", "Body weight", "kg"),
    ("laboratory", "2339-0", "Glucose", "mg/dL"),
    ("laboratory", "718-7", "Hemoglobin", "g/dL"),
)


def observation(patient: str, number: int) -> bytes:
    """A typical Observation as JSON."""
    category, code, display, unit = _KINDS[number % len(_KINDS)]
    day = f"{2016 + number // 12 % 10}-{1 + number % 12:02d}-{1 + number % 28:02d}"
    return (
        f'{{"resourceType":"Observation","status":"final","category":[{{"coding":[{{"system":'
        f'"http://terminology.hl7.org/CodeSystem/observation-category","code":"{category}","display":"{category}"}}]}}],'
        f'"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}","display":"{display}"}}],"text":"{display}"}},'
        f'"subject":{{"reference":"Patient/{patient}"}},"encounter":{{"reference":"Encounter/e-{patient}-{number}"}},'
        f'"effectiveDateTime":"{day}T08:30:00+07:00","issued":"{day}T08:31:02.123+07:00",'
        f'"valueQuantity":{{"value":{60 + number % 40}.{number % 10},"unit":"{unit}",'
        f'"system":"http://unitsofmeasure.org","code":"{unit}"}}}}'
    ).encode()


def chart(connection: psycopg.Connection[Any], persons: int) -> list[str]:
    """Fill the record with ``persons`` charts of 100 observations; ids of a thousand of these."""
    record = fhir.open(connection, actor=SYSTEM)
    patient = b'{"resourceType":"Patient","id":"bench-0","name":[{"text":"Nguy\xe1\xbb\x85n V\xc4\x83n An"}]}'
    record.update(codec.decode(patient))
    for number in range(OBSERVATIONS):
        made = codec.decode(observation("bench-0", number), "Observation")
        assert isinstance(made, Observation)
        made.id = f"bench-0-{number}"
        record.update(made)
    rids = connection.execute(
        "select min(rid), max(rid) from record.resource where id like 'bench-0%'"
    ).fetchone()
    assert rids is not None
    low, high = rids
    step = high - low + 1
    connection.execute(
        "insert into record.resource (shard, rid, type, id, version, updated, patient, facility, occurred, content)"
        " select (crc32(convert_to(replace(patient, 'bench-0', 'bench-' || n), 'UTF8')) %% 1024)::smallint,"
        " rid + n * %(step)s, type, replace(id, 'bench-0', 'bench-' || n), version, updated,"
        " replace(patient, 'bench-0', 'bench-' || n), facility, occurred,"
        " replace(content, 'bench-0', 'bench-' || n)"
        " from record.resource, generate_series(1, %(persons)s) n where rid between %(low)s and %(high)s",
        {"step": step, "persons": persons - 1, "low": low, "high": high},
    )
    for table in _INDEXES:
        columns = [
            row[0]
            for row in connection.execute(
                "select column_name::text from information_schema.columns where table_schema = 'record'"
                " and table_name = %s and column_name not in ('rid', 'shard') order by ordinal_position",
                (table,),
            )
        ]
        taken = ", ".join(
            f"replace({name}, 'bench-0', 'bench-' || n)" if name == "target_id" else name for name in columns
        )
        connection.execute(
            f"insert into record.{table} (rid, shard, {', '.join(columns)}) select rid + n * %(step)s,"
            f" (select r.shard from record.resource r where r.rid = {table}.rid + n * %(step)s), {taken}"
            f" from record.{table}, generate_series(1, %(persons)s) n where rid between %(low)s and %(high)s",
            {"step": step, "persons": persons - 1, "low": low, "high": high},
        )
    connection.execute("select setval('record.rid', %s)", (high + step * persons,))
    connection.execute("vacuum analyze")
    return [
        f"bench-{person}-{number}"
        for person in range(0, persons, max(1, persons // 100))
        for number in range(10)
    ]
