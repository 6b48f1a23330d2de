"""What a doctor is writing: the values of a draft, as typed. Numbers stay text until the visit is finished."""

from __future__ import annotations

import threading

import msgspec


class DrugLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A medicine being prescribed.

    ``stops``: current prescriptions it takes the place of; ``reason``: why it is given in spite of a warning.
    """

    key: str
    drug: str
    amount: str = ""
    unit: str = ""
    times: str = ""
    moments: tuple[str, ...] = ()
    days: str = ""
    quantity: str = ""
    note: str = ""
    reason: str = ""
    stops: tuple[str, ...] = ()


class Content(msgspec.Struct, frozen=True, omit_defaults=True):
    """The whole note. The first diagnosis is the main one."""

    complaint: str = ""
    examination: str = ""
    advice: str = ""
    follow_up: str = ""
    vitals: dict[str, str] = {}
    diagnoses: tuple[str, ...] = ()
    drugs: tuple[DrugLine, ...] = ()
    orders: tuple[str, ...] = ()
    next_key: int = 1


# msgspec does not guard the first look at a type: two threads at it at once crash the process.
_READING = threading.Lock()


def to_json(content: Content) -> object:
    """For the draft's column."""
    return msgspec.to_builtins(content)


def from_json(stored: object) -> Content:
    """From the draft's column."""
    with _READING:
        return msgspec.convert(stored, Content)


# -- deeds: a content in, a content out ------------------------------------------------------------------


def with_drug(content: Content, line: DrugLine) -> Content:
    """One more medicine at the end; its key is given here."""
    named = msgspec.structs.replace(line, key=f"d{content.next_key}")
    return msgspec.structs.replace(content, drugs=(*content.drugs, named), next_key=content.next_key + 1)


def without_drug(content: Content, key: str) -> Content:
    """Without the medicine of this key."""
    return msgspec.structs.replace(content, drugs=tuple(one for one in content.drugs if one.key != key))


def stopping(content: Content, key: str, request_id: str) -> Content:
    """The medicine of this key takes the place of a current one."""
    return msgspec.structs.replace(
        content,
        drugs=tuple(
            msgspec.structs.replace(one, stops=(*one.stops, request_id))
            if one.key == key and request_id not in one.stops
            else one
            for one in content.drugs
        ),
    )


def with_diagnosis(content: Content, code: str) -> Content:
    """One more diagnosis; the first is the main one."""
    if code in content.diagnoses:
        return content
    return msgspec.structs.replace(content, diagnoses=(*content.diagnoses, code))


def without_diagnosis(content: Content, code: str) -> Content:
    """Without this diagnosis."""
    return msgspec.structs.replace(content, diagnoses=tuple(one for one in content.diagnoses if one != code))


def main_diagnosis(content: Content, code: str) -> Content:
    """This diagnosis first."""
    if code not in content.diagnoses:
        return content
    rest = tuple(one for one in content.diagnoses if one != code)
    return msgspec.structs.replace(content, diagnoses=(code, *rest))


def with_order(content: Content, code: str) -> Content:
    """One more service ordered."""
    if code in content.orders:
        return content
    return msgspec.structs.replace(content, orders=(*content.orders, code))


def without_order(content: Content, code: str) -> Content:
    """Without this service."""
    return msgspec.structs.replace(content, orders=tuple(one for one in content.orders if one != code))
