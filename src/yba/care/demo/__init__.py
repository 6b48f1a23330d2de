"""The demo province: five facilities, twenty practitioners, three hundred citizens. Everything in it is invented.

Pure and deterministic: the same ``today`` gives the same bytes. See README.md of this folder.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from random import Random

from yba.care.demo.accounts import DemoAccount, Role, accounts
from yba.care.demo.facilities import facility_resources
from yba.care.demo.histories import history
from yba.care.demo.people import Person, person_resources, population
from yba.care.demo.prevention import vaccinations_of
from yba.fhir.r4.datatypes import Resource

__all__ = ["DemoAccount", "Role", "accounts", "province"]

_SEED = "Hương Giang"


def province(today: date) -> Iterator[Resource]:
    """Every resource of the demo, facilities first, then each person with their history.

    A resource comes after those it refers to, except an Encounter, which names its Conditions before they come: load
    with ids given (PUT), not with references checked one by one.
    """
    yield from facility_resources()
    people = population(Random(f"{_SEED} people"), today)  # noqa: S311  # invented people need no secrets
    by_id = {person.id: person for person in people}
    for person in people:
        yield from person_resources(person, by_id, today)
    children: defaultdict[str, list[Person]] = defaultdict(list)
    for person in people:
        children[person.guardian].append(person)
    for person in people:
        # Each person draws from an own source: adding to one life changes no other.
        random = Random(f"{_SEED} {person.id}")  # noqa: S311
        yield from vaccinations_of(random, person, today)
        yield from history(random, person, today, children[person.id])
