"""Search of diagnoses, import of an official list, and its limits."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from yba.care.diagnoses import diagnosis, diagnosis_refusal, search_diagnoses
from yba.care.icd10_import import import_icd10
from yba.care.models import DiagnosisName
from yba.fhir.errors import Invalid

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I10", "I10"),
        ("i10", "I10"),
        ("e119", "E11.9"),
        ("E11.9", "E11.9"),
        ("tang huyet ap", "I10"),
        ("Tăng huyết áp", "I10"),
        ("THA", "I10"),
        ("viem hong cap", "J02.9"),
        ("type 2 diabetes mellitus without", "E11.9"),
        ("hen suyễn", "J45.9"),
        ("sot xuat huyet", "A97"),
        ("duc thuy tinh the tuoi gia", "H25.9"),
    ],
)
def test_the_first_found(text: str, code: str) -> None:
    assert search_diagnoses(text, 1)[0].code == code


def test_all_words_are_needed_and_nothing_finds_nothing() -> None:
    assert search_diagnoses("tang huyet ap xyzzy") == []
    assert search_diagnoses("") == []
    assert search_diagnoses("%%%") == []


def test_every_who_code_is_there_with_a_name() -> None:
    rare = diagnosis("Q872")
    assert rare is not None
    assert (rare.code, rare.name_vi, rare.name) == ("Q87.2", "", rare.name_en)
    assert diagnosis("Z99.99") is None


def test_a_search_asks_once_whether_the_list_has_changed(django_assert_num_queries: Any) -> None:
    search_diagnoses("viem")
    with django_assert_num_queries(1):
        search_diagnoses("dai thao duong")


def workbook(folder: Path, *, columns: bool = True) -> Path:
    """A small annex of our own wording, with the shape of the ministry's."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "ICD10"
    sheet.append(["Phụ lục 1: Danh mục"])
    sheet.append(["MÃ LOẠI", "MÃ BỆNH" if columns else "X", "DISEASE NAME", "TÊN BỆNH"])
    rows = [
        ("I10", "I10", "Essential hypertension", "Huyết áp cao nguyên phát"),
        ("N40", "N40", "Hyperplasia of prostate", "Phì đại tuyến tiền liệt"),
        ("O80", "O80.0", "Spontaneous vertex delivery", "Sinh thường ngôi đầu"),
        ("B95", "B95.0", "Streptococcus as cause", "Liên cầu gây bệnh ở chương khác"),
        ("P07", "P07.3", "Other preterm infants", "Trẻ non tháng khác"),
        ("B94", "B94.0", "Sequelae of trachoma", "Di chứng mắt hột"),
        ("", "", "", ""),
        ("I10", "I10", "Again", "Lặp lại"),
        ("?", "1234", "Bad", "Sai mã"),
        ("J00", "J00", "No name", None),
    ]
    for row in rows:
        sheet.append(row)
    for title, codes in (
        ("Phụ lục A2: Các mã bệnh không sử dụng là bệnh chính", ["B950"]),
        ("Phụ lục A3.1 Bệnh trẻ sơ sinh ( phù hợp tuổi : 0 - 365 ngày )", ["P073"]),
        ("Phụ lục A3.5 Bệnh ở trẻ mới đẻ ( tuổi hợp lệ: trên 27 ngày tuổi )", ["B940"]),
        ("Phụ lục A3.8 Bệnh sản phụ khoa (tuổi hợp lệ : 9 – 60 tuổi)", ["O800"]),
        ("Phụ lục A4.1 Bệnh chỉ có ở giới Nữ", ["O800", "C999"]),
        ("Phụ lục A4.2 Bệnh chỉ có ở giới Nam", ["N40"]),
    ):
        annex = book.create_sheet(title.split()[2].strip(":"))
        annex.append([title])
        annex.append(["Mã", "Tên bệnh"])
        for code in codes:
            annex.append([code, "x"])
    path = folder / "icd10.xlsx"
    book.save(path)
    return path


def test_an_import_stores_refuses_and_limits(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = import_icd10(
        workbook(tmp_path),
        list_name="Thử",
        valid_from=date(2026, 1, 1),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (report.read, report.stored) == (9, 6)
    assert [(row.line, row.reason) for row in report.refused] == [
        (10, "I10 appears twice"),
        (11, "not an ICD-10 code: '1234'"),
        (12, "J00 has no Vietnamese name"),
        (0, "limit for a code that is not in the list: C999"),
    ]
    assert seen[-1] == (9, 9)
    today = date(2026, 11, 23)
    assert search_diagnoses("huyet ap cao nguyen phat", 1, on=today)[0].name_vi == "Huyết áp cao nguyên phát"
    before = search_diagnoses("I10", 1, on=date(2025, 6, 1))
    assert before[0].name_vi == "Tăng huyết áp vô căn (nguyên phát)"


@pytest.mark.parametrize(
    ("code", "sex", "years", "days", "main", "key"),
    [
        ("I10", "male", 50, None, True, None),
        ("N40", "female", 60, None, True, "diagnosis.sex"),
        ("N40", "male", 60, None, True, None),
        ("N40", None, 60, None, True, None),
        ("O80.0", "male", 30, None, True, "diagnosis.sex"),
        ("O80.0", "female", 61, None, True, "diagnosis.age"),
        ("O80.0", "female", 60, None, True, None),
        ("B95.0", "male", 30, None, True, "diagnosis.not-main"),
        ("B95.0", "male", 30, None, False, None),
        ("P07.3", "male", 0, 10, True, None),
        ("P07.3", "male", 1, None, True, "diagnosis.age"),
        ("B94.0", "male", 0, 27, True, "diagnosis.age"),
        ("B94.0", "male", 0, 28, True, None),
        ("X", "male", 0, None, True, "diagnosis.unknown"),
    ],
)
def test_limits_of_the_list(
    tmp_path: Path, code: str, sex: str | None, years: int, days: int | None, main: bool, key: str | None
) -> None:
    import_icd10(workbook(tmp_path), list_name="Thử", valid_from=date(2026, 1, 1))
    refusal = diagnosis_refusal(code, sex, years, main, age_days=days, on=date(2026, 11, 23))
    assert (refusal.key if refusal else None) == key
    assert refusal is None or "%(" not in refusal.message


def test_a_newer_list_ends_the_older_and_the_same_list_is_replaced(tmp_path: Path) -> None:
    path = workbook(tmp_path)
    import_icd10(path, list_name="Cũ", valid_from=date(2020, 1, 1))
    import_icd10(path, list_name="Mới", valid_from=date(2026, 7, 1))
    import_icd10(path, list_name="Mới", valid_from=date(2026, 7, 1))
    ends = set(DiagnosisName.objects.values_list("list_name", "valid_to"))
    assert ends == {("Cũ", date(2026, 6, 30)), ("Mới", None)}
    assert DiagnosisName.objects.count() == 12


def test_what_is_no_list_is_refused_and_nothing_stored(tmp_path: Path) -> None:
    text = tmp_path / "a.xlsx"
    text.write_text("no workbook")
    with pytest.raises(Invalid) as caught:
        import_icd10(text, list_name="Thử", valid_from=date(2026, 1, 1))
    assert caught.value.key == "icd10.not-a-workbook"
    with pytest.raises(Invalid) as caught:
        import_icd10(workbook(tmp_path, columns=False), list_name="Thử", valid_from=date(2026, 1, 1))
    assert caught.value.key == "icd10.no-columns"
    assert DiagnosisName.objects.count() == 0
