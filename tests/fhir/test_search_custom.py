"""Parameters users add: they take effect for new writes at once and for old rows after a job; never half an answer."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.fhir.searching import found, observation, patient, put, quantity
from yba import fhir
from yba.fhir import errors, jobs
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec, fhirpath
from yba.fhir.r4.search_parameter import SearchParameter
from yba.fhir.search import evaluated
from yba.fhir.search.index import VERSION
from yba.fhir.search.parameters import param_number
from yba.fhir.store import parameters, reindex

NOW = datetime(2026, 11, 22, tzinfo=UTC)
HANDLERS = {parameters.KIND: reindex.run}


def added(
    identifier: str, code: str, kind: str, expression: str, base: str = "Patient", more: str = ""
) -> str:
    return (
        f'{{"resourceType":"SearchParameter","id":"{identifier}","url":"http://x.vn/sp/{identifier}","name":"n",'
        f'"status":"active","description":"d","code":"{code}","base":["{base}"],"type":"{kind}",'
        f'"expression":"{expression}"{more}}}'
    )


EYES = "http://x.vn/eye"


def eyed(identifier: str, color: str) -> str:
    return patient(identifier, f',"extension":[{{"url":"{EYES}","valueCode":"{color}"}}]')


@pytest.fixture
def database(own_database: str) -> str:
    return own_database


def connect(database: str) -> psycopg.Connection[Any]:
    return psycopg.connect(database, autocommit=True)


def opened(database: str) -> fhir.Record:
    return fhir.open(connect(database), actor=SYSTEM)


def drain(database: str) -> int:
    return jobs.drain(lambda: connect(database), HANDLERS)


def test_old_and_new_rows(database: str) -> None:
    record, other = opened(database), opened(database)
    put(record, eyed("old", "brown"))
    put(other, patient("none"))  # the other process has read the parameters before
    with pytest.raises(errors.Invalid):
        found(record, "Patient", ("eye", "brown"))
    put(record, added("eye", "eye", "token", f"Patient.extension('{EYES}').value"))
    put(other, eyed("new", "brown"))
    for one in (record, other):
        with pytest.raises(errors.Unavailable) as caught:
            found(one, "Patient", ("eye", "brown"))
        assert caught.value.key == "search.being-indexed"
        with pytest.raises(errors.Unavailable):
            found(one, "Patient", ("_sort", "eye"))
    assert drain(database) == 1
    for one in (record, other):
        assert found(one, "Patient", ("eye", "brown")) == {"old", "new"}
        assert found(one, "Patient", ("eye:missing", "true")) == {"none"}
        assert found(one, "Patient", ("eye", "blue")) == set()
    put(other, eyed("old", "blue"))
    assert found(record, "Patient", ("eye", "blue")) == {"old"}
    put(record, observation("o", ',"subject":{"reference":"Patient/old"}'))
    assert found(other, "Observation", ("subject:Patient.eye", "blue")) == {"o"}


def test_taken_away_and_changed(database: str) -> None:
    record = opened(database)
    put(record, eyed("a", "brown"), added("eye", "eye", "token", f"Patient.extension('{EYES}').value"))
    drain(database)
    assert found(record, "Patient", ("eye", "brown")) == {"a"}
    put(record, added("eye", "eye", "token", "Patient.gender"))
    with pytest.raises(errors.Unavailable):
        found(record, "Patient", ("eye", "brown"))
    drain(database)
    assert found(record, "Patient", ("eye", "brown")) == set()
    record.delete(SearchParameter, "eye")
    with pytest.raises(errors.Invalid):
        found(record, "Patient", ("eye", "brown"))
    drain(database)
    count = record.connection.execute("select count(*) from record.search_parameter").fetchone()
    assert count == (0,)


@pytest.mark.parametrize(
    ("kind", "expression", "value", "expected"),
    [
        ("string", "Patient.name.where(use = 'maiden' and family.exists()).family", "tran", {"a"}),
        ("date", "Patient.birthDate", "1980", {"a"}),
        ("token", "Patient.name.count() > 1", "true", {"a"}),
        ("number", "Patient.name.count()", "2", {"a"}),
        ("reference", "Patient.managingOrganization", "Organization/x", {"a"}),
        ("uri", "Patient.name.extension('http://x').value", "http://y", set()),
        ("token", "Patient.name.first().use", "maiden", {"a"}),
    ],
)
def test_kinds(database: str, kind: str, expression: str, value: str, expected: set[str]) -> None:
    record = opened(database)
    put(
        record,
        patient(
            "a",
            ',"birthDate":"1980-01-01","managingOrganization":{"reference":"Organization/x"},"name":['
            '{"use":"maiden","family":"Trần"},{"use":"official","family":"Lê"}]',
        ),
        patient("b", ',"name":[{"use":"official","family":"Trần"}]'),
        added("mine", "mine", kind, expression),
    )
    drain(database)
    assert found(record, "Patient", ("mine", value)) == expected


def test_a_composite(database: str) -> None:
    record = opened(database)
    component = "http://hl7.org/fhir/SearchParameter/"
    put(
        record,
        observation("a", f',"valueQuantity":{quantity("5")},"method":{{"coding":[{{"code":"m"}}]}}'),
        added(
            "pair", "pair", "composite", "Observation", "Observation",
            f',"component":[{{"definition":"{component}Observation-method","expression":"method"}},'
            f'{{"definition":"{component}Observation-value-quantity","expression":"value.ofType(Quantity)"}}]',
        ),
    )  # fmt: skip
    drain(database)
    assert found(record, "Observation", ("pair", "m$gt4")) == {"a"}
    assert found(record, "Observation", ("pair", "m$0.005|http://unitsofmeasure.org|g")) == {"a"}
    assert found(record, "Observation", ("pair", "n$gt4")) == set()


def test_an_expression_that_fails_keeps_nothing_from_being_stored(database: str) -> None:
    record = opened(database)
    put(record, added("only", "only", "string", "Patient.name.single().family"))
    put(
        record,
        patient("one", ',"name":[{"family":"A"}]'),
        patient("two", ',"name":[{"family":"A"},{"family":"B"}]'),
    )
    drain(database)
    assert found(record, "Patient", ("only", "a")) == {"one"}


def test_for_every_type(database: str) -> None:
    record = opened(database)
    put(record, patient("a", ',"language":"vi"'), observation("o"))
    put(record, added("lang", "lang", "token", "Resource.language", "Resource"))
    drain(database)
    assert found(record, "Patient", ("lang", "vi")) == {"a"}
    assert found(record, "Observation", ("lang", "vi")) == set()


def test_refusals(database: str) -> None:
    record = opened(database)
    with pytest.raises(errors.Invalid):
        put(record, added("bad", "bad", "token", "Patient.name.where("))
    put(record, added("one", "mine", "token", "Patient.gender"))
    with pytest.raises(errors.Conflict):
        put(record, added("two", "mine", "token", "Patient.active"))
    with pytest.raises(errors.Conflict):
        put(record, added("two", "mine", "token", "Resource.language", "Resource"))
    # What FHIR defines stays as it is; a draft has no effect.
    put(record, added("three", "name", "token", "Patient.gender"))
    put(record, added("four", "other", "token", "Patient.gender").replace('"active"', '"draft"'))
    with pytest.raises(errors.Invalid):
        found(record, "Patient", ("other", "x"))
    drain(database)


def test_writes_meanwhile_are_all_found(database: str) -> None:
    record = opened(database)
    put(record, *(eyed(f"old-{number}", "brown") for number in range(450)))
    stop = threading.Event()
    made: list[str] = []

    def write() -> None:
        own, number = opened(database), 0
        while not stop.is_set():
            put(own, eyed(f"new-{number}", "brown"), eyed(f"old-{number * 7 % 450}", "blue"))
            made.append(f"new-{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        put(record, added("eye", "eye", "token", f"Patient.extension('{EYES}').value"))
        drain(database)
    finally:
        stop.set()
        writer.join()
    kind = codec.resource_class("Patient")
    counts = {color: len(record.find(kind, ("eye", color))) for color in ("brown", "blue")}
    assert sum(counts.values()) == 450 + len(made)
    assert counts["blue"] > 0


def test_rows_of_older_code_are_made_anew(database: str) -> None:
    record = opened(database)
    put(record, observation("a", f',"valueQuantity":{quantity("5.4")}', code="8480-6"))
    connection = record.connection
    connection.execute("update record.search_state set version = 1, generation = gen_random_uuid()")
    connection.execute("update record.number set base = null, base_low = null, base_high = null")
    connection.execute("delete from record.composite")
    connection.execute("delete from record.text")
    again = opened(database)
    asked = ("value-quantity", "5.4|http://unitsofmeasure.org|mg")
    assert found(again, "Observation", asked) == {"a"}
    with pytest.raises(errors.Unavailable):
        found(again, "Observation", ("code-value-quantity", "8480-6$gt5"))
    with pytest.raises(errors.Unavailable):
        found(again, "Observation", ("_content", "final"))
    assert reindex.due(connection, NOW) is not None
    assert reindex.due(connection, NOW) is None
    assert drain(database) == 1
    assert reindex.due(connection, NOW) is None
    assert found(again, "Observation", ("code-value-quantity", "8480-6$gt5")) == {"a"}
    assert found(again, "Observation", ("value-quantity", "0.0054|http://unitsofmeasure.org|g")) == {"a"}
    assert found(again, "Observation", ("_content", "final")) == {"a"}
    assert connection.execute("select version from record.search_state").fetchone() == (VERSION,)


def test_a_store_of_the_release_before(databases: Any) -> None:
    """Rows made before this migration: it applies over them, they answer as before, and are made anew."""
    from yba.fhir.store import migrate
    from yba.fhir.store.migrate import files
    from yba.fhir.store.write import INDEX_TABLES

    name = databases.new()
    database = databases.conninfo(name)
    content = observation("a", f',"valueQuantity":{quantity("5.4")},"subject":{{"reference":"Patient/p"}}')
    with connect(database) as connection:
        connection.execute(
            "create table public.record_migration (name text primary key, applied timestamptz not null default now())"
        )
        for file, text in files():
            if file < "0003":
                connection.execute(text.encode())
                connection.execute("insert into public.record_migration (name) values (%s)", (file,))
        connection.execute(
            "insert into record.resource (shard, rid, type, id, version, updated, patient, content)"
            " values (1, nextval('record.rid'), 'Observation', 'a', 1, now(), 'p', %s)",
            (content,),
        )
        for code, value in (("value-quantity", "5.4"), ("combo-value-quantity", "5.4")):
            connection.execute(
                "insert into record.number (shard, rid, param, low, high, value, system, code, unit)"
                " select 1, rid, %s, %s, %s, %s, 'http://unitsofmeasure.org', 'mg', 'mg' from record.resource",
                (param_number("Observation", code), value, value, value),
            )
        assert "0003_search" in migrate(connection)
        assert set(INDEX_TABLES) >= {"composite", "text", "position"}
    record = opened(database)
    asked = ("value-quantity", "5.4|http://unitsofmeasure.org|mg")
    assert found(record, "Observation", asked) == {"a"}
    with pytest.raises(errors.Unavailable):
        found(record, "Observation", ("code-value-quantity", "8302-2$gt5"))
    put(record, observation("new", f',"valueQuantity":{quantity("0.0054", "g")}'))
    assert found(record, "Observation", asked) == {"a", "new"}
    assert reindex.due(record.connection, NOW) is not None
    assert drain(database) == 1
    assert found(record, "Observation", ("code-value-quantity", "8302-2$gt5||mg")) == {"a"}
    assert found(record, "Observation", ("value-quantity", "0.0054|http://unitsofmeasure.org|g")) == {
        "a",
        "new",
    }
    record.connection.close()
    databases.drop(name)


def test_a_change_writes_only_the_tables_it_touches(connection: psycopg.Connection[Any]) -> None:
    record = fhir.open(connection, actor=SYSTEM)
    text = observation("a", f',"valueQuantity":{quantity("5.4")},"subject":{{"reference":"Patient/p"}}')
    put(record, text)

    def places(table: str) -> list[Any]:
        return connection.execute(f"select ctid::text from record.{table} order by 1".encode()).fetchall()

    before = {table: places(table) for table in ("token", "number", "reference", "composite", "text")}
    put(record, text.replace('"final"', '"amended"'))
    after = {table: places(table) for table in before}
    assert {table for table in before if before[table] != after[table]} == {"token", "text"}
    assert found(record, "Observation", ("status", "amended")) == {"a"}
    assert found(record, "Observation", ("status", "final")) == set()
    put(record, text.replace("5.4", "6.4"))
    assert found(record, "Observation", ("value-quantity", "6.4")) == {"a"}
    assert found(record, "Observation", ("value-quantity", "5.4")) == set()
    record.delete(codec.resource_class("Observation"), "a")
    assert [places(table) for table in before] == [[]] * 5


def test_a_costly_parameter_slows_no_write_and_takes_nothing_of_the_others(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = opened(database)
    for number in range(8):
        expression = "Patient.extension.select((1|2|3|4|5|6|7|8|9).repeat($this + 1)).where($this > 0)"
        put(record, added(f"slow{number}", f"slow{number}", "number", expression))
    put(record, added("eye", "eye", "token", f"Patient.extension('{EYES}').value"))
    drain(database)
    taken: list[int] = []
    take = fhirpath.Budget.take

    def noting(budget: fhirpath.Budget, steps: int) -> None:
        taken.append(steps)
        take(budget, steps)

    monkeypatch.setattr(fhirpath.Budget, "take", noting)
    put(record, eyed("q", "blue"))  # the connection learns what the job has done to the parameters
    taken.clear()
    put(record, eyed("p", "brown"))
    # One after the other goes as far as one may, until what they share is spent; the rest are not begun.
    own, *slow = taken
    assert own == 0
    assert slow[:-1] == [evaluated.MOST_STEPS_OF_ONE + 1] * 4
    assert evaluated.MOST_STEPS - evaluated.MOST_STEPS_OF_ONE < sum(slow) <= evaluated.MOST_STEPS
    assert found(record, "Patient", ("eye", "brown")) == {"p"}


def test_what_a_parameter_does_not_allow_is_refused(database: str) -> None:
    record = opened(database)
    put(
        record,
        added("d", "seen", "date", "Patient.birthDate", more=',"comparator":["ge","le"],"multipleAnd":false'),
        added("c", "shade", "token", "Patient.gender", more=',"modifier":["missing","not"],"multipleOr":false'),
        added("r", "house", "reference", "Patient.managingOrganization",
              more=',"chain":["name"],"modifier":["type"],"target":["Organization"]'),
        '{"resourceType":"Organization","id":"o","name":"Bạch Mai"}',
        patient("p", ',"birthDate":"1980","gender":"male","managingOrganization":{"reference":"Organization/o"}'),
    )  # fmt: skip
    assert drain(database) > 0
    for name, value in (
        ("seen", "ge1979"), ("seen", "1980"), ("shade", "male"), ("shade:not", "female"), ("house", "o"),
        ("house:Organization", "o"), ("house.name", "bach"), ("house:Organization.name", "bach"),
        ("_filter", "seen ge 1979"),
    ):  # fmt: skip
        assert found(record, "Patient", (name, value)) == {"p"}, name
    for asked in (
        [("seen", "gt1979")], [("seen", "ge1970"), ("seen", "le1990")], [("shade:text", "male")],
        [("shade", "male,female")], [("house:identifier", "o")], [("house._id", "o")], [("_filter", "seen gt 1979")],
    ):  # fmt: skip
        with pytest.raises(errors.Unsupported) as refused:
            found(record, "Patient", *asked)
        assert refused.value.key == "search.parameter-limit", asked
    # Another limit takes effect at once: no row has to be made anew.
    put(record, added("d", "seen", "date", "Patient.birthDate"))
    assert drain(database) == 0
    assert found(record, "Patient", ("seen", "gt1979"), ("seen", "le1990")) == {"p"}
