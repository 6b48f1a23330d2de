"""Prescriptions to the national system, a portal of the test over HTTP: what is sent, again until it is taken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from tests.areas.clinic.stage import DOCTOR, HOUSE, ROOM, Stage, drug, drug_code, put, stage
from tests.areas.clinic.test_pages import signed_in
from tests.builders import NOW
from tests.servers import Asked, Reply, Server
from yba import fhir
from yba.areas.clinic import sending
from yba.areas.clinic.models import Sending
from yba.areas.clinic.signing import Signed
from yba.care import prescription_portal
from yba.care.prescription_portal import Failed, Known, Prescription, Refused
from yba.fhir.access import SYSTEM
from yba.fhir.r4.datatypes import ContactPoint, HumanName, Reference
from yba.fhir.r4.related_person import RelatedPerson
from yba.fhir.record import Record
from yba.gateways.prescriptions.portal import Portal, Prescriber
from yba.site import prescription_portal as configured

PASSWORD = "mat-khau-lien-thong"


@dataclass
class National:
    """A portal that keeps what it takes, gives tokens that end, and may be out of order."""

    kept: list[dict[str, Any]] = field(default_factory=list)
    signed_in: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    #: What the next prescriptions are answered: status, and whether it is kept first; empty: as it should be.
    next: list[tuple[int, bool]] = field(default_factory=list)
    address: str = ""

    def answer(self, asked: Asked) -> Reply:
        said = json.loads(asked.body)
        if asked.path == "/api/auth/dang-nhap-bac-si":
            self.signed_in.append(said)
            if said["password"] != PASSWORD:
                return _reply(401, message="Sai mật khẩu")
            self.tokens.add(token := f"t{len(self.signed_in)}")
            return _reply(200, token=token)
        assert asked.path == "/api/v1/gui-don-thuoc"
        if asked.headers["Authorization"].removeprefix("Bearer ") not in self.tokens:
            return _reply(401, message="token expired")
        status, keeps = self.next.pop(0) if self.next else (200, True)
        if any(one["ma_don_thuoc"] == said["ma_don_thuoc"] for one in self.kept):
            return _reply(400, message="Đơn thuốc đã tồn tại")
        if keeps:
            self.kept.append(said)
        return _reply(status, message="Thành công" if status == 200 else "Sai chẩn đoán")


def _reply(status: int, **said: str) -> Reply:
    return Reply(status, body=json.dumps(said).encode())


NATIONAL = National()
PORTALS: dict[str, Portal] = {}


def portal_of(facility: str) -> Portal | None:
    return PORTALS.get(facility)


@pytest.fixture
def national(settings: Any) -> Iterator[National]:
    NATIONAL.__init__()  # type: ignore[misc]  # one for the module, as the setting names it
    server = Server(NATIONAL.answer)
    NATIONAL.address = server.url
    PORTALS[HOUSE] = Portal(server.url, "46017", {DOCTOR: Prescriber("BS001", PASSWORD)})
    settings.YBA_PRESCRIPTION_PORTAL = f"{__name__}.portal_of"
    yield NATIONAL
    PORTALS.clear()
    server.close()


def sign(record: Record, **patient: Any) -> tuple[Stage, str]:
    room = stage(record, **patient)
    room.write(
        diagnoses=("I10", "E11.9"), advice="Ngồi dậy chậm", follow_up="14", vitals={"weight": "18,5"},
        drugs=(drug(drug_code("paracetamol", "500 mg")),),
    )  # fmt: skip
    signed = room.finish()
    assert isinstance(signed, Signed), signed
    return room, signed.prescription


def send(minutes: int = 0) -> int:
    at = NOW + timedelta(minutes=minutes)
    system = fhir.open(connection.connection, actor=SYSTEM, clock=lambda: at, transaction=transaction.atomic)
    return sending.send_due(system)


def standing(code: str) -> tuple[str, str, str]:
    row = Sending.objects.get(code=code)
    return row.state, row.receipt, row.problem


def test_a_signed_prescription_is_sent_once_as_the_interface_has_it(
    record: Record, national: National
) -> None:
    _room, code = sign(record)
    assert (send(), send()) == (1, 0)
    assert national.signed_in == [
        {
            "ma_lien_thong_bac_si": "BS001",
            "password": PASSWORD,
            "ma_lien_thong_co_so_kham_chua_benh": "46017",
        }
    ]
    sent = national.kept[0]
    assert [len(sent["thong_tin_don_thuoc"]), len(national.kept)] == [1, 1]
    medicine = sent.pop("thong_tin_don_thuoc")[0]
    assert medicine == {
        "ma_thuoc": drug_code("paracetamol", "500 mg"), "biet_duoc": "Panadol", "ten_thuoc": "Paracetamol 500 mg",
        "don_vi_tinh": "viên", "so_luong": "10", "cach_dung": "Uống 1 viên/lần, 2 lần/ngày, sáng và tối, 5 ngày",
    }  # fmt: skip
    names = [one["ma_chan_doan"] for one in sent.pop("chan_doan")]
    assert names == ["I10", "E11.9"], "the main diagnosis first"
    assert sent == {
        "loai_don_thuoc": "c", "ma_don_thuoc": code, "ho_ten_benh_nhan": "Nguyễn Thị Hạnh", "ma_dinh_danh_y_te": "",
        "ma_dinh_danh_cong_dan": "046168001234", "ngay_sinh_benh_nhan": "12/03/1968", "can_nang": "",
        "gioi_tinh": "3", "ma_so_the_bao_hiem_y_te": "", "thong_tin_nguoi_giam_ho": "", "dia_chi": "", "luu_y": "",
        "loi_dan": "Ngồi dậy chậm", "so_dien_thoai_nguoi_kham_benh": "", "ngay_tai_kham": "14",
        "ngay_gio_ke_don": "2026-11-24 09:00:00",
    }  # fmt: skip
    assert standing(code) == ("sent", "Thành công", "")


def test_of_a_small_child_weight_and_who_brings_it_are_told(record: Record, national: National) -> None:
    mother = RelatedPerson(
        patient=Reference(reference="Patient/nb-thu"),
        name=[HumanName(text="Trần Thị Mai")],
        telecom=[ContactPoint(system="phone", value="0914555002")],
    )
    _room, _code = sign(record, birthDate="2021-03-12")
    put(record, mother, "me-thu")
    assert send() == 1
    sent = national.kept[0]
    assert (sent["can_nang"], sent["thong_tin_nguoi_giam_ho"]) == ("18.5", "Trần Thị Mai, 0914555002")


def test_while_the_portal_is_down_it_is_tried_again_and_a_lost_answer_is_no_second_prescription(
    record: Record, national: National
) -> None:
    _room, code = sign(record)
    national.next = [(503, False), (500, True)]  # down; then taken, and the answer was lost
    assert (send(), standing(code)) == (0, ("waiting", "", "answer 503"))
    assert sending.stuck(HOUSE) == []
    assert (send(), len(national.signed_in)) == (0, 1), "not before its time"
    assert (send(1), standing(code)) == (0, ("waiting", "", "answer 500"))
    assert [one.code for one in sending.stuck(HOUSE)] == [code]
    assert (send(2), send(3)) == (0, 1), "the second wait is two minutes"
    assert standing(code) == ("sent", "Đơn thuốc đã tồn tại", "")
    assert len(national.kept) == 1


def test_a_code_the_portal_has_at_the_first_try_is_looked_at_by_a_person(
    record: Record, national: National
) -> None:
    _room, code = sign(record)
    national.kept.append({"ma_don_thuoc": code})
    assert send() == 0
    assert standing(code) == ("refused", "", "Đơn thuốc đã tồn tại")


def test_a_sender_that_died_leaves_its_claim_to_run_out(record: Record, national: National) -> None:
    _room, code = sign(record)
    Sending.objects.filter(code=code).update(state="sending", tries=1, claimed_at=NOW)
    assert (send(2), send(3)) == (0, 1)
    assert standing(code)[0] == "sent"


def test_a_token_that_ended_is_asked_for_once_more(record: Record, national: National) -> None:
    _room, _code = sign(record)
    PORTALS[HOUSE].send(sending.prescription_of(record, _code))
    national.kept.clear()
    national.tokens.clear()
    assert send() == 1
    assert [len(national.signed_in), len(national.kept)] == [2, 1]


def test_what_is_refused_says_why_on_the_page_and_goes_when_it_is_mended(
    record: Record, national: National, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yba.ui.requests.now", lambda: NOW)
    room, code = sign(record)
    national.next = [(422, False)]
    assert send() == 0
    doctor = signed_in("doctor", practitioner=DOCTOR, location=ROOM)
    admin, other = (
        signed_in("facility_administrator"),
        signed_in("facility_administrator", facility="bv-khac"),
    )
    page = doctor.get(f"/clinic/visit/{room.visit_id}").content.decode()
    assert "Hệ thống đơn thuốc quốc gia chưa nhận" in page
    assert "Cổng trả lời: answer 422: Sai chẩn đoán" in page
    listed = admin.get("/clinic/unsent/").content.decode()
    assert code in listed
    assert "Nguyễn Thị Hạnh" not in listed
    assert 'href="/clinic/unsent/"' in listed, "among the administrator's pages while the house is connected"
    assert code not in other.get("/clinic/unsent/").content.decode()
    assert other.post("/clinic/unsent/again").status_code == 302
    assert (send(1), standing(code)[0]) == (0, "refused"), "another facility's administrator starts nothing"
    assert signed_in("nurse").get("/clinic/unsent/").status_code in (403, 404)
    assert doctor.post(f"/clinic/visit/{room.visit_id}/send-again").status_code == 302
    assert (send(1), standing(code)[0]) == (1, "sent")
    assert (
        "Đã gửi lên Hệ thống đơn thuốc quốc gia"
        in doctor.get(f"/clinic/visit/{room.visit_id}").content.decode()
    )
    assert admin.post("/clinic/unsent/again").status_code == 302
    assert (send(2), standing(code)[0]) == (0, "sent"), "what is sent stays sent"


def test_who_has_no_link_code_and_who_is_not_connected(record: Record, national: National) -> None:
    PORTALS[HOUSE] = Portal(national.address, "46017", {})
    _room, code = sign(record)
    assert send() == 0
    assert standing(code) == ("refused", "", prescription_portal.NO_LINK_CODE)
    PORTALS[HOUSE] = Portal(national.address, "46017", {DOCTOR: Prescriber("BS001", "sai")})
    sending.again(HOUSE, now=NOW)
    assert send() == 0
    assert standing(code) == ("refused", "", prescription_portal.WRONG_LINK_CODE)
    assert national.kept == []


def test_a_house_that_is_not_connected_notes_nothing(record: Record, settings: Any) -> None:
    settings.YBA_PRESCRIPTION_PORTAL = f"{__name__}.portal_of"
    PORTALS.clear()
    sign(record)
    assert Sending.objects.count() == 0


def test_a_signature_that_fails_leaves_nothing_to_send(
    record: Record, national: National, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr("yba.areas.clinic.signing._close", broken)
    with pytest.raises(RuntimeError), transaction.atomic():
        sign(record)
    assert Sending.objects.count() == 0


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [(200, {}, None), (409, {"message": "Already  exists"}, Known), (400, {"message": 7}, Refused),
     (404, {}, Failed), (429, {}, Failed), (502, {}, Failed)],
)  # fmt: skip
def test_each_answer_of_the_portal(status: int, said: dict[str, Any], kind: type[Exception] | None) -> None:
    def answer(asked: Asked) -> Reply:
        return (
            _reply(200, token="t") if "auth" in asked.path else Reply(status, body=json.dumps(said).encode())
        )

    server = Server(answer)
    portal = Portal(server.url, "46017", {"bs": Prescriber("BS001", PASSWORD)})
    one = Prescription(
        code="46017a3k9x2q-C", at=NOW, facility="46017", prescriber="bs", name="Hạnh", born="1968", gender="other",
        citizen_number="", card="", address="", companion="", weight_kg=Decimal("3.50"), diagnoses=(),
    )  # fmt: skip
    try:
        if kind is None:
            assert portal.send(one) == "taken"
        else:
            with pytest.raises(Failed) as told:
                portal.send(one)
            assert type(told.value) is kind
    finally:
        server.close()


def test_the_operators_file(tmp_path: Path) -> None:
    secret = tmp_path / "khoi.key"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    file = tmp_path / "portal.yaml"
    good = "bv-thu:\n  url: https://cong.vn\n  code: '46017'\n"
    good += "  prescribers:\n    bs: {code: B1, password_file: khoi.key}\n"
    file.write_text(good)
    assert list(configured.portals(file)) == ["bv-thu"]
    assert PASSWORD not in repr(vars(configured.portals(file)["bv-thu"]))
    for wrong, said in (
        (good.replace("https", "http"), "https only"),
        (good.replace("  code: '46017'\n", ""), "KeyError 'code'"),
        (good + "  token: x\n", "nothing is known of token"),
        ("[", "can't be read"),
    ):
        file.write_text(wrong)
        with pytest.raises(configured.PrescriptionPortalProblem, match=said):
            configured.portals(file)
    secret.chmod(0o644)
    file.write_text(good)
    with pytest.raises(SystemExit, match=r"khoi\.key"):
        configured.portals(file)
