"""What the page of all components shows: one invented person, a form with errors, days and times."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from yba.ui import fields, words
from yba.ui.parts import Day, Doctor, Fact, Link, Person, Room, Slot, Tab, Vital

NOON = datetime(2026, 11, 24, 12, tzinfo=words.HANOI)


class SpecimenForm(forms.Form):
    """One field of every kind."""

    full_name = forms.CharField(label=_("Họ và tên"), help_text=_("Như trên căn cước"))
    born = fields.DateField(
        label=_("Ngày sinh"), help_text=_("Ngày/tháng/năm, ví dụ 05/09/1958"), not_future=True
    )
    number = fields.CitizenNumberField(
        label=_("Số định danh cá nhân"), help_text=_("12 chữ số trên căn cước. Trẻ em: trên giấy khai sinh.")
    )
    card = fields.InsuranceCardField(label=_("Mã thẻ BHYT"))
    phone = fields.PhoneField(label=_("Số điện thoại"))
    weight = fields.DecimalField(label=_("Cân nặng"), required=False, unit="kg", max_value=300)
    amount = fields.MoneyField(label=_("Thu trước"))
    code = fields.CodeField(label=_("Mã trong tin nhắn"), help_text=_("6 chữ số, gửi tới 0912 345 678"))
    gender = forms.ChoiceField(
        label=_("Giới tính"), choices=[("female", _("Nữ")), ("male", _("Nam"))], widget=forms.RadioSelect
    )
    faint = forms.ChoiceField(
        label=_("Ngất trong 24 giờ qua?"),
        choices=[("1", _("Có")), ("0", _("Không"))],
        widget=forms.RadioSelect,
    )
    whom = forms.ChoiceField(
        label=_("Khám cho ai?"),
        choices=[("a", "Tôi · Nguyễn Thị Hạnh"), ("b", "Cháu · Lê An Na")],
        widget=forms.RadioSelect,
    )
    room = forms.ChoiceField(label=_("Phòng"), choices=[("204", "204 Tim mạch"), ("206", "206 Nhi")])
    reason = forms.CharField(label=_("Lý do khám"), widget=forms.Textarea)
    insured = forms.BooleanField(label=_("Dùng thẻ BHYT khi khám"), required=False)


def _form() -> SpecimenForm:
    return SpecimenForm(
        {
            "full_name": "Tôn Nữ Hoàng Phương Thảo Nguyên",
            "born": "30/02/2026",
            "number": "046 321 000 45",
            "card": "HT 3 46 4612345678",
            "phone": "0912 345 678",
            "weight": "17,5",
            "amount": "45.000",
            "code": "481",
            "gender": "female",
            "faint": "1",
            "whom": "a",
            "room": "204",
            "reason": "Hay chóng mặt buổi sáng, một tuần nay.",
            "insured": "on",
        }
    )


def _days() -> tuple[Day, ...]:
    start = date(2026, 11, 23)
    notes = ("hôm nay", "còn 9", "còn 6", "hết", "còn 4", "còn 11", "nghỉ", "còn 14")
    return tuple(
        Day(str(start + timedelta(days=at)), start + timedelta(days=at), note, note in ("hết", "nghỉ"))
        for at, note in enumerate(notes)
    )


def _slots() -> tuple[Slot, ...]:
    minutes = (-270, -240, -210, -180, -150, -120, -60, 90, 120, 150, 180)
    return tuple(
        Slot(f"s{at}", NOON + timedelta(minutes=m), at in (0, 1, 3, 9)) for at, m in enumerate(minutes)
    )


HANH = Person(
    name="Nguyễn Thị Hạnh",
    ticket="B 027",
    facts=("68 tuổi, nữ", "14/03/1958", "CCCD 046 158 000 123", "BHYT HT3, 95%"),
    allergies=("Penicillin: phản vệ độ II (2019)", "Tôm, cua: mày đay"),
    problems=("Tăng huyết áp", "Đái tháo đường týp 2"),
    notes=("eGFR 52, thận giảm nhẹ", "54 kg · BMI 23,1"),
)
NA = Person(name="Lê An Na", facts=("5 tuổi, nữ",), ticket="N 037")
CUONG = Person(name="Đỗ Văn Cường", facts=("55 tuổi, nam",), allergies_known=False)
KHOI = Doctor(
    name="BSCKII. Trần Minh Khôi",
    url="#doctor",
    specialty="Nội tim mạch, 22 năm",
    facts=(Fact("map-pin", "Bệnh viện Đa khoa Hương Giang"), Fact("banknote", "150.000\u00a0đ · có BHYT")),
    slots=(Link("14:30", "#doctor"), Link("15:00", "#doctor")),
    slots_words="Còn chỗ hôm nay",
    more_url="#doctor",
    more_words="Giờ khác",
)
VITALS = (
    Vital("Mạch, /phút", 88),
    Vital("Huyết áp", "152/84", direction="high"),
    Vital("Nhiệt độ", Decimal("37.4"), "°C"),
    Vital("SpO₂", 96, "%"),
    Vital("Kali", Decimal("2.9"), "mmol/L", direction="low", twice=True),
)
ROOMS = (
    Room("204", "Nội tim mạch", "B 021", "BSCKII. Khôi", 6, "30–45\u00a0phút"),
    Room("206", "Nhi", "N 033", "BSCKI. Vinh", 12, "70–90\u00a0phút", crowded=True),
    Room("207", "Da liễu", "E 009", "BS. Diệp", 1, "5–10\u00a0phút"),
)


@dataclass(frozen=True)
class SpecimenPage:
    """All values of ``/design``."""

    title: str = "Các phần và trạng thái"
    form: SpecimenForm = field(default_factory=_form)
    days: tuple[Day, ...] = field(default_factory=_days)
    slots: tuple[Slot, ...] = field(default_factory=_slots)
    person: Person = HANH
    newcomer: Person = NA
    unasked: Person = CUONG
    doctor: Doctor = KHOI
    vitals: tuple[Vital, ...] = VITALS
    rooms: tuple[Room, ...] = ROOMS
    tabs: tuple[Tab, ...] = (
        Tab("Chờ", "#tabs", True, 37),
        Tab("Đang khám", "#tabs", count=7),
        Tab("Xong", "#tabs"),
    )
    family: tuple[Tab, ...] = (Tab("Tôi", "#cover", True), Tab("Ông Hùng", "#cover"), Tab("Bé Na", "#cover"))
    pairs: tuple[tuple[str, str], ...] = (("Sinh", "14/03/1958, 68 tuổi, nữ"), ("CCCD", "046 158 000 123"))
    lines: tuple[tuple[str, int], ...] = (("Công khám Nội tim mạch", 45_000), ("Điện tim thường", 39_900))
    total: int = 84_900
    figures: tuple[tuple[str, str, str], ...] = (("Lượt hôm nay", "58", ""), ("Chờ dài nhất", "42", "phút"))
    trend: tuple[int, ...] = (148, 142, 138, 144, 150, 152)
    steady: tuple[int, ...] = (128, 131, 126, 130, 127, 129)
    moment: datetime = NOON - timedelta(minutes=150)
    born: str = "1958-03-14"
    statuses: tuple[str, ...] = ("wait", "call", "now", "done", "missed", "off", "first", "warn", "urgent")
    contents: tuple[tuple[str, str], ...] = (
        ("colours", "Màu"), ("letters", "Chữ"), ("buttons", "Nút"), ("fields", "Ô nhập"), ("search", "Tìm"),
        ("status", "Tình trạng"), ("paper", "Phiếu"), ("person", "Người bệnh"), ("days", "Ngày giờ"),
        ("lists", "Danh sách"), ("table", "Bảng"), ("numbers", "Số đo"), ("visit", "Lần khám"),
        ("empty", "Trống"), ("saying", "Báo"), ("print", "Bản in"),
    )  # fmt: skip
    colours: tuple[str, ...] = (
        "paper", "sheet", "sunk", "line", "edge", "margin", "ink", "ink-2", "ink-3", "cover", "accent", "accent-tint",
        "danger-solid", "danger-tint", "caution-solid", "caution-tint", "good-solid", "good-tint",
        "notice-solid", "notice-tint",
    )  # fmt: skip


def page() -> SpecimenPage:
    """A fresh page: its form is bound and checked anew."""
    return SpecimenPage()
