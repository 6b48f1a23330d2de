"""What people type, with and without accents, in the words of the regions, with slips and denials."""

from __future__ import annotations

import pytest

from yba.areas.firsthelp.data import book
from yba.areas.firsthelp.understanding import understood


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Đau ngực", {"chest-pain"}),
        ("dau nguc", {"chest-pain"}),
        ("ngực đau quá", {"chest-pain"}),
        ("con bị co giật", {"seizure"}),
        ("lên cơn kho thoo", {"breathless"}),
        ("ỉa chảy với ói", {"diarrhoea", "vomiting"}),
        ("tào tháo rượt", {"diarrhoea"}),
        ("phỏng nước sôi", {"burn"}),
        ("bị chó táp", {"animal-bite"}),
        ("xây xẩm", {"dizzy"}),
        ("đái buốt", {"urine-pain"}),
        ("short of breath", {"breathless"}),
        ("không thở được", {"breathless-severe"}),
        ("hổng nói được", {"speech-trouble"}),
        ("hôm nay đẹp trời", set()),
        ("", set()),
    ],
)
def test_words_of_people(text: str, found: set[str]) -> None:
    assert found <= set(understood(book(), text)) if found else not understood(book(), text)


@pytest.mark.parametrize(
    ("text", "said", "denied"),
    [
        ("ho nhưng không sốt", "cough", "fever"),
        ("khong sot, dau hong", "throat", "fever"),
        ("không có đau ngực mà khó thở", "breathless", "chest-pain"),
        ("hết sốt rồi mà mệt", "tired", "fever"),
        ("headache, no fever", "headache", "fever"),
    ],
)
def test_what_is_denied_is_not_offered(text: str, said: str, denied: str) -> None:
    found = understood(book(), text)
    assert said in found
    assert denied not in found


def test_accents_typed_are_accents_meant() -> None:
    assert "cough" in understood(book(), "ho nhiều")
    assert "cough" not in understood(book(), "họ nói vậy")
    assert "throat" in understood(book(), "đau họng")
    assert "belly-pain" not in understood(book(), "đau họng")
    assert understood(book(), "đau lưng") == ("back-pain",)


def test_a_long_text_is_cut_not_refused() -> None:
    assert understood(book(), "đau ngực " + "a" * 100_000) == ("chest-pain",)
