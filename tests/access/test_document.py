"""What a data-protection officer reads of the roles is what the door reads."""

from __future__ import annotations

import pytest

from tests.access.document import FILES, written


@pytest.mark.parametrize("language", FILES)
def test_the_table_of_roles_is_up_to_date(language: str) -> None:
    text = FILES[language].read_text(encoding="utf-8")
    assert written(text, language) == text, "run: python -m tests.access.document"
