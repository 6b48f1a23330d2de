"""Numbers, dates, names and codes as people write them."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yba.ui import words

TODAY = date(2026, 11, 23)


def test_money():
    assert words.money(1234567) == "1.234.567\u00a0đ"
    assert words.money(0) == "0\u00a0đ"
    assert words.money(-45000) == "-45.000\u00a0đ"
    assert words.money(1234567, "en") == "1,234,567\u00a0VND"


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_money_reads_back(amount):
    assert int(words.money_plain(amount).replace(".", "")) == amount


def test_measures_keep_their_precision():
    assert words.decimal(Decimal("80.10")) == "80,10"
    assert words.decimal(Decimal("80.10"), "en") == "80.10"
    assert words.quantity(Decimal("17.5"), "kg") == "17,5\u00a0kg"
    assert words.quantity(95, "%") == "95%"
    assert words.quantity("38.6", "Cel") == "38,6°C"


def test_days_and_times():
    moment = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
    assert words.when(moment) == "9:30, thứ Ba 24/11"
    assert words.when("2026-11-24T09:30:00+07:00") == "9:30, thứ Ba 24/11"
    assert words.when(moment, "en") == "9:30, Tuesday 24/11"
    assert [words.when(one) for one in ("2026", "2026-11", "2026-11-24")] == [
        "2026",
        "11/2026",
        "thứ Ba 24/11",
    ]
    assert [words.gio(one) for one in ("2026", "2026-11-24")] == ["", ""]
    assert words.day_words(date(2026, 11, 29)) == "Chủ nhật 29/11"
    assert words.ngay("1958-03-14") == "14/03/1958"
    assert words.ngay("1958-03") == "03/1958"
    assert words.ngay("1958") == "1958"
    assert words.ngay(None) == ""
    assert words.ngay(datetime(2026, 11, 23, 18, tzinfo=UTC)) == "24/11/2026"


@pytest.mark.parametrize(
    "typed",
    [
        "0912345678",
        "0912 345 678",
        "0912.345.678",
        "+84912345678",
        "+84 912-345-678",
        "84912345678",
        "+84 0912345678",
    ],
)
def test_phone(typed):
    assert words.phone_number(typed) == "0912345678"
    assert words.phone(typed) == "0912 345 678"


@given(st.from_regex(r"0[35789][0-9]{8}", fullmatch=True))
def test_phone_reads_back(number):
    assert words.phone_number(words.phone(number)) == number
    assert words.phone_number("+84" + number[1:]) == number


@given(st.from_regex(r"[0-9]{12}", fullmatch=True))
def test_citizen_number_reads_back(number):
    assert words.digits(words.citizen_number(number)) == number
    assert len(words.citizen_number(number)) == 15


def test_cards():
    assert words.citizen_number("046158000123") == "046 158 000 123"
    assert words.citizen_number("0461") == "0461"
    assert words.insurance_card("ht3464612345678") == "HT 3 46 4612345678"
    assert words.insurance_card("4612345678") == "4612345678"


@pytest.mark.parametrize(
    ("born", "said"),
    [
        ("1958-03-14", "68\u00a0tuổi"),
        ("2025-09-20", "14\u00a0tháng"),
        ("2020-11-24", "71\u00a0tháng"),
        ("2020-11-23", "6\u00a0tuổi"),
        ("2026-11-11", "12\u00a0ngày"),
        ("1958", "68\u00a0tuổi"),
        (None, ""),
    ],
)
def test_age(born, said):
    assert words.age(born, TODAY) == said


def test_names():
    assert words.short_name("Nguyễn Hữu Phước", "male") == "Ông Nguyễn H. P."
    assert words.short_name("Đặng Thị Đào", "female") == "Bà Đặng T. Đ."
    assert words.short_name("Lê An Na", "female", adult=False) == "Bé Lê A. N."
    assert words.short_name("") == ""
    assert words.initials("BSCKII. Trần Minh Khôi") == "TK"
    assert words.initials("ThS.BS. Đặng Hữu Lộc") == "ĐL"
    assert words.initials("Dsu") == "D"
    assert words.bare_name("ĐD. Hoa") == "Hoa"
    assert words.bare_name("Bs Ngọc") == "Bs Ngọc"


def test_a_hostile_name_stays_on_its_line_of_the_wall():
    long = words.short_name("X" * 400 + " " + "y " * 300, "male")
    assert long == "Ông " + "X" * 14 + "… " + " ".join(["Y."] * 5)
    assert words.short_name("Nguyễn \u202eHạnh\u2066 \u200b", "female") == "Bà Nguyễn H."
    assert words.initials("\u202eTrần \u2067Khôi") == "TK"
    assert words.bare_name("Lê\nVăn\tBình\x00") == "Lê Văn Bình"


def test_fold():
    assert words.fold("Nguyễn Văn Đức") == "nguyen van duc"


@given(st.text())
def test_fold_settles(text):
    assert words.fold(words.fold(text)) == words.fold(text)


def test_minutes():
    assert words.minutes(20, 35) == "20–35\u00a0phút"
    assert words.minutes(5) == "5\u00a0phút"
