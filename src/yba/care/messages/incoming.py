"""What people text to the house: kept whole, once, in order, and given to who answers (`settings.YBA_HEARD`).

Every text is kept before it is acknowledged. A second copy of the same text (the provider's id; where it gives none,
the same words from the same number as its last within two minutes) is counted, not answered again. One number's texts
are answered one after the other, each in one transaction with what it causes and with its answer. A text that comes
late, or is one of too many, does nothing; texts of numbers no person holds (short numbers, names) are never answered,
so that two machines don't talk to each other for ever.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.module_loading import import_string

from yba.care.messages import write
from yba.care.messages.models import Heard as Row
from yba.care.messages.models import Piece

log = logging.getLogger(__name__)
State = Row.State
#: Without an id of the provider, the same words within this time are its second try.
AGAIN: Final = timedelta(minutes=2)
#: A text older than this is about times that are gone: "1" of this morning chooses nothing at noon.
LATE: Final = timedelta(minutes=30)
#: Of one number: so many in so long are answered; the one after is told to wait, the others are only kept.
LIMITS: Final = ((12, timedelta(minutes=10)), (40, timedelta(days=1)))
#: Parts that wait for the others so long are kept as what they are.
PARTS_WAIT: Final = timedelta(hours=1)
MOST_TRIES: Final = 3
LONGEST: Final = 1600
_MOBILE: Final = re.compile(r"0[35789]\d{8}")
_ABROAD: Final = re.compile(r"\+[1-9]\d{7,14}")
_ONE_BY_ONE: Final = "select pg_advisory_xact_lock(hashtextextended(%s, 5))"
#: Queues the job that answers a number's texts.
Later = Callable[[str, datetime | None], None]


@dataclass(frozen=True, slots=True)
class Heard:
    """A whole text. ``provider_id``: by which a second copy is known; ``sent_at``: None where nobody says."""

    channel: str
    phone: str
    to: str
    text: str
    provider_id: str = ""
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a text as it came: bytes, how they are letters, and its place among the parts."""

    channel: str
    phone: str
    to: str
    body: bytes
    coding: str
    reference: str = ""
    total: int = 1
    number: int = 1
    provider_id: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A text to be answered: its row's number, whose it is, what it says."""

    number: int
    phone: str
    to: str
    text: str
    provider_id: str
    now: datetime

    def answer(self, kind: str, **values: str) -> None:
        """Answer it once, from the number that was written to."""
        said = {"from": self.to, "answers": self.provider_id, **values}
        write(kind, self.phone, said, dedupe_key=f"heard:{self.number}", now=self.now)


def holder_of(address: str) -> str:
    """The telephone number that can be answered, as accounts have it: ``0905123456``, ``+85620...``; else nothing."""
    plain = re.sub(r"[\s.\-()]", "", address)
    local = re.sub(r"^\+?84(?=[35789]\d{8}$)", "0", plain)
    if _MOBILE.fullmatch(local):
        return local
    return plain if _ABROAD.fullmatch(plain) and not plain.startswith("+84") else ""


# -- keeping ----------------------------------------------------------------------------------------------


def note_part(part: Part, *, now: datetime, later: Later) -> bool:
    """Keep a part; with its last one the text is whole and kept. False: it was known already, or waits for others."""
    if part.total <= 1:
        text = letters(part.body, part.coding)
        return note(_whole(part, text), now=now, later=later)
    with transaction.atomic():
        key = f"{part.channel}:{part.phone}:{part.to}:{part.reference}:{part.total}"
        _one_by_one(key)
        there = Piece.objects.filter(key=key, at__gte=now - PARTS_WAIT)
        if there.filter(number=part.number).exists():
            return False
        Piece.objects.create(key=key, number=part.number, body=part.body, coding=part.coding, at=now)
        have = list(there.order_by("number"))
        if [one.number for one in have] != list(range(1, part.total + 1)):
            return False
        text = letters(b"".join(bytes(one.body) for one in have), part.coding)
        there.delete()
        return note(_whole(part, text), now=now, later=later)


def _whole(part: Part, text: str) -> Heard:
    return Heard(part.channel, part.phone, part.to, text, part.provider_id)


def note(heard: Heard, *, now: datetime, later: Later) -> bool:
    """Keep a text and have it answered; False for a second copy of one that is kept."""
    phone, text = holder_of(heard.phone), heard.text[:LONGEST].replace("\0", "")
    kept = phone or heard.phone[:20]
    with transaction.atomic():
        _one_by_one(kept)
        if heard.provider_id:
            key = f"{heard.channel}:{kept}:{heard.provider_id}"
            known = Row.objects.filter(key=hashed(key)).first()
        else:
            key = f"{heard.channel}:{kept}:{now.isoformat()}:{text}"
            known = Row.objects.filter(phone=kept).order_by("-pk").first()
            if known is not None and (known.text != text or now - known.at > AGAIN):
                known = None
        if known is not None:
            Row.objects.filter(pk=known.pk).update(copies=known.copies + 1)
            return False
        try:
            with transaction.atomic():
                row = Row.objects.create(
                    channel=heard.channel, phone=kept, to=heard.to[:20], text=text, key=hashed(key), at=now,
                    provider_id=heard.provider_id[:120], sent_at=heard.sent_at,
                    state=State.WAITING if phone else State.IGNORED,
                )  # fmt: skip
        except IntegrityError:
            return False
        if phone:
            later(row.phone, None)
        return True


def hashed(key: str) -> str:
    """A key of any length as one that fits."""
    return hashlib.sha256(key.encode()).hexdigest()


def _one_by_one(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_ONE_BY_ONE, [f"messages.heard/{key}"])


def letters(body: bytes, coding: str) -> str:
    """The words of a body; bytes that are no letters say nothing."""
    return "" if coding == "bytes" else body.decode(coding, "replace")


# -- answering --------------------------------------------------------------------------------------------


def answer_all(phone: str, *, now: Callable[[], datetime], later: Later) -> int:
    """Answer what a number has texted, in the order it came; how many were."""
    handler = import_string(settings.YBA_HEARD)
    done = 0
    while True:
        with transaction.atomic():
            _one_by_one(phone)
            row = Row.objects.filter(phone=phone, state=State.WAITING).order_by("pk").first()
            if row is None:
                return done
            _answered(row, handler, now=now(), later=later)
            if row.state == State.WAITING:
                return done
            done += 1


def _answered(row: Row, handler: Callable[[Asked], str], *, now: datetime, later: Later) -> None:
    asked = Asked(row.pk, row.phone, row.to, row.text, row.provider_id, now)
    too_many = _too_many(row, now)
    if now - (row.sent_at or row.at) > LATE:
        row.state = State.LATE
    elif too_many is not None:
        row.state = State.TOO_MANY
        if too_many == 0:
            asked.answer("text.too-many")
    else:
        try:
            with transaction.atomic():
                row.keyword = handler(asked)[:20]
                row.state = State.ANSWERED
        except Exception:
            log.exception("a text could not be answered")
            row.tries += 1
            if row.tries < MOST_TRIES:
                later(row.phone, now + timedelta(seconds=20))
            else:
                row.state = State.FAILED
                asked.answer("text.failed")
    row.save(update_fields=["state", "keyword", "tries"])


def _too_many(row: Row, now: datetime) -> int | None:
    """None while within the limits; else how many before it were already beyond."""
    beyond = -1
    for most, span in LIMITS:
        before = Row.objects.filter(phone=row.phone, at__gt=row.at - span, pk__lt=row.pk).count()
        beyond = max(beyond, before - most)
    return beyond if beyond >= 0 else None


def sweep(*, now: datetime, later: Later) -> int:
    """Go on with texts left behind; keep parts whose others never came as the text they are."""
    left = Row.objects.filter(state=State.WAITING, at__lt=now - timedelta(minutes=1))
    phones = sorted(set(left.values_list("phone", flat=True)[:1000]))
    for phone in phones:
        later(phone, None)
    for key in sorted(set(Piece.objects.filter(at__lt=now - PARTS_WAIT).values_list("key", flat=True)[:100])):
        with transaction.atomic():
            _one_by_one(key)
            old = list(Piece.objects.filter(key=key, at__lt=now - PARTS_WAIT).order_by("number"))
            text = "".join(letters(bytes(one.body), one.coding) for one in old)
            channel, phone, to = key.split(":")[:3]
            Piece.objects.filter(pk__in=[one.pk for one in old]).delete()
            if old:
                Row.objects.create(
                    channel=channel, phone=(holder_of(phone) or phone)[:20], to=to[:20], text=text[:LONGEST],
                    key=hashed(f"{key}:{old[0].pk}"), at=old[0].at, state=State.INCOMPLETE,
                )  # fmt: skip
    return len(phones)
