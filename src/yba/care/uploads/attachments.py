"""The files inside resources: what a type keeps as an Attachment, and the Binary an Attachment leads to."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from yba.fhir.errors import NotFound
from yba.fhir.model.references import parse
from yba.fhir.r4.binary import Binary
from yba.fhir.r4.communication import Communication
from yba.fhir.r4.datatypes import Attachment, Resource
from yba.fhir.r4.diagnostic_report import DiagnosticReport
from yba.fhir.r4.document_reference import DocumentReference
from yba.fhir.r4.media import Media
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.person import Person
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.r4.related_person import RelatedPerson
from yba.fhir.record import Record

TYPES: Final = (
    "Binary", "Communication", "DiagnosticReport", "DocumentReference", "Media", "Patient", "Person", "Practitioner",
    "RelatedPerson",
)  # fmt: skip
PORTRAITS: Final = ("Patient", "Person", "Practitioner", "RelatedPerson")


@dataclass(frozen=True, slots=True)
class File:
    """A file as the record has it."""

    content: bytes
    kind: str
    name: str


def attachments_of(resource: Resource) -> Sequence[Attachment]:
    """The Attachments of a resource of one of ``TYPES``, in their order."""
    match resource:
        case DocumentReference():
            return [one.attachment for one in resource.content]
        case DiagnosticReport():
            return resource.presentedForm
        case Media():
            return [resource.content]
        case Communication():
            return [one.contentAttachment for one in resource.payload if one.contentAttachment]
        case Person():
            return [resource.photo] if resource.photo else []
        case Patient() | Practitioner() | RelatedPerson():
            return resource.photo
        case _:
            return []


def file_of(record: Record, type_name: str, identifier: str, number: int) -> File:
    """One file of a resource the actor may read. Raises NotFound; what lies on another server is not fetched."""
    resource = record.read(type_name, identifier)
    if isinstance(resource, Binary):
        return _bytes_of(resource.data, resource.contentType, f"{type_name}-{identifier}")
    found = attachments_of(resource)
    if not 0 <= number < len(found):
        raise NotFound("uploads.none", "There is no such file.")
    one = found[number]
    name = one.title or f"{type_name}-{identifier}-{number}"
    if one.data is None and (target := parse(one.url or "")) is not None and target.type == "Binary":
        if target.base and target.base != f"{record.base_url or ''}/":
            raise NotFound("uploads.elsewhere", "This file lies on another server.")
        binary = record.read(Binary, target.id)
        return _bytes_of(binary.data, binary.contentType or one.contentType, name)
    return _bytes_of(one.data, one.contentType, name)


def _bytes_of(data: str | None, kind: str | None, name: str) -> File:
    if not data:
        raise NotFound("uploads.none", "There is no such file.")
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise NotFound("uploads.broken", "This file can't be read.") from None
    return File(content, kind or "application/octet-stream", name)
