"""Patient/$summary: a valid document, nothing lost, nothing hidden shown."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from typing import Any

import psycopg
import pytest

from tests.fhir.operation_calls import BASE, Client, a_consent, client_of, put
from yba.fhir.model import codec

P = {"reference": "Patient/p"}
CLINICAL = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
ABSENT = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    found = client_of(connection)
    put(found, "Organization", "a", name="Bệnh viện A")
    put(found, "Patient", "p", name=[{"text": "Nguyễn Thị Hạnh"}], identifier=[{"system": "s", "value": "1"}])
    put(found, "Encounter", "e", facility="a", status="finished", **{"class": {"code": "AMB"}}, subject=P)
    return found


def allergy(client: Client, identifier: str, text: str, clinical: str | None = "active", verified: str = "confirmed",
            **fields: Any) -> None:  # fmt: skip
    if clinical:
        fields["clinicalStatus"] = {"coding": [{"system": CLINICAL, "code": clinical}]}
    put(client, "AllergyIntolerance", identifier, code={"text": text}, patient=P,
        verificationStatus={"coding": [{"system": VERIFICATION, "code": verified}]}, **fields)  # fmt: skip


def observation(client: Client, identifier: str, category: str, code: str, when: str, **fields: Any) -> None:
    fields = {"status": "final", "valueQuantity": {"value": 1.50, "unit": "mg"}, **fields}
    put(client, "Observation", identifier, category=[{"coding": [{"code": category}]}], subject=P,
        code={"coding": [{"system": "http://loinc.org", "code": code}]}, effectiveDateTime=when, **fields)  # fmt: skip


def document(client: Client, token: str = "system") -> dict[str, Any]:
    answer = client("GET", "/Patient/p/$summary", token=token)
    assert answer.status == 200, answer.body
    codec.decode(answer.body, "Bundle")
    body: dict[str, Any] = answer.json
    return body


def sections(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["code"]["coding"][0]["code"]: one for one in body["entry"][0]["resource"]["section"]}


def rows(body: dict[str, Any], code: str) -> list[dict[str, Any]]:
    """The resources of a section, each found in the document by its full URL."""
    by_url = {one["fullUrl"]: one["resource"] for one in body["entry"]}
    section = sections(body).get(code)
    return [by_url[one["reference"]] for one in section["entry"]] if section else []


def ids(body: dict[str, Any], code: str) -> list[str]:
    return [one.get("id", "") for one in rows(body, code)]


def test_the_document(client: Client) -> None:
    body = document(client)
    assert body["type"] == "document"
    assert body["identifier"]["value"].startswith("urn:uuid:")
    assert body["timestamp"].endswith("Z")
    assert body["meta"]["profile"] == ["http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"]
    composition = body["entry"][0]["resource"]
    assert composition["resourceType"] == "Composition"
    assert composition["type"]["coding"][0]["code"] == "60591-5"
    by_url = {one["fullUrl"]: one["resource"] for one in body["entry"]}
    assert len(by_url) == len(body["entry"])
    assert by_url[composition["subject"]["reference"]] == client("GET", "/Patient/p").json
    assert by_url[composition["author"][0]["reference"]]["resourceType"] == "Device"
    assert composition["confidentiality"] == "N"


def test_nothing_known_is_said(client: Client) -> None:
    """The three required sections stand with the codes for "no information", and with no other claim."""
    body = document(client)
    assert list(sections(body)) == ["11450-4", "48765-2", "10160-0"]
    said = {
        code: [coding for one in rows(body, code) for name in ("code", "medicationCodeableConcept")
               for coding in one.get(name, {}).get("coding", [])]
        for code in sections(body)
    }  # fmt: skip
    assert {code: [(one["system"], one["code"]) for one in found] for code, found in said.items()} == {
        "11450-4": [(ABSENT, "no-problem-info")],
        "48765-2": [(ABSENT, "no-allergy-info")],
        "10160-0": [(ABSENT, "no-medication-info")],
    }
    for section in sections(body).values():
        assert "emptyReason" not in section  # a section with an entry has none (cmp-2)
        assert "No information available" in section["text"]["div"]


def test_no_allergy_is_lost(client: Client) -> None:
    """Only what was entered in error or refuted is left out; the rest says how sure and how current it is."""
    allergy(client, "sure", "Penicillin")
    allergy(client, "unsure", "Tôm", verified="unconfirmed")
    allergy(client, "presumed", "Bụi", verified="unconfirmed")
    allergy(client, "past", "Sữa", clinical="inactive")
    allergy(client, "healed", "Trứng", clinical="resolved")
    allergy(client, "wrong", "Lạc", clinical=None, verified="entered-in-error")
    allergy(client, "refuted", "Cua", clinical="inactive", verified="refuted")
    put(client, "AllergyIntolerance", "bare", code={"text": "Aspirin"}, patient=P)
    body = document(client)
    assert sorted(ids(body, "48765-2")) == ["bare", "healed", "past", "presumed", "sure", "unsure"]
    assert ids(body, "48765-2")[-2:] == ["healed", "past"]  # what is over comes last
    text = sections(body)["48765-2"]["text"]["div"]
    for word in ("Penicillin", "Tôm", "chưa xác nhận / unconfirmed", "không còn / inactive", "Aspirin"):
        assert word in text
    assert "Lạc" not in text
    assert "Cua" not in text


def test_a_known_absence_is_given_as_it_was_said(client: Client) -> None:
    allergy(client, "none", "Không có dị ứng đã biết")
    assert ids(document(client), "48765-2") == ["none"]


def test_problems_and_past_illness(client: Client) -> None:
    def condition(identifier: str, clinical: str | None, verified: str = "confirmed", **fields: Any) -> None:
        system = "http://terminology.hl7.org/CodeSystem/condition-"
        status = {"coding": [{"system": system + "ver-status", "code": verified}]}
        if clinical:
            fields["clinicalStatus"] = {"coding": [{"system": system + "clinical", "code": clinical}]}
        put(client, "Condition", identifier, verificationStatus=status, code={"text": identifier}, subject=P,
            **fields)  # fmt: skip

    for name in ("active", "recurrence", "relapse", "inactive", "remission", "resolved"):
        condition(name, name)
    condition("nothing-said", None)
    condition("ended", None, abatementDateTime="2020-01-01")
    condition("error", None, "entered-in-error")
    condition("not-so", "active", "refuted")
    body = document(client)
    assert sorted(ids(body, "11450-4")) == ["active", "nothing-said", "recurrence", "relapse"]
    assert sorted(ids(body, "11348-0")) == ["ended", "inactive", "remission", "resolved"]


def test_medicines(client: Client) -> None:
    put(client, "Medication", "drug", code={"text": "Metformin 500 mg"})
    for status in ("active", "on-hold", "completed", "entered-in-error", "stopped"):
        put(client, "MedicationRequest", f"r-{status}", status=status, intent="order", subject=P,
            medicationReference={"reference": "Medication/drug"})  # fmt: skip
        put(client, "MedicationStatement", f"s-{status}", status=status, subject=P,
            medicationCodeableConcept={"text": "Vitamin"}, dosage=[{"text": "1 viên/ngày"}])  # fmt: skip
    body = document(client)
    assert sorted(ids(body, "10160-0")) == ["r-active", "r-on-hold", "s-active", "s-on-hold"]
    assert "Metformin 500 mg" in sections(body)["10160-0"]["text"]["div"]
    assert "1 viên/ngày" in sections(body)["10160-0"]["text"]["div"]
    assert f"{BASE}/Medication/drug" in [one["fullUrl"] for one in body["entry"]]


def test_measurements_latest_of_each(client: Client) -> None:
    observation(client, "old", "vital-signs", "8867-4", "2023-01-01")
    observation(client, "new", "vital-signs", "8867-4", "2024-01-01")
    observation(client, "zone-late", "vital-signs", "8310-5", "2024-01-01T20:00:00Z")
    observation(client, "zone-early", "vital-signs", "8310-5", "2024-01-01T23:00:00+07:00")
    observation(client, "weight", "vital-signs", "29463-7", "2022-01-01")
    observation(client, "lab", "laboratory", "718-7", "2024-01-01")
    observation(client, "lab-wrong", "laboratory", "718-7", "2025-01-01", status="entered-in-error")
    observation(client, "smoke", "social-history", "72166-2", "2024-01-01")
    observation(client, "pregnant", "social-history", "82810-3", "2024-01-01")
    body = document(client)
    assert ids(body, "8716-3") == ["zone-late", "new", "weight"]
    assert ids(body, "30954-2") == ["lab"]
    assert ids(body, "29762-2") == ["smoke"]
    assert ids(body, "10162-6") == ["pregnant"]
    assert "1.5 mg" in sections(body)["30954-2"]["text"]["div"]


def test_the_other_sections(client: Client) -> None:
    put(client, "Immunization", "done", status="completed", vaccineCode={"text": "BCG"}, patient=P,
        occurrenceDateTime="2020")  # fmt: skip
    put(client, "Immunization", "not", status="not-done", vaccineCode={"text": "BCG"}, patient=P,
        occurrenceDateTime="2020")  # fmt: skip
    put(client, "Procedure", "cut", status="completed", code={"text": "Mổ ruột thừa"}, subject=P)
    put(client, "Device", "pace", deviceName=[{"name": "Máy tạo nhịp", "type": "user-friendly-name"}])
    put(client, "DeviceUseStatement", "use", status="active", subject=P, device={"reference": "Device/pace"})
    put(client, "CarePlan", "plan", status="active", intent="plan", subject=P, title="Tập đi")
    put(client, "Flag", "flag", status="active", code={"text": "Dễ ngã"}, subject=P)
    body = document(client)
    found = {code: ids(body, code) for code in sections(body)}
    assert {code: found[code] for code in ("11369-6", "47519-4", "46264-8", "18776-5", "104605-1")} == {
        "11369-6": ["done"], "47519-4": ["cut"], "46264-8": ["use"], "18776-5": ["plan"], "104605-1": ["flag"],
    }  # fmt: skip
    assert "Máy tạo nhịp" in sections(body)["46264-8"]["text"]["div"]


def test_narrative_is_xhtml_and_escaped(client: Client) -> None:
    allergy(client, "x", '<script>alert(1)</script> & "q"', note=[{"text": "a < b"}])
    for section in sections(document(client)).values():
        root = ElementTree.fromstring(section["text"]["div"])
        assert root.tag == "{http://www.w3.org/1999/xhtml}div"
        assert not list(root.iter("{http://www.w3.org/1999/xhtml}script"))
        assert " (" in section["title"]


def test_access(client: Client) -> None:
    """Of two facilities: who treats here sees what is shared; nobody else gets a summary."""
    allergy(
        client, "b", "Penicillin", meta={"tag": [{"system": "https://yba.vn/fhir/facility", "code": "b"}]}
    )
    a_consent(client, "p", "a")
    for token in ("system", "citizen", "doctor-a"):
        assert ids(document(client, token), "48765-2") == ["b"]
    assert client("GET", "/Patient/p/$summary", token="stranger").status == 404
    assert client("GET", "/Patient/p/$summary", token="doctor-b").status == 404
    desk = client("GET", "/Patient/p/$summary", token="desk")
    assert (desk.status, desk.key) == (403, "summary.partial")


def test_custodian(client: Client) -> None:
    composition = document(client, "doctor-a")["entry"][0]["resource"]
    assert composition["custodian"] == {"reference": f"{BASE}/Organization/a"}


def test_by_identifier(client: Client) -> None:
    answer = client("GET", "/Patient/$summary?identifier=s|1")
    assert answer.json["entry"][1]["resource"]["id"] == "p"
    assert client("GET", "/Patient/$summary?identifier=s|2").status == 404
    put(client, "Patient", "q", identifier=[{"system": "s", "value": "1"}])
    assert client("GET", "/Patient/$summary?identifier=s|1").status == 412
    assert client("GET", "/Patient/$summary").key == "operation.missing"
    assert client("GET", "/Patient/$summary?identifier=s|1", token="stranger").status == 404
    assert client("GET", "/Patient/p/$summary?profile=http://x").key == "summary.profile"
    assert client("GET", "/Patient/none/$summary").status == 404
