"""Official workbooks: columns by their headings, lines by their rows."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from yba.fhir.errors import Invalid
from yba.fhir.terminology.workbooks import columns_of, to_csv

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
