"""Folding: what is written with accents is found without."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from yba.care.names import called_name, name_parts, same_name, tidy_name
from yba.fhir.model.fold import fold, fold_words


def test_vietnamese() -> None:
    assert fold("Đức") == "duc"
    assert fold(unicodedata.normalize("NFD", "Nguyễn Thị Hạnh")) == "nguyen thi hanh"
    letters = "ăâđêôơư" + "áàảãạấầẩẫậắằẳẵặéèẻẽẹếềểễệíìỉĩịóòỏõọốồổỗộớờởỡợúùủũụứừửữựýỳỷỹỵ"
    assert fold(letters + letters.upper()).isascii()
    assert fold_words("Đái tháo đường, típ-2") == ["dai", "thao", "duong", "tip", "2"]


@given(st.text())
def test_folding_twice_changes_nothing_and_composition_does_not_matter(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))


def test_names() -> None:
    assert tidy_name("  NGUYỄN  thị HẠNH ".upper()) == "Nguyễn Thị Hạnh"
    assert tidy_name("Lê Thị McDonald") == "Lê Thị McDonald"
    assert name_parts("Tôn Nữ Thủy Tiên") == ("Tôn", ["Nữ", "Thủy", "Tiên"])
    assert name_parts("Hạnh") == ("", ["Hạnh"])
    assert called_name("Nguyễn Thị Hạnh") == "Hạnh"
    assert same_name("nguyen thi hanh", "Nguyễn  Thị HẠNH")
