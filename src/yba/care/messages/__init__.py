"""Messages to people leave through here: a row is written in the transaction of what causes it, and sent after commit.

`write` tells of a kind with values (`kinds.yaml` has the words, by channel and language); `send` takes words as they
are, for a number. Both write the outbox row and its job together: a change that is rolled back sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from yba.care import asked

if TYPE_CHECKING:
    from yba.fhir.r4.appointment import Appointment


def send(to_phone: str, text: str, kind: str, dedupe_key: str | None = None) -> bool:
    """Queue a text to a number; False when a message with the same `dedupe_key` exists already.

    `kind`: what it is about, stable and searchable, e.g. `accounts.code`; `kinds.yaml` says how it goes.
    """
    return _queued(kind, {"to_phone": to_phone, "text": text}, dedupe_key, timezone.now())


def write(
    kind: str,
    to_phone: str,
    values: Mapping[str, str],
    *,
    about: Appointment | None = None,
    dedupe_key: str | None = None,
    to_email: str = "",
    now: datetime | None = None,
) -> bool:
    """Tell whoever holds a number; False when this was told already.

    ``about``: the visit it is about; it is sent only while that visit is at this time and place and in a state of the
    kind's ``holds``. Without ``dedupe_key`` it is told once for each version of that visit.
    """
    from yba.care.messages import kinds, people, standing
    from yba.fhir.record import facility_of
    from yba.ui.words import moment

    known = kinds.kind_of(kind)
    fields: dict[str, object] = {"to_phone": to_phone, "to_email": to_email, "values": dict(values)}
    if "sms" in known.channels:
        language = people.reader_of(to_phone).language
        fields["text"] = kinds.rendered(known, "sms", language, values).text
    if about is not None:
        fields |= {
            "subject": about.id or "",
            "version": standing.version_of(about),
            "person": standing.taking_part(about, "Patient")[0],
            "facility": facility_of(about) or "",
            "about_at": moment(about.start) if about.start else None,
        }
        version = about.meta.versionId if about.meta else ""
        dedupe_key = dedupe_key or f"{about.id}:{version}:{kind}"
    return _queued(kind, fields, dedupe_key, now or timezone.now())


def _queued(kind: str, fields: Mapping[str, object], dedupe_key: str | None, now: datetime) -> bool:
    from yba.care.messages import kinds, rules, tasks
    from yba.care.messages.models import Message

    known = kinds.kind_of(kind)
    about = fields.get("about_at")
    expires = rules.expires_at(known, about=about if isinstance(about, datetime) else None, now=now)
    row = Message(kind=kind, dedupe_key=dedupe_key, expires_at=expires, **fields)
    with transaction.atomic(savepoint=False):  # told and queued, or neither
        told = asked.insert(row, unless="dedupe_key")
        if told:
            tasks.later(row.pk, None, known.urgent)
    return told
