"""Copies of thick books are put together by the worker, with the rights the asker has at that moment."""

from __future__ import annotations

import logging

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from procrastinate.contrib.django import app

from yba import fhir
from yba.areas.citizen.privacy import making
from yba.areas.citizen.privacy.models import BookCopy
from yba.fhir.errors import RecordError
from yba.fhir.record import now

log = logging.getLogger(__name__)


@app.task(name="citizen.make_copy", retry=3)  # type: ignore[untyped-decorator]  # procrastinate is not followed
def make_copy(copy: int) -> None:
    """Make one copy; running it twice makes it once. Whoever lost the right to the book since gets none."""
    with transaction.atomic():
        row = BookCopy.objects.select_for_update().filter(pk=copy, state=BookCopy.State.WAITING).first()
        if row is None:
            return
        account = get_user_model().objects.filter(pk=row.account, is_active=True).first()
        try:
            if account is None or row.patient_id not in account.persons:
                raise LookupError("the account may no longer open this book")
            connection.ensure_connection()
            record = fhir.open(
                connection.connection,
                actor=account.actor(),
                clock=now,
                transaction=transaction.atomic,
            )
            with transaction.atomic():
                making.make(record, row)
        except (RecordError, LookupError) as problem:
            log.warning("copy %s was not made: %s", copy, problem)
            BookCopy.objects.filter(pk=copy).update(state=BookCopy.State.FAILED)


@app.periodic(cron="*/10 * * * *", periodic_id="citizen.forget-copies")  # type: ignore[untyped-decorator]  # as above
@app.task(name="citizen.forget_copies", queueing_lock="citizen.forget_copies")  # type: ignore[untyped-decorator]  # as above
def forget_copies(timestamp: int = 0) -> int:
    """Copies nobody fetched in time lose their bytes."""
    return making.forget_old(now())
