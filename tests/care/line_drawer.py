"""A crowd at the ticket machine: threads that draw numbers and try again until each is acknowledged.

Runs in a process of its own: ``python -m tests.care.line_drawer THREADS EACH``; prints each
acknowledged number at once.
"""

from __future__ import annotations

import sys
import threading
import time

import django

django.setup()

from django.db import Error, connection, transaction  # noqa: E402

from yba import fhir  # noqa: E402
from yba.care.line import actions  # noqa: E402
from yba.fhir.access import Actor  # noqa: E402
from yba.fhir.errors import RecordError  # noqa: E402

DESK = Actor(user="t", role="receptionist", name="Quầy", facility="f")


def draw_once(key: str) -> int:
    connection.ensure_connection()
    record = fhir.open(connection.connection, actor=DESK, transaction=transaction.atomic)
    ticket = actions.draw(
        record, facility="f", room="r", letter="A", patient_id=key, patient_name="Nguyễn Văn A", key=key
    )
    return ticket.number


def crowd(thread: int, each: int) -> None:
    for turn in range(each):
        while True:
            try:
                number = draw_once(f"{thread}-{turn}")
            except (Error, RecordError):
                connection.close()
                time.sleep(0.05)
                continue
            sys.stdout.write(f"{number}\n")  # one write a line: threads must not mix
            sys.stdout.flush()
            break
    connection.close()


if __name__ == "__main__":
    threads = [
        threading.Thread(target=crowd, args=(one, int(sys.argv[2]))) for one in range(int(sys.argv[1]))
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
