"""Texts people send: kept once, whole, answered in order and not too often; by HTTP when proved; what STOP stops."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from tests.care.messages import gateways
from yba.care import messages
from yba.care.messages import callback, incoming, kinds, outbox, people
from yba.care.messages.incoming import Asked, Heard, Part
from yba.care.messages.models import Heard as Row
from yba.care.messages.models import Message, Piece
from yba.gateways.sms.brandname import Form, HttpGateway, Incoming

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PHONE = "0905123456"
pytestmark = [pytest.mark.usefixtures("here"), pytest.mark.django_db]
SEEN: list[str] = []


def answering(asked: Asked) -> str:
    """Answers everything; breaks over some."""
    SEEN.append(asked.text)
    if asked.text == "HONG":
        raise RuntimeError("broken")
    asked.answer("text.help")
    return "help"


@pytest.fixture(autouse=True)
def hears(settings: Any) -> None:
    settings.YBA_HEARD = f"{__name__}.answering"
    SEEN.clear()


def later(_phone: str, _at: datetime | None) -> None:
    """The job; the tests run it themselves."""


def came(text: str, at: datetime = NOW, phone: str = "+84905123456", **more: Any) -> bool:
    return incoming.note(Heard("sms", phone, "8088", text, **more), now=at, later=later)


def answered(at: datetime = NOW, phone: str = PHONE) -> int:
    return incoming.answer_all(phone, now=lambda: at, later=later)


def states() -> list[str]:
    return list(Row.objects.order_by("pk").values_list("state", flat=True))


def test_a_text_is_kept_once_and_answered_once_from_the_number_it_was_sent_to() -> None:
    assert came("HD", provider_id="mo1")
    assert not came("HD", provider_id="mo1", at=NOW + timedelta(days=3))  # whenever it comes again
    assert (answered(), answered()) == (1, 0)
    row, told = Row.objects.get(), Message.objects.get()
    assert (row.phone, row.copies, row.state, row.keyword, SEEN) == (PHONE, 2, "answered", "help", ["HD"])
    assert (told.to_phone, told.kind, told.values["from"], told.values["answers"]) == (
        PHONE, "text.help", "8088", "mo1",
    )  # fmt: skip
    outbox.advance(told.pk, now=lambda: NOW, later=lambda *_said: None)
    [parcel] = gateways.HERE["sms"].got
    assert (parcel.sender, parcel.answers, parcel.to) == ("8088", "mo1", PHONE)


def test_without_an_id_the_same_words_at_once_are_its_second_try_and_later_are_new() -> None:
    minute = timedelta(minutes=1)
    assert [came("1", NOW), came("1", NOW + minute), came("2", NOW + minute), came("1", NOW + minute)] == [
        True, False, True, True,
    ]  # fmt: skip
    assert came("1", NOW + 4 * minute)
    assert (answered(NOW + 4 * minute), SEEN) == (4, ["1", "2", "1", "1"])


def test_parts_in_any_order_and_twice_make_one_text_torn_letters_and_all() -> None:
    body = "Khám 😀 Huế".encode("utf-16-be")

    def part(number: int, at: datetime = NOW) -> bool:
        one = body[:12] if number == 1 else body[12:]
        said = Part("sms", "+84905123456", "8088", one, "utf-16-be", "h7", 2, number)
        return incoming.note_part(said, now=at, later=later)

    assert [part(2), part(2), part(1)] == [False, False, True]
    assert (Row.objects.get().text, Piece.objects.count()) == ("Khám 😀 Huế", 0)
    part(2, NOW + timedelta(minutes=5))  # its reference comes round again, and the rest never comes
    incoming.sweep(now=NOW + timedelta(hours=2), later=later)
    assert (states(), Piece.objects.count()) == (["waiting", "incomplete"], 0)


def test_late_ones_too_many_and_machines_are_kept_and_not_answered() -> None:
    assert came("1", sent_at=NOW - timedelta(hours=1))
    for phone in ("9029", "VIETTEL", "+8419001234567890123"):
        assert came("Khuyen mai", phone=phone)
    for number in range(14):
        came(f"KHAM {number}", NOW + timedelta(seconds=number))
    answered(NOW + timedelta(seconds=20))
    assert states() == ["late", *["ignored"] * 3, *["answered"] * 11, *["too-many"] * 3]
    assert [one.kind for one in Message.objects.order_by("pk")] == [*["text.help"] * 11, "text.too-many"]


def test_what_breaks_is_tried_three_times_told_and_holds_up_nothing_after_it() -> None:
    came("HONG")
    came("HD", NOW + timedelta(seconds=1))
    assert [answered(), answered(), answered()] == [0, 0, 2]
    assert (states(), SEEN) == (["failed", "answered"], ["HONG", "HONG", "HONG", "HD"])
    assert [one.kind for one in Message.objects.order_by("pk")] == ["text.failed", "text.help"]


def test_every_answer_fits_one_text_in_both_languages() -> None:
    ours = [one for one in kinds.kinds().values() if one.key.startswith("text.")]
    assert len(ours) >= 20
    assert all(kinds.longest_sms(one, language) <= 160 for one in ours for language in kinds.LANGUAGES)
    assert all(one.urgent and one.channels == ("sms",) and not one.box for one in ours)


# -- by HTTP ----------------------------------------------------------------------------------------------

SAID = {"moid": "m77", "msisdn": "84905123456", "to": "8088", "text": "HD"}


def provider(**more: Any) -> HttpGateway:
    known = Incoming(
        number="8088", id="moid", phone="msisdn", text="text", to="to", at="at", answer='{"ok":1}', **more
    )
    return HttpGateway(Form(url="https://x/", fields={}, success="ok"), "s", incoming=known)


def test_a_provider_hands_over_a_text_once_under_the_key_of_its_address(here: Any) -> None:
    here["sms"] = provider()
    address = f"/tin-nhan/den/sms/{callback.key_of('sms/texts')}"
    wrong = f"/tin-nhan/den/sms/{callback.key_of('sms')}"
    assert callback.texts_address("sms").endswith(address)
    browser = Client()
    assert browser.post(wrong, SAID).status_code == 404
    assert browser.post(address, SAID | {"moid": ""}).status_code == 400
    for _ in range(2):
        answer = browser.post(address, json.dumps(SAID), content_type="application/json")
        assert (answer.status_code, answer.content) == (200, b'{"ok":1}')
    row = Row.objects.get()
    assert (row.phone, row.text, row.to, row.copies, row.provider_id) == (PHONE, "HD", "8088", 2, "m77")
    # One that says when it was sent, and was sent long ago, is kept and does nothing.
    browser.get(address, SAID | {"moid": "m78", "at": "2026-11-20T10:00:00+07:00"})
    answered(datetime.now(UTC))
    assert states() == ["answered", "late"]


def test_a_signed_text_counts_only_with_its_signature_and_only_what_was_signed(here: Any) -> None:
    here["sms"] = provider(signature="X-Signature", secret="k")
    address = f"/tin-nhan/den/sms/{callback.key_of('sms/texts')}"
    body = json.dumps(SAID).encode()
    good = hmac.new(b"k", body, hashlib.sha256).digest()

    def sent(signature: str, content: bytes = body, query: str = "") -> int:
        return (
            Client()
            .post(
                address + query, content, content_type="application/json", headers={"X-Signature": signature}
            )
            .status_code
        )

    assert [sent(""), sent("0" * 64), sent(good.hex(), body.replace(b"HD", b"SO"))] == [403, 403, 403]
    assert sent(good.hex(), query="?moid=m99&text=SO") == 200  # what stands in the address is nobody's word
    assert sent(base64.b64encode(good).decode()) == 200
    assert list(Row.objects.values_list("provider_id", "text", "copies")) == [("m77", "HD", 2)]


# -- STOP -------------------------------------------------------------------------------------------------


def test_who_texted_stop_gets_no_reminders_by_text_but_news_of_their_visits() -> None:
    visit = {"facility": "Bệnh viện Hương Giang", "when": "2026-11-28T09:30:00+07:00", "code": "K7M2X"}
    people.stop(PHONE, now=NOW)
    people.stop(PHONE, now=NOW)

    def told(kind: str) -> str:
        assert messages.write(kind, PHONE, visit, now=NOW)
        row = Message.objects.latest("pk")
        outbox.advance(row.pk, now=lambda: NOW, later=lambda *_said: None)
        row.refresh_from_db()
        return f"{row.status} {row.problem}".strip()

    assert told("booking.reminder-1d") == "void stopped by a text of its reader"
    assert told("rating.asked") == "void stopped by a text of its reader"
    assert told("booking.confirmed") == "sent"
    people.start(PHONE)
    assert told("booking.reminder-1d") == "sent"
