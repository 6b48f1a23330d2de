"""The limits of search are the ones its reference page names."""

from __future__ import annotations

import re
from pathlib import Path

from yba.fhir.search import asked, chain, filter_grammar, includes, question

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "search.md"


def test_the_reference_names_the_limits() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("## Limits")[2]
    named = {
        label: int(number.replace(",", ""))
        for label, number in re.findall(r"\| ([^|]+?) \| ([\d,]+) \|", text)
    }
    assert named == {
        "Largest page": asked.LARGEST_PAGE,
        "Conditions of a search": asked.CONDITIONS,
        "Values to compare with": asked.VALUES,
        "Sort keys": asked.SORT_KEYS,
        "`_include` and `_revinclude`": asked.INCLUDES,
        "Resources included with a page": includes.LARGEST_INCLUDE,
        "Links followed by chains": question.LINKS,
        "Types a chain without `:Type` may lead to": chain.TARGETS,
        "Tests in a `_filter`": filter_grammar.TESTS,
    }
