"""Rows of a book as lines a person knows, read with their own rights; and whom a book can be shared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from yba.areas.citizen.sharing.pages import GroupLines, HolderLine, RowLine, holder_words
from yba.care import chart
from yba.care.access_log import TYPES
from yba.care.sharing.giving import Group
from yba.care.sharing.terms import Given, Holder, Kind
from yba.fhir.access.seeing import Seen
from yba.fhir.errors import NotFound
from yba.fhir.r4.datatypes import CodeableConcept, Reference
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.practitioner_role import PractitionerRole
from yba.fhir.record import Record
from yba.ui import words

SHOWN: Final = 50
MOST_FOUND: Final = 20
_TITLES: Final = ("code", "vaccineCode", "medicationCodeableConcept", "type", "category")


def groups(record: Record, found: Sequence[Group]) -> list[GroupLines]:
    """What a share lets through, kind by kind: the newest rows by name, and how many are behind them."""
    return [
        GroupLines(one.name, len(one.rows), _lines(record, one.rows), max(len(one.rows) - SHOWN, 0))
        for one in found
    ]


def _lines(record: Record, rows: Sequence[Seen]) -> list[RowLine]:
    newest = sorted(
        rows, key=lambda one: (one.occurred is None, one.occurred.timestamp() if one.occurred else 0)
    )
    shown = list(reversed([one for one in newest if one.occurred]))[:SHOWN]
    shown += [one for one in newest if not one.occurred][: SHOWN - len(shown)]
    by_type: dict[str, list[str]] = {}
    for one in shown:
        by_type.setdefault(one.type, []).append(one.id)
    read: dict[tuple[str, str], Any] = {}
    for kind, ids in by_type.items():
        for resource in record.find(kind, ("_id", ",".join(ids))):
            read[kind, resource.id or ""] = resource
    return [_line(one, read.get((one.type, one.id))) for one in shown]


def _line(row: Seen, resource: Any) -> RowLine:
    kind = str(TYPES.get(row.type, row.type))
    title = _title(resource)
    return RowLine(
        words.ngay(row.occurred) if row.occurred else "",
        title or kind[:1].upper() + kind[1:],
        kind if title else "",
    )


def _title(resource: Any) -> str:
    for name in _TITLES:
        found = getattr(resource, name, None)
        first = found[0] if isinstance(found, list) and found else found
        if isinstance(first, CodeableConcept):
            return chart.text_of(first)
    provider = getattr(resource, "serviceProvider", None)
    if isinstance(provider, Reference):
        return chart.display_of(provider)
    return ""


# -- whom to share with ------------------------------------------------------------------------------------


def found(record: Record, text: str, url: Any) -> tuple[list[HolderLine], bool]:
    """Facilities, programmes and staff by words of their name; the flag: there are more."""
    asked = [("name:contains", text.strip()), ("_count", str(MOST_FOUND))]
    houses = record.search(Organization, [*asked, ("partof:missing", "true")])
    people = record.search(Practitioner, asked)
    lines = [
        HolderLine(one.name or "", _place(one), url(_of_organization(one)))
        for one in houses.matches
        if isinstance(one, Organization) and one.active is not False and one.partOf is None
    ]
    ids = [one.id or "" for one in people.matches]
    works = _works(record, ids)
    lines += [
        HolderLine(
            _name(one), works.get(one.id or "", ""), url(Holder("practitioner", one.id or "", _name(one)))
        )
        for one in people.matches
        if isinstance(one, Practitioner) and one.active is not False
    ]
    return lines, bool(houses.next or people.next)


def _works(record: Record, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    asked = ("practitioner", ",".join(f"Practitioner/{one}" for one in ids))
    roles = record.find(PractitionerRole, asked)
    return {chart.id_of(one.practitioner): chart.display_of(one.organization) for one in roles}


def _place(one: Organization) -> str:
    holder = holder_words(_of_organization(one))
    return " · ".join(filter(None, [holder, one.address[0].text if one.address else ""]))


def _of_organization(one: Organization) -> Holder:
    """A public body runs programmes (organization-type ``govt``); everything else treats."""
    public = any(code.code == "govt" for each in one.type for code in each.coding)
    return Holder("programme" if public else "facility", one.id or "", one.name or "")


def _name(one: Practitioner) -> str:
    return next((it.text or " ".join(filter(None, [it.family, *it.given])) for it in one.name), "")


def named(record: Record, given: Sequence[Given]) -> list[Given]:
    """Consents that others wrote without the names of those they name: with the names of facilities."""
    unnamed = {
        one.id for it in given for one in it.holders if not one.name and one.kind in ("facility", "programme")
    }
    if not unnamed:
        return list(given)
    houses = record.find(Organization, ("_id", ",".join(sorted(unnamed))))
    names = {one.id or "": one.name or "" for one in houses}
    return [
        replace(it, holders=tuple(replace(one, name=one.name or names.get(one.id, "")) for one in it.holders))
        for it in given
    ]


def holder_of(record: Record, key: str) -> Holder:
    """The holder a key names, as ``facility:ID``. Raises NotFound."""
    kind, _colon, identifier = key.partition(":")
    kinds: dict[str, Kind] = {
        "facility": "facility",
        "programme": "programme",
        "practitioner": "practitioner",
    }
    if kind not in kinds or not identifier:
        raise NotFound("share.holder", "There is no such recipient.")
    if kinds[kind] == "practitioner":
        return Holder("practitioner", identifier, _name(record.read(Practitioner, identifier)))
    house = record.read(Organization, identifier)
    if house.partOf is not None:
        raise NotFound("share.holder", "There is no such recipient.")
    return Holder(_of_organization(house).kind, identifier, house.name or "")
