"""Dates: timings, open periods, partial dates, and words where a date might be. The prefixes are in test_search."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searching import found, observation, put
from yba import fhir
from yba.fhir.access import SYSTEM


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03", {"point"}),
        ("2026-03-10T08:30", {"point"}),
        ("2026-03-10T01:30:00Z", {"point"}),
        ("2026", {"point", "events", "bounds"}),
        ("ge2026-03", {"point", "events", "from"}),
        ("gt2026-06", {"from"}),
        ("lt2026-02", {"events", "bounds", "from", "until"}),
        ("le2025-12-31", {"from", "until"}),
        ("sa2026-02", {"point"}),
        ("eb2026-02", {"until"}),
        ("eb2026-03", {"until", "bounds"}),
        ("ne2026", {"from", "until"}),
        ("2026-01-01,2026-03-10", {"point"}),
    ],
)
def test_moments_periods_and_timings(record: fhir.Record, value: str, expected: set[str]) -> None:
    put(
        record,
        observation("point", ',"effectiveDateTime":"2026-03-10T08:30:00+07:00"'),
        observation("events", ',"effectiveTiming":{"event":["2026-05-01","2026-01-05"]}'),
        observation(
            "bounds",
            ',"effectiveTiming":{"repeat":{"boundsPeriod":{"start":"2026-01-10","end":"2026-02-10"},"count":3}}',
        ),
        observation("from", ',"effectivePeriod":{"start":"2025-06-01"}'),
        observation("until", ',"effectivePeriod":{"end":"2025-06-01"}'),
        observation("none"),
    )
    assert found(record, "Observation", ("date", value)) == expected


def test_words_where_a_date_might_be(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"CarePlan","id":"c","status":"active","intent":"plan","subject":{"reference":"Patient/p"},'
        '"activity":[{"detail":{"status":"scheduled","scheduledString":"daily"}}]}',
    )
    assert found(record, "CarePlan", ("activity-date", "ge1900")) == set()
    assert found(record, "CarePlan", ("activity-date:missing", "true")) == {"c"}
