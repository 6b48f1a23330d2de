"""The doctor's pages over HTTP: who reaches them, drafts, stops in the row, the signed page and the papers."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from django.test import Client

from tests.areas.clinic.stage import (
    DOCTOR,
    DOCTOR_NAME,
    HOUSE,
    ROOM,
    Stage,
    admit,
    allergy,
    drug,
    drug_code,
    put,
    stage,
)
from tests.builders import a_patient
from yba.areas.clinic import papers
from yba.fhir.r4.datatypes import HumanName, Reference
from yba.fhir.r4.related_person import RelatedPerson
from yba.fhir.record import Record
from yba.site.accounts.models import Account


def signed_in(role: str, *, facility: str = HOUSE, practitioner: str = "", location: str = "") -> Client:
    account = Account.objects.create_account(
        f"{role}-{facility}-{practitioner}", role=role, name=DOCTOR_NAME,
        facility=facility, practitioner=practitioner, location=location,
    )  # fmt: skip
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def room(record: Record, monkeypatch: pytest.MonkeyPatch) -> Stage:
    from tests.builders import NOW

    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)
    return stage(record)


@pytest.fixture
def client(room: Stage) -> Client:
    return signed_in("doctor", practitioner=DOCTOR, location=ROOM)


def test_the_room_shows_its_line(client: Client, room: Stage) -> None:
    page = client.get("/clinic/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "Phòng 204" in text
    assert "Nguyễn Thị Hạnh" in text
    assert f"/clinic/visit/{room.visit_id}" in text


@pytest.mark.parametrize("role", ["receptionist", "pharmacist", "citizen", "cashier"])
def test_other_roles_find_nothing(room: Stage, role: str) -> None:
    client = signed_in(role)
    assert client.get("/clinic/").status_code == 404
    assert client.get(f"/clinic/visit/{room.visit_id}").status_code == 404
    assert client.post(f"/clinic/visit/{room.visit_id}/finish").status_code == 404


def test_a_doctor_of_another_room_or_house_finds_nothing(record: Record, room: Stage) -> None:
    from tests.areas.clinic.stage import tagged
    from yba.fhir.r4.location import Location

    put(record, Location(meta=tagged(), name="205"), "p-205")
    put(record, Location(meta=tagged("pk-khac"), name="1"), "p-khac")
    neighbour = signed_in("doctor", practitioner="bs-khac", location="p-205")
    elsewhere = signed_in("doctor", facility="pk-khac", practitioner="bs-xa", location="p-khac")
    for client in (neighbour, elsewhere):
        assert client.get("/clinic/").status_code == 200
        assert client.get(f"/clinic/visit/{room.visit_id}").status_code == 404
        assert client.post(f"/clinic/visit/{room.visit_id}/save", {"complaint": "x"}).status_code == 404
        assert client.post(f"/clinic/ticket/{room.ticket.pk}/missed").status_code == 404


def save(client: Client, room: Stage, **fields: Any) -> Any:
    return client.post(f"/clinic/visit/{room.visit_id}/save", fields, headers={"HX-Request": "true"})


def test_a_draft_is_kept_and_shown_again(client: Client, room: Stage) -> None:
    answer = save(client, room, version="0", complaint="Ho <3 ngày>", **{"v-pulse": "300000"})
    text = answer.content.decode()
    assert "Đã lưu 9:00" in text
    assert 'name="version" value="1"' in text
    assert "không thể có" in text
    again = client.get(f"/clinic/visit/{room.visit_id}").content.decode()
    assert "Ho &lt;3 ngày&gt;" in again
    assert 'value="300000"' in again


def test_a_stale_page_gets_409_and_loses_nothing(client: Client, room: Stage) -> None:
    save(client, room, version="0", complaint="một")
    save(client, room, version="1", complaint="hai")
    stale = save(client, room, version="1", complaint="cũ")
    assert stale.status_code == 409
    assert "cửa sổ khác" in stale.content.decode()
    assert "hai" in client.get(f"/clinic/visit/{room.visit_id}").content.decode()


def test_the_stop_stands_in_the_row_and_signing_is_refused(
    client: Client, record: Record, room: Stage
) -> None:
    allergy(record, "Penicillin", code="A001")
    text = save(
        client, room, version="0", complaint="Ho", do="add", add=drug_code("amoxicillin")
    ).content.decode()
    assert "Dừng: người bệnh dị ứng" in text
    assert 'value="drop-drug:d1"' in text
    save(client, room, version="1", do="diagnosis", diagnosis="J20.9")
    refused = client.post(f"/clinic/visit/{room.visit_id}/finish", {"version": "2", "complaint": "Ho"})
    assert refused.status_code == 422
    assert "Chưa ký được" in refused.content.decode()
    save(client, room, version="3", do="drop-drug:d1")
    done = client.post(f"/clinic/visit/{room.visit_id}/finish", {"version": "4", "complaint": "Ho"})
    assert done.status_code == 302
    again = client.post(f"/clinic/visit/{room.visit_id}/finish", {"version": "4", "complaint": "Khác"})
    assert again.status_code == 302
    text = client.get(f"/clinic/visit/{room.visit_id}").content.decode()
    assert "Đã ký 9:00" in text
    assert "<textarea" not in text


@pytest.mark.parametrize(
    ("path", "words", "expected"),
    [
        ("diagnoses", "ha huyet ap tu the", "I95.1"),
        ("diagnoses", "orthostatic", "I95.1"),
        ("diagnoses", "i951", "I95.1"),
        ("orders", "glucophage", "Metformin"),
        ("orders", "tong phan tich te bao mau", "XN001"),
        ("allergens", "tom", "Tôm"),
    ],
)
def test_searches_forgive_accents(client: Client, path: str, words: str, expected: str) -> None:
    assert expected in client.get(f"/clinic/search/{path}", {"q": words}).content.decode()


def text_of_pdf(content: bytes) -> str:
    made = subprocess.run(["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True)
    return made.stdout.decode()


def test_the_prescription_on_paper(client: Client, record: Record, room: Stage) -> None:
    allergy(record, "Penicillin", code="A001")
    room.write(
        diagnoses=("I10", "E11.9"), advice="Uống đủ nước", follow_up="07/12/2026",
        drugs=(drug(drug_code("paracetamol", "500 mg"), days="2"), drug(drug_code("metformin"), "d2", days="30")),
    )  # fmt: skip
    code = room.finish().prescription
    answer = client.get(f"/clinic/prescription/{code}.pdf")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    text = " ".join(text_of_pdf(answer.content).split())
    order = [
        "Bệnh viện Đa khoa Hương Giang", code, "ĐƠN THUỐC", "Nguyễn Thị Hạnh", "nữ, sinh 12/03/1968", "046168001234",
        "(I10); ", "(E11.9)", "Penicillin", "1. ", "SL: 04 viên", "Uống 1 viên/lần, 2 lần/ngày, sáng và tối, 2 ngày",
        "2. ", "SL: 60 viên", "Lời dặn. Uống đủ nước", "Khám lại thứ Hai 07/12/2026", "Ngày 24 tháng 11 năm 2026",
        "Bác sĩ khám bệnh", DOCTOR_NAME, "trang 1/1",
    ]  # fmt: skip
    places = [text.find(words) for words in order]
    assert -1 not in places, order[places.index(-1)] + "\n" + text
    assert places == sorted(places)
    assert "Tháng tuổi" not in text
    slip = " ".join(text_of_pdf(client.get(f"/clinic/visit/{room.visit_id}/follow-up.pdf").content).split())
    assert "PHIẾU HẸN KHÁM LẠI" in slip
    assert "Hẹn khám lại thứ Hai 07/12/2026" in slip


def test_a_child_has_months_weight_and_companion(record: Record, room: Stage) -> None:
    put(record, a_patient("Lê Ngọc Bảo Na", birthDate="2023-10-20", identifier=[]), "be-na")
    mother = RelatedPerson(patient=Reference(reference="Patient/be-na"), name=[HumanName(text="Trần Thị Mẹ")])
    record.create(mother)
    child = admit(record, "be-na")
    child.write(vitals={"weight": "14,5"}, drugs=(drug(drug_code("paracetamol", "500 mg")),))
    text = " ".join(text_of_pdf(papers.prescription(child.record, child.finish().prescription)).split())
    for words in ("37 tháng", "14,5 kg", "Trần Thị Mẹ"):
        assert words in text, text


def test_strangers_get_no_paper(room: Stage) -> None:
    room.write(drugs=(drug(drug_code("paracetamol", "500 mg")),), follow_up="7")
    code = room.finish().prescription
    for stranger in (
        signed_in("citizen"),
        signed_in("pharmacist", facility="pk-khac"),
        signed_in("receptionist"),
    ):
        assert stranger.get(f"/clinic/prescription/{code}.pdf").status_code == 404
        assert stranger.get(f"/clinic/visit/{room.visit_id}/follow-up.pdf").status_code == 404
    assert signed_in("pharmacist").get(f"/clinic/prescription/{code}.pdf").status_code == 200
    assert (
        signed_in("pharmacist", practitioner="x").get("/clinic/prescription/46017aaaaaaa-C.pdf").status_code
        == 404
    )
