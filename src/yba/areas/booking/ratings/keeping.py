"""The figures of a role in the directory, counted anew from the ratings; what a label that came later takes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from yba.areas.booking.ratings.models import Rating
from yba.areas.booking.ratings.rules import Figures
from yba.care.rating import KEEPER
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record
from yba.fhir.record.labelled import labelled_visits
from yba.fhir.store.rows import execute

_LOCK: Final = (
    "select role_id::varchar from booking_post where role_id = any(%s::text[]) order by role_id for update"
)
#: What is hidden or withheld does not count; what is disputed does, so that nobody gains by disputing.
_COUNT: Final = """
update booking_post p
   set rated_count = coalesce(f.count, 0), rated_sum = coalesce(f.sum, 0)
  from unnest(%(of)s::text[]) r (role_id)
  left join (select role_id, count(*)::int as count, sum(stars)::int as sum from ratings_rating
              where role_id = any(%(of)s::text[]) and state <> 'hidden' and not withheld
              group by role_id) f on f.role_id = r.role_id
 where p.role_id = r.role_id
   and (p.rated_count, p.rated_sum) is distinct from (coalesce(f.count, 0), coalesce(f.sum, 0))
returning p.role_id::varchar"""
_FIGURES: Final = """
select role_id::varchar, rated_count, rated_sum from booking_post where role_id = any(%s::text[])"""
_AT_ONCE: Final = 500
_A_SEARCH: Final = 100


def hold(record: Record, role_ids: Iterable[str]) -> None:
    """Who counts the same role waits: the statement that counts begins after the lock, so it sees what they wrote."""
    execute(record.connection, _LOCK, (sorted(set(role_ids)),)).fetchall()


def count(record: Record, role_ids: Sequence[str]) -> None:
    """Count some roles anew, in the transaction of what changed."""
    hold(record, role_ids)
    execute(record.connection, _COUNT, {"of": list(role_ids)}).fetchall()


def figures(record: Record, role_ids: Sequence[str]) -> Mapping[str, Figures]:
    """How these roles are rated, in one statement; every one of them is in the answer."""
    found = execute(record.connection, _FIGURES, (list(role_ids),)).fetchall() if role_ids else []
    return dict.fromkeys(role_ids, Figures()) | {
        str(role_id): Figures(int(n), int(total)) for role_id, n, total in found
    }


def _not_held(record: Record, some: Sequence[Rating]) -> set[str]:
    """Visits that were entered in error after all: nobody was seen."""
    keys = [one.encounter_id for one in some]
    found: set[str] = set()
    for at in range(0, len(keys), _A_SEARCH):
        asked = (("_id", ",".join(keys[at : at + _A_SEARCH])), ("status", "entered-in-error,cancelled"))
        found |= {one.id or "" for one in record.find(Encounter, *asked)}
    return found


def look_again(record: Record) -> int:
    """Every night: withhold what a sensitive label has come to since, and what turned out not to have taken place; give
    back what has lost its label; how many changed.
    """
    changed, after = 0, ""
    while True:
        some = list(Rating.objects.filter(encounter_id__gt=after).order_by("encounter_id")[:_AT_ONCE])
        if not some:
            return changed
        after = some[-1].encounter_id
        telling = labelled_visits(
            record, [(one.patient_id, one.encounter_id) for one in some], besides=KEEPER
        ) | _not_held(record, some)
        differ = [one for one in some if one.withheld != (one.encounter_id in telling)]
        with record.atomic():
            for one in differ:
                Rating.objects.filter(pk=one.pk).update(withheld=not one.withheld)
            if differ:
                count(record, sorted({one.role_id for one in differ}))
        changed += len(differ)
