"""What people type into fields, and what they are told."""

from datetime import date
from decimal import Decimal

import pytest
from django import forms
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from yba.ui import fields


def said(field, value):
    with pytest.raises(ValidationError) as caught:
        field.clean(value)
    return caught.value.messages[0]


@pytest.mark.parametrize(
    "typed", ["05/09/1958", "5/9/58", "05-09-1958", "05091958", "5.9.1958", "050958", "1958-09-05"]
)
def test_date(typed):
    assert fields.DateField(not_future=True).clean(typed) == date(1958, 9, 5)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)))
def test_date_in_every_way(day):
    for form in ("{d:02}/{m:02}/{y}", "{d}/{m}/{y}", "{d}-{m}-{y}", "{d:02}{m:02}{y}", "{d} {m} {y}"):
        assert fields.DateField().clean(form.format(d=day.day, m=day.month, y=day.year)) == day


def test_date_says_what_is_wrong():
    field = fields.DateField(not_future=True)
    assert said(field, "30/02/2026") == "Tháng 2 năm 2026 không có ngày 30."
    assert said(field, "29/02/2025") == "Tháng 2 năm 2025 không có ngày 29."
    assert said(field, "01/13/2020") == "Không có tháng 13. Tháng viết từ 1 đến 12."
    assert said(field, "hôm qua") == "Viết đủ ngày/tháng/năm, ví dụ 05/09/1958."
    assert said(field, "1958") == "Viết đủ ngày/tháng/năm, ví dụ 05/09/1958."
    assert said(field, "01/01/2199").startswith("Ngày này còn ở phía trước.")
    assert said(field, "").startswith("Chưa có ngày.")
    assert said(fields.DateField(not_past=True), "01/01/2001").startswith("Ngày này đã qua.")


def test_date_of_a_year():
    assert fields.DateField(year_only=True).clean("1958") == "1958"
    assert fields.DateField(required=False).clean("") is None
    assert said(fields.DateField(year_only=True, not_future=True), "2099").startswith("Ngày này còn")


@pytest.mark.parametrize("typed", ["0912 345 678", "0912.345.678", "+84 912 345 678", "(0912) 345-678"])
def test_phone(typed):
    assert fields.PhoneField().clean(typed) == "0912345678"


def test_phone_says_what_is_wrong():
    field = fields.PhoneField()
    assert (
        said(field, "0912 345 67") == "Số này mới có 9 chữ số. Số di động có 10 chữ số, ví dụ 0912 345 678."
    )
    assert said(field, "09123456789").startswith("Số này có 11 chữ số.")
    assert said(field, "0112345678").startswith("Đầu số này không có.")
    assert said(field, "gọi tôi").startswith("Số điện thoại chỉ có chữ số")
    assert fields.PhoneField().clean("0234 3822 325") == "02343822325"


def test_citizen_number():
    field = fields.CitizenNumberField()
    assert field.clean("046 158 000 123") == "046158000123"
    assert said(field, "046 321 000 45") == "Mới có 11 chữ số, cần 12."
    assert said(field, "0463210004567") == "Có 13 chữ số, chỉ cần 12."
    assert said(field, "04632100045O") == "Số định danh chỉ gồm 12 chữ số."


def test_insurance_card():
    field = fields.InsuranceCardField()
    assert field.clean("ht 3 46 4612345678") == "HT3464612345678"
    assert said(field, "HT346461234567") == "Mới có 14 ký tự, cần 15. Ví dụ HT 3 46 4612345678."
    assert said(field, "H13464612345678").startswith("Mã thẻ gồm 2 chữ cái rồi 13 chữ số.")


def test_money():
    field = fields.MoneyField(max_value=1_000_000)
    assert [field.clean(typed) for typed in ("45000", "45.000", "45,000 đ", "0")] == [45000, 45000, 45000, 0]
    assert said(field, "45.00") == "Viết số tiền bằng chữ số, ví dụ 45.000."
    assert said(field, "-1") == "Số tiền ít nhất là 0\u00a0đ."
    assert said(field, "1.000.001") == "Số tiền nhiều nhất là 1.000.000\u00a0đ."
    assert fields.MoneyField(required=False).clean("") is None


def test_decimal_keeps_its_digits():
    field = fields.DecimalField(min_value=1, max_value=300, unit="kg")
    assert str(field.clean("17,50")) == "17.50"
    assert field.clean("17.5") == Decimal("17.5")
    assert said(field, "17,505") == "Nhiều nhất 2 chữ số sau dấu phẩy."
    assert said(field, "nặng") == "Viết một số, ví dụ 17,5."
    assert said(field, "301") == "Số lớn nhất là 300\u00a0kg."


def test_code():
    assert fields.CodeField().clean("481 902") == "481902"
    assert said(fields.CodeField(), "48 1") == "Mã có 6 chữ số, đã gõ 3."


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        (forms.CharField(), "", "Chưa ghi mục này."),
        (forms.EmailField(), "", "Chưa ghi mục này."),
        (forms.ChoiceField(choices=[("a", "A")]), "", "Chưa chọn mục này."),
        (forms.ChoiceField(choices=[("a", "A")]), "b", "Lựa chọn này không có trong danh sách. Chọn lại."),
        (forms.MultipleChoiceField(choices=[("a", "A")]), [], "Chưa chọn mục này."),
        (forms.FileField(), None, "Chưa chọn tệp."),
        (forms.IntegerField(), "hai", "Ghi bằng chữ số, ví dụ 25."),
        (forms.CharField(error_messages={"required": "Viết họ tên."}), "", "Viết họ tên."),
    ],
)
def test_what_a_form_leaves_unsaid_is_said_in_the_words_of_the_house(field, typed, words):
    assert said(field, typed) == words
