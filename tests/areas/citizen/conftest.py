"""The citizen before the own book."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.books import Book


@pytest.fixture
def browser(client: Client, book: Book) -> Client:
    client.force_login(book.account)
    return client
