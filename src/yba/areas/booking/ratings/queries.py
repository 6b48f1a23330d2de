"""What pages read of ratings: those of a doctor as everybody sees them, those somebody looks after, one of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from yba.areas.booking.ratings import actions, keeping, questions
from yba.areas.booking.ratings.models import Rating
from yba.areas.booking.ratings.rules import ENOUGH, Figures
from yba.care.rating import KEEPER
from yba.fhir.errors import NotFound
from yba.fhir.record import Record
from yba.fhir.record.labelled import labelled_visits

WORDS_SHOWN: Final = 5
A_PAGE: Final = 50
_LOOKED_AT: Final = 20


@dataclass(frozen=True, slots=True)
class Shown:
    """A doctor's ratings as everybody sees them; ``aspects``: question, how many of a hundred said yes."""

    figures: Figures
    aspects: list[tuple[str, int]]
    words: list[Rating]


def shown(record: Record, role_id: str) -> Shown:
    """The figures, and from ``ENOUGH`` on the answers and the newest words. Four statements."""
    figures = keeping.figures(record, [role_id])[role_id]
    if not figures.enough:
        return Shown(figures, [], [])
    counted = Rating.objects.filter(role_id=role_id, withheld=False).exclude(state=Rating.State.HIDDEN)
    said: Counter[tuple[str, str]] = Counter()
    for answers in counted.values_list("answers", flat=True):
        said.update(answers.items())
    aspects = []
    for one in questions.questions():
        total = sum(said[one.key, option] for option, _words in one.options)
        if total >= ENOUGH:
            aspects.append((one.text, round(100 * said[one.key, "yes"] / total)))
    # In the order of months, then of keys drawn by lot: nothing tells which came first within a month.
    newest = list(
        counted.filter(state=Rating.State.SHOWN).exclude(words="").order_by("-month", "key")[:_LOOKED_AT]
    )
    return Shown(figures, aspects, _untold(record, newest)[:WORDS_SHOWN])


def _untold(record: Record, some: list[Rating]) -> list[Rating]:
    """Without those whose visit has come to bear a label since the night."""
    telling = labelled_visits(record, [(one.patient_id, one.encounter_id) for one in some], besides=KEEPER)
    return [one for one in some if one.encounter_id not in telling]


def looked_after(record: Record) -> QuerySet[Rating]:
    """The ratings the actor may dispute or decide, those in dispute first, then by month."""
    actor = record.actor
    found = Rating.objects.filter(facility=actor.facility or "-", withheld=False)
    if actor.role != actions.ADMINISTRATOR:
        found = found.filter(practitioner_id=actor.practitioner or "-")
    return found.order_by("state", "-month", "key")


@dataclass(frozen=True, slots=True)
class Looked:
    """A page of what somebody looks after, and how many ratings come after it."""

    ratings: list[Rating]
    left: int
    roles: list[str]


def a_page(record: Record) -> Looked:
    """The first ratings the actor looks after, without those whose visit has come to bear a label since the night."""
    found = looked_after(record)
    first = list(found[:A_PAGE])
    return Looked(
        ratings=_untold(record, first),
        left=max(found.count() - len(first), 0),
        roles=list(dict.fromkeys(found.values_list("role_id", flat=True))),
    )


def one(record: Record, key: str) -> Rating:
    """A rating the actor may dispute or decide. Raises NotFound."""
    found = looked_after(record).filter(key=key).first()
    if found is None or not _untold(record, [found]):
        raise NotFound("rating.unknown", "There is no such rating here.")
    return found


def own(encounter_id: str) -> Rating | None:
    """What was said of a visit, for its page; who may see the visit is asked before."""
    return Rating.objects.filter(encounter_id=encounter_id).first()
