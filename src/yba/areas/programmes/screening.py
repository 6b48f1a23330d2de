"""The questions before a session and their answers, as Questionnaire and QuestionnaireResponse of the day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from yba.care.identifiers import FACILITY_TAG
from yba.care.vaccines.schedule import Question, schedule
from yba.fhir.errors import NotFound
from yba.fhir.model import references
from yba.fhir.model.references import reference
from yba.fhir.r4.datatypes import Coding, Meta
from yba.fhir.r4.questionnaire import Questionnaire, QuestionnaireItem
from yba.fhir.r4.questionnaire_response import (
    QuestionnaireResponse,
    QuestionnaireResponseItem,
    QuestionnaireResponseItemAnswer,
)
from yba.fhir.record import Record, facility_of
from yba.ui.words import HANOI, local_day, moment

URL: Final = "https://yba.vn/fhir/Questionnaire/vaccination-screening"
TEMPERATURE: Final = "temperature"
#: From here on nobody is vaccinated (QĐ 1575/QĐ-BYT 2023): 38 °C and more, 35.5 °C and less.
FEVER, COLD = Decimal("38"), Decimal("35.5")


def keep(
    record: Record, patient_id: str, *, answers: Mapping[str, bool], temperature: Decimal, encounter: str
) -> str:
    """Store the answers of today; the id of the response."""
    made, now = schedule(), record.clock()
    record.as_system().create(
        Questionnaire(
            url=URL, version=made.about.version, status="active", title="Sàng lọc trước tiêm chủng",
            subjectType=["Patient"],
            item=[
                *(QuestionnaireItem(linkId=one.id, type="boolean", text=one.text.vi) for one in made.screening),
                QuestionnaireItem(linkId=TEMPERATURE, type="decimal", text="Nhiệt độ (°C)"),
            ],
        ),
        if_none_exist=[("url", URL), ("version", made.about.version)],
    )  # fmt: skip
    texts = {one.id: one.text.vi for one in made.screening}
    items = [
        QuestionnaireResponseItem(
            linkId=key, text=texts[key], answer=[QuestionnaireResponseItemAnswer(valueBoolean=yes)]
        )
        for key, yes in answers.items()
    ]
    items.append(
        QuestionnaireResponseItem(
            linkId=TEMPERATURE, text="Nhiệt độ (°C)",
            answer=[QuestionnaireResponseItemAnswer(valueDecimal=temperature)],
        )
    )  # fmt: skip
    kept = record.create(
        QuestionnaireResponse(
            meta=Meta(tag=[Coding(system=FACILITY_TAG, code=record.actor.facility)]),
            questionnaire=f"{URL}|{made.about.version}",
            status="completed",
            subject=reference("Patient", patient_id),
            encounter=reference("Encounter", encounter) if encounter else None,
            authored=instant(now),
            item=items,
        )
    )
    return kept.id or ""


def of_today(
    record: Record, patient_id: str, identifier: str, asked: tuple[Question, ...]
) -> dict[str, bool]:
    """The answers of a screening of this person, here, today, to every question asked. Raises NotFound.

    The temperature speaks as the question of fever.
    """
    found = record.read(QuestionnaireResponse, identifier)
    fits = (
        (found.questionnaire or "").startswith(f"{URL}|")
        and references.target(found.subject) == ("Patient", patient_id)
        and facility_of(found) == record.actor.facility
        and found.status == "completed"
        and found.authored is not None
        and local_day(moment(found.authored)) == local_day(record.clock())
    )
    answers: dict[str, bool] = {}
    for one in found.item:
        for answer in one.answer:
            if answer.valueBoolean is not None and one.linkId:
                answers[one.linkId] = answer.valueBoolean
            if one.linkId == TEMPERATURE and answer.valueDecimal is not None:
                hot = not COLD < answer.valueDecimal < FEVER
                answers["fever"] = answers.get("fever", False) or hot
    if not fits or any(one.id not in answers for one in asked):
        raise NotFound("vaccination.screening", "There is no screening of this person today.", id=identifier)
    return answers


def instant(at: datetime) -> str:
    return at.astimezone(HANOI).isoformat(timespec="seconds")
