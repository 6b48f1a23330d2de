"""Acts that change nothing, noted in the audit: at once, or by the journal that writes those of many requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from yba.fhir.access.emergency import doubt_of
from yba.fhir.store.audit import Act, Doubted, act_of, split, write_acts
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.record.handle import Record


def note(
    record: Record,
    act: str,
    *,
    type_name: str | None,
    stored: Stored | None,
    detail: str | None,
    outcome: str,
    patients: Collection[str],
    answered: int | None,
    identifier: str | None,
    rows: Iterable[Stored],
) -> None:
    """Note an act; what each part is, ``Record.audit`` says."""
    doubt = None
    if outcome == "ok" and (patients or (stored is not None and stored.patient is not None)):
        seen = [*rows, *([stored] if stored is not None and stored.version else [])]
        doubt = doubt_of(record.actor, seen)
    row = act_of(
        record.actor,
        act,
        record.clock(),
        record.came,
        type=type_name,
        id=stored.id if stored and stored.version else identifier,
        version=stored.version or None if stored else None,
        patient=stored.patient if stored else None,
        facility=stored.facility if stored else None,
        detail=detail,
        outcome=outcome,
        answered=answered,
    )
    several = split(row, sorted(patients)) if patients else [row]
    acts: Sequence[Act | Doubted] = several if doubt is None else [Doubted(one, doubt) for one in several]
    if record.journal is None:
        write_acts(record.connection, acts)
        return
    for one in acts:
        record.journal.add(one)
