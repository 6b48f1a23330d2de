"""Rows that point across what is hidden: every link leads, for somebody, from a row they see to one they do not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from tests.access.facts import coded, ref

if TYPE_CHECKING:
    from tests.access.world import World

CHARTS = ("me", "child", "mum", "stranger", "visit", "treat", "consented", "past")
LOINC = "http://loinc.org"
VITAL = coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")
VISITS, RESULTS, LISTS, PAPERS = 16, 40, 10, 8


def weave(world: World) -> None:
    """Add them; always the same ones."""
    chance = random.Random(7)
    world.add("Location", "A", own="room", name="Phòng 1", managingOrganization=ref("Organization/A"))
    world.add("Location", "A", own="bed", name="Giường 2", partOf=ref("Location/room"))
    world.add("Medication", "A", own="drug", code=coded("http://e.x/thuoc", "para"))
    _visits(world, chance)
    _results(world, chance)
    _lists(world, chance)
    _lookups(world)


def _facility(chance: random.Random) -> str | None:
    return chance.choice(("A", "A", "B", "B", None))


def _visits(world: World, chance: random.Random) -> None:
    for number in range(VISITS):
        more: dict[str, Any] = {"partOf": ref(f"Encounter/e{chance.randrange(number)}")} if number else {}
        world.add(
            "Encounter", chance.choice("AB"), CHARTS[number % 8], own=f"e{number}", status="cancelled",
            period={"start": f"2026-0{1 + number % 9}-01"}, participant=[{"individual": ref("Practitioner/d3")}],
            location=[{"location": ref(chance.choice(("Location/room", "Location/bed")))}],
            serviceProvider=ref(f"Organization/{chance.choice('AB')}"), reasonCode=[{"text": f"ly do {number}"}],
            hospitalization={"specialCourtesy": [{"text": "x"}]}, **more,
        )  # fmt: skip


def _results(world: World, chance: random.Random) -> None:
    for number in range(RESULTS):
        patient = chance.choice(CHARTS)
        more: dict[str, Any] = {}
        if number:
            more["hasMember"] = [ref(f"Observation/o{chance.randrange(number)}")]
            more["derivedFrom"] = [ref(f"Observation/o{chance.randrange(number)}/_history/1")]
        word = f"tukhoa{number % 5}"
        world.add(
            "Observation", _facility(chance), patient, own=f"o{number}", category=[VITAL],
            code=coded(LOINC, chance.choice("abc")), encounter=ref(f"Encounter/e{chance.randrange(VISITS)}"),
            occurred=f"2026-0{1 + number % 9}-1{number % 10}",
                effectiveDateTime=f"2026-0{1 + number % 9}-1{number % 10}",
            performer=[ref(f"Patient/{chance.choice(CHARTS)}"), ref("Practitioner/d1")],
            focus=[ref(f"Patient/{chance.choice(CHARTS)}")],
            valueString=None, valueQuantity={"value": number, "system": "http://unitsofmeasure.org", "code": "mg"},
            note=[{"text": word}],
            text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{word}</div>'}, **more,
        )  # fmt: skip


def _lists(world: World, chance: random.Random) -> None:
    def results(many: int) -> list[dict[str, str]]:
        return [ref(f"Observation/o{chance.randrange(RESULTS)}") for _ in range(many)]

    for number in range(LISTS):
        patient = CHARTS[number % 8]
        other = chance.choice(CHARTS)
        facility = _facility(chance)
        world.add("List", facility, patient, own=f"li{number}", status="current", mode="working",
                  entry=[{"item": one} for one in results(5)])  # fmt: skip
        world.add("Composition", facility, patient, own=f"c{number}", status="final", date="2026-01-01", title="Giấy",
                  occurred="2026-01-01", author=[ref("Practitioner/d1")],
                  section=[{"title": "s", "entry": results(2)}],
                  relatesTo=[{"code": "replaces",
                      "targetReference": ref(f"Composition/c{(number + 1) % LISTS}")}])  # fmt: skip
        world.add("DiagnosticReport", facility, patient, own=f"dr{number}", result=results(2),
                  basedOn=[ref(f"ServiceRequest/sr{number}")])  # fmt: skip
        world.add("ServiceRequest", "A", other, own=f"sr{number}", reasonReference=[ref(f"Condition/cd{number}")],
                  occurred=None, reasonCode=[{"text": "x"}])  # fmt: skip
        world.add("Condition", "B", other, own=f"cd{number}", code=coded("http://e.x/benh", f"b{number % 3}"),
                  encounter=ref(f"Encounter/e{number}"))  # fmt: skip
        world.add("Provenance", facility, own=f"pr{number}", recorded="2026-01-01T00:00:00Z",
                  target=[*results(1), ref(f"Patient/{patient}")], agent=[{"who": ref("Practitioner/d1")}])  # fmt: skip
        world.add("Group", facility, own=f"g{number}", type="person", actual=True,
                  member=[{"entity": ref(f"Patient/{patient}")}, {"entity": ref(f"Patient/{other}")}])  # fmt: skip
        world.add("Coverage", None, patient, own=f"co{number}", payor=[ref("Organization/A")],
                  identifier=[{"system": "https://yba.vn/fhir/sid/bhyt",
                      "value": f"GD479012345678{number}"}])  # fmt: skip
        world.add("MedicationRequest", facility, patient, own=f"mr{number}", medicationReference=ref("Medication/drug"),
                  medicationCodeableConcept=None, reasonReference=[ref(f"Condition/cd{number}")])  # fmt: skip
        world.add("Task", facility, patient, own=f"t{number}", focus=results(1)[0])
        world.rows[-1].content["for"] = ref(f"Patient/{other}")


def _lookups(world: World) -> None:
    """What only some may look up: a ConceptMap, a PlanDefinition are no catalogue of devices and strangers."""
    concept = {"system": LOINC, "concept": [{"code": "a", "display": "Mạch"}]}
    for number in range(2):
        url = f"http://e.x/vs{number}"
        world.add(
            "ValueSet", "A", own=f"vs{number}", url=url, status="active", compose={"include": [concept]}
        )
        world.add("CodeSystem", "A", own=f"cs{number}", url=f"http://e.x/cs{number}", status="active",
            content="complete",
                  concept=[{"code": "x", "display": "Chữ"}])  # fmt: skip
        world.add("ConceptMap", "A", own=f"cm{number}", url=f"http://e.x/cm{number}", status="active",
                  sourceUri=url, targetUri="http://e.x/vs9",
                  group=[{"source": LOINC, "target": "http://e.x/t",
                          "element": [{"code": "a", "target": [{"code": "z", "equivalence": "equal"}]}]}])  # fmt: skip
        world.add("Questionnaire", "A", own=f"q{number}", url=f"http://e.x/q{number}", status="active",
                  item=[{"linkId": "1", "type": "choice", "text": "?", "answerValueSet": url}])  # fmt: skip
