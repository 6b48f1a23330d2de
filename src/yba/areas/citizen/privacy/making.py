"""Copies that were ordered: made, at once or by the worker, and forgotten when nobody fetches them."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from yba.areas.citizen.privacy import book, copying
from yba.areas.citizen.privacy.models import BookCopy
from yba.care.privacy import actions as privacy
from yba.care.privacy import rules
from yba.fhir.record import Record
from yba.ui import words


def make(record: Record, copy: BookCopy) -> None:
    """Put the copy together with the rights of its asker. Raises RecordError, and then nothing is kept."""
    now = record.clock()
    entries = copying.rows(record, copy.patient_id)
    if copy.form == BookCopy.Form.PDF:
        made = f"{words.gio(now)} {words.ngay(now)}"
        content = book.book_pdf(copying.decoded(entries), asked_by=record.actor.name, made=made)
    else:
        entries = [*entries, *copying.named(record, entries)]
        content = copying.bundle(
            entries, base_url=settings.YBA_ORIGIN + "/fhir", made=now.isoformat(timespec="seconds")
        )
    copy.content, copy.size, copy.count = content, len(content), len(entries)
    copy.state, copy.ready_at, copy.expires_at = BookCopy.State.READY, now, now + rules.COPY_WAITS
    copy.save()
    privacy.note(record, "export", copy.patient_id, f"copy {copy.pk} {copy.form} made, {copy.count} entries")


def forget_old(now: datetime) -> int:
    """Take the bytes of copies nobody fetched in time; how many."""
    old = BookCopy.objects.filter(state=BookCopy.State.READY, expires_at__lte=now)
    return old.update(state=BookCopy.State.EXPIRED, content=None)
