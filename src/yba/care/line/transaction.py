"""One transaction for tables and records: Django's connection and the record's are the same one.

Django's ``atomic`` sends BEGIN only with its first statement, and psycopg's ``transaction()`` commits what it began:
a record written first inside an untouched ``atomic`` would be committed on its own. So the first statement is ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def whole() -> Iterator[None]:
    """All or nothing, for ORM and record alike; joins a transaction of either that is already open.

    Inside, use no ORM call that needs ``atomic`` of its own (``get_or_create``, ``select_for_update``):
    when the record opened the transaction, Django doesn't know of it.
    """
    connection.ensure_connection()
    driver = connection.connection
    if not connection.in_atomic_block and driver.info.transaction_status.name != "IDLE":
        with driver.transaction():
            yield
        return
    with transaction.atomic():
        if driver.info.transaction_status.name == "IDLE":
            with connection.cursor() as cursor:
                cursor.execute("select 1")
        yield
