"""What ratings add to a new demo province: what invented people said of their last visits."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from hashlib import sha256
from typing import Final

from django.db import transaction

from yba import fhir
from yba.areas.booking.ratings import actions, questions
from yba.areas.booking.ratings.rules import Said
from yba.care import rating as visits
from yba.care.demo.people import GRANDDAUGHTER, HEROINE, HUSBAND
from yba.fhir.access import Actor
from yba.fhir.r4.encounter import Encounter
from yba.fhir.record import Record

#: Of each doctor; enough that an average and words are shown, few enough that a demo is soon loaded.
EACH: Final = 8
_SINCE: Final = timedelta(days=150)
#: Whose visits the tutorial and its reader rate themselves.
_LEFT_TO_THE_READER: Final = frozenset({HEROINE, HUSBAND, GRANDDAUGHTER})
_STARS: Final = (5, 4, 5, 4, 5, 3, 5, 4, 5, 2)
_WORDS: Final = (
    "Bác sĩ hỏi kỹ, giải thích dễ hiểu.",
    "Chờ hơi lâu nhưng khám cẩn thận.",
    "Dặn dò rõ ràng, có ghi ra giấy.",
    "Đến đúng giờ hẹn là được khám ngay.",
    "Phòng khám sạch, nhân viên nhẹ nhàng.",
    "Khám nhanh quá, chưa kịp hỏi thêm.",
)
_ANSWERS: Final = {5: "yes", 4: "yes", 3: "partly", 2: "no"}


def load(record: Record) -> None:
    """Ratings of the newest visits of each doctor, each by the person who came."""
    questions.load(record)
    since = (record.clock() - _SINCE).date().isoformat()
    said: Counter[str] = Counter()
    for encounter in record.find(
        Encounter, ("status", "finished"), ("date", f"ge{since}"), ("_sort", "-date")
    ):
        seen = visits.seen_in(encounter)
        if seen is None or seen.patient_id in _LEFT_TO_THE_READER or said[seen.practitioner_id] >= EACH:
            continue
        said[seen.practitioner_id] += 1
        actions.rate(_of(record, seen.patient_id), seen.encounter_id, _said(seen.encounter_id))


def _of(record: Record, patient_id: str) -> Record:
    person = Actor(
        user=f"demo-{patient_id}", role="citizen", person=patient_id, persons=frozenset({patient_id})
    )
    return fhir.open(record.connection, actor=person, clock=record.clock, transaction=transaction.atomic)


def _said(encounter_id: str) -> Said:
    """The same of the same visit every time the demo is loaded."""
    drawn = sha256(encounter_id.encode()).digest()
    stars = _STARS[drawn[0] % len(_STARS)]
    answers = {
        one.key: _ANSWERS[stars] if drawn[1] % 4 else "partly"
        for one in questions.questions()
        if drawn[2] % 5
    }
    return Said(stars, answers, _WORDS[drawn[3] % len(_WORDS)] if drawn[4] % 2 else "")
