"""What the doctor does: call and start, save a draft, note an allergy, finish. Each is one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence

from django.db import connection
from django.utils.translation import gettext_lazy as _

from yba.areas.clinic import queries, rules
from yba.areas.clinic.content import Content, from_json, to_json
from yba.areas.clinic.models import Draft
from yba.areas.clinic.signing import Signed, sign
from yba.care import catalogues
from yba.care.chart import (
    HANOI,
    NO_KNOWN_ALLERGY,
    SNOMED,
    Asked,
    asked_of,
    id_of,
    is_none_known,
    recorded_allergies,
)
from yba.care.identifiers import ALLERGEN_CS
from yba.care.line import actions as line
from yba.care.line.models import Ticket
from yba.care.line.queries import ticket_at
from yba.care.line.transaction import whole
from yba.care.medicines import counts
from yba.care.refusal import Refusal, refuse
from yba.fhir.model.references import reference
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance, AllergyIntoleranceReaction
from yba.fhir.r4.codes import AllergyIntoleranceCategory
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Period
from yba.fhir.r4.encounter import Encounter, EncounterParticipant, EncounterStatusHistory
from yba.fhir.record import Record
from yba.ui.live import changed

STALE = _("Tờ khám này vừa được lưu ở một cửa sổ khác. Mở lại trang để lấy bản mới, rồi ghi tiếp.")
OVER = _("Lượt khám đã kết thúc, không ghi thêm được.")

_FIRST_SAVE = """
insert into clinic_draft (encounter_id, content, version, saved_at, author) values (%s, %s, 1, %s, %s)
on conflict (encounter_id) do nothing returning version
"""


# -- the room --------------------------------------------------------------------------------------------


def own_ticket(record: Record, ticket_id: int, *, room: str) -> Ticket | None:
    """The ticket, if this room has it today or may call it."""
    return ticket_at(record, ticket_id, room=room)


def start_visit(record: Record, *, ticket: Ticket, room: str = "") -> Ticket | Refusal:
    """The person is in the room: the ticket and the visit say so. Again does nothing."""
    with whole():
        started = line.start(record, ticket=ticket.pk, room=room)
        if isinstance(started, Refusal):
            return started
        encounter = record.lock(Encounter, started.encounter_id)
        if encounter.status in ("planned", "arrived", "triaged", "onleave"):
            _begin(record, encounter)
            # The ticket of the room names who treats, as a rule of the house: who writes themselves in over /fhir
            # sees no sensitive label by it (decision 0012).
            record.as_system().update(encounter)
        changed(f"visit:{encounter.id}")
    return started


def _begin(record: Record, encounter: Encounter) -> None:
    now = record.clock().astimezone(HANOI).isoformat(timespec="seconds")
    before = encounter.statusHistory[-1].period.end if encounter.statusHistory else None
    begun = before or (encounter.period.start if encounter.period else None)
    past = EncounterStatusHistory(status=encounter.status, period=Period(start=begun, end=now))
    encounter.statusHistory = [*encounter.statusHistory, past]
    encounter.status = "in-progress"
    encounter.period = encounter.period or Period(start=now)
    own = record.actor.practitioner
    known = {id_of(one.individual) for one in encounter.participant}
    if own and own not in known:
        doctor = reference("Practitioner", own, display=record.actor.name or None)
        encounter.participant = [*encounter.participant, EncounterParticipant(individual=doctor)]


# -- the draft -------------------------------------------------------------------------------------------


def save_draft(record: Record, visit: queries.Visit, *, content: Content, version: int) -> Draft | Refusal:
    """Keep what was typed on top of ``version``; a page that is behind is told so and loses nothing."""
    if visit.finished:
        return refuse("draft.over", OVER)
    now = record.clock()
    with whole():
        if version == 0:
            with connection.cursor() as cursor:
                cursor.execute(_FIRST_SAVE, [visit.id, json.dumps(to_json(content)), now, record.actor.user])
                saved = cursor.fetchone() is not None
        else:
            own = Draft.objects.filter(encounter_id=visit.id, version=version)
            saved = bool(
                own.update(
                    content=to_json(content), version=version + 1, saved_at=now, author=record.actor.user
                )
            )
        found = Draft.objects.filter(encounter_id=visit.id).first()
    if found is None or (not saved and from_json(found.content) != content):
        return refuse("draft.stale", STALE)
    return found


# -- allergies -------------------------------------------------------------------------------------------


def record_allergy(
    record: Record,
    visit: queries.Visit,
    *,
    code: str = "",
    words: str = "",
    reaction: str = "",
    grave: bool = False,
) -> AllergyIntolerance | Refusal:
    """Note an allergy: of the list by ``code``, or as told in ``words``. It counts from this moment on."""
    known = catalogues.allergen(code) if code else None
    text = known.name_vi if known else " ".join(words.split())[:200]
    if not text:
        return refuse("allergy.empty", _("Ghi người bệnh dị ứng với gì."))
    with whole():
        record.lock(Encounter, visit.id)
        for one in _own(recorded_allergies(record, visit.patient_id), visit):
            if counts(one) and _already(one, text, code) and not reaction and not grave:
                return one
        category: AllergyIntoleranceCategory | None = known.category if known else None
        concept = CodeableConcept(text=text)
        if known:
            concept.coding = [Coding(system=ALLERGEN_CS, code=known.code, display=known.name_vi)]
        allergy = _allergy(record, visit, concept)
        allergy.category = [category] if category else []
        allergy.criticality = "high" if grave else "unable-to-assess"
        if reaction.strip():
            said = CodeableConcept(text=reaction.strip()[:300])
            severity = AllergyIntoleranceReaction(manifestation=[said], severity="severe" if grave else None)
            allergy.reaction = [severity]
        made = record.create(allergy)
        changed(f"visit:{visit.id}")
    return made


def _own(found: Sequence[AllergyIntolerance], visit: queries.Visit) -> list[AllergyIntolerance]:
    """Those under the record of the visit; what an older record of the person says is noted here once more."""
    return [one for one in found if id_of(one.patient) == visit.patient_id]


def _already(one: AllergyIntolerance, text: str, code: str) -> bool:
    """Whether this is on record already, by code or by the same words."""
    if one.code is None:
        return False
    coded = any(coding.system == ALLERGEN_CS and coding.code == code for coding in one.code.coding)
    return coded if code else (one.code.text or "").casefold() == text.casefold()


def record_no_allergy(record: Record, visit: queries.Visit) -> AllergyIntolerance | Refusal:
    """Note that the person was asked and knows of no allergy."""
    with whole():
        record.lock(Encounter, visit.id)
        known = [one for one in recorded_allergies(record, visit.patient_id) if counts(one)]
        already = next((one for one in _own(known, visit) if is_none_known(one)), None)
        if already is not None:
            return already
        if asked_of(known) is Asked.KNOWN:
            return refuse("allergy.known", _("Hồ sơ đã ghi dị ứng, không ghi là không có được."))
        coding = Coding(system=SNOMED, code=NO_KNOWN_ALLERGY, display="No known allergy")
        concept = CodeableConcept(coding=[coding], text="Không có dị ứng đã biết")
        made = record.create(_allergy(record, visit, concept))
        changed(f"visit:{visit.id}")
    return made


def _allergy(record: Record, visit: queries.Visit, concept: CodeableConcept) -> AllergyIntolerance:
    base = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    recorder = record.actor.practitioner
    return AllergyIntolerance(
        clinicalStatus=CodeableConcept(coding=[Coding(system=base + "clinical", code="active")]),
        verificationStatus=CodeableConcept(coding=[Coding(system=base + "verification", code="confirmed")]),
        code=concept,
        patient=reference("Patient", visit.patient_id),
        encounter=reference("Encounter", visit.id),
        recordedDate=record.clock().astimezone(HANOI).isoformat(timespec="seconds"),
        recorder=reference("Practitioner", recorder, display=record.actor.name or None) if recorder else None,
    )


# -- finishing -------------------------------------------------------------------------------------------


def finish_visit(
    record: Record, visit: queries.Visit, *, seen: Content | None = None
) -> Signed | tuple[rules.Lack, ...] | Refusal:
    """Sign what was typed: everything of the visit at once, or nothing and why not. Again does nothing.

    All stops are asked again here, inside the transaction, against the allergies and medicines as they are now.
    ``seen`` is what the doctor had before their eyes: when another window has saved something else since, nothing is
    signed.
    """
    with whole():
        encounter = record.lock(Encounter, visit.id)
        if encounter.status == "finished":
            return Signed(visit.id, again=True)
        Draft.objects.select_for_update().filter(encounter_id=visit.id).first()
        content, _version, _saved = queries.draft_of(visit.id)
        if seen is not None and content != seen:
            return refuse("draft.stale", STALE)
        return sign(record, encounter=encounter, patient=visit.patient, content=content)
