"""Official workbooks: columns by their headings, lines by their rows."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from yba.fhir.errors import Invalid
from yba.fhir.terminology.workbooks import columns_of, groups_of, to_csv

COLUMNS = "code=MÃ BỆNH, display=TÊN BỆNH, display:en=DISEASE NAME, parent=MÃ LOẠI"


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.append(["Bìa"])
    sheet = book.create_sheet("Danh mục")
    for row in (
        ["Phụ lục 1"],
        ["MÃ LOẠI", "Mã  bệnh", "DISEASE NAME", "TÊN BỆNH"],
        ["Z00", "Z00", "Example of a kind", "Loại ví dụ"],
        [None, None, None, None],
        ["Z00", "Z00.1", "Example below", "Bệnh\nví dụ"],
        ["Z00", 7.0, "A number", "Một số"],
    ):
        sheet.append(row)
    path = tmp_path / "list.xlsx"
    book.save(path)
    return path


def test_a_sheet_becomes_csv(workbook: Path, tmp_path: Path) -> None:
    into = tmp_path / "list.csv"
    to_csv(workbook, columns_of(COLUMNS), into)
    assert into.read_text(encoding="utf-8").split("\n") == [
        "code,display,display:en,parent",
        "",
        "Z00,Loại ví dụ,Example of a kind,",
        "",
        "Z00.1,Bệnh ví dụ,Example below,Z00",
        "7,Một số,A number,Z00",
        "",
    ]


def test_headings_that_are_nowhere(workbook: Path, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="No sheet has the headings NAME"):
        to_csv(workbook, {"code": "NAME"}, tmp_path / "list.csv")
    with pytest.raises(Invalid, match="No sheet Bìa has the headings"):
        to_csv(workbook, columns_of(COLUMNS), tmp_path / "list.csv", sheet="Bìa")


@pytest.mark.parametrize("text", ["display=X", "code", "code=", ""])
def test_columns_are_checked(text: str) -> None:
    with pytest.raises(Invalid):
        columns_of(text)


def test_groups_are_codes_above(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["CHƯƠNG", "TÊN", "NAME", "NHÓM", "TÊN NHÓM", "LOẠI", "MÃ", "BỆNH"],
        ["A-B", "Nhiễm trùng", "Infections", "A0-A9", "Đường ruột", "A01", "A01", "Loại"],
        ["A-B", "Nhiễm trùng", "Infections", "A0-A9", "Đường ruột", "A01", "A01.0", "Bệnh"],
        ["A-B", "Nhiễm trùng", "Infections", " ", None, "B01", "B01", "Loại khác"],
        ["C-C", "U", None, "C-C", "U", "C-C", "C-C", "Chính nó"],
        [None, None, None, None, None, None, None, None],
    ):
        book.active.append(row)
    book.save(tmp_path / "list.xlsx")
    into = tmp_path / "list.csv"
    columns = columns_of("code=MÃ,display=BỆNH,display:en=NAME,parent=LOẠI")
    groups = groups_of("CHƯƠNG=TÊN=NAME, NHÓM=TÊN NHÓM")
    to_csv(tmp_path / "list.xlsx", columns, into, groups=groups)
    assert into.read_text(encoding="utf-8").split("\n") == [
        "code,display,display:en,parent",
        "A01,Loại,Infections,A0-A9",
        "A01.0,Bệnh,Infections,A01",
        "B01,Loại khác,Infections,A-B",
        "C-C,Chính nó,,",
        "",
        "A-B,Nhiễm trùng,Infections,",
        "A0-A9,Đường ruột,,A-B",
        "",
    ]
    to_csv(tmp_path / "list.xlsx", columns_of("code=MÃ,display=BỆNH"), into, groups=groups)
    assert into.read_text(encoding="utf-8").split("\n")[2] == "A01.0,Bệnh,A0-A9"


@pytest.mark.parametrize("text", ["A", "A=", "A=B=C=D", ""])
def test_groups_are_checked(text: str) -> None:
    with pytest.raises(Invalid):
        groups_of(text)
