"""Patient/$match: the likely records in order, and never a certain match with another person."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fhir.operation_calls import Answer, Client, client_of, entries, put
from yba.fhir.rest.operations.match import candidates
from yba.fhir.rest.operations.match.traits import Name, Traits, phone, traits_of
from yba.fhir.rest.operations.match.weights import birth_bits, compare, name_bits, one_off

SID = "https://yba.vn/fhir/sid/"
CCCD = {"system": SID + "cccd", "value": "046168001234"}
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
HOME = [{"city": "Phường Thuận Hòa", "state": "Thành phố Huế"}]


def person(name: str = "Nguyễn Thị Thu Hạnh", **fields: Any) -> dict[str, Any]:
    family, *given = name.split()
    return {
        "resourceType": "Patient",
        "name": [{"text": name, "family": family, "given": given}],
        "gender": "female",
        "birthDate": "1968-03-12",
        **fields,
    }


def stored(client: Client, identifier: str, found: dict[str, Any]) -> None:
    put(
        client,
        "Patient",
        identifier,
        **{name: value for name, value in found.items() if name != "resourceType"},
    )


def ask(client: Client, sent: dict[str, Any], token: str = "system", **flags: Any) -> Answer:
    parameters: list[dict[str, Any]] = [{"name": "resource", "resource": sent}]
    parameters += [
        {"name": name, ("valueBoolean" if isinstance(value, bool) else "valueInteger"): value}
        for name, value in flags.items()
    ]
    return client(
        "POST", "/Patient/$match", {"resourceType": "Parameters", "parameter": parameters}, token=token
    )


def grades(answer: Answer) -> list[tuple[str, str]]:
    """(id, grade) of each match in order."""
    found = []
    for one in entries(answer):
        if one["search"]["mode"] == "match":
            (extension,) = one["search"]["extension"]
            assert extension["url"] == GRADE
            assert 0 < one["search"]["score"] <= 1
            assert (one["search"]["score"] > 0.98) == (extension["valueCode"] == "certain")
            found.append((one["resource"]["id"], extension["valueCode"]))
    return found


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    stored(
        found,
        "hanh",
        person(identifier=[CCCD], telecom=[{"system": "phone", "value": "0905 123 456"}], address=HOME),
    )
    stored(found, "p", person("Trần Văn Bình", gender="male", birthDate="1990-05-04"))
    return found


def test_certain_by_identifier(client: Client) -> None:
    answer = ask(client, person(identifier=[CCCD]))
    assert grades(answer) == [("hanh", "certain")]
    assert answer.json["type"] == "searchset"
    assert answer.json["total"] == 1
    assert entries(answer)[0]["resource"] == client("GET", "/Patient/hanh").json
    assert grades(ask(client, person(identifier=[CCCD]), onlyCertainMatches=True)) == [("hanh", "certain")]
    alone = {"resourceType": "Patient", "identifier": [CCCD], "birthDate": "1968"}
    assert grades(ask(client, alone)) == [("hanh", "certain")]


def test_an_identifier_alone_is_not_certain(client: Client) -> None:
    """A digit typed wrong would name another person: something else must agree."""
    answer = ask(client, {"resourceType": "Patient", "identifier": [CCCD]})
    assert grades(answer) == [("hanh", "probable")]


@pytest.mark.parametrize(
    "other",
    [
        {"gender": "male"},
        {"birthDate": "1999-12-31"},
        {"name": [{"text": "Lê Minh"}]},
        {"name": [{"text": "Nguyễn Thị Thu Hành"}]},
        {"identifier": [CCCD, {"system": SID + "bhyt", "value": "GD4464612345678"}]},
        {"multipleBirthInteger": 2},
    ],
)
def test_what_contradicts_is_never_certain(client: Client, other: dict[str, Any]) -> None:
    stored(client, "hanh", person(identifier=[CCCD, {"system": SID + "bhyt", "value": "GD4464687654321"}],
           multipleBirthInteger=1))  # fmt: skip
    (match,) = grades(ask(client, {**person(identifier=[CCCD]), **other}))
    assert match == ("hanh", "possible")
    only = ask(client, {**person(identifier=[CCCD]), **other}, onlyCertainMatches=True)
    assert grades(only) == []
    assert entries(only)[0]["resource"]["resourceType"] == "OperationOutcome"


def test_two_records_with_one_identifier_are_not_certain(client: Client) -> None:
    stored(client, "again", person(identifier=[CCCD]))
    assert dict(grades(ask(client, person(identifier=[CCCD])))) == {"hanh": "probable", "again": "probable"}
    assert grades(ask(client, person(identifier=[CCCD]), onlyCertainMatches=True)) == []


def test_namesakes_born_on_one_day(client: Client) -> None:
    """Everything agrees that two people may share: likely, never certain."""
    answer = ask(client, person(telecom=[{"system": "phone", "value": "+84905123456"}], address=HOME))
    assert grades(answer) == [("hanh", "probable")]
    assert entries(answer)[0]["search"]["score"] == 0.98
    other_number = ask(client, person(identifier=[{**CCCD, "value": "079168777777"}]))
    assert grades(other_number) == []


def test_twins(client: Client) -> None:
    home = {
        "address": HOME,
        "telecom": [{"system": "phone", "value": "0912000111"}],
        "birthDate": "2020-06-01",
    }
    stored(client, "an", person("Nguyễn Văn An", gender="male", **home))
    stored(client, "an2", person("Nguyễn Văn Ân", gender="male", **home))
    stored(client, "em", person("Nguyễn Văn Em", gender="male", **home))
    found = dict(grades(ask(client, person("Nguyễn Văn Ân", gender="male", **home))))
    assert found["an2"] == "probable"
    assert set(found.values()) <= {"probable", "possible"}
    assert found.get("em", "possible") == "possible"
    ordered = person("Nguyễn Văn An", gender="male", multipleBirthInteger=2, **home)
    stored(client, "an", {**ordered, "multipleBirthInteger": 1})
    assert ("an", "probable") not in grades(ask(client, ordered))


@pytest.mark.parametrize(
    "sent",
    [
        person("NGUYEN THI THU HANH"),
        person("Nguyễn Thu Thị Hạnh"),
        person("Nguyễn Hạnh", telecom=[{"system": "phone", "value": "0905123456"}]),
        person(birthDate="1968-12-03", telecom=[{"system": "phone", "value": "0905123456"}]),
        person(birthDate="1968", address=HOME, telecom=[{"system": "phone", "value": "0905.123.456"}]),
        person("Nguyễn Thị Thi Hạnh", address=HOME, telecom=[{"system": "phone", "value": "0905123456"}]),
        person(birthDate="1968-01-01", address=HOME, telecom=[{"system": "phone", "value": "0905123456"}]),
    ],
)
def test_usual_slips_are_found(client: Client, sent: dict[str, Any]) -> None:
    assert grades(ask(client, sent)) == [("hanh", "probable")]


def test_another_called_name_is_another_person_until_somebody_decides(client: Client) -> None:
    sent = person("Nguyễn Thị Thu Hạn", address=HOME, telecom=[{"system": "phone", "value": "0905123456"}])
    assert grades(ask(client, sent)) == [("hanh", "possible")]


def test_year_of_birth_and_name(client: Client) -> None:
    stored(client, "old", person("Hoàng Thị Mót", birthDate="1941"))
    assert grades(ask(client, person("Hoàng Mót", birthDate="1941", address=HOME))) == []
    found = ask(client, person("Hoàng Thị Mót", birthDate="1941-07-09", address=HOME))
    assert grades(found) == [("old", "possible")]  # a name and a year are shared by many
    known = {"telecom": [{"system": "phone", "value": "0234567890"}]}
    stored(client, "old", person("Hoàng Thị Mót", birthDate="1941", **known))
    assert grades(ask(client, person("Hoàng Thị Mót", birthDate="1941-07-09", **known))) == [
        ("old", "probable")
    ]


def test_a_card_that_many_hold_is_not_cut_short_in_silence(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MOST", 1)
    card = {"system": SID + "bhyt", "value": "GD4464612345678"}
    for identifier in ("hanh", "other"):
        put(client, "Coverage", f"c-{identifier}", status="active", payor=[{"display": "BHXH"}], identifier=[card],
            beneficiary={"reference": f"Patient/{identifier}"})  # fmt: skip
    told = ask(client, person(identifier=[card], birthDate="1968-03-13"))
    assert "More than 1 insurance cards have the number GD4464612345678; not all were looked at." in str(
        told.json
    )


def test_by_insurance_card(client: Client) -> None:
    card = {"system": SID + "bhyt", "value": "GD4464612345678"}
    put(client, "Coverage", "c", status="active", beneficiary={"reference": "Patient/hanh"},
        payor=[{"display": "BHXH"}], identifier=[card])  # fmt: skip
    assert (
        grades(ask(client, person(identifier=[{**card, "value": "4612345678"}], birthDate="1968-03-13")))[0][
            0
        ]
        == "hanh"
    )


def test_replaced_record_is_not_certain(client: Client) -> None:
    stored(client, "hanh", person(identifier=[CCCD], active=False))
    assert grades(ask(client, person(identifier=[CCCD]))) == [("hanh", "possible")]


def test_count(client: Client) -> None:
    for number in range(4):
        stored(client, f"h{number}", person())
    answer = ask(client, person(), count=2)
    assert len(grades(answer)) == 2
    assert answer.json["total"] == 5
    assert entries(answer)[-1]["search"]["mode"] == "outcome"


def test_access(client: Client) -> None:
    """Only records the actor may search are compared."""
    sent = person(identifier=[CCCD])
    assert grades(ask(client, sent, token="stranger")) == []
    assert grades(ask(client, sent, token="doctor-b")) == []
    assert grades(ask(client, sent, token="wall")) == []
    assert grades(ask(client, sent, token="desk")) == [("hanh", "certain")]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"resourceType": "Parameters"}, "match.resource"),
        ({"resourceType": "Observation", "status": "final", "code": {"text": "x"}}, "match.resource"),
        ({"resourceType": "Patient", "gender": "male", "birthDate": "1980-01-01"}, "match.too-little"),
        ({"resourceType": "Patient", "gender": "men"}, "codec.value"),
        (
            {"resourceType": "Parameters", "parameter": [{"name": "x", "valueString": "y"}]},
            "operation.parameter",
        ),
    ],
)
def test_refused(client: Client, body: object, key: str) -> None:
    answer = client("POST", "/Patient/$match", body)
    assert answer.status == 400
    if key != "codec.value":
        assert answer.key == key


def test_a_bare_patient_is_the_resource(client: Client) -> None:
    assert grades(client("POST", "/Patient/$match?count=1", person(identifier=[CCCD]))) == [
        ("hanh", "certain")
    ]
    assert grades(client("POST", "/Patient/$match", person(identifier=[CCCD]))) == [("hanh", "certain")]


# -- the weights themselves ----------------------------------------------------------------------------------


def name_of(text: str) -> Name:
    return traits_of({"name": [{"text": text}]}).names[0]


@pytest.mark.parametrize(
    ("one", "other", "bits"),
    [
        ("Nguyễn Thị Hạnh", "nguyen thi hanh", 10),
        ("Đỗ Văn Đức", "Do Van Duc", 10),
        ("Nguyễn Thị Thu Hạnh", "Nguyễn Thu Thị Hạnh", 7),
        ("Nguyễn Thị Hạnh", "Nguyễn Thị Hành", -5),
        ("Nguyễn Thị Thu Hạnh", "Nguyễn Hạnh", 5),
        ("Nguyễn Thị Hạnh", "Nguyễn Thi Hanhh", -5),
        ("Nguyễn Vân Hạnh", "Nguyễn Văn Hạnh", 5),
        ("Nguyễn Văn An", "Nguyễn Văn Bình", -5),
        ("Nguyễn Văn An", "Trần Thị Bình", -9),
    ],
)
def test_names(one: str, other: str, bits: float) -> None:
    assert name_bits(name_of(one), name_of(other)) == bits
    assert name_bits(name_of(other), name_of(one)) == bits


@pytest.mark.parametrize(
    ("one", "other", "bits"),
    [
        ("1980-02-10", "1980-02-10", 13),
        ("1980-02-10", "1980-10-02", 8),
        ("1980-02-10", "1980", 5),
        ("1980-02-10", "1980-02", 9),
        ("1980-02-10", "1980-01-01", 5),
        ("1980-02-10", "1980-02-11", 6),
        ("1980-02-10", "1980-03-22", -10),
        ("1980-02-10", "1981", -10),
    ],
)
def test_birth_dates(one: str, other: str, bits: float) -> None:
    assert birth_bits(one, other) == birth_bits(other, one) == bits


def test_telephones() -> None:
    assert {phone(one) for one in ("+84 905 123 456", "0905.123.456", "84905123456", "0084905123456")} == {
        "0905123456"
    }
    assert phone("113") == ""


@given(st.text("ab1", max_size=4), st.text("ab1", max_size=4))
def test_one_slip_is_the_same_both_ways(one: str, other: str) -> None:
    assert one_off(one, other) == one_off(other, one)
    assert not one_off(one, one)


_traits = st.builds(
    Traits,
    names=st.lists(st.sampled_from(["Nguyễn Văn An", "Nguyễn Văn Ân", "Trần Bình"]), max_size=1).map(
        lambda names: tuple(name_of(one) for one in names)
    ),
    birth=st.sampled_from(["", "1980", "1980-02-10", "1980-10-02"]),
    gender=st.sampled_from(["", "male", "female"]),
    contacts=st.frozensets(st.sampled_from(["0905123456", "a@b.vn"])),
    provinces=st.frozensets(st.sampled_from(["hue", "ha noi"])),
    communes=st.frozensets(st.sampled_from(["thuan hoa"])),
)


@given(_traits, _traits)
def test_without_an_identifier_nothing_is_certain(one: Traits, other: Traits) -> None:
    assert not compare(one, other).certain
    assert compare(one, other).bits == compare(other, one).bits
