"""Chains, reverse chains and lists: search.html#chaining, #has and #list."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.fhir.searches import citizen, encounter, found, observation, patient, put, resource
from yba import fhir
from yba.fhir import errors, search
from yba.fhir.access import SYSTEM
from yba.fhir.search import chain


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    """Two patients, of two clinics of one hospital, with visits and measurements."""
    record = fhir.open(connection, actor=SYSTEM)
    put(
        record,
        resource("Organization/h", ',"name":"Bệnh viện Đức Giang"'),
        resource("Organization/c", ',"name":"Phòng khám","partOf":{"reference":"Organization/h"}'),
        resource("Practitioner/d", ',"name":[{"text":"Lê Hà"}],"identifier":[{"system":"http://n","value":"7"}]'),
        resource("Location/l", ',"name":"An"'),
        patient("p", ',"gender":"female","birthDate":"1980-02-29","name":[{"text":"An"}],'
                '"identifier":[{"system":"http://s","value":"1"}],'
                '"managingOrganization":{"reference":"Organization/c"}'),
        patient("q", ',"gender":"male","name":[{"text":"Bình"}],'
                '"link":[{"other":{"reference":"Patient/p"},"type":"seealso"}]'),
        encounter("e", "Patient/p", ',"participant":[{"individual":{"reference":"Practitioner/d"}}]'),
        encounter("f", "Patient/q"),
        observation("a", "Patient/p", rest=',"encounter":{"reference":"Encounter/e"},"valueQuantity":{"value":170}'),
        observation("b", "Patient/q", rest=',"encounter":{"reference":"Encounter/f"},'
                    '"performer":[{"reference":"Practitioner/d"}]'),
        observation("c", "Patient/q", "29463-7"),
        observation("g", "Location/l", "29463-7"),
        resource("Group/m", ',"type":"person","actual":true,"member":[{"entity":{"reference":"Patient/q"}}]'),
    )  # fmt: skip
    return record


@pytest.mark.parametrize(
    ("type_name", "name", "value", "expected"),
    [
        ("Observation", "subject:Patient.name", "an", {"a"}),
        ("Observation", "subject.name", "an", {"a", "g"}),
        ("Observation", "patient.name", "an", {"a"}),
        ("Observation", "patient.name:exact", "Bình", {"b", "c"}),
        ("Observation", "patient.name:contains", "n", {"a", "b", "c"}),
        ("Observation", "patient.gender:not", "female", {"b", "c"}),
        ("Observation", "patient.birthdate", "ge1980-02", {"a"}),
        ("Observation", "patient.birthdate:missing", "true", {"b", "c"}),
        ("Observation", "patient.identifier", "http://s|1,http://s|2", {"a"}),
        ("Observation", "patient._id", "q", {"b", "c"}),
        ("Observation", "patient.organization.name", "phong", {"a"}),
        ("Observation", "patient.organization.partof.name", "benh vien", {"a"}),
        ("Observation", "patient:Patient.organization:Organization.partof:Organization.name", "benh", {"a"}),
        ("Observation", "patient.organization.partof:missing", "false", {"a"}),
        ("Observation", "encounter.practitioner:Practitioner.identifier", "7", {"a"}),
        ("Observation", "encounter.participant.name", "le", {"a"}),
        ("Observation", "performer:Practitioner.name", "ha", {"b"}),
        ("Observation", "performer.identifier", "7", {"b"}),
        ("Observation", "patient.link.name", "an", {"b", "c"}),
        ("Observation", "patient._lastUpdated", "gt2000", {"a", "b", "c"}),
        ("Patient", "organization.name:contains", "kham", {"p"}),
        ("Patient", "organization", "c", {"p"}),
    ],
)
def test_chains(record: fhir.Record, type_name: str, name: str, value: str, expected: set[str]) -> None:
    assert set(found(record, type_name, (name, value))) == expected


@pytest.mark.parametrize(
    ("type_name", "name", "value", "expected"),
    [
        ("Patient", "_has:Observation:patient:code", "8302-2", {"p", "q"}),
        ("Patient", "_has:Observation:patient:code", "http://loinc.org|29463-7", {"q"}),
        ("Patient", "_has:Observation:subject:code", "29463-7", {"q"}),
        ("Location", "_has:Observation:subject:code", "29463-7", {"l"}),
        ("Patient", "_has:Observation:patient:value-quantity", "gt160", {"p"}),
        ("Patient", "_has:Observation:patient:performer:missing", "false", {"q"}),
        ("Patient", "_has:Group:member:_id", "m", {"q"}),
        ("Patient", "_has:Encounter:patient:_has:Observation:encounter:code", "8302-2", {"p", "q"}),
        ("Patient", "_has:Encounter:patient:_has:Observation:encounter:performer.name", "ha", {"q"}),
        ("Patient", "_has:Observation:patient:encounter.participant.name", "ha", {"p"}),
        ("Practitioner", "_has:Encounter:participant:subject:Patient.name", "an", {"d"}),
        ("Practitioner", "_has:Encounter:participant:subject:Patient.name", "binh", set()),
        ("Organization", "_has:Patient:organization:_has:Observation:patient:code", "8302-2", {"c"}),
        ("Organization", "_has:Organization:partof:_has:Patient:organization:name", "an", {"h"}),
        ("Observation", "patient._has:Group:member:_id", "m", {"b", "c"}),
        ("Observation", "encounter.patient._has:Group:member:type", "person", {"b"}),
        ("Encounter", "_has:Observation:encounter:code", "8302-2", {"e", "f"}),
    ],
)
def test_reverse_chains(
    record: fhir.Record, type_name: str, name: str, value: str, expected: set[str]
) -> None:
    assert set(found(record, type_name, (name, value))) == expected


def test_links_join_with_other_conditions_pages_and_totals(record: fhir.Record) -> None:
    asked = (("patient.gender", "male"), ("code", "8302-2,29463-7"))
    assert set(found(record, "Observation", *asked)) == {"b", "c"}
    assert record.count("Observation", *asked) == 2
    first = record.search_stored("Observation", [*asked, ("_count", "1")])
    second = record.search_stored("Observation", [*asked, ("_count", "1"), ("_cursor", first.next or "")])
    assert {one.id for one in (*first.matches, *second.matches)} == {"b", "c"}
    assert found(record, "Observation", ("patient", "q"), ("performer.name", "ha"), ("_sort", "-date")) == [
        "b"
    ]
    assert found(record, "Observation", ("patient", "q"), ("encounter.participant.name", "ha")) == []


def test_deleted_and_changed_targets_decide_nothing(record: fhir.Record) -> None:
    record.delete("Practitioner", "d")
    assert found(record, "Observation", ("performer.name", "ha")) == []
    put(record, patient("p", ',"name":[{"text":"Châu"}]'))
    assert found(record, "Observation", ("patient.name", "an")) == []
    assert found(record, "Observation", ("patient.name", "chau")) == ["a"]


def test_lists(record: fhir.Record) -> None:
    put(
        record,
        resource(
            "List/l",
            ',"status":"current","mode":"working","entry":[{"item":{"reference":"Observation/a"}},'
            '{"item":{"reference":"Observation/c"}},{"item":{"reference":"Patient/q"}}]',
        ),
    )
    assert set(found(record, "Observation", ("_list", "l"))) == {"a", "c"}
    assert found(record, "Observation", ("_list", "List/l,none"), ("patient", "p")) == ["a"]
    assert found(record, "Patient", ("_list", "l")) == ["q"]
    assert found(record, "Encounter", ("_list", "l")) == []


def test_what_is_hidden_decides_nothing(record: fhir.Record, connection: psycopg.Connection[Any]) -> None:
    """A citizen sees q alone; what p is called or has cannot be found out through a link."""
    put(
        record,
        observation("mine", "Patient/q", rest=',"focus":[{"reference":"Patient/p"}]'),
        resource("List/l", ',"status":"current","mode":"working","subject":{"reference":"Patient/p"},'
                 '"entry":[{"item":{"reference":"Observation/b"}}]'),
    )  # fmt: skip
    own = citizen(connection, "q")
    everything: list[tuple[str, tuple[str, str], set[str]]] = [
        ("Observation", ("focus:Patient.name", "an"), {"mine"}),
        ("Patient", ("link.name", "an"), {"q"}),
        ("Patient", ("link:Patient.organization.name", "phong"), {"q"}),
        ("Patient", ("_filter", 'link.name eq "an"'), {"q"}),
        ("Practitioner", ("_has:Encounter:participant:subject:Patient._id", "p"), {"d"}),
        ("Organization", ("_has:Patient:organization:name", "an"), {"c"}),
        ("Organization", ("_filter", "_id eq c"), {"c"}),
        ("Observation", ("_list", "l"), {"b"}),
    ]
    for type_name, asked, seen in everything:
        assert set(found(record, type_name, asked)) == seen, asked
        assert set(found(own, type_name, asked)) == (seen if asked[1] == "_id eq c" else set()), asked
        assert own.count(type_name, asked) == (1 if asked[1] == "_id eq c" else 0), asked
    # Through what may be seen the same links work.
    assert set(found(own, "Observation", ("patient.name", "binh"))) == {"b", "c", "mine"}
    assert set(found(own, "Practitioner", ("_has:Observation:performer:patient", "q"))) == {"d"}


def test_a_negative_link_tells_nothing_of_the_hidden(
    record: fhir.Record, connection: psycopg.Connection[Any]
) -> None:
    own = citizen(connection, "q")
    put(record, observation("mine", "Patient/q", rest=',"focus":[{"reference":"Patient/p"}]'))
    assert found(own, "Observation", ("focus:Patient.name:missing", "true")) == []
    assert found(own, "Observation", ("focus:Patient.gender:not", "male")) == []
    assert found(record, "Observation", ("focus:Patient.gender:not", "male")) == ["mine"]


@pytest.mark.parametrize(
    ("type_name", "name", "value", "key"),
    [
        ("Observation", ".".join(["has-member"] * 45) + ".code", "x", "search.too-many-links"),
        ("List", "item:List." + ".".join(["item"] * 30) + "._id", "x", "search.too-many-links"),
        ("Task", ".".join(["focus"] * 12) + "._id", "x", "search.too-many-links"),
        ("Patient", "_has:Patient:link:" * 45 + "name", "x", "search.too-many-links"),
        ("List", "item._id", "x", "search.chain-targets"),
        ("Observation", "patient.birthdate", "soon", "search.value"),
        ("Observation", "subject:Patient.nmae", "x", "search.unknown-parameter"),
    ],
)
def test_limits_and_refusals(record: fhir.Record, type_name: str, name: str, value: str, key: str) -> None:
    with pytest.raises(errors.RecordError) as caught:
        found(record, type_name, (name, value))
    assert caught.value.key == key


def test_many_links_are_answered(record: fhir.Record) -> None:
    deep = ".".join(["link:Patient"] * 20) + ".name"
    assert found(record, "Patient", (deep, "an")) == []
    put(
        record,
        patient("p", ',"name":[{"text":"An"}],"link":[{"other":{"reference":"Patient/p"},"type":"seealso"}]'),
    )
    assert set(found(record, "Patient", (deep, "an"))) == {"p", "q"}


def test_a_value_that_fits_one_target_type_is_asked_of_that_one(record: fhir.Record) -> None:
    """``subject.date`` is no date of Patients; of the types that have one it is asked."""
    assert found(record, "Observation", ("subject.name", "an"), ("subject:Location.name", "an")) == ["g"]


def test_links_by_canonical_url(record: fhir.Record, connection: psycopg.Connection[Any]) -> None:
    url = "http://x.vn/form"
    put(
        record,
        resource("Questionnaire/one", f',"status":"active","url":"{url}","version":"1","title":"Phiếu một"'),
        resource("Questionnaire/two", f',"status":"retired","url":"{url}","version":"2","title":"Phiếu hai"'),
        resource("Questionnaire/far", ',"status":"active","url":"http://x.vn/far","title":"Xa"'),
        resource("QuestionnaireResponse/v1", f',"status":"completed","questionnaire":"{url}|1"'),
        resource("QuestionnaireResponse/v2", f',"status":"amended","questionnaire":"{url}|2"'),
        resource("QuestionnaireResponse/bare", f',"status":"completed","questionnaire":"{url}"'),
        resource("QuestionnaireResponse/none", ',"status":"completed"'),
    )
    name = "questionnaire.title"
    assert set(found(record, "QuestionnaireResponse", (name, "phieu mot"))) == {"v1", "bare"}
    assert set(found(record, "QuestionnaireResponse", (name, "phieu hai"))) == {"v2", "bare"}
    assert found(record, "QuestionnaireResponse", ("questionnaire.status", "retired"), ("_sort", "_id")) == [
        "bare", "v2",
    ]  # fmt: skip
    assert found(record, "QuestionnaireResponse", (name, "xa")) == []
    back = "_has:QuestionnaireResponse:questionnaire:status"
    assert set(found(record, "Questionnaire", (back, "amended"))) == {"two"}
    assert set(found(record, "Questionnaire", (back, "completed"))) == {"one", "two"}
    reverse = ("_revinclude", "QuestionnaireResponse:questionnaire")
    page = record.search_stored("Questionnaire", [("_id", "two"), reverse])
    assert {one.id for one in page.included} == {"v2", "bare"}
    own = citizen(connection, "q")
    assert found(own, "Questionnaire", (back, "amended")) == []


def _of_p(kind: str, identifier: str, rest: str, whose: str = "p") -> str:
    subject = "patient" if kind == "AllergyIntolerance" else "subject"
    return resource(f"{kind}/{identifier}", f',"{subject}":{{"reference":"Patient/{whose}"}}{rest}')


@pytest.fixture
def chart(record: fhir.Record) -> fhir.Record:
    clinical, ver = "clinicalStatus", "verificationStatus"
    system = {"condition": ("condition-clinical", "condition-ver-status"),
              "allergy": ("allergyintolerance-clinical", "allergyintolerance-verification")}  # fmt: skip

    def said(kind: str, element: str, code: str) -> str:
        name = system[kind][0 if element == clinical else 1]
        return f',"{element}":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/{name}","code":"{code}"}}]}}'

    medicine = ',"status":"{}","medicationCodeableConcept":{{"text":"x"}}'
    put(
        record,
        _of_p("Condition", "active", said("condition", clinical, "active")),
        _of_p("Condition", "relapse", said("condition", clinical, "relapse") + said("condition", ver, "confirmed")),
        _of_p("Condition", "over", said("condition", clinical, "resolved")),
        _of_p("Condition", "wrong", said("condition", ver, "entered-in-error")),
        _of_p("Condition", "refuted", said("condition", clinical, "active") + said("condition", ver, "refuted")),
        _of_p("Condition", "unsaid", ""),
        _of_p("Condition", "ended", ',"abatementDateTime":"2020"'),
        _of_p("Condition", "other", said("condition", clinical, "active"), "q"),
        _of_p("AllergyIntolerance", "drug", ',"category":["medication"]' + said("allergy", clinical, "active")),
        _of_p("AllergyIntolerance", "food", ',"category":["food"]' + said("allergy", clinical, "active")),
        _of_p("AllergyIntolerance", "some", said("allergy", clinical, "active")),
        _of_p("AllergyIntolerance", "gone", ',"category":["medication"]' + said("allergy", clinical, "inactive")),
        _of_p("AllergyIntolerance", "no", said("allergy", clinical, "active") + said("allergy", ver, "refuted")),
        _of_p("MedicationStatement", "now", medicine.format("active")),
        _of_p("MedicationStatement", "on", medicine.format("active") + ',"effectivePeriod":{"start":"2020"}'),
        _of_p("MedicationStatement", "was", medicine.format("active")
              + ',"effectivePeriod":{"start":"2020","end":"2021"}'),
        _of_p("MedicationStatement", "done", medicine.format("completed")),
        _of_p("MedicationRequest", "do", ',"intent":"order"' + medicine.format("active")),
        _of_p("MedicationRequest", "not", ',"intent":"order","doNotPerform":true' + medicine.format("active")),
        _of_p("MedicationRequest", "old", ',"intent":"order"' + medicine.format("completed")),
    )  # fmt: skip
    return record


@pytest.mark.parametrize(
    ("type_name", "name", "expected"),
    [
        ("Condition", "$current-problems", {"active", "relapse", "unsaid"}),
        ("AllergyIntolerance", "$current-allergies", {"drug", "food", "some"}),
        ("AllergyIntolerance", "$current-drug-allergies", {"drug", "some"}),
        ("MedicationStatement", "$current-medications", {"now", "on"}),
        ("MedicationRequest", "$current-medications", {"do"}),
        ("Observation", "$current-medications", set()),
        ("Condition", "$current-problems,l", {"active", "relapse", "unsaid", "over"}),
    ],
)
def test_functional_lists(chart: fhir.Record, type_name: str, name: str, expected: set[str]) -> None:
    put(
        chart,
        resource(
            "List/l", ',"status":"current","mode":"working","entry":[{"item":{"reference":"Condition/over"}}]'
        ),
    )
    assert set(found(chart, type_name, ("patient", "p"), ("_list", name))) == expected
    within = chart.search_stored(type_name, [("_list", name)], compartment=search.Compartment("Patient", "p"))
    assert {one.id for one in within.matches} == expected


def test_a_functional_list_is_of_one_person(chart: fhir.Record) -> None:
    for asked, key in (
        ([("_list", "$current-problems")], "search.functional-list"),
        ([("patient", "p"), ("_list", "$current-everything")], "search.functional-list"),
    ):
        with pytest.raises(errors.RecordError) as refused:
            found(chart, "Condition", *asked)
        assert refused.value.key == key
    page = chart.search_stored(
        None, [("_type", "Condition,AllergyIntolerance"), ("patient", "p"),
               ("_list", "$current-problems,$current-allergies")],
    )  # fmt: skip
    assert {one.id for one in page.matches} == {"active", "relapse", "unsaid", "drug", "food", "some"}


def test_deep_chains_need_no_statistics(own_database: str) -> None:
    """On a store that was filled a moment ago the planner takes everything for one row: it may not matter."""
    with psycopg.connect(own_database, autocommit=True) as connection:
        record = fhir.open(connection, actor=SYSTEM)
        with record.atomic():
            for n in range(150):
                above = f"Organization/r{(n + 1) % 150}"
                put(
                    record,
                    resource(f"Organization/r{n}", f',"name":"Vòng","partOf":{{"reference":"{above}"}}'),
                    patient(f"p{n}", f',"managingOrganization":{{"reference":"Organization/r{n}"}}'),
                    observation(f"p{n}", f"Patient/p{n}"),
                )  # fmt: skip
        connection.execute("set statement_timeout = '10s'")
        for type_name, name, value in (
            ("Organization", "partof." * 12 + "name", "vong"),
            ("Observation", "subject.organization.partof.partof.name", "vong"),
            ("Organization", "_has:Organization:partof:" * 4 + "name", "vong"),
            ("Organization", "_has:Patient:organization:_has:Observation:patient:code", "8302-2"),
        ):
            assert record.search_stored(type_name, [(name, value), ("_count", "0")]).total == 150


@pytest.mark.parametrize("sort", [[], [("_sort", "_lastUpdated")], [("_sort", "-_lastUpdated")]])
@pytest.mark.parametrize(
    ("name", "value"),
    [("subject:Patient.gender", "female,male"), ("subject.name", "an,binh"), ("encounter.class", "AMB"),
     ("performer.name", "ha"), ("performer:Practitioner.name", "nobody")],
)  # fmt: skip
def test_what_very_many_point_to_is_read_in_order(
    record: fhir.Record, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sort: list[tuple[str, str]]
) -> None:
    """The same rows in the same order, however many there are taken to be."""
    put(record, *(observation(f"n{n}", "Patient/p") for n in range(5)))
    whole = found(record, "Observation", (name, value), *sort)
    monkeypatch.setattr(chain, "MANY", 1)
    seen: list[str] = []
    cursor: list[tuple[str, str]] = []
    while True:
        page = record.search_stored("Observation", [(name, value), ("_count", "2"), *sort, *cursor])
        seen += [one.id for one in page.matches]
        if page.next is None:
            break
        cursor = [("_cursor", page.next)]
    assert seen == whole
