"""Numbers on cards, prescriptions and registrations: normal forms, and a clear sentence for each refusal."""

from __future__ import annotations

from datetime import date

import pytest

from yba.care.card_codes import CARD_PROVINCES
from yba.care.identifiers import (
    REGISTRATION_ALPHABET,
    Checked,
    InsuranceCard,
    check_citizen_number,
    check_insurance_card,
    check_insurance_period,
    check_phone,
    check_prescription_code,
    check_registration_code,
    new_prescription_code,
    new_registration_code,
)
from yba.care.refusal import Refusal


def key(result: object) -> str:
    assert isinstance(result, Refusal), result
    assert result.message
    assert "%(" not in result.message
    return result.key


def test_a_citizen_number_is_normalised() -> None:
    assert check_citizen_number(" 046 158 001234 ", gender="female", birth_date="1958-03-14") == Checked(
        "046158001234"
    )


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("", "citizen.empty"),
        ("04615800123", "citizen.length"),
        ("0461580012345", "citizen.length"),
        ("04615800123x", "citizen.characters"),
        ("٠٤٦١٥٨٠٠١٢٣٤", "citizen.characters"),
    ],
)
def test_a_citizen_number_is_refused(text: str, refusal: str) -> None:
    assert key(check_citizen_number(text)) == refusal


def test_eleven_digits_are_said_to_be_eleven() -> None:
    refusal = check_citizen_number("04615800123")
    assert isinstance(refusal, Refusal)
    assert refusal.message == "Số căn cước phải có 12 chữ số, số vừa nhập có 11. Hãy đối chiếu với thẻ."


@pytest.mark.parametrize(
    ("number", "gender", "birth", "doubts"),
    [
        ("003158001234", "female", "1958-03-14", ["citizen.province"]),
        ("046058001234", "female", "1958-03-14", ["citizen.sex"]),
        ("046158001234", "female", "1959", ["citizen.year"]),
        ("046322009876", "female", "2022-09-02", []),
        ("101158001234", None, None, []),
    ],
)
def test_what_is_inside_a_citizen_number_only_warns(
    number: str, gender: str | None, birth: str | None, doubts: list[str]
) -> None:
    result = check_citizen_number(number, gender=gender, birth_date=birth)
    assert isinstance(result, Checked)
    assert [doubt.key for doubt in result.warnings] == doubts


def test_an_insurance_card_is_taken_apart() -> None:
    card = check_insurance_card("gd 4 46 4619580314")
    assert isinstance(card, InsuranceCard)
    assert (card.number, card.object_code, card.rights, card.province) == ("GD4464619580314", "GD", "4", "46")
    assert card.social_number == "4619580314"
    assert card.display == "GD 4 46 4619580314"
    assert card.warnings == ()


def test_the_ten_digits_of_a_newer_card_are_taken() -> None:
    card = check_insurance_card("4619580314")
    assert isinstance(card, InsuranceCard)
    assert card.is_short
    assert card.display == "4619580314"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("GD446461958031", "insurance.length"),
        ("QQ4464619580314", "insurance.group"),
        ("GD6464619580314", "insurance.rights"),
        ("GD4034619580314", "insurance.province"),
        ("GD4994619580314", "insurance.province"),
        ("GD446461958031X", "insurance.social"),
    ],
)
def test_an_insurance_card_is_refused(text: str, refusal: str) -> None:
    assert key(check_insurance_card(text)) == refusal


def test_a_wrong_province_is_named() -> None:
    refusal = check_insurance_card("GD4034619580314")
    assert isinstance(refusal, Refusal)
    assert refusal.message.startswith("Mã tỉnh “03” (ký tự thứ 4 và 5) không có trong danh mục")


def test_rights_that_do_not_fit_the_group_warn() -> None:
    card = check_insurance_card("TE4464619580314")
    assert isinstance(card, InsuranceCard)
    assert [doubt.key for doubt in card.warnings] == ["insurance.rights-of-group"]


def test_the_63_provinces_before_the_merger_and_two_forces_give_cards() -> None:
    assert len(CARD_PROVINCES) == 65


@pytest.mark.parametrize(
    ("on", "refusal"),
    [
        (date(2025, 12, 31), "insurance.not-yet"),
        (date(2026, 1, 1), None),
        (date(2026, 12, 31), None),
        (date(2027, 1, 1), "insurance.expired"),
    ],
)
def test_both_days_of_a_card_count(on: date, refusal: str | None) -> None:
    found = check_insurance_period(date(2026, 1, 1), date(2026, 12, 31), on=on)
    assert (found.key if found else None) == refusal


def test_a_card_cannot_end_before_it_begins() -> None:
    found = check_insurance_period(date(2026, 2, 1), date(2026, 1, 1), on=date(2026, 1, 15))
    assert found is not None
    assert found.key == "insurance.period-order"


@pytest.mark.parametrize(
    "text",
    ["0905123456", "+84905123456", "84 905 123 456", "(0905) 123-456", "0905.123.456", "+84 0905123456"],
)
def test_a_phone_number_has_one_form(text: str) -> None:
    assert check_phone(text) == Checked("0905123456")


def test_a_landline_is_no_mobile() -> None:
    assert check_phone("02343555017") == Checked("02343555017")
    assert key(check_phone("02343555017", mobile_only=True)) == "phone.form"


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("0123456789", "phone.form"),
        ("09051", "phone.form"),
        ("abc", "phone.characters"),
        ("", "phone.characters"),
    ],
)
def test_a_phone_number_is_refused(text: str, refusal: str) -> None:
    assert key(check_phone(text)) == refusal


def test_a_prescription_code_is_of_the_law() -> None:
    code = new_prescription_code("46017")
    assert len(code) == 14
    assert code.startswith("46017")
    assert code.endswith("-C")
    assert check_prescription_code(code) == Checked(code)
    assert check_prescription_code(" 46017A3K9X2Q-c") == Checked("46017a3k9x2q-C")
    assert key(check_prescription_code("46017a3k9x2q-T")) == "prescription.form"
    assert key(check_prescription_code("")) == "prescription.form"
    with pytest.raises(ValueError, match="5 letters"):
        new_prescription_code("4601")


def test_a_registration_code_can_be_said_aloud() -> None:
    for _each in range(200):
        code = new_registration_code()
        assert len(code) == 5
        assert not set(code) & set("AEIOUY01IOLS")
        assert check_registration_code(f"{code[:2]}-{code[2:].lower()}") == Checked(code)
    assert "".join(c for c in "K7M2X" if c in REGISTRATION_ALPHABET) == "K7M2X"


@pytest.mark.parametrize(
    ("text", "refusal"), [("K7M", "registration.length"), ("K7M0X", "registration.characters")]
)
def test_a_registration_code_is_refused(text: str, refusal: str) -> None:
    assert key(check_registration_code(text)) == refusal
