"""Breaking the glass: found by a number, opened for three hours, told, judged; and no other way to make an opening."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tests.care.sharing.village import Village
from yba.care.messages import kinds, texts
from yba.care.messages.models import Message
from yba.care.sharing import emergency
from yba.care.sharing.models import Review
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.access.consent import emergency as opening
from yba.fhir.r4.consent import Consent
from yba.site.accounts.models import Account

WHY = {"reason": "unconscious", "words": "Hôn mê, xe đưa tới lúc 8 giờ"}


def client_of(account: Account) -> Client:
    found = Client()
    found.force_login(account)
    return found


def open_for(desk: Client, village: Village, **data: Any) -> Any:
    return desk.post(f"/clinic/emergency/open/{village.own.id}", {**WHY, **data})


def test_peer_12_found_by_number_opened_told_and_closed_by_the_clock(village: Village, desk: Client) -> None:
    assert not village.sees(village.doctor, village.result)
    assert "Nguyễn Thị Hạnh" not in desk.get("/clinic/emergency/?q=Hạnh").content.decode()
    assert "Nguyễn Thị Hạnh" in desk.get("/clinic/emergency/?q=046158005555").content.decode()
    assert not village.sees(village.doctor, village.result)  # to find is not to open
    answer = open_for(desk, village)
    review = Review.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/clinic/emergency/{review.pk}")
    page = desk.get(answer["Location"]).content.decode()
    assert "Sổ đang mở cấp cứu: còn 3 giờ 0 phút" in page
    assert "Tăng huyết áp" in page
    assert village.sees(
        village.doctor,
        village.result,
    )
    assert village.sees(village.doctor, village.hidden)
    text = Message.objects.get(kind="sharing.emergency")
    assert text.to_phone == "0905123456"
    assert "Bệnh viện B mở sổ của Nguyễn Thị Hạnh vì cấp cứu" in text.text  # as the box shows it
    sent = kinds.rendered(kinds.kind_of(text.kind), "sms", "vi", {"text": text.text}).text
    assert "Benh vien B mo so cua Nguyen Thi Hanh vi cap cuu" in sent
    assert texts.septets(sent) <= 160
    village.later(hours=2, minutes=59)
    assert village.sees(village.doctor, village.result)
    village.later(minutes=2)
    assert not village.sees(village.doctor, village.result)
    assert desk.get(f"/clinic/emergency/{review.pk}").status_code == 404


def test_peer_12_what_is_read_is_audited_as_an_emergency(village: Village, desk: Client) -> None:
    answer = open_for(desk, village)
    desk.get(answer["Location"])
    rows = village.record.connection.execute(
        "select act::varchar, purpose::varchar from record.audit where patient = %s and actor = %s and at >= %s",
        (village.own.id, str(village.doctor_account.pk), village.moment),
    ).fetchall()
    assert ("emergency", "ETREAT") in rows
    assert {purpose for act, purpose in rows if act in ("search", "read")} == {"ETREAT"}


def test_ended_early_it_is_closed_at_once(village: Village, desk: Client) -> None:
    open_for(desk, village)
    review = Review.objects.get()
    assert desk.post(f"/clinic/emergency/{review.pk}/end").status_code == 302
    assert not village.sees(village.doctor, village.result)
    review.refresh_from_db()
    assert review.ended_at == village.moment


def test_the_same_opening_twice_is_one(village: Village, desk: Client) -> None:
    open_for(desk, village)
    open_for(desk, village)
    assert Review.objects.count() == 1
    assert Message.objects.filter(kind="sharing.emergency").count() == 1


@pytest.mark.parametrize("change", [{"reason": ""}, {"reason": "curious"}, {"words": ""}, {"words": "gấp"}])
def test_without_a_reason_nothing_opens(village: Village, desk: Client, change: dict[str, str]) -> None:
    assert open_for(desk, village, **change).status_code == 422
    assert not village.sees(village.doctor, village.result)
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    "role", ["receptionist", "cashier", "pharmacist", "auditor", "facility_administrator"]
)
def test_who_has_no_right_has_no_such_page(village: Village, role: str) -> None:
    account = Account.objects.create_account("khac", role=role, facility="B", practitioner="d1")
    assert client_of(account).get("/clinic/emergency/").status_code == 404
    assert open_for(client_of(account), village).status_code == 404
    assert Review.objects.count() == 0


def test_reception_with_the_right_opens_for_the_doctor_on_duty(village: Village) -> None:
    from yba.fhir.r4.datatypes import Reference
    from yba.fhir.r4.practitioner_role import PractitionerRole

    village.record.create(
        PractitionerRole(
            practitioner=Reference(reference="Practitioner/d1"),
            organization=Reference(reference="Organization/B"),
        )
    )
    account = Account.objects.create_account(
        "tiepdon.cc", role="receptionist", name="Trang", facility="B", rights=["emergency"]
    )
    front = client_of(account)
    assert open_for(front, village, practitioner="").status_code == 422
    assert open_for(front, village, practitioner="d1").status_code == 302
    assert village.sees(village.doctor, village.result)
    assert not village.sees(village.by(account), village.result)
    assert Review.objects.get().by_name == "Trang"


def test_no_other_way_makes_an_opening(village: Village) -> None:
    made = opening(village.doctor.actor, village.own.id or "", reason="x", now=village.moment)
    people = [village.by(village.hanh), village.doctor, village.record]
    assert village.record.actor == SYSTEM  # even with all rights: it acts for nobody
    for record in people:
        with pytest.raises((errors.Forbidden, errors.NotFound)):
            record.create(made)
    assert not village.sees(village.doctor, village.result)


def test_the_person_cannot_rewrite_an_opening(village: Village, desk: Client) -> None:
    open_for(desk, village)
    kept = village.record.first(Consent, ("patient", f"Patient/{village.own.id}"))
    assert kept is not None
    kept.category = kept.category[:0] or [kept.scope]
    with pytest.raises(errors.Forbidden):
        village.by(village.hanh).update(kept)


def test_an_auditor_judges_once_and_not_what_they_opened(village: Village, desk: Client) -> None:
    open_for(desk, village)
    review = Review.objects.get()
    other = client_of(Account.objects.create_account("kt.a", role="auditor", facility="A"))
    auditor = client_of(
        Account.objects.create_account("kt.b", role="auditor", name="Kiểm toán", facility="B")
    )
    path = f"/quan-tri/mo-cap-cuu/{review.pk}/"
    assert other.get(path).status_code == 404
    assert desk.get(path).status_code == 404
    assert "Hôn mê, xe đưa tới lúc 8 giờ" in auditor.get(path).content.decode()
    village.later(days=5)
    assert "Quá hạn xem xét" in auditor.get("/quan-tri/mo-cap-cuu/").content.decode()
    assert auditor.post(path, {"verdict": "no", "note": ""}).status_code == 422
    assert auditor.post(path, {"verdict": "no", "note": "Không có phiếu cấp cứu"}).status_code == 302
    review.refresh_from_db()
    assert (review.state, review.judged_by, review.note) == (
        "unjustified",
        "Kiểm toán",
        "Không có phiếu cấp cứu",
    )
    assert auditor.post(path, {"verdict": "yes", "note": "đổi ý"}).status_code == 409


def test_of_a_child_the_guardian_is_told(village: Village) -> None:
    said = emergency.Opening(village.na.id or "", "danger", "Tai nạn giao thông, bất tỉnh")
    found = emergency.break_the_glass(village.doctor, said)
    assert isinstance(found, Review)
    assert [one.to_phone for one in Message.objects.filter(kind="sharing.emergency")] == ["0905123456"]
