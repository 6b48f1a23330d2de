"""Questions whose answers could tell of what is hidden: searches, operations, histories, as GET addresses."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from tests.access.linking import CHARTS, LISTS, VISITS

CONDITIONS: dict[str, list[str]] = {
    "Observation": [
        "subject:Patient.name=nguoi", "subject:Patient.birthdate=ge2000", "patient.identifier=http://e.x/so|so3",
        "encounter.service-provider=Organization/B", "encounter.subject:Patient.gender=female", "code=a",
        "has-member.subject:Patient.name=stranger", "has-member.code=a", "derived-from:Observation.code=b",
        "performer:Patient.name=stranger", "performer:Practitioner.name=bac", "_has:Observation:has-member:code=a",
        "_has:List:item:status=current", "_has:List:item:subject:Patient.name=stranger", "focus:Patient.name=visit",
        "_has:Provenance:target:agent:Practitioner.name=bac", "_list=li0", "_list=li1,li3",
        '_filter=subject:Patient.name co "nguoi"', '_filter=not (subject:Patient.name co "stranger")',
        "_filter=has-member.code eq a or encounter.status eq cancelled", "subject:missing=true",
        '_filter=encounter[status eq cancelled].subject:Patient.name co "stranger"', "_content=tukhoa1",
        "_text=tukhoa2", "encounter:missing=false", "code:in=http://e.x/vs1", "code:in=ValueSet/vs1",
        "code:below=http://loinc.org|a", "performer=Patient/stranger", "subject=Patient/stranger",
        "encounter.part-of.subject:Patient.name=past", "encounter.part-of:Encounter._has:Observation:encounter:code=a",
        "_has:DiagnosticReport:result:based-on:ServiceRequest.status=draft", "value-quantity=gt20", "date=ge2026-05",
        "_source=urn:secret:bimat00001", "_security=http://terminology.hl7.org/CodeSystem/v3-ActCode|HIV",
        "_tag=https://yba.vn/fhir/facility|B", "code-value-quantity=http://loinc.org|a$gt10",
        "_id=o1,o2,o3,o4,o5,o6,o7",
        "_contained=both", "_contained=true&_containedType=contained", "_text:not=tukhoa2", "identifier:missing=true",
    ],
    "Patient": [
        "_has:Observation:patient:code=a", "_has:Observation:performer:code=a", "name=stranger", "_content=stranger",
        "_has:Encounter:patient:service-provider=Organization/B", "_has:List:subject:item:Observation.code=a",
        "link.name=stranger", "link:Patient.birthdate=ge2000", "_has:Patient:link:gender=female", "identifier=so3",
        "general-practitioner:Practitioner.name=bac", "_has:Group:member:type=person", "deceased=true",
        "_has:Coverage:beneficiary:payor=Organization/A", "_has:Provenance:target:recorded=2026",
        '_filter=link.name co "stranger"', "organization.name=co", "_has:RelatedPerson:patient:active=true",
        "_has:Observation:patient:_has:List:item:status=current", "_has:Consent:patient:status=active",
        "_has:Condition:patient:code=b1", "family:exact=stranger", "address:missing=true", "birthdate=2020-05-05",
        "_has:Condition:patient:_security=HIV", "_has:Appointment:patient:status=booked",
    ],
    "Encounter": [
        "part-of.subject:Patient.name=stranger", "_has:Observation:encounter:code=a",
        "participant:Practitioner.name=bac",
        "_has:Encounter:part-of:status=cancelled", "part-of:below=Encounter/e0", "part-of:above=Encounter/e5",
        "subject:Patient._has:Observation:patient:code=b", "location.organization.name=co", "reason-code:text=ly do",
        "location:below=Location/room", "diagnosis:missing=true", "special-arrangement:missing=true",
    ],
    "List": ["item:Observation.code=a", "item:Observation.subject:Patient.name=stranger", "subject:Patient.name=visit"],
    "Provenance": ["target:Observation.code=a", "target:Patient.name=stranger"],
    "Appointment": ["patient.name=stranger", "actor:Patient.gender=female", "actor:Practitioner.name=bac"],
    "Composition": ["entry:Observation.code=a", "related-ref:Composition.subject:Patient.name=past"],
    "Practitioner": [
        "_has:Observation:performer:code=a", "_has:Patient:general-practitioner:name=stranger",
        "_has:Encounter:practitioner:status=cancelled", "_has:Provenance:agent:target=Patient/stranger",
    ],
    "Organization": [
        "_has:Patient:organization:name=stranger", "_has:Encounter:service-provider:status=cancelled",
        "_has:Coverage:payor:status=active", "_has:EpisodeOfCare:organization:status=active",
    ],
    "Location": ["_has:Encounter:location:status=cancelled", "_has:Encounter:location:reason-code:text=ly"],
    "Group": ["member:Patient.name=stranger"],
    "Coverage": ["beneficiary:Patient.name=stranger", "payor:Organization.name=co"],
    "RelatedPerson": ["patient.name=child"],
    "DiagnosticReport": ["result.code=a", "based-on:ServiceRequest.subject:Patient.name=stranger",
    "result.subject:Patient.name=past"],
    "ServiceRequest": ["_has:DiagnosticReport:based-on:status=registered", "subject:Patient.name=visit"],
    "Condition": ["encounter.subject:Patient.name=stranger", "_has:ServiceRequest:reason-reference:status=draft",
    "code=b1"],
    "MedicationRequest": ["medication.code=para", "patient.name=stranger"],
    "Medication": ["_has:MedicationRequest:medication:status=active",
    "_has:MedicationRequest:medication:patient.name=past"],
    "Task": ["patient.name=stranger", "focus:Observation.code=a", "subject=Patient/stranger"],
    "Consent": ["patient.name=consented", "actor:Organization.name=co", "_has:Provenance:target:recorded=2026"],
    "ConceptMap": ["url=http://e.x/cm0"], "ValueSet": ["url=http://e.x/vs0"],
}  # fmt: skip
INCLUDES = (
    "_include=*", "_include:iterate=*", "_revinclude=*:*", "_revinclude:iterate=*:*&_include:iterate=*",
    "_revinclude=Observation:performer", "_revinclude=Provenance:target", "_revinclude=List:item",
    "_include=Observation:has-member&_include:iterate=Observation:subject", "_include=Observation:derived-from",
    "_revinclude=Composition:entry", "_include=List:item", "_revinclude=Task:focus",
    "_revinclude=DiagnosticReport:result",
)  # fmt: skip
SYSTEM = (
    "?_type=Observation,Patient&_sort=_lastUpdated&_count=50", "?_lastUpdated=ge2020&_total=accurate&_count=3",
    "?_count=5",
    "?_content=stranger", "?_type=List,Provenance&_total=estimate&_count=2", "?_sort=-_id&_count=5&_type=Patient,List",
    "?code=a&_type=Observation,Condition", "?_type=Observation,Encounter&patient=stranger", "?_id=stranger,visit,o1,e3",
    "?_summary=count", "?_type=Condition&_summary=count", "_history?_count=5", "$meta",
    "?_type=Observation&_has:List:item:status=current",
    "Observation?_sort=subject&_count=30", "Observation?_sort=patient,-date&_count=9",
    "Observation?_sort=-value-quantity&_count=4",
    "Patient?_sort=family&_count=3", "Patient?_sort=-birthdate&_count=2", "Encounter?_sort=reason-code&_count=4",
    "Practitioner/d1/*?_count=9", "Practitioner/d1/Observation?_revinclude=*:*&_count=20", "Patient/$everything",
    "Observation/$meta", "Patient/$meta", "ConceptMap/cm0/$translate?code=a&system=http://loinc.org",
    "ConceptMap/$translate?url=http://e.x/cm0&code=a&system=http://loinc.org", "ValueSet/vs0/$expand",
    "ValueSet/$expand?url=http://e.x/vs0", "ValueSet/$validate-code?url=http://e.x/vs0&code=a&system=http://loinc.org",
    "CodeSystem/$lookup?system=http://e.x/cs0&code=x", "CodeSystem/cs0/$validate-code?code=x",
    "CodeSystem/$subsumes?system=http://e.x/cs0&codeA=x&codeB=x",
    "ConceptMap/$translate?code=a&system=http://loinc.org&source=http://e.x/vs0&targetsystem=http://e.x/t",
    "Questionnaire/q0/$populate?subject=Patient/me", "AuditEvent?patient=Patient/stranger", "AuditEvent?_summary=count",
    "Device/x/*", "RelatedPerson/rel-child/*", "SearchParameter?_count=5", "Subscription/$status",
)  # fmt: skip


def questions() -> list[str]:
    """All of them, each once, in the same order."""
    return list(dict.fromkeys(one.removeprefix("/") for one in (*_searches(), *SYSTEM, *_charts(), *_rows())))


def _searches() -> Iterator[str]:
    for name, conditions in CONDITIONS.items():
        for end in ("", "_sort=_lastUpdated", "_sort=-_id", "_total=accurate", "_total=estimate", "_summary=count",
                    "_count=0", "_elements=id", "_summary=true"):  # fmt: skip
            yield f"{name}?{end}&_count=7" if "count" not in end else f"{name}?{end}"
        for end in INCLUDES:
            yield f"{name}?{end}&_count=12"
        for one in conditions:
            code, _, value = one.partition("=")
            value, *rest = value.split("&")
            asked = f"{name}?{code}={quote(value)}{''.join('&' + more for more in rest)}"
            for end in (
                "",
                "&_total=accurate&_count=2",
                "&_total=estimate&_count=1",
                "&_summary=count",
                "&_sort=_id&_count=3",
            ):
                yield asked + end


def _charts() -> Iterator[str]:
    for one in CHARTS:
        yield f"Patient/{one}"
        for end in ("Observation", "*", "*?_total=accurate&_count=3", "Encounter?_include=*", "$everything?_count=20",
                    "$everything?_count=4&_type=Observation", "$everything?start=2026-03&_count=50", "$summary",
                    "_history",
                    "$meta", "$diff"):  # fmt: skip
            yield f"Patient/{one}/{end}"
        yield f"Observation/$lastn?patient={one}&category=vital-signs&max=3"
        yield f"Patient/$diff?from=Patient/{one}&to=Patient/past"
        for way in ("current-problems", "current-medications", "current-allergies"):
            yield f"Condition?_list=${way}&patient={one}"
    yield "Observation/$lastn?subject:Patient.name=stranger&code=a,b"


def _rows() -> Iterator[str]:
    for name in ("Observation", "Patient", "Encounter", "List", "Composition", "Consent", "Condition"):
        yield from (f"{name}/_history?_count=4", f"{name}/_history?_since=2020-01-01T00:00:00Z&_count=3")
    for number in range(VISITS):
        for end in ("*?_count=9", "$everything?_count=9", "_history", ""):
            yield f"Encounter/e{number}/{end}".rstrip("/")
    for number in range(20):
        for end in ("", "/_history", "/_history/1", "/_history/2", "/$meta", "/_history/1/$meta", "/$diff"):
            yield f"Observation/o{number}{end}"
        yield f"Observation?_id=o{number}&_include=*"
    for number in range(LISTS):
        yield from (f"Composition/c{number}/$document", f"List/li{number}", f"Condition/cd{number}")
