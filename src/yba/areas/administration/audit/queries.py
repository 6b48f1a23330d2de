"""What the pages read: rows of the audit by the form's fields, the persons' names, how the audit is sealed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from yba.care import people
from yba.fhir.audit import sealing
from yba.fhir.audit.event import PREFIX
from yba.fhir.audit.rows import Row
from yba.fhir.audit.search import Listed, listed
from yba.fhir.errors import TooCostly
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record

Parameter = tuple[str, str]
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")
PAGE = 50
MOST_EXPORTED = 20_000
MOST_PERSONS = 50
HANOI = "+07:00"


def parameters(record: Record, asked: dict[str, Any]) -> list[Parameter] | None:
    """The search parameters of AuditEvent that the form means; None where nobody's book is meant."""
    found: list[Parameter] = []
    if asked.get("nguoi"):
        text = str(asked["nguoi"]).strip()
        found.append(
            ("altid", text) if _is_account(text) else ("agent-name:contains", text.replace(",", "\\,"))
        )
    if asked.get("so"):
        persons = _persons(record, str(asked["so"]).strip())
        if not persons:
            return None
        found.append(("patient", ",".join(persons)))
    if asked.get("viec"):
        found.append(("subtype", f"https://yba.vn/fhir/audit-act|{asked['viec']}"))
    if asked.get("loai"):
        found.append(("_resource", str(asked["loai"])))
    if asked.get("vai_tro"):
        found.append(("agent-role", str(asked["vai_tro"])))
    if asked.get("ket_qua"):
        found.append(("outcome", str(asked["ket_qua"])))
    if asked.get("dia_chi"):
        found.append(("address", str(asked["dia_chi"]).replace(",", "\\,")))
    if asked.get("tu"):
        found.append(("date", f"ge{asked['tu'].isoformat()}T00:00:00{HANOI}"))
    if asked.get("den"):
        found.append(("date", f"lt{(asked['den'] + timedelta(days=1)).isoformat()}T00:00:00{HANOI}"))
    return found


def _is_account(text: str) -> bool:
    return text.isdecimal() or text.startswith("token-") or text == "system"


def _persons(record: Record, text: str) -> list[str]:
    """Whom a name, a number or an id means; a rule of the house looks, for auditors see no charts."""
    system = record.as_system()
    found = [str(one.id) for one in people.find_people(system, text, limit=MOST_PERSONS)]
    if not found and _ID.fullmatch(text) and system.count(Patient, ("_id", text)):
        found = [text]
    return found


def rows(record: Record, asked: Sequence[Parameter], cursor: str | None = None) -> Listed:
    """A page of the audit."""
    return listed(record, asked, count=PAGE, cursor=cursor)


def row(record: Record, number: int) -> Row | None:
    """One row; None where there is none for this auditor."""
    found = listed(record, [("_id", f"{PREFIX}{number}")], count=1).rows
    return found[0] if found else None


def everything(record: Record, asked: Sequence[Parameter]) -> list[Row]:
    """All rows, for a file. Raises TooCostly for more than it may hold: never a part."""
    found = listed(record, asked, count=MOST_EXPORTED, act="export")
    if found.following is not None:
        raise TooCostly("audit.too-many", f"More than {MOST_EXPORTED:,} rows match. Narrow the days.")
    return found.rows


def names_of(record: Record, patients: Iterable[str]) -> dict[str, str]:
    """The names of persons by id, looked up by a rule of the house."""
    wanted = sorted(set(patients))
    system = record.as_system()
    found: dict[str, str] = {}
    for start in range(0, len(wanted), 100):
        part = wanted[start : start + 100]
        for one in system.find(Patient, ("_id", ",".join(part))):
            found[str(one.id)] = people.name_of(one)
    return found


@dataclass(frozen=True, slots=True)
class Sealed:
    """How far the audit is sealed."""

    number: int
    at: datetime
    head: str


def sealed(record: Record) -> Sealed | None:
    """The newest seal; None before the first."""
    one = sealing.newest(record.connection)
    return None if one is None else Sealed(one.number, one.sealed, one.head.hex())
