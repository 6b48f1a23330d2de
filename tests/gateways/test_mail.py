"""Letters by SMTP against a real SMTP server in the test's process."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.houses import free_port
from yba.care.messages.port import Failed, Parcel, Refused
from yba.gateways.mail.smtp import MailGateway


class Box:
    def __init__(self) -> None:
        self.letters: list[Any] = []
        self.answer = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if address.startswith("nobody"):
            return "550 no such person"
        if address.startswith("full"):
            return "452 mailbox full"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.letters.append(envelope)
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Box, MailGateway]]:
    box = Box()
    port = free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, MailGateway("127.0.0.1", port, "yba@yba.vn", starttls=False)
    controller.stop()


def letter(to: str = "hanh@example.vn", calendar: bytes = b"") -> Parcel:
    return Parcel(
        "ab" * 16, to, "booking.confirmed", "Giờ mới: 9:30", "vi", "Lượt hẹn đã đổi giờ", calendar=calendar
    )


def test_a_letter_has_its_words_its_number_and_the_visit_as_a_file(server):
    box, gateway = server
    sent = gateway.send(letter(calendar=b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"))
    assert sent.provider_id == f"<{'ab' * 16}@yba.vn>"
    found = message_from_bytes(box.letters[0].content)
    assert box.letters[0].rcpt_tos == ["hanh@example.vn"]
    assert (found["Message-ID"], found["Auto-Submitted"]) == (f"<{'ab' * 16}@yba.vn>", "auto-generated")
    words, file = found.get_payload()
    assert words.get_payload(decode=True).decode().strip() == "Giờ mới: 9:30"
    assert (file.get_content_type(), file.get_filename()) == ("text/calendar", "luot-hen.ics")


def test_an_address_that_is_none_is_refused_and_a_full_box_tried_again(server):
    _box, gateway = server
    with pytest.raises(Refused, match="550 no such person"):
        gateway.send(letter("nobody@example.vn"))
    with pytest.raises(Failed, match="452") as full:
        gateway.send(letter("full@example.vn"))
    assert not isinstance(full.value, Refused)


def test_no_server_is_a_failed_try():
    with pytest.raises(Failed, match="no answer"):
        MailGateway("127.0.0.1", 9, "yba@yba.vn", starttls=False).send(letter())
