"""Patient/$summary: an International Patient Summary of a person.

Source: IPS 1.1 and 2.0 (hl7.fhir.uv.ips), OperationDefinition summary, Bundle-uv-ips and Composition-uv-ips. Read
``sections.py`` (what goes where), ``narrative.py`` (the text), then this module: the document.

Only rows that the actor sees are in it. Who has no right at all to allergies, problems or medicines gets no summary:
it would read as if there were none.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yba.fhir.access import policy
from yba.fhir.errors import Forbidden, NotFound, PreconditionFailed, Unsupported
from yba.fhir.model import tree
from yba.fhir.model.dates import instant
from yba.fhir.record import reading
from yba.fhir.rest.operations import chart
from yba.fhir.rest.operations.call import Call, Operation
from yba.fhir.rest.operations.summary import narrative
from yba.fhir.rest.operations.summary.sections import LOINC, NEEDED, SECTIONS, TYPES, Row, Section, trees
from yba.fhir.rest.response import Response
from yba.fhir.store.rows import Stored

IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
#: What rows point to and a reader elsewhere needs to understand them.
_SUPPORT = frozenset(
    {"Device", "ImagingStudy", "Location", "Medication", "Observation", "Organization", "Practitioner",
     "PractitionerRole", "Specimen", "Substance"}
)  # fmt: skip
_ACT = "http://terminology.hl7.org/CodeSystem/v3-ActClass"


@dataclass(slots=True)
class Document:
    """The entries as they are gathered: full URL and bytes, each once."""

    base_url: str
    entries: dict[str, bytes] = field(default_factory=dict)

    def store(self, one: Stored) -> str:
        """Take a stored row; its full URL."""
        url = f"{self.base_url}/{one.type}/{one.id}"
        self.entries.setdefault(url, one.content or b"{}")
        return url

    def made(self, url: str, resource: Mapping[str, Any]) -> str:
        """Take a resource that is made for the document."""
        self.entries[url] = tree.dump(resource)
        return url


def summary(call: Call) -> Response:
    """The summary of one person, named by id or by an identifier."""
    call.refuse_unknown(
        ("profile", "identifier", "_language") if call.id is None else ("profile", "_language")
    )
    profile = call.text("profile")
    if profile is not None and profile.partition("|")[0] != IPS + "Bundle-uv-ips":
        raise Unsupported("summary.profile", f"$summary makes {IPS}Bundle-uv-ips, not '{profile[:100]}'.")
    for name in NEEDED:
        if not policy.may(call.record.actor, name, "read"):
            raise Forbidden(
                "summary.partial", f"Your role may not see {name}; a summary without it would mislead."
            )
    patient = _patient(call)
    call.record.audit(
        "operation", type_name="Patient", stored=patient, detail=f"Patient/{patient.id}/$summary"
    )
    return Response(200, _document(call, patient))


def _patient(call: Call) -> Stored:
    if call.id is not None:
        return reading.head(call.record, "Patient", call.id)
    asked = call.needed("identifier")
    found = call.record.search_stored(
        "Patient", [("identifier", asked), ("_count", "2")], strict=True
    ).matches
    if not found:
        raise NotFound("summary.nobody", "No person has this identifier.", type="Patient")
    if len(found) > 1:
        raise PreconditionFailed(
            "summary.several", "Several people have this identifier. Ask for one by its id."
        )
    return found[0]


def _document(call: Call, patient: Stored) -> bytes:
    record, base = call.record, call.request.base_url
    rows = trees(
        chart.rows(record, chart.OF_CHARTS, chart.of_patients([patient.id]), types=TYPES), tree.parse
    )
    chosen = [(section, section.rows(rows)) for section in SECTIONS]
    used = [row.stored for _, taken in chosen for row in taken]
    support = [
        one
        for one in chart.support(record, [patient, *used], base_url=base, patients=[patient.id])
        if one.type in _SUPPORT
    ]
    document = Document(base)
    own = _fresh(call)
    document.entries[own] = b""  # the Composition comes first
    subject = document.store(patient)
    author = document.made(_fresh(call), _author())
    names = {f"{one.type}/{one.id}": tree.parse(one.content or b"{}") for one in support}
    sections = [
        _section(call, document, section, taken, names, subject)
        for section, taken in chosen
        if taken or section.absent
    ]
    for one in support:
        document.store(one)
    moment = instant(record.clock())
    composition = _composition(own, subject, author, moment, sections)
    custodian = _custodian(call)
    if custodian is not None:
        composition["custodian"] = {"reference": document.store(custodian)}
    document.made(own, composition)
    return _bundle(document, _fresh(call), moment)


def _fresh(call: Call) -> str:
    """A new ``urn:uuid:``, out of the record's source of ids."""
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, call.record.new_id())}"


def _author() -> dict[str, Any]:
    return {"resourceType": "Device", "deviceName": [{"name": "Y Bạ", "type": "user-friendly-name"}]}


def _custodian(call: Call) -> Stored | None:
    facility = call.record.actor.facility
    found = chart.named(call.record, [("Organization", facility)]) if facility else []
    return found[0] if found else None


def _section(
    call: Call, document: Document, section: Section, rows: Sequence[Row], names: Mapping[str, Mapping[str, Any]],
    subject: str,
) -> dict[str, Any]:  # fmt: skip
    entries = [document.store(row.stored) for row in rows]
    if not entries and section.absent is not None:
        entries = [document.made(_fresh(call), section.absent(subject))]
    return {
        "title": f"{section.title} ({section.english})",
        "code": {"coding": [{"system": LOINC, "code": section.code, "display": section.display}]},
        "text": {"status": "generated", "div": narrative.of_section(section, rows, names)},
        "entry": [{"reference": one} for one in entries],
    }


def _composition(
    own: str, subject: str, author: str, moment: str, sections: list[dict[str, Any]]
) -> dict[str, Any]:
    title = "Tóm tắt sức khỏe quốc tế (International Patient Summary)"
    return {
        "resourceType": "Composition",
        "meta": {"profile": [IPS + "Composition-uv-ips"]},
        "language": "vi",
        "text": {"status": "generated", "div": narrative.div(f"<p>{title}: {moment}</p>")},
        "identifier": {"system": "urn:ietf:rfc:3986", "value": own},
        "status": "final",
        "type": {"coding": [{"system": LOINC, "code": "60591-5", "display": "Patient summary Document"}]},
        "subject": {"reference": subject},
        "date": moment,
        "author": [{"reference": author}],
        "title": title,
        "confidentiality": "N",
        "event": [{"code": [{"coding": [{"system": _ACT, "code": "PCPR"}]}], "period": {"end": moment}}],
        "section": sections,
    }


def _bundle(document: Document, identifier: str, moment: str) -> bytes:
    head = tree.dump(
        {
            "resourceType": "Bundle",
            "meta": {"profile": [IPS + "Bundle-uv-ips"]},
            "language": "vi",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": identifier},
            "type": "document",
            "timestamp": moment,
        }
    )
    entries = b",".join(
        b'{"fullUrl":"%b","resource":%b}' % (url.encode(), content)
        for url, content in document.entries.items()
    )
    return head[:-1] + b',"entry":[' + entries + b"]}"


OPERATIONS = (
    Operation(
        "summary", summary, type_level=True, instance=True, types=frozenset({"Patient"}),
        definition="http://hl7.org/fhir/uv/ips/OperationDefinition/summary",
    ),
)  # fmt: skip
