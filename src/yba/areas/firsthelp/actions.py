"""What first help writes: a result kept in one's own book, only because somebody pressed the button for it."""

from __future__ import annotations

import hashlib
from typing import Final

from yba.areas.firsthelp import rules
from yba.areas.firsthelp.data import SENSITIVITY, Book, Level
from yba.areas.firsthelp.queries import QUESTIONNAIRE
from yba.areas.firsthelp.rules import Verdict
from yba.care import catalogues
from yba.care.identifiers import SPECIALTY_CS
from yba.fhir.errors import NotFound
from yba.fhir.r4.datatypes import Coding, Identifier, Meta, Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.questionnaire_response import (
    QuestionnaireResponse,
    QuestionnaireResponseItem,
    QuestionnaireResponseItemAnswer,
)
from yba.fhir.record import Record

KEPT_ONCE: Final = "https://yba.vn/fhir/sid/first-help"
LEVEL_CS: Final = "https://yba.vn/fhir/cs/first-help-level"
PRESENTATION_CS: Final = "https://yba.vn/fhir/cs/first-help-presentation"
FINDING_CS: Final = "https://yba.vn/fhir/cs/first-help-finding"
#: What is stored stays in Vietnamese, whatever language the page was read in.
LEVEL_NAMES: Final = {
    Level.EMERGENCY: "Cấp cứu ngay", Level.TODAY: "Khám trong hôm nay", Level.DAYS: "Khám trong vài ngày tới",
    Level.LEISURE: "Khám khi thuận tiện", Level.SELF_CARE: "Tự chăm sóc tại nhà",
}  # fmt: skip


def keep_result(
    record: Record, book: Book, verdict: Verdict, *, patient_id: str, said: frozenset[str], once: str
) -> QuestionnaireResponse:
    """Keep what was said and its level as a QuestionnaireResponse of this person. The same form twice keeps it once.

    Raises NotFound for somebody else's book.
    """
    with record.atomic():
        if patient_id not in record.actor.persons:
            raise NotFound("firsthelp.no-book", "There is no such book of yours.")
        record.lock(Patient, patient_id)  # read with the person's own rights, held against a second press
        key = hashlib.sha256(f"{record.actor.user} {patient_id} {once}".encode()).hexdigest()
        system = record.as_system()
        known = system.first(QuestionnaireResponse, ("identifier", f"{KEPT_ONCE}|{key}"))
        if known is not None:
            return known
        author = record.actor.person or patient_id
        return system.create(
            QuestionnaireResponse(
                meta=_meta(book, said),
                identifier=Identifier(system=KEPT_ONCE, value=key),
                questionnaire=f"{QUESTIONNAIRE}|{book.about.version}",
                status="completed",
                subject=Reference(reference=f"Patient/{patient_id}"),
                author=Reference(reference=f"Patient/{author}"),
                source=Reference(reference=f"Patient/{author}"),
                authored=record.clock().isoformat(),
                item=_items(book, verdict, said),
            )
        )


def _meta(book: Book, said: frozenset[str]) -> Meta | None:
    """Of HIV, sexual health, the mind or violence only those may know whom the law lets know."""
    labels = rules.labels_of(book, said)
    return Meta(security=[Coding(system=SENSITIVITY, code=code) for code in labels]) if labels else None


def _items(book: Book, verdict: Verdict, said: frozenset[str]) -> list[QuestionnaireResponseItem]:
    specialty = catalogues.specialty(verdict.specialty)
    told = {
        "level": ("Mức độ", [Coding(system=LEVEL_CS, code=verdict.level.code, display=LEVEL_NAMES[verdict.level])]),
        "specialty": ("Chuyên khoa", [
            Coding(system=SPECIALTY_CS, code=verdict.specialty, display=specialty.name_vi if specialty else None)
        ]),
        "about": ("Về", [
            Coding(system=PRESENTATION_CS, code=one.id, display=one.name.vi) for one in verdict.presentations
        ]),
        "finding": ("Đã nói", [
            Coding(system=FINDING_CS, code=name, display=book.findings[name].say.vi)
            for name in book.findings if name in said
        ]),
    }  # fmt: skip
    return [
        QuestionnaireResponseItem(
            linkId=name,
            text=text,
            answer=[QuestionnaireResponseItemAnswer(valueCoding=one) for one in codings],
        )
        for name, (text, codings) in told.items()
        if codings
    ]
