"""What several products are tried with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from yba import fhir

if TYPE_CHECKING:  # conftest files are read before Django is ready
    from tests.books import Book


@pytest.fixture
def book(record: fhir.Record) -> Book:
    from tests.books import Book

    return Book(record)
