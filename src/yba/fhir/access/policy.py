"""What each role may read and write: grants as data, compiled to one SQL condition and checked again on write.

A grant names resource types, what may be done, and the relation the row must have to the actor:

- ``ALL``: any row;
- ``FACILITY``: kept by the actor's own facility;
- ``PERSONS``: in the compartment of a person the account may act for;
- ``CARE``: kept by the own facility, or of a person who has a visit or a booking there.

Nothing granted is nothing seen: the default is no, and a hidden row is not found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from psycopg import sql

from yba.fhir.access.actor import Actor
from yba.fhir.errors import Forbidden

FACILITY_TAG = "https://yba.vn/fhir/facility"
"""System of the ``meta.tag`` that names the facility a resource is kept by; the row's column says the same."""


class Relation(Enum):
    """How a row must stand to the actor."""

    ALL = "all"
    FACILITY = "facility"
    PERSONS = "persons"
    CARE = "care"


CATALOGUE = frozenset(
    {
        "ActivityDefinition", "ChargeItemDefinition", "CodeSystem", "ConceptMap", "HealthcareService",
        "Location", "Medication", "MedicationKnowledge", "NamingSystem", "Organization", "Practitioner",
        "PractitionerRole", "Questionnaire", "Schedule", "SearchParameter", "Slot", "StructureDefinition",
        "ValueSet",
    }
)  # fmt: skip
IDENTITY = frozenset({"Patient", "RelatedPerson", "Coverage"})
DESK = frozenset({"Appointment", "Encounter", "Invoice", "Account", "ChargeItem", "ServiceRequest"})
MEDICINES = frozenset(
    {"MedicationRequest", "MedicationDispense", "MedicationStatement", "AllergyIntolerance"}
)
CLINICAL = frozenset(
    {
        "AllergyIntolerance", "CarePlan", "ClinicalImpression", "Communication", "Composition", "Condition",
        "Consent", "DiagnosticReport", "DocumentReference", "FamilyMemberHistory", "ImagingStudy",
        "Immunization", "MedicationAdministration", "Observation", "Procedure", "QuestionnaireResponse",
        "RiskAssessment", "Specimen",
    }
) | MEDICINES  # fmt: skip
ALL_TYPES = "*"
ANY = frozenset({ALL_TYPES})


@dataclass(frozen=True, slots=True)
class Grant:
    """Types that may be read (and, with ``write``, written) in a relation."""

    types: frozenset[str]
    relation: Relation
    write: bool = False


ROLES: Mapping[str, tuple[Grant, ...]] = {
    "system": (Grant(ANY, Relation.ALL, write=True),),
    "citizen": (
        Grant(CATALOGUE, Relation.ALL),
        Grant(ANY, Relation.PERSONS),
        # Who one is, whose child and how insured is written by rules that check it, never by a bare request.
        Grant(frozenset({"Appointment"}), Relation.PERSONS, write=True),
    ),
    "care_desk": (
        Grant(CATALOGUE, Relation.ALL),
        Grant(IDENTITY, Relation.ALL, write=True),
        Grant(DESK, Relation.FACILITY),
        Grant(frozenset({"Appointment"}), Relation.FACILITY, write=True),
    ),
    "receptionist": (
        Grant(CATALOGUE, Relation.ALL),
        Grant(IDENTITY, Relation.ALL, write=True),
        Grant(DESK, Relation.FACILITY, write=True),
    ),
    "doctor": (
        Grant(CATALOGUE, Relation.ALL),
        Grant(IDENTITY, Relation.CARE),
        Grant(DESK | CLINICAL, Relation.CARE),
        Grant(DESK | CLINICAL, Relation.FACILITY, write=True),
    ),
    "pharmacist": (
        Grant(CATALOGUE, Relation.ALL),
        Grant(IDENTITY | MEDICINES | {"Encounter", "Condition", "Invoice"}, Relation.CARE),
        Grant(frozenset({"MedicationDispense", "MedicationRequest"}), Relation.FACILITY, write=True),
    ),
    "cashier": (
        Grant(CATALOGUE, Relation.ALL),
        Grant(IDENTITY, Relation.CARE),
        Grant(DESK | {"MedicationDispense"}, Relation.FACILITY),
        Grant(frozenset({"Invoice", "ChargeItem", "Account"}), Relation.FACILITY, write=True),
    ),
    "wall": (Grant(CATALOGUE, Relation.ALL),),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """A SQL condition on ``record.resource`` aliased ``r``, with named placeholders and their values.

    ``sql`` is None when every row may be seen; the text is the same for every actor of a role, so that one
    prepared statement serves them all.
    """

    sql: sql.Composable | None
    params: Mapping[str, object] = field(default_factory=dict)


NOTHING = sql.SQL("false")
_OF_RELATION: Mapping[Relation, sql.SQL] = {
    Relation.FACILITY: sql.SQL("r.facility = %(actor_facility)s"),
    Relation.PERSONS: sql.SQL("r.patient = any(%(actor_persons)s)"),
    Relation.CARE: sql.SQL(
        "(r.facility = %(actor_facility)s or exists (select from record.resource care"
        " where care.patient = r.patient and care.type in ('Appointment', 'Encounter')"
        " and care.facility = %(actor_facility)s and care.content is not null))"
    ),
}


@lru_cache(maxsize=4096)
def _compiled(role: str, type_name: str) -> tuple[sql.Composable | None, frozenset[Relation]]:
    """The condition of a role on a type, and the relations it speaks of."""
    relations = frozenset(
        grant.relation for grant in ROLES.get(role, ()) if type_name in grant.types or "*" in grant.types
    )
    if Relation.ALL in relations:
        return None, relations
    parts = [_OF_RELATION[relation] for relation in sorted(relations, key=lambda one: one.value)]
    if not parts:
        return NOTHING, relations
    return sql.SQL("({})").format(sql.SQL(" or ").join(parts)), relations


def condition(actor: Actor, type_name: str) -> Condition:
    """What the actor may read of one type, as SQL."""
    text, relations = _compiled(actor.role, type_name)
    if text is None or not relations:
        return Condition(text)
    params: dict[str, object] = {}
    if Relation.PERSONS in relations:
        params["actor_persons"] = list(actor.persons)
    if Relation.FACILITY in relations or Relation.CARE in relations:
        params["actor_facility"] = actor.facility
    return Condition(text, params)


def sees_all(actor: Actor, type_name: str) -> bool:
    """Whether no row of the type is hidden from the actor."""
    return _compiled(actor.role, type_name)[0] is None


def may_write(actor: Actor, type_name: str, *, patient: str | None, facility: str | None) -> bool:
    """Whether a row of this type, compartment and facility may be written by the actor."""
    for grant in ROLES.get(actor.role, ()):
        if not grant.write or (type_name not in grant.types and "*" not in grant.types):
            continue
        if grant.relation is Relation.ALL:
            return True
        if grant.relation is Relation.PERSONS and patient is not None and patient in actor.persons:
            return True
        if grant.relation is Relation.FACILITY and facility is not None and facility == actor.facility:
            return True
    return False


def check_delete(actor: Actor, type_name: str) -> None:
    """Refuse to take away a person: everything else in the record hangs on it, at every facility.

    Raises Forbidden unless the actor may do everything.
    """
    if type_name == "Patient" and not may_write(actor, ALL_TYPES, patient=None, facility=None):
        raise Forbidden(
            "access.delete",
            "A person is not deleted: other facilities' records hang on it. Set 'active' to false, "
            "or ask the operator of the record.",
            type=type_name,
        )


def check_write(actor: Actor, type_name: str, *, patient: str | None, facility: str | None) -> None:
    """Refuse a write the actor has no grant for.

    Raises Forbidden: the actor is told the type only, never whose record it was.
    """
    if not may_write(actor, type_name, patient=patient, facility=facility):
        raise Forbidden(
            "access.write",
            f"The role '{actor.role}' may not write this {type_name}. "
            "Ask the facility's administrator, or send it as an account that keeps this record.",
            type=type_name,
        )
