"""What is asked: the Questionnaire ``visit-rating`` of the record, and what was said as its answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from yba.areas.booking.desk.scripts import in_words
from yba.areas.booking.ratings.rules import Said
from yba.care.identifiers import BASE, FACILITY_TAG
from yba.care.rating import KEEPER, Seen
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import codec
from yba.fhir.model.references import reference
from yba.fhir.r4.datatypes import Coding, Identifier, Meta
from yba.fhir.r4.questionnaire import Questionnaire, QuestionnaireItem
from yba.fhir.r4.questionnaire_response import (
    QuestionnaireResponse,
    QuestionnaireResponseItem,
    QuestionnaireResponseItemAnswer,
)
from yba.fhir.record import Record

#: Names what was said of one visit: the id of the Encounter.
OF_VISIT: Final = BASE + "visit-rating"
STARS: Final = "stars"
WORDS: Final = "words"
_CONFIDENTIALITY: Final = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


@dataclass(frozen=True, slots=True)
class Question:
    """One of the few questions, with what can be answered, in the reader's language."""

    key: str
    text: str
    options: tuple[tuple[str, str], ...]


@cache
def form() -> Questionnaire:
    """The Questionnaire that is asked now."""
    return codec.decode_as((files(__package__) / "visit-rating.json").read_bytes(), Questionnaire)


def load(record: Record) -> None:
    """Put the Questionnaire into the record, where others can understand the answers."""
    try:
        kept = record.read(Questionnaire, form().id or "")
    except (NotFound, Gone):
        kept = None
    if kept is None or kept.version != form().version:
        record.update(codec.decode_as(codec.encode(form()), Questionnaire))


def questions() -> list[Question]:
    """The questions beside the stars and the words."""
    return [
        Question(
            one.linkId or "",
            in_words(one.text, one.text_ext),
            tuple(
                (coding.code or "", in_words(coding.display, coding.display_ext))
                for option in one.answerOption
                if (coding := option.valueCoding) is not None
            ),
        )
        for one in form().item
        if one.type == "choice"
    ]


def written(seen: Seen, said: Said, *, person: str, at: str) -> QuestionnaireResponse:
    """What was said, as it is kept: see the head of the package for who may read it."""
    return QuestionnaireResponse(
        meta=Meta(
            tag=[Coding(system=FACILITY_TAG, code=KEEPER)],
            security=[Coding(system=_CONFIDENTIALITY, code="R")],
        ),
        identifier=Identifier(system=OF_VISIT, value=seen.encounter_id),
        questionnaire=f"{form().url}|{form().version}",
        status="completed",
        subject=reference("Patient", seen.patient_id),
        encounter=reference("Encounter", seen.encounter_id),
        author=reference("Patient", person),
        source=reference("Patient", person),
        authored=at,
        item=list(_items(said)),
    )


def _items(said: Said) -> Iterator[QuestionnaireResponseItem]:
    for one in form().item:
        key = one.linkId or ""
        answer = _answer(one, said)
        if answer is not None:
            yield QuestionnaireResponseItem(linkId=key, text=one.text, answer=[answer])


def _answer(item: QuestionnaireItem, said: Said) -> QuestionnaireResponseItemAnswer | None:
    if item.linkId == STARS:
        return QuestionnaireResponseItemAnswer(valueInteger=said.stars)
    if item.linkId == WORDS:
        return QuestionnaireResponseItemAnswer(valueString=said.words) if said.words else None
    chosen = said.answers.get(item.linkId or "")
    for option in item.answerOption:
        if option.valueCoding is not None and option.valueCoding.code == chosen:
            coding = option.valueCoding
            plain = Coding(system=coding.system, code=coding.code, display=coding.display)
            return QuestionnaireResponseItemAnswer(valueCoding=plain)
    return None
