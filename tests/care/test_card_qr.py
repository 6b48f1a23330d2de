"""QR texts of citizen and insurance cards."""

from __future__ import annotations

import unicodedata
from datetime import date

import pytest

from yba.care.card_qr import CitizenCard, InsuranceQr, parse_citizen_qr, parse_insurance_qr
from yba.care.refusal import Refusal

TODAY = date(2026, 11, 23)
CARD = "046158001234|191234567|Nguyễn Thị Hạnh|14031958|Nữ|15 Bến Ngự, Thuận Hóa, Huế|10052021"


def test_a_citizen_card() -> None:
    assert parse_citizen_qr(CARD, today=TODAY) == CitizenCard(
        "046158001234",
        "191234567",
        "Nguyễn Thị Hạnh",
        "1958-03-14",
        "female",
        "15 Bến Ngự, Thuận Hóa, Huế",
        "2021-05-10",
    )


@pytest.mark.parametrize(
    ("said", "birth"), [("1958", "1958"), ("031958", "1958-03"), ("14031958", "1958-03-14")]
)
def test_birth_may_be_a_year_or_a_month(said: str, birth: str) -> None:
    card = parse_citizen_qr(CARD.replace("14031958", said), today=TODAY)
    assert isinstance(card, CitizenCard)
    assert card.birth_date == birth


def test_more_fields_than_seven_and_an_empty_old_number_are_taken() -> None:
    card = parse_citizen_qr(CARD.replace("191234567", "") + "|x|y", today=TODAY)
    assert isinstance(card, CitizenCard)
    assert card.old_number == ""
    assert card.issued == "2021-05-10"


def test_decomposed_letters_are_composed() -> None:
    card = parse_citizen_qr(unicodedata.normalize("NFD", CARD), today=TODAY)
    assert isinstance(card, CitizenCard)
    assert (card.name, card.gender) == ("Nguyễn Thị Hạnh", "female")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "qr.empty"),
        ("https://example.org", "qr.citizen.fields"),
        (CARD.replace("Nguyễn Thị Hạnh", " "), "qr.citizen.name"),
        (CARD.replace("14031958", "31021958"), "qr.citizen.birth"),
        (CARD.replace("14031958", "14032058"), "qr.citizen.birth-future"),
        (CARD.replace("Nữ", "X"), "qr.citizen.sex"),
        (CARD.replace("046158001234", "04615800123"), "citizen.length"),
        (CARD.replace("10052021", "32052021"), "qr.citizen.issued"),
        (CARD.replace("Hạnh", "H\0nh"), "qr.strange"),
        (CARD + "x" * 3_000, "qr.strange"),
    ],
)
def test_a_citizen_card_is_refused(text: str, key: str) -> None:
    refusal = parse_citizen_qr(text, today=TODAY)
    assert isinstance(refusal, Refusal)
    assert refusal.key == key
    assert refusal.message


def _insurance(number: str = "GD4464619580314", birth: str = "14/03/1958") -> str:
    name, home = ("Nguyễn Thị Hạnh".encode().hex(), "Thuận Hóa, Huế".encode().hex())
    return (
        f"{number}|{name}|{birth}|2|{home}|46 - 017|01/01/2026|31/12/2026|02/01/2026|46|-|4|01/10/2020|abc$"
    )


def test_an_insurance_card() -> None:
    found = parse_insurance_qr(_insurance(), today=TODAY)
    assert isinstance(found, InsuranceQr)
    assert found.card.number == "GD4464619580314"
    assert (found.name, found.birth_date, found.gender) == ("Nguyễn Thị Hạnh", "1958-03-14", "female")
    assert (found.address, found.first_facility) == ("Thuận Hóa, Huế", "46 - 017")
    assert (found.valid_from, found.valid_to, found.five_years_from) == (
        "2026-01-01",
        "2026-12-31",
        "2020-10-01",
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a|b", "qr.insurance.fields"),
        (_insurance("GD4034619580314"), "insurance.province"),
        (_insurance(birth="30/02/1958"), "qr.insurance.birth"),
        (_insurance().replace("4e67", "ff67", 1), "qr.insurance.name"),
        (_insurance().replace("31/12/2026", "31/13/2026"), "qr.insurance.period"),
    ],
)
def test_an_insurance_card_is_refused(text: str, key: str) -> None:
    refusal = parse_insurance_qr(text, today=TODAY)
    assert isinstance(refusal, Refusal)
    assert refusal.key == key
