"""Patient/$match: which records may be this person's, each with a score and a grade.

Source: FHIR R4, patient-operation-match.html. Read ``traits.py`` (what is compared), ``weights.py`` (the weights, and
when a match is certain), ``candidates.py`` (whom the index offers). Nothing is merged or linked here, and only records
the actor may search are compared.

With ``onlyCertainMatches`` the answer is the one certain match or nothing. A record that carries an identifier which
another record carries too is no certain match.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yba.fhir.access import policy
from yba.fhir.errors import Forbidden, Invalid, TooCostly
from yba.fhir.model import codec, tree
from yba.fhir.r4.datatypes import CodeableConcept
from yba.fhir.r4.operation_outcome import OperationOutcome, OperationOutcomeIssue
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.operations.match import candidates, weights
from yba.fhir.rest.operations.match.traits import Traits, traits_of
from yba.fhir.rest.operations.searchset import entry, searchset, url
from yba.fhir.rest.response import Response
from yba.fhir.store.rows import Stored

MOST_TRAITS = 20
GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


@dataclass(frozen=True, slots=True)
class Match:
    """A record with its score (0 to 1) and grade (certain, probable, possible)."""

    stored: Stored
    score: float
    grade: str


def match(call: Call) -> Response:
    """The records that may be this person's, the likeliest first."""
    call.refuse_unknown(("resource", "onlyCertainMatches", "count"))
    _check(call)
    asked = _asked(call)
    only_certain = call.flag("onlyCertainMatches")
    count = call.number("count")
    found = candidates.of(call.record, asked)
    matches = ranked(asked, found.rows)
    notes = list(found.notes)
    if only_certain:
        if matches and matches[0].grade != "certain":
            notes.append("No match is certain. Ask without 'onlyCertainMatches' and let a person decide.")
        matches = [one for one in matches if one.grade == "certain"]
    total = len(matches)
    if count is not None and total > count:
        notes.append(f"{total - count} less likely matches were left out, as 'count' asks.")
        matches = matches[:count]
    base = call.request.base_url
    entries = [entry(base, one.stored, _search(one)) for one in matches]
    if notes:
        entries.append(b'{"resource":%b,"search":{"mode":"outcome"}}' % codec.encode(_outcome(notes)))
    return searchset(entries, [("self", url(base, "Patient/$match", []))], total)


def _check(call: Call) -> None:
    """Who sees persons in part could learn the rest by guessing: a score tells how well a guess fits."""
    actor = call.record.actor
    if policy.mask(actor, "Patient") is not None:
        raise Forbidden(
            "access.match",
            f"The role '{actor.role}' does not see all of who a person is, and matches nobody.",
        )


def _asked(call: Call) -> Traits:
    """The traits that are given. Raises Invalid where they are too few to tell people apart."""
    sent = call.resource("resource")
    if not isinstance(sent, dict) or sent.get("resourceType") != "Patient":
        raise Invalid(
            "match.resource",
            "$match needs the parameter 'resource' with a Patient.",
            path="Parameters.resource",
        )
    codec.decode(tree.dump(sent), "Patient")  # a valid instance, complete or not
    asked = traits_of(sent)
    if max(len(asked.numbers), len(asked.names), len(asked.contacts)) > MOST_TRAITS:
        raise TooCostly(
            "match.too-much",
            f"$match compares at most {MOST_TRAITS} identifiers, names or contacts of a person.",
        )
    if not (asked.numbers or asked.names or asked.contacts):
        raise Invalid(
            "match.too-little",
            "To match a person, give an identifier, a name, or a telephone number.",
            path="Parameters.resource",
        )
    return asked


def ranked(asked: Traits, rows: list[Stored]) -> list[Match]:
    """Those that may be the person, the likeliest first."""
    compared: list[tuple[Stored, weights.Verdict]] = []
    for stored in rows:
        known: Any = tree.parse(stored.content or b"{}")
        compared.append((stored, weights.compare(asked, traits_of(known))))
    identified = sum(verdict.identified for _, verdict in compared)
    matches = []
    for stored, verdict in compared:
        certain = verdict.certain and identified == 1
        score = verdict.score_of_bits if certain else min(verdict.score_of_bits, weights.UNCERTAIN)
        if score >= weights.POSSIBLE:
            probable = score >= weights.PROBABLE and not verdict.contradicted
            matches.append(
                Match(stored, score, "certain" if certain else "probable" if probable else "possible")
            )
    return sorted(matches, key=lambda one: (one.grade != "certain", -one.score, one.stored.rid))


def _search(one: Match) -> bytes:
    return b'{"extension":[{"url":"%b","valueCode":"%b"}],"mode":"match","score":%b}' % (
        GRADE.encode(),
        one.grade.encode(),
        _score(one.score).encode(),
    )


def _score(score: float) -> str:
    return f"{score:.4f}".rstrip("0").rstrip(".")


def _outcome(notes: list[str]) -> OperationOutcome:
    return OperationOutcome(
        issue=[
            OperationOutcomeIssue(
                severity="information", code="informational", details=CodeableConcept(text=note)
            )
            for note in notes
        ]
    )


OPERATIONS = (
    Operation(
        "match", match, type_level=True, types=frozenset({"Patient"}),
        definition="http://hl7.org/fhir/OperationDefinition/Patient-match",
    ),
)  # fmt: skip
