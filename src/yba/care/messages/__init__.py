"""Messages to people leave through here: `send` writes an outbox row in the caller's transaction.

A job queued in the same transaction delivers after commit; a change that is rolled back sends nothing.
"""

from __future__ import annotations

from django.db import IntegrityError, transaction


def send(to_phone: str, text: str, kind: str, dedupe_key: str | None = None) -> bool:
    """Queue a text; False when a message with the same `dedupe_key` exists already.

    `kind`: what it is about, stable and searchable, e.g. `booking.confirmed`.
    """
    from yba.care.messages.models import Message
    from yba.care.messages.tasks import deliver

    try:
        with transaction.atomic():
            row = Message.objects.create(to_phone=to_phone, text=text, kind=kind, dedupe_key=dedupe_key)
            deliver.defer(message=row.pk)
    except IntegrityError:
        if dedupe_key is None:
            raise
        return False
    return True
