"""The words of messages: folded, short by construction, optional parts while there is room, in both languages."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import yba
from yba.care.messages import kinds, texts

START = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
VISIT = {
    "facility": "Bệnh viện Đa khoa Hương Giang", "when": "2026-11-24T09:30:00+07:00", "room": "204", "code": "K7M2X",
    "hotline": "02343555017",
}  # fmt: skip
BOTH = [(key, language) for key, one in kinds.kinds().items() for language in kinds.LANGUAGES if not one.free]


def sms(key: str, language: str = "vi", **other: str) -> str:
    return kinds.rendered(kinds.kinds()[key], "sms", language, VISIT | other).text


def test_a_confirmation_says_where_when_and_how_to_cancel_in_plain_letters():
    assert sms("booking.confirmed") == (
        "BV Huong Giang: 9:30 thu Ba 24/11, phong 204, ma K7M2X. Huy: vao Y Ba, Lich hen. Hoi: 02343555017"
    )


def test_the_same_in_english():
    assert sms("booking.confirmed", "en") == (
        "BV Huong Giang: 9:30 Tue 24/11, room 204, code K7M2X. Cancel: Y Ba, Visits. Call: 02343555017"
    )


def test_what_is_not_known_is_left_out():
    assert sms("booking.reminder-1d", room="", hotline="") == (
        "Nhac hen BV Huong Giang: 9:30 thu Ba 24/11, ma K7M2X. Huy: vao Y Ba, Lich hen."
    )


def test_where_there_is_no_room_the_last_optional_part_goes_first():
    long = replace(
        kinds.kinds()["booking.moved"],
        words={"vi": {"sms": "x" * 80 + " {when}[, phong {room}][, ma {code}]. Het.[ Hoi: {hotline}]"}},
    )
    text = kinds.rendered(
        long, "sms", "vi", VISIT | {"hotline": "0234 3555 017 018", "room": "204 nha B"}
    ).text
    assert text == "x" * 80 + " 9:30 thu Ba 24/11, phong 204 nha B, ma K7M2X. Het. Hoi: 0234 3555 017 018"
    longer = replace(long, words={"vi": {"sms": "x" * 29 + long.words["vi"]["sms"]}})
    text = kinds.rendered(
        longer, "sms", "vi", VISIT | {"hotline": "0234 3555 017 018", "room": "204 nha B"}
    ).text
    assert text == "x" * 109 + " 9:30 thu Ba 24/11, phong 204 nha B, ma K7M2X. Het."


def test_a_code_that_is_too_long_is_an_error_and_never_cut():
    with pytest.raises(kinds.TemplateProblem, match="must not be cut"):
        sms("booking.confirmed", code="K7M2X" * 4)


@pytest.mark.parametrize(("key", "language"), BOTH)
def test_peer_13_every_template_fits_one_message_with_its_longest_words(key: str, language: str):
    kind = kinds.kinds()[key]
    if "sms" in kind.channels:
        assert kinds.longest_sms(kind, language) <= 160


@pytest.mark.parametrize(("key", "language"), BOTH)
@given(facility=st.text(max_size=300), room=st.text(max_size=80))
def test_no_name_of_any_place_makes_a_text_too_long(key: str, language: str, facility: str, room: str):
    kind = kinds.kinds()[key]
    if "sms" not in kind.channels:
        return
    text = kinds.rendered(kind, "sms", language, VISIT | {"facility": facility, "room": room}).text
    assert texts.septets(text) <= 160
    assert texts.folded(text) == text
    assert text.isascii() or "€" in text


@pytest.mark.parametrize(("key", "language"), BOTH)
def test_push_says_only_that_there_is_a_message(key: str, language: str):
    said = kinds.rendered(kinds.kinds()[key], "push", language, VISIT)
    assert (said.title, said.text) == (
        "Y Bạ", "Có tin nhắn mới. Mở để xem." if language == "vi" else "You have a new message. Open to read it."
    )  # fmt: skip


def test_a_letter_and_a_call_have_accents_and_whole_words():
    kind = kinds.kinds()["booking.moved"]
    assert kinds.rendered(kind, "email", "vi", VISIT).text == (
        "Giờ mới: Bệnh viện Đa khoa Hương Giang, 9:30, thứ Ba 24/11, phòng 204. Mã đăng ký: K7M2X. "
        "Giờ cũ không còn giữ. Hỏi: 02343555017."
    )
    assert kinds.rendered(kind, "voice", "en", VISIT).text.startswith(
        "Your visit at Bệnh viện Đa khoa Hương Giang"
    )


def test_a_name_keeps_the_given_name_longest():
    assert texts.shortened_person("Tôn Nữ Hoàng Phương Thảo Nguyên", 30) == "T. Nu Hoang Phuong Thao Nguyen"
    assert texts.shortened_person("Tôn Nữ Hoàng Phương Thảo Nguyên", 21) == "T. N. H. P. T. Nguyen"
    assert texts.septets(texts.shortened_person("Tôn Nữ Hoàng Phương Thảo Nguyên", 8)) <= 8


def test_signs_of_two_septets_are_counted_and_never_torn():
    text = "€" * 80
    assert texts.septets(text) == 160
    assert texts.split(text) == [text]
    parts = texts.split("€" * 81)
    assert [len(one) for one in parts] == [76, 5]
    assert all(texts.septets(one) <= 153 for one in parts)


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=600))
def test_parts_make_the_whole_again(text: str):
    folded = texts.folded(text)
    assert "".join(texts.split(folded)) == folded


@given(st.text(max_size=400))
def test_folding_leaves_only_signs_that_every_phone_has(text: str):
    from smpplib import gsm

    assert gsm.gsm_encode(texts.folded(text)) is not None


def test_d_with_a_stroke_and_typed_quotes_are_folded():
    assert texts.folded("Đường “Điện Biên” – 50₫…") == 'Duong "Dien Bien" - 50d...'


def test_every_kind_that_is_sent_anywhere_is_declared():
    sent = set()
    for path in Path(yba.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("send", "write")
            ):
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id in ("messages", "texts"):
                    at = 2 if node.func.attr == "send" else 0
                    if len(node.args) > at and isinstance(node.args[at], ast.Constant):
                        sent.add(node.args[at].value)
    assert {"accounts.code", "sharing.emergency", "messages.confirm-email"} <= sent
    assert sent <= set(kinds.kinds())
