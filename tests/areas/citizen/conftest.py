"""The citizen before the own book."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

if TYPE_CHECKING:  # conftest files are read before Django is ready
    from tests.books import Book


@pytest.fixture
def browser(client: Client, book: Book) -> Client:
    client.force_login(book.account)
    return client
