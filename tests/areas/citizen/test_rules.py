"""The book's rules: whose book, which year, which part of the day."""

from __future__ import annotations

from datetime import date

from yba.areas.citizen import rules
from yba.areas.citizen.forms import filled_from_citizen_qr, split_address
from yba.care.people import Person
from yba.care.refusal import Refusal

TODAY = date(2026, 11, 23)


def own(pid, relation="con", name="Lê Ngọc Bảo Na", born="2022-09-01", gender="female"):
    return rules.Own(Person(pid, name, born, gender, "", "", "", "", ""), relation)


def test_the_wanted_person_else_oneself_else_the_first():
    me, child = own("a", rules.SELF, "Nguyễn Thị Hạnh", "1958-09-05"), own("b")
    assert rules.chosen([child, me], "b") is child
    assert rules.chosen([child, me], "someone-else") is me
    assert rules.chosen([child], "") is child
    assert rules.chosen([], "a") is None


def test_tabs_call_people_as_the_family_does():
    assert rules.tab_words(own("a", rules.SELF), today=TODAY) == "Tôi"
    assert rules.tab_words(own("b"), today=TODAY) == "Bé Na"
    assert (
        rules.tab_words(own("c", "vo-chong", "Lê Văn Hùng", "1955-01-01", "male"), today=TODAY) == "Ông Hùng"
    )
    assert rules.tab_words(own("d", "con", "Trần Thị Thanh Mai", "1990-01-01"), today=TODAY) == "Mai"


def test_entries_fall_into_years_newest_first():
    entries = [
        rules.Entry("visit", when, when) for when in ("2024-01-01", "2026-03-02T08:00:00+07:00", "2026-05-01")
    ]
    found = rules.years(entries)
    assert [(year.year, [one.when for one in year.entries]) for year in found] == [
        ("2026", ["2026-05-01", "2026-03-02T08:00:00+07:00"]),
        ("2024", ["2024-01-01"]),
    ]


def test_medicines_stand_where_their_sentence_says():
    parts = rules.day_parts([("Metformin", "2 lần/ngày, sáng và tối"), ("Aspirin", "1 lần/ngày")])
    assert [(part.part, [dose.name for dose in part.doses]) for part in parts] == [
        ("morning", ["Metformin"]),
        ("evening", ["Metformin"]),
        ("any", ["Aspirin"]),
    ]


def test_the_card_fills_the_form():
    text = (
        "046158001234||NGUYỄN THỊ HẠNH|05091958|Nữ|12 Bến Nghé Mới, Phường Thuận Hóa, Thành phố Huế|01012022"
    )
    found = filled_from_citizen_qr(text, today=TODAY)
    assert not isinstance(found, Refusal)
    assert found["name"] == "Nguyễn Thị Hạnh"
    assert found["birth_date"] == "05/09/1958"
    assert found["sex"] == "female"
    assert found["address"] == "12 Bến Nghé Mới"
    assert found["commune_text"] == "Phường Thuận Hóa, Thành phố Huế"


def test_a_wrong_card_text_is_refused_in_words():
    found = filled_from_citizen_qr("abc|def", today=TODAY)
    assert isinstance(found, Refusal)
    assert "7 phần" in found.message


def test_an_old_address_keeps_its_words():
    assert split_address("Thôn 3, Xã Cũ, Huyện Xưa, Tỉnh Nào") == ("Thôn 3, Xã Cũ, Huyện Xưa, Tỉnh Nào", None)
