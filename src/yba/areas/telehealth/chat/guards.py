"""A conversation is written on its pages alone, where who writes is who is signed in: nobody words another's message.

The record calls these inside the transaction of every write of a Communication and of a Binary. Reading is FHIR's:
`Communication?part-of=Communication/<thread>&_sort=sent`.
"""

from __future__ import annotations

from typing import Final

from yba.areas.telehealth.chat import threads
from yba.areas.telehealth.chat.actions import FILE
from yba.fhir.errors import Forbidden
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.communication import Communication
from yba.fhir.r4.datatypes import Resource
from yba.fhir.record import Record

_OURS: Final = frozenset({threads.THREAD, threads.MESSAGE})


def guard_communication(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Refuse to write, change or delete a conversation from outside. Raises Forbidden."""
    some = [one for one in (before, after) if isinstance(one, Communication)]
    if record.actor.role != "system" and any(threads.codes_of(one) & _OURS for one in some):
        raise Forbidden(
            "chat.by-page",
            "A conversation is written on its page. Here it is read: Communication?part-of=Communication/<id>.",
            path="Communication.category",
        )


def guard_binary(record: Record, before: Resource | None, after: Resource | None) -> None:
    """Refuse to change or delete what is attached to a message. Raises Forbidden."""
    some = [one for one in (before, after) if isinstance(one, Binary)]
    if record.actor.role != "system" and any(_is_file(one) for one in some):
        raise Forbidden(
            "chat.by-page", "A file of a conversation is taken down on its page.", path="Binary.meta.tag"
        )


def _is_file(found: Binary) -> bool:
    tags = found.meta.tag if found.meta is not None else []
    return any((one.system, one.code) == (threads.CATEGORY, FILE) for one in tags)
