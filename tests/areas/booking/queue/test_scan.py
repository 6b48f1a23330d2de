"""The one field of reception knows what it was given; the wall says numbers aloud."""

from __future__ import annotations

from datetime import date

import pytest

from yba.areas.booking.queue import rules
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import Reference

TODAY = date(2026, 11, 23)
QR = "046158000123|191234567|Nguyễn Thị Hạnh|14031958|Nữ|Tổ 4, Huế|01012022"


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("", "nothing", ""), (" k7m2x ", "code", "K7M2X"), ("https://yba.vn/x/K7M2X?a=1", "code", "K7M2X"),
        ("B 027", "ticket", "B 027"), ("b27", "ticket", "B 027"), (QR, "citizen-qr", QR),
        ("HT3464612345678|4e6775|14/03/1958|2|487565|46 - 017|01/01/2026|31/12/2026", "insurance-qr",
         "HT3464612345678|4e6775|14/03/1958|2|487565|46 - 017|01/01/2026|31/12/2026"),
        ("0905 123 456", "number", "0905 123 456"), ("046158000123", "number", "046158000123"),
        ("HT 3 46 4612345678", "number", "HT 3 46 4612345678"), ("Nguyễn  Thị Hạnh", "name", "Nguyễn Thị Hạnh"),
        ("hanh", "name", "hanh"), ("Trang", "name", "Trang"),
    ],
)  # fmt: skip
def test_what_was_scanned(text: str, kind: str, value: str) -> None:
    assert rules.scan_of(text) == rules.Scan(kind, value)  # type: ignore[arg-type]  # the literal under test


def an_appointment(status: str, start: str = "2026-11-23T09:30:00+07:00") -> Appointment:
    person = AppointmentParticipant(actor=Reference(reference="Patient/p"), status="accepted")
    return Appointment(status=status, start=start, end=start, participant=[person])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "key"),
    [("pending", "queue.pending"), ("cancelled", "queue.cancelled"), ("noshow", "queue.missed"),
     ("fulfilled", "queue.fulfilled")],
)  # fmt: skip
def test_what_cannot_be_checked_in_says_why_and_the_way_out(status: str, key: str) -> None:
    refusal = rules.check_in_refusal(an_appointment(status), today=TODAY)
    assert refusal is not None
    assert refusal.key == key
    assert "khách tại quầy" in refusal.message


def test_only_today() -> None:
    assert rules.check_in_refusal(an_appointment("booked"), today=TODAY) is None
    refusal = rules.check_in_refusal(an_appointment("booked"), today=date(2026, 11, 24))
    assert refusal is not None
    assert "9:30, thứ Hai 23/11" in refusal.message


def test_the_wall_spells_the_number() -> None:
    assert rules.spoken_call(letter="B", number=27, room="204") == "Mời số B không hai bảy vào phòng 204"
