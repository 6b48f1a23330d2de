"""What an actor may do with a row, worked out in plain Python from ``roles.yaml`` and the facts of the world.

Nothing of the door is imported: the sentences that open ``roles.yaml`` and ``standing.yaml`` are put into code a second
time, row by row instead of as SQL, so that a mistake would have to be made twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.access.facts import Facts, Row, Stand
from tests.access.minimal import LINKS
from tests.builders import NOW

ROLES = Path(__file__).parents[2] / "src" / "yba" / "fhir" / "access" / "roles.yaml"
SHORT = {"see": ["read", "search", "history"], "write": ["create", "update", "patch"]}
INTERACTIONS = ("read", "search", "history", "create", "update", "patch", "delete", "export")
TREATING = {"visit", "booking", "care-team"}
SHARING = {"consent", "transfer", "emergency"}
EVERY = frozenset({"hiv", "mental", "reproductive", "vip", "restricted", "deceased"})


def said() -> dict[str, Any]:
    """``roles.yaml`` as it is written."""
    found: dict[str, Any] = _read()
    return found


@cache
def _read() -> Any:
    return yaml.safe_load(ROLES.read_text(encoding="utf-8"))


def role_keys() -> list[str]:
    return list(said()["roles"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def grants(role: str) -> tuple[dict[str, Any], ...]:
    """The grants of a role and of those it includes, with groups and short words written out."""
    told = said()
    own = told["roles"].get(role, {"grants": []})
    found = []
    for one in own["grants"]:
        types = [name for word in one["types"] for name in told["groups"].get(word, [word])]
        may = [name for word in _listed(one["may"]) for name in SHORT.get(word, [word])]
        labels = set(_named(one.get("labels", []))) | set(_named(own.get("labels", [])))
        found.append(
            {**one, "types": set(types), "may": set(may), "of": _listed(one["of"]), "labels": labels}
        )
    return (*found, *(each for name in own.get("includes", []) for each in grants(name)))


def _named(labels: Any) -> frozenset[str]:
    return EVERY if labels == "all" else frozenset(labels)


def masked(role: str, type_name: str) -> set[str]:
    """The elements a role does not get of a type."""
    return set(said()["roles"].get(role, {}).get("masks", {}).get(type_name, []))


def speaks(role: str, type_name: str, interaction: str) -> Iterator[dict[str, Any]]:
    for one in grants(role):
        if interaction in one["may"] and (type_name in one["types"] or "*" in one["types"]):
            yield one


def allowed(facts: Facts, actor: Any, row: Row, interaction: str, now: Any = NOW) -> bool:
    """Whether one grant at least lets the actor do this with the row."""
    if interaction in ("create", "update", "patch") and masked(actor.role, row.type):
        return False
    if not _in_scope(facts, actor, row, interaction):
        return False
    return any(_lets(facts, actor, row, grant, now) for grant in speaks(actor.role, row.type, interaction))


# SMART App Launch 2.2: what each letter of a scope lets an app do.
LETTERS = {
    "read": "r",
    "history": "r",
    "search": "s",
    "create": "c",
    "update": "u",
    "patch": "u",
    "delete": "d",
}
# R4, compartmentdefinition-patient: types of a chart in which a row may be of nobody in particular, or of many. (A
# Schedule is in a chart where a patient is its actor: a doctor's is a catalogue, for apps with patient/ scopes too.)
OF_MANY = {"Group", "Person", "Provenance", "AuditEvent"}


def _in_scope(facts: Facts, actor: Any, row: Row, interaction: str) -> bool:
    """Whether one of the app's scopes reaches the row; somebody without an app has no such limit."""
    if actor.scopes is None:
        return True
    if facts.labels(row) & set(actor.withheld):
        return False
    for one in actor.scopes:
        if one.type not in (row.type, "*") or LETTERS[interaction] not in one.interactions:
            continue
        in_chart = row.patient is not None or row.type in LINKS or row.type in OF_MANY
        if one.context == "patient" and in_chart and (row.patient is None or row.patient != actor.launched):
            continue
        if all(_meets(row, f"{name}={value}") for name, value in one.criteria):
            return True
    return False


def _lets(facts: Facts, actor: Any, row: Row, grant: dict[str, Any], now: Any) -> bool:
    if not _meets(row, grant.get("where")):
        return False
    return any(_stands(facts, actor, row, grant, relation, now) for relation in grant["of"])


def _stands(facts: Facts, actor: Any, row: Row, grant: dict[str, Any], relation: str, now: Any) -> bool:
    """A relation holds, and its way lets through every sensitive label of the row."""
    labels = set(facts.labels(row))
    own = set(grant["labels"]) | set(actor.rights)
    if relation not in ("self", "ward", "delegated"):
        labels.discard("deceased")  # no secret of staff
    if relation == "all":
        return labels <= own
    if relation == "own-facility":
        return row.facility is not None and row.facility == actor.facility and labels <= own
    if row.patient is None:
        return False
    if relation == "self":
        return row.patient == actor.person and labels <= own
    here = row.facility in (None, actor.facility) or grant.get("kept", "here") == "anywhere"
    if relation not in ("shared", "ward", "delegated") and not here:
        return False
    for one in facts.stands:
        if one.patient == row.patient and one.since <= now < one.until and _fits(one, actor, relation):
            let = own | (set(one.labels) if relation in ("shared", "delegated") else set())
            if one.claimed:  # decision 0012: what somebody gave themselves lets no label through
                let = set(actor.rights)
            if labels <= let and _covers(one, actor, row) and not _denied(facts, one, actor, row):
                return True
    return False


def _denied(facts: Facts, one: Stand, actor: Any, row: Row) -> bool:
    """Whether the person has denied what a consent permits; treatment, transfers and emergencies are no consents."""
    if one.basis not in ("consent", "delegate"):
        return False
    whoever = {f"facility:{actor.facility}", f"practitioner:{actor.practitioner}", f"person:{actor.person}"}
    return any(
        said.patient == row.patient
        and (said.holder is None or said.holder in whoever)
        and (said.types is None or row.type in said.types)
        and (said.labels is None or bool(said.labels & facts.labels(row)))
        for said in facts.denials
    )


def _fits(one: Stand, actor: Any, relation: str) -> bool:
    """Whether a standing is the actor's, and of the kind the relation asks."""
    kind, _, who = one.holder.partition(":")
    if relation == "ward":
        return one.basis == "guardian" and one.holder == f"person:{actor.person}"
    if relation == "delegated":
        return one.basis == "delegate" and one.holder == f"person:{actor.person}"
    mine = {
        "facility": {actor.facility}, "practitioner": {actor.practitioner}, "programme": {actor.programme},
        "department": set(actor.departments), "app": {actor.app}, "person": set(),
    }[kind]  # fmt: skip
    if who not in mine:
        return False
    if relation == "shared":
        return one.basis in SHARING
    if one.basis not in TREATING:
        return False
    kinds = {
        "treating": {"practitioner"}, "own-department": {"department"},
        # A department is part of its facility.
        "own-patients": {"facility", "department", "practitioner", "programme"},
    }  # fmt: skip
    return kind in kinds[relation]


def _covers(one: Stand, actor: Any, row: Row) -> bool:
    """As far as a consent or a transfer says."""
    purpose = actor.purpose or said()["roles"].get(actor.role, {}).get("purpose")
    if one.types is not None and row.type not in one.types:
        return False
    if one.purposes is not None and purpose not in one.purposes:
        return False
    if one.kept is not None and row.facility not in one.kept:
        return False
    if one.named is not None and row.name not in one.named:
        return False
    if one.occurred is not None:
        low, high = one.occurred
        return row.occurred is not None and low <= row.occurred <= high
    return True


def _meets(row: Row, where: Any) -> bool:
    """``category=`` criteria: one of the codes, with its system where one is said; ``identifier=system|``: any."""
    asked = where.get(row.type) if isinstance(where, dict) else where
    if asked is None:
        return True
    name, _, values = asked.partition("=")
    found = row.content.get(name, [])
    if name == "identifier":
        return any(f"{one.get('system')}|" == values for one in _listed(found))
    codings = [
        one
        for each in _listed(found)
        for one in (each.get("coding", []) if isinstance(each, dict) else [{"code": each}])
    ]
    for value in values.split(","):
        system, bar, code = value.rpartition("|")
        if any(one.get("code") == code and (not bar or one.get("system") == system) for one in codings):
            return True
    return False
