"""What several products are tried with."""

from __future__ import annotations

import pytest

from tests.books import Book
from yba import fhir


@pytest.fixture
def book(record: fhir.Record) -> Book:
    return Book(record)
