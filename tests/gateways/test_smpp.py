"""Texts by SMPP against a real SMPP server program: bind, parts, reports, refusals, silence, a line that broke."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from smpplib import gsm

from yba.care.messages.incoming import Part
from yba.care.messages.port import Failed, Parcel, Refused
from yba.gateways.sms.smpp import Line, SmppGateway, report_of

TEXT = "BV Huong Giang: 9:30 thu Ba 24/11, phong 204, ma K7M2X. Huy: vao Y Ba, Lich hen."


class Center:
    """The program, what it said, and where it listens."""

    def __init__(self) -> None:
        root = Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.gateways.smpp_center"], stdout=subprocess.PIPE, stdin=subprocess.PIPE,
            text=True, cwd=root,
            env={**os.environ, "PYTHONPATH": f"{root}:{root / 'src'}"},
        )  # fmt: skip
        self.said: list[dict[str, Any]] = []
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self.next("listening")["port"])

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self, came: str) -> dict[str, Any]:
        """The next thing of this kind; others before it are passed over."""
        while True:
            found = self.lines.get(timeout=20)
            self.said.append(found)
            if found["came"] == came:
                return found

    def text(self, body: bytes, *, sender: str = "84905123456", **more: Any) -> None:
        """Somebody texts the house."""
        assert self.process.stdin is not None
        said = {"from": sender, "to": "8088", "body": body.hex(), **more}
        self.process.stdin.write(json.dumps(said) + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def center() -> Iterator[Center]:
    found = Center()
    yield found
    found.stop()


@pytest.fixture
def opened() -> Iterator[Callable[..., tuple[SmppGateway, queue.Queue[Any]]]]:
    made = []

    def opens(center: Center, **more: Any) -> tuple[SmppGateway, queue.Queue[Any]]:
        reports: queue.Queue[Any] = queue.Queue()
        known: dict[str, Any] = {"system_id": "yba", "password": "secret8", "brand": "YBA", "price": 350}
        on_part = more.pop("on_part", reports.put)
        gateway = SmppGateway(
            Line("127.0.0.1", center.port, **(known | more)), lambda *said: reports.put(said), on_part
        )
        made.append(gateway)
        return gateway, reports

    yield opens
    for one in made:
        one.close()


def parcel(to: str = "0905123456", text: str = TEXT, **more: Any) -> Parcel:
    return Parcel(id="k1", to=to, kind="booking.confirmed", text=text, seconds=3 * 86_400 + 3600, **more)


def test_a_text_goes_out_under_the_brand_and_its_report_comes_back(center, opened):
    gateway, reports = opened(center)
    sent = gateway.send(parcel(text="Phòng 204, mã K7M2X"))
    assert (sent.provider_id, sent.parts, sent.delivered) == ("mc1", 1, False)
    came = center.next("submit_sm")
    assert bytes.fromhex(came["body"]) == b"Phong 204, ma K7M2X"
    assert (came["to"], came["source"], came["ton"]) == ("84905123456", "YBA", "ALPHANUMERIC")
    assert (came["receipt"], came["features"]) == ("SMSC_DELIVERY_RECEIPT_REQUESTED", [])
    assert reports.get(timeout=20) == ("mc1", True, "")
    assert "ESME_ROK" in center.next("deliver_sm_resp")["status"]


def test_a_long_text_goes_in_parts_that_make_the_whole(center, opened):
    gateway, _reports = opened(center)
    text = " ".join(f"So {number}" for number in range(60))
    sent = gateway.send(parcel(text=text))
    assert (sent.parts, sent.provider_id) == (3, "mc3")
    bodies = [bytes.fromhex(center.next("submit_sm")["body"]) for _ in range(3)]
    assert [one[:3] for one in bodies] == [b"\x05\x00\x03"] * 3
    assert [one[4:6] for one in bodies] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"]
    assert len({one[3] for one in bodies}) == 1
    assert b"".join(one[6:] for one in bodies) == gsm.gsm_encode(text)


def test_a_text_that_never_arrives_is_reported_so(center, opened):
    gateway, reports = opened(center)
    assert gateway.send(parcel("0905123111")).provider_id == "mc1"
    assert reports.get(timeout=20) == ("mc1", False, "UNDELIV err:001")


def test_no_such_number_is_refused_and_a_busy_center_is_tried_again(center, opened):
    gateway, _reports = opened(center)
    with pytest.raises(Refused, match="Invalid Destination Address"):
        gateway.send(parcel("0905123000"))
    with pytest.raises(Failed, match="Throttling") as busy:
        gateway.send(parcel("0905123222"))
    assert not isinstance(busy.value, Refused)
    assert gateway.send(parcel()).provider_id == "mc3"  # the same line goes on


def test_a_wrong_password_says_so_and_sends_nothing(center, opened):
    gateway, _reports = opened(center, password="wrong")
    with pytest.raises(Failed, match="cannot bind"):
        gateway.send(parcel())


def test_a_quiet_line_is_asked_and_stays_open(center, opened):
    gateway, _reports = opened(center, quiet=0.3)
    gateway.stay_awake()
    center.next("bind")
    center.next("enquire_link")
    center.next("enquire_link")
    assert gateway.send(parcel()).provider_id == "mc1"
    assert sum(one["came"] == "bind" for one in center.said) == 1


def test_a_center_that_falls_silent_is_a_failed_try_and_the_line_is_opened_anew(center, opened):
    gateway, _reports = opened(center, quiet=0.3, answer_within=1.0)
    with pytest.raises(Failed, match="no answer from the message centre"):
        gateway.send(parcel("0905123333"))
    center.stop()
    with pytest.raises(Failed, match="cannot bind"):
        gateway.send(parcel())
    fresh = Center()
    try:
        gateway._line = Line("127.0.0.1", fresh.port, "yba", "secret8", "YBA")
        assert gateway.send(parcel()).provider_id == "mc1"
    finally:
        gateway.close()
        fresh.stop()


def test_many_at_once_share_one_line(center, opened):
    gateway, reports = opened(center)
    got: list[str] = []

    def work(number: int) -> None:
        got.append(gateway.send(parcel(f"09051234{number:02}")).provider_id)

    threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(got) == [f"mc{number}" for number in range(1, 9)]
    assert sorted(reports.get(timeout=20)[0] for _ in range(8)) == sorted(got)


class Pdu:
    def __init__(self, **said: Any) -> None:
        self.__dict__.update(
            {"esm_class": 4, "short_message": b"", "receipted_message_id": None, "message_state": None} | said
        )


@pytest.mark.parametrize(
    ("pdu", "found"),
    [
        (Pdu(receipted_message_id=b"a1", message_state=2), ("a1", True, "")),
        (Pdu(receipted_message_id=b"a1", message_state=5), ("a1", False, "5 err:?")),
        (Pdu(receipted_message_id=b"a1", message_state=1), None),  # on its way
        (Pdu(short_message=b"id:9f stat:EXPIRED err:034"), ("9f", False, "EXPIRED err:034")),
        (Pdu(short_message=b"id:9f stat:ACCEPTD err:000"), None),
        (Pdu(esm_class=0, short_message=b"id:9f stat:DELIVRD"), None),  # somebody's answer, not a report
    ],
)
def test_a_report_is_read_by_its_fields_or_its_text(pdu, found):
    assert report_of(pdu) == found


def test_what_people_text_is_told_from_reports_and_read_whatever_its_alphabet(center, opened):
    gateway, came = opened(center, number="8088")
    gateway.stay_awake()
    center.next("bind")
    center.text(b"KHAM Huong Giang \x1b\x65 \x00\x0f")  # the euro is two septets; 0 is @, 15 is å
    part = came.get(timeout=20)
    assert part == Part(
        "sms", "+84905123456", "8088", "KHAM Huong Giang € @å".encode("utf-16-be"), "utf-16-be"
    )
    assert "ESME_ROK" in center.next("deliver_sm_resp")["status"]
    gateway.send(parcel(sender="8088"))
    assert came.get(timeout=20) == ("mc1", True, "")  # a report, not a text
    assert center.next("submit_sm")["source"] == "8088"


def test_a_long_text_in_two_bytes_a_letter_comes_as_parts_and_a_refused_one_comes_again(center, opened):
    kept: list[Part] = []

    def on_part(part: Part) -> None:
        kept.append(part)
        if len(kept) == 1:
            raise RuntimeError("no database")

    gateway, _came = opened(center, on_part=on_part)
    gateway.stay_awake()
    center.next("bind")
    body = "Khám 😀 Hương Giang".encode("utf-16-be")
    first, second = body[:12], body[12:]  # torn inside the face
    center.text(b"\x05\x00\x03\x2a\x02\x01" + first, ucs2=True, header=True)
    assert "RX_T_APPN" in center.next("deliver_sm_resp")["status"]
    center.text(b"\x05\x00\x03\x2a\x02\x01" + first, ucs2=True, header=True)
    center.text(b"\x06\x08\x04\x00\x2a\x02\x02" + second, ucs2=True, header=True)
    for _ in range(2):
        assert "ESME_ROK" in center.next("deliver_sm_resp")["status"]
    places = [(one.reference, one.total, one.number, one.coding) for one in kept[1:]]
    assert places == [("h42", 2, 1, "utf-16-be"), ("w42", 2, 2, "utf-16-be")]
    assert b"".join(one.body for one in kept[1:]) == body
