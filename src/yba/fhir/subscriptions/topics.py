"""The topics a subscription may name: what happens, to which resources, and by what it may be narrowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BASE = "https://yba.vn/fhir/SubscriptionTopic/"
ANY = "*"


@dataclass(frozen=True, slots=True)
class Trigger:
    """A type, what is done to it (create, update, delete), and FHIRPath over %current and %previous ("" is always)."""

    type: str
    interactions: frozenset[str]
    expression: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: ``filters`` are the search parameters by which a subscription may narrow it."""

    url: str
    title: str
    triggers: tuple[Trigger, ...]
    filters: frozenset[str]


_WRITTEN = frozenset({"create", "update"})
_ALL = frozenset({"create", "update", "delete"})


def _becomes(element: str, *values: str) -> str:
    """The element has one of the values now and had none of them before."""
    wanted = "(" + " | ".join(f"'{value}'" for value in values) + ")"
    return (
        f"(%current.{element} in {wanted}) and (%previous.empty() or (%previous.{element} in {wanted}).not())"
    )


TOPICS: Mapping[str, Topic] = {
    BASE + one.url: Topic(BASE + one.url, one.title, one.triggers, one.filters)
    for one in (
        Topic(
            "encounter-start", "A visit has begun",
            (Trigger("Encounter", _WRITTEN, _becomes("status", "in-progress")),),
            frozenset({"patient", "service-provider", "location", "practitioner", "class"}),
        ),
        Topic(
            "encounter-end", "A visit has ended",
            (Trigger("Encounter", _WRITTEN, _becomes("status", "finished")),),
            frozenset({"patient", "service-provider", "location", "practitioner", "class"}),
        ),
        Topic(
            "appointment-change", "A booking was made, moved or called off",
            (Trigger("Appointment", _WRITTEN),),
            frozenset({"patient", "practitioner", "location", "status", "date"}),
        ),
        Topic(
            "result-available", "A result is final or was put right",
            (
                Trigger("DiagnosticReport", _WRITTEN, _becomes("status", "final", "amended", "corrected")),
                Trigger("Observation", _WRITTEN, _becomes("status", "final", "amended", "corrected")),
            ),
            frozenset({"patient", "category", "code", "performer"}),
        ),
        Topic(
            "prescription-active", "A prescription may be dispensed",
            (Trigger("MedicationRequest", _WRITTEN, _becomes("status", "active")),),
            frozenset({"patient", "requester", "encounter"}),
        ),
        Topic(
            "allergy-change", "An allergy was noted or changed",
            (Trigger("AllergyIntolerance", _WRITTEN),),
            frozenset({"patient", "code", "criticality"}),
        ),
        Topic("record-change", "Anything in the record changes", (Trigger(ANY, _ALL),), frozenset({"patient"})),
    )
}  # fmt: skip
