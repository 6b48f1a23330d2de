"""Search: each kind of parameter, order, pages, what is added, what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fhir.searches import found, put
from tests.fhir.searching import patient
from yba import fhir
from yba.fhir import errors, search
from yba.fhir.access import SYSTEM, Actor, policy
from yba.fhir.model.dates import period_of
from yba.fhir.r4.datatypes import Coding, Meta
from yba.fhir.r4.patient import Patient
from yba.fhir.search.values import split

Params = list[tuple[str, str]]
QUIET = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


def observation(identifier: str, rest: str = "", of: str = "Patient/p") -> str:
    return (
        f'{{"resourceType":"Observation","id":"{identifier}","status":"final","code":{{"coding":[{{"system":"http://l",'
        f'"code":"8302-2"}}]}},"subject":{{"reference":"{of}"}}{rest}}}'
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("identifier", "001", {"a", "b"}),
        ("identifier", "http://s|001", {"a"}),
        ("identifier", "|001", {"b"}),
        ("identifier", "http://s|", {"a", "c"}),
        ("identifier", "http://s|001,002", {"a", "c"}),
        ("identifier", r"http://s|x\,y\|z", set()),
        ("identifier", r"x\,y\|z", {"d"}),
        ("active", "true", {"a"}),
        ("active:not", "true", {"b", "c", "d"}),
        ("identifier:missing", "true", set()),
        ("active:missing", "true", {"b", "c", "d"}),
        ("active:missing", "false", {"a"}),
        ("phone", "0912345678", {"c"}),
        ("phone", "0912 345 678", {"c"}),
        ("_id", "a,c,none", {"a", "c"}),
    ],
)
def test_token(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    put(
        record,
        patient("a", ',"active":true,"identifier":[{"system":"http://s","value":"001"}]'),
        patient("b", ',"identifier":[{"value":"001"}]'),
        patient("c", ',"identifier":[{"system":"http://s","value":"002"}],'
                '"telecom":[{"system":"phone","value":"0912 345 678"}]'),
        patient("d", ',"identifier":[{"value":"x,y|z"}]'),
    )  # fmt: skip
    assert set(found(record, "Patient", (name, value))) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "duc", {"a", "b"}),
        ("name", "Đức", {"a", "b"}),
        ("name", "nguyễn", {"a"}),
        ("name", "guyen", set()),
        ("name:contains", "guyen", {"a"}),
        ("name:text", "duc nguyen", {"a"}),
        ("name:text", "duc TRẦN", {"b"}),
        ("name:text", "d", {"a", "b"}),
        ("name:text", "uc", set()),
        ("name:text", "van lê,trần", {"b"}),
        ("name:exact", "Đức", {"b"}),
        ("name:exact", "duc", set()),
        ("family", "nguyen,tran", {"b"}),
        ("address-city", "da", {"b"}),
    ],
)
def test_string(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    put(
        record,
        patient("a", ',"name":[{"text":"Nguyễn Văn Đức"}]'),
        patient("b", ',"name":[{"family":"Trần","given":["Đức"]}],"address":[{"city":"Đà Nẵng"}]'),
    )
    assert set(found(record, "Patient", (name, value))) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("subject", "p", {"a"}),
        ("subject", "Patient/p", {"a"}),
        ("subject:Patient", "p", {"a"}),
        ("patient", "Patient/p,Patient/q", {"a", "b"}),
        ("patient", "Patient/p/_history/2", set()),
        ("subject", "Group/p", {"c"}),
        ("subject:Group", "p", {"c"}),
        ("performer", "https://elsewhere/Practitioner/1", {"b"}),
        ("performer", "1", set()),
        ("performer:identifier", "http://n|77", {"a"}),
        ("performer:identifier", "77", {"a"}),
    ],
)
def test_reference(record: fhir.Record, name: str, value: str, expected: set[str]) -> None:
    put(
        record,
        observation("a", ',"performer":[{"identifier":{"system":"http://n","value":"77"}}]'),
        observation("b", ',"performer":[{"reference":"https://elsewhere/Practitioner/1"}]', of="Patient/q"),
        observation("c", of="Group/p"),
    )
    if (name, value) == ("subject", "p"):
        expected = {"a", "c"}
    assert set(found(record, "Observation", (name, value))) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5.4", {"point", "more-digits"}),
        ("5.40", {"point"}),
        ("gt5.4", {"more-digits", "high", "above"}),
        ("ge5.4", {"point", "more-digits", "high", "above"}),
        ("lt5.4", set()),
        ("le5.4", {"point"}),
        ("ne5.4", {"high", "above"}),
        ("ap5", {"point", "more-digits"}),
        ("sa6", {"high", "above"}),
        ("5.4|http://u|mmol/L", {"point", "more-digits"}),
        ("5.4||mmol/L", {"point", "more-digits"}),
        ("5.4|http://u|mg/dL", set()),
        ("5.4||", {"point", "more-digits"}),
    ],
)
def test_quantity(record: fhir.Record, value: str, expected: set[str]) -> None:
    unit = '"system":"http://u","code":"mmol/L","unit":"mmol/L"'
    put(
        record,
        observation("point", f',"valueQuantity":{{"value":5.40,{unit}}}'),
        observation("more-digits", f',"valueQuantity":{{"value":5.42,{unit}}}'),
        observation("high", f',"valueQuantity":{{"value":11,{unit}}}'),
        observation("above", f',"valueQuantity":{{"value":11,"comparator":">",{unit}}}'),
        observation("none"),
    )
    assert set(found(record, "Observation", ("value-quantity", value))) == expected


def test_number_and_money(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"RiskAssessment","id":"r","status":"final","subject":{"reference":"Patient/p"},'
        '"prediction":[{"probabilityDecimal":0.25}]}',
        '{"resourceType":"Invoice","id":"i","status":"issued","totalGross":{"value":150000,"currency":"VND"}}',
    )
    assert found(record, "RiskAssessment", ("probability", "gt0.2")) == ["r"]
    assert found(record, "RiskAssessment", ("probability", "0.4")) == []
    assert found(record, "Invoice", ("totalgross", "ge150000|urn:iso:std:iso:4217|VND")) == ["i"]
    assert found(record, "Invoice", ("totalgross", "150000|urn:iso:std:iso:4217|USD")) == []


def test_uri(record: fhir.Record) -> None:
    put(record, '{"resourceType":"ValueSet","id":"v","status":"active","url":"http://x.vn/a/b"}')
    assert found(record, "ValueSet", ("url", "http://x.vn/a/b")) == ["v"]
    assert found(record, "ValueSet", ("url", "http://x.vn/a")) == []
    assert found(record, "ValueSet", ("url:below", "http://x.vn/a")) == ["v"]
    assert found(record, "ValueSet", ("url:below", "http://x.vn/a/bc")) == []


# -- dates: every prefix against the specification's words, by brute force -------------------------------------

BIRTHS = [
    "1980", "1980-02", "1980-02-29", "1979-12-31", "1980-01-01", "1980-12-31", "1981", "1981-01", "1979", "1980-03-01",
]  # fmt: skip


def meant(prefix: str, asked: tuple[datetime, datetime], held: tuple[datetime, datetime]) -> bool:
    """search.html#prefix, in its own words, over half-open ranges."""
    (low, high), (from_, to) = asked, held
    inside = low <= from_ and to <= high
    above = to > high  # the range above the value overlaps the resource's range
    below = from_ < low
    return {
        "eq": inside, "ne": not inside, "gt": above, "lt": below, "ge": above or inside, "le": below or inside,
        "sa": from_ >= high, "eb": to <= low,
    }[prefix]  # fmt: skip


@QUIET
@given(
    prefix=st.sampled_from(["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]),
    asked=st.one_of(
        st.sampled_from(BIRTHS),
        st.dates(datetime(1979, 6, 1).date(), datetime(1981, 6, 1).date()).map(str),  # noqa: DTZ001
        st.sampled_from(["1980-02-29T10:00:00+07:00", "1980-02-28T17:00:00Z", "1980-02-29T00:00"]),
    ),
    bare=st.booleans(),
)
def test_date_prefixes(connection: psycopg.Connection[Any], prefix: str, asked: str, bare: bool) -> None:
    record = fhir.open(connection, actor=SYSTEM)
    if not found(record, "Patient", ("_id", "born-0")):
        put(
            record,
            *(patient(f"born-{number}", f',"birthDate":"{birth}"') for number, birth in enumerate(BIRTHS)),
        )
    text = asked if bare and prefix == "eq" else prefix + asked
    expected = {
        f"born-{number}"
        for number, birth in enumerate(BIRTHS)
        if meant(prefix, period_of(asked), period_of(birth))
    }
    assert set(found(record, "Patient", ("birthdate", text))) == expected


def test_open_periods_and_about(record: fhir.Record) -> None:
    put(
        record,
        '{"resourceType":"Encounter","id":"open","status":"in-progress","class":{"code":"AMB"},'
        '"period":{"start":"2026-01-02T00:00:00Z"}}',
        '{"resourceType":"Encounter","id":"shut","status":"finished","class":{"code":"AMB"},'
        '"period":{"start":"2026-01-02T00:00:00Z","end":"2026-01-03T00:00:00Z"}}',
    )
    assert set(found(record, "Encounter", ("date", "gt2030"))) == {"open"}
    assert set(found(record, "Encounter", ("date", "ge2026-01-02"), ("date", "lt2026-02"))) == {
        "open",
        "shut",
    }
    assert set(found(record, "Encounter", ("date", "eb2026-02"))) == {"shut"}
    assert set(found(record, "Encounter", ("date", "ap2026-01-03"))) == {"open", "shut"}


# -- order and pages -------------------------------------------------------------------------------------------


def pages(record: fhir.Record, params: Params) -> list[list[str]]:
    """All pages, by following ``next``."""
    answers: list[list[str]] = []
    cursor: str | None = None
    while True:
        page = record.search_stored(
            "Observation", params + ([("_cursor", cursor)] if cursor else []), strict=True
        )
        answers.append([one.id for one in page.matches])
        cursor = page.next
        if cursor is None:
            return answers


def chart(record: fhir.Record) -> dict[str, str | None]:
    """Forty observations, some at the same moment, some at none: id -> moment."""
    moments: dict[str, str | None] = {
        f"o{number:02}": None if number % 7 == 0 else f"2026-01-{1 + number % 9:02}T00:00:00Z"
        for number in range(40)
    }
    if not found(record, "Observation", ("_id", "o00")):
        for number, (identifier, moment) in enumerate(moments.items()):
            date = f',"effectiveDateTime":"{moment}"' if moment else ""
            value = f',"valueQuantity":{{"value":{number % 5}}}' if number % 3 else ""
            put(record, observation(identifier, date + value))
    return moments


@QUIET
@given(
    sort=st.sampled_from(
        [None, "date", "-date", "value-quantity", "-value-quantity", "_id", "-_id", "_lastUpdated", "-_lastUpdated",
         "value-quantity,-date", "-value-quantity,date", "-date,_id", "date,-value-quantity"]
    ),
    count=st.integers(1, 45),
    filtered=st.booleans(),
)  # fmt: skip
def test_pages_are_all_matches_once(
    connection: psycopg.Connection[Any], sort: str | None, count: int, filtered: bool
) -> None:
    record = fhir.open(connection, actor=SYSTEM)
    moments = chart(record)
    params: Params = [("_count", str(count))] + ([("_sort", sort)] if sort else [])
    params += [("patient", "p")] if filtered else []
    answers = pages(record, params)
    assert all(len(page) == count for page in answers[:-1])
    flat = [identifier for page in answers for identifier in page]
    assert sorted(flat) == sorted(moments)
    whole = pages(
        record, [(name, value) for name, value in params if name != "_count"] + [("_count", "1000")]
    )
    assert whole == [flat]
    if sort in ("date", "-date"):
        held = [moments[identifier] for identifier in flat]
        present = [moment for moment in held if moment]
        assert present == sorted(present, reverse=sort == "-date")
        assert held[len(present) :] == [None] * (40 - len(present))


def test_pages_stay_while_others_write(record: fhir.Record) -> None:
    chart(record)
    params: Params = [("patient", "p"), ("_sort", "-date"), ("_count", "10")]
    first = record.search_stored("Observation", params)
    put(record, observation("new", ',"effectiveDateTime":"2026-12-01T00:00:00Z"'))
    record.delete("Observation", first.matches[0].id)
    assert first.next is not None
    second = record.search_stored("Observation", [*params, ("_cursor", first.next)])
    assert not {one.id for one in first.matches} & {one.id for one in second.matches}
    assert "new" not in {one.id for one in second.matches}


@pytest.mark.parametrize(
    "cursor", ["", "x", "WzFd", "W10", "////", "WzEsIjIiXQ", "é", "WzQ5MjY2Nzk5MiwiYSIsImIiXQ"]
)
def test_a_cursor_that_is_none_is_refused(record: fhir.Record, cursor: str) -> None:
    if not cursor:
        return
    with pytest.raises(errors.Invalid) as caught:
        record.search_stored("Observation", [("_sort", "-date"), ("_cursor", cursor)])
    assert caught.value.key == "search.cursor"


def test_totals(record: fhir.Record) -> None:
    chart(record)

    def total(*params: tuple[str, str]) -> tuple[int, int | None]:
        page = record.search_stored("Observation", params)
        return len(page.matches), page.total

    assert total() == (20, None)
    assert total(("_total", "accurate")) == (20, 40)
    assert total(("_count", "0")) == (0, 40)
    assert total(("_count", "40")) == (40, 40)
    assert total(("_count", "40"), ("_total", "none")) == (40, None)
    page = record.search_stored("Observation", [("_count", "5000")])
    assert (page.count, page.capped) == (1000, True)


# -- includes ----------------------------------------------------------------------------------------------------


def test_includes(record: fhir.Record) -> None:
    put(
        record,
        patient("p"),
        patient("q"),
        observation("a"),
        observation("b"),
        observation("c", of="Patient/q"),
    )

    def added(type_name: str, *params: tuple[str, str]) -> list[str]:
        return sorted(one.id for one in record.search_stored(type_name, params, strict=True).included)

    assert added("Observation", ("_id", "a,b"), ("_include", "Observation:subject")) == ["p"]
    assert added("Observation", ("_include", "Observation:subject:Patient")) == ["p", "q"]
    assert added("Observation", ("_include", "Observation:subject:Group")) == []
    assert added("Patient", ("_id", "p"), ("_revinclude", "Observation:patient")) == ["a", "b"]
    assert added("Patient", ("_revinclude", "Observation:subject")) == ["a", "b", "c"]


def test_what_is_hidden_is_neither_counted_nor_included(
    record: fhir.Record, connection: psycopg.Connection[Any]
) -> None:
    put(record, patient("p"), patient("q"), observation("a"), observation("c", of="Patient/q"))
    citizen = fhir.open(
        connection, actor=Actor(user="u", role="citizen", persons=frozenset({"p"}), person="p")
    )
    assert found(citizen, "Observation") == ["a"]
    assert citizen.count("Observation") == 1
    assert found(citizen, "Observation", ("patient", "q")) == []
    put(record, observation("d", ',"focus":[{"reference":"Patient/q"}]'))
    page = citizen.search_stored("Observation", [("_id", "d"), ("_include", "Observation:focus")])
    assert [one.id for one in page.matches] == ["d"]
    assert page.included == []
    page = citizen.search_stored("Patient", [("_revinclude", "Observation:focus")])
    assert [one.id for one in page.matches] == ["p"]


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "key"),
    [
        ("birthdate", "yesterday", "search.value"),
        ("birthdate", "2026-13", "search.value"),
        ("birthdate", "gt", "search.value"),
        ("birthdate:exact", "2026", "search.modifier"),
        ("identifier", "a|b|c", "search.value"),
        ("identifier", "|", "search.value"),
        ("name:above", "x", "search.modifier"),
        ("name:missing", "perhaps", "search.value"),
        ("general-practitioner", "a b", "search.value"),
        ("_count", "-1", "search.count"),
        ("_count", "many", "search.count"),
        ("_sort", "height", "search.sort"),
        ("_total", "all", "search.total"),
        ("_include", "Patient", "search.include"),
        ("_include", "Patient:name", "search.include"),
        ("_include:all", "Patient:link", "search.include-modifier"),
        ("_include", "*:name", "search.include"),
        ("gender.name", "x", "search.chain"),
        ("link:Observation.name", "x", "search.chain"),
        ("general-practitioner.nmae", "x", "search.unknown-parameter"),
        ("_has:Observation:patient", "x", "search.has"),
        ("_has:Observation:performer:", "x", "search.has"),
        ("_has:Sheep:patient:code", "x", "search.has"),
        ("_has:Observation:code:code", "x", "search.has"),
        ("_has:Observation:encounter:code", "x", "search.has"),
        ("_list", "$current-problems", "search.functional-list"),
        ("_list", "a b", "search.value"),
        ("_query", "x", "search.query"),
        ("_contained", "perhaps", "search.contained"),
        ("_summary", "short", "search.summary"),
        ("_elements", "a b", "search.elements"),
        ("nmae", "x", "search.unknown-parameter"),
        ("name", "a\x00b", "search.value"),
        ("_id", "'; drop table record.resource", "search.value"),
    ],
)
def test_refusals(record: fhir.Record, name: str, value: str, key: str) -> None:
    with pytest.raises(errors.RecordError) as caught:
        record.search_stored("Patient", [(name, value)], strict=True)
    assert caught.value.key == key
    assert "select" not in caught.value.message


def test_unknown_parameters_are_told(record: fhir.Record) -> None:
    put(record, patient("p"))
    page = record.search_stored("Patient", [("nmae", "x")])
    assert ([one.id for one in page.matches], page.unknown) == (["p"], ["nmae"])
    with pytest.raises(errors.Invalid, match=r"no search parameter 'nmae'\. Did you mean name"):
        record.search_stored("Patient", [("nmae", "x")], strict=True)


def test_escapes() -> None:
    assert split(r"a\,b,c", ",") == [r"a\,b", "c"]
    assert split("a,b", ",") == ["a", "b"]
    assert split("a\\\\,b", ",") == ["a\\\\", "b"]


# -- the plan ------------------------------------------------------------------------------------------------------


def test_the_chart_search_is_one_range_of_the_chart_index(own_database: str) -> None:
    from bench import seed
    from yba.fhir.store import asking

    asked: list[asking.Statement] = []
    with psycopg.connect(own_database, autocommit=True) as connection:

        def noting(question: asking.Statement, *, prepare: bool = True) -> list[tuple[Any, ...]]:
            asked.append(question)
            return asking.ask(connection, question, prepare=prepare)

        seed.chart(connection, 100)
        answer = search.run(
            connection,
            "Observation",
            [("patient", "bench-7"), ("category", "vital-signs"), ("_sort", "-date"), ("_count", "20")],
            access=lambda name: policy.condition(SYSTEM, name),
            told=search.Told(noting, lambda: connection),
        )
        assert len(answer.matches) == 20
        ((text, values),) = asked
        plan = "\n".join(row[0] for row in connection.execute(b"explain " + text.encode(), values))
    assert "resource_chart" in plan
    assert "token_own" in plan
    assert "Sort" not in plan
    assert "Seq Scan" not in plan


def test_about_is_a_tenth_of_the_distance_to_now(connection: psycopg.Connection[Any]) -> None:
    record = fhir.open(connection, actor=SYSTEM)
    put(record, patient("a", ',"birthDate":"2000-01-01"'))
    now = period_of("2010-01-01")[0]

    def matches(asked: str) -> int:
        return len(
            search.run(
                connection, "Patient", [("birthdate", asked)],
                access=lambda name: policy.condition(SYSTEM, name), now=now,
            ).matches
        )  # fmt: skip

    near = (period_of("2000-01-01")[0] + timedelta(days=330)).date()
    far = (period_of("2000-01-01")[0] + timedelta(days=400)).date()
    assert (matches(f"ap{near}"), matches(f"ap{far}")) == (1, 0)


def test_last_updated_is_an_instant(record: fhir.Record) -> None:
    """Who asks for what came after the last he has seen gets the very next millisecond."""
    record.clock = lambda: datetime.fromisoformat("2026-11-22T17:00:00.000+00:00")  # midnight in the clinic
    put(record, patient("a"))
    for value, expected in {
        "2026-11-22": False,
        "2026-11-23": True,
        "gt2026-11-22": True,
        "gt2026-11-22T16:59:59.999Z": True,
        "gt2026-11-22T17:00:00.000Z": False,
        "ge2026-11-23": True,
        "lt2026-11-23": False,
        "le2026-11-22": False,
        "le2026-11-23": True,
        "sa2026-11-22": True,
        "eb2026-11-23": False,
        "ne2026-11-22": True,
        "ne2026-11-23": False,
    }.items():
        assert (found(record, "Patient", ("_id", "a"), ("_lastUpdated", value)) == ["a"]) is expected, value


@pytest.mark.parametrize(
    "params",
    [
        [("_sort", ",".join(["name", "birthdate"] * 5))],
        [("_include", "Patient:organization")] * 40,
        [("name", ",".join(["a"] * 1500))],
    ],
    ids=["sort", "include", "alternatives"],
)
def test_a_search_is_bounded_in_all_it_may_ask(record: fhir.Record, params: Params) -> None:
    with pytest.raises(errors.TooCostly):
        found(record, "Patient", *params)


def test_many_ids_in_one_condition_are_one_value(record: fhir.Record) -> None:
    put(record, patient("a"))
    assert found(record, "Patient", ("_id", ",".join(["a", *(f"x{n}" for n in range(3000))]))) == ["a"]


def test_a_forged_cursor_beyond_numbers_is_refused(record: fhir.Record) -> None:
    from yba.fhir.search import paging

    cursor = paging.encode("Observation [('value-quantity', False)]", ["1e999999999", "5"])
    with pytest.raises(errors.Invalid):
        found(record, "Observation", ("_sort", "value-quantity"), ("_cursor", cursor))


def test_the_facility_tag_is_a_column_and_there_is_one(record: fhir.Record) -> None:
    system = "https://yba.vn/fhir/facility"
    kept = record.create(Patient(meta=Meta(tag=[Coding(system=system, code="A")])))
    record.create(Patient(meta=Meta(tag=[Coding(system=system, code="B")])))
    assert [one.id for one in record.find(Patient, ("_tag", f"{system}|A"))] == [kept.id]
    assert len(record.find(Patient, ("_tag", f"{system}|A,{system}|B"))) == 2
    with pytest.raises(errors.Invalid, match="kept by one facility"):
        record.create(
            Patient(meta=Meta(tag=[Coding(system=system, code="A"), Coding(system=system, code="B")]))
        )
