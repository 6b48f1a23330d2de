"""What is written of ratings, each in one transaction: said, changed, disputed, decided."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext_lazy as _

from yba.areas.booking.ratings import keeping, questions, rules
from yba.areas.booking.ratings.models import Dispute, Rating
from yba.areas.booking.ratings.rules import Said
from yba.care import messages, people
from yba.care import rating as visits
from yba.care.rating import KEEPER, Seen
from yba.care.refusal import Refusal, refuse
from yba.fhir.errors import Gone, NotFound
from yba.fhir.r4.encounter import Encounter
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.questionnaire_response import QuestionnaireResponse
from yba.fhir.record import Record
from yba.fhir.record.labelled import labelled_visits
from yba.ui.words import HANOI, local_day

ADMINISTRATOR = "facility_administrator"
_NOT_HERE = _("Lần khám này không đánh giá được.")


def rate(record: Record, encounter_id: str, said: Said) -> Rating | Refusal:
    """Say something of a visit, or say it otherwise: one a visit, under the lock of the visit.

    Raises NotFound for a visit the actor does not see, or of nobody they act for.
    """
    with record.atomic():
        encounter = record.read(Encounter, encounter_id)
        seen = visits.seen_in(encounter)
        if seen is None:
            return refuse("rating.not-possible", _NOT_HERE)
        if seen.patient_id not in record.actor.persons:
            raise NotFound("rating.no-visit", "There is no such visit of yours.")
        system = record.as_system()
        system.lock(Encounter, encounter_id)
        known = Rating.objects.select_for_update().filter(encounter_id=encounter_id).first()
        why = _refusal(record, seen, encounter, known, said)
        if why is not None:
            return why
        person = record.actor.person or seen.patient_id
        resource = questions.written(
            seen, said, person=person, at=record.clock().astimezone(HANOI).isoformat(timespec="seconds")
        )
        return (
            _changed(record, system, known, resource, said)
            if known is not None
            else _first(record, system, seen, resource, said)
        )


def _refusal(
    record: Record, seen: Seen, encounter: Encounter, known: Rating | None, said: Said
) -> Refusal | None:
    if known is not None and known.writer != record.actor.user:
        return refuse(
            "rating.of-another",
            _("Người khác trong gia đình đã đánh giá lần khám này; chỉ người đó sửa được."),
        )
    if known is None and not visits.may_rate(record, encounter):
        return refuse("rating.not-possible", _NOT_HERE)
    telling = labelled_visits(record, [(seen.patient_id, seen.encounter_id)], besides=KEEPER)
    if telling:
        return refuse("rating.not-possible", _NOT_HERE)
    return rules.words_refusal(said.words, names=_names(record, seen))


def _names(record: Record, seen: Seen) -> tuple[str, ...]:
    """The names that must not stand in the words: of who came, and of who writes."""
    ids = {seen.patient_id, record.actor.person or seen.patient_id}
    found = record.as_system().find(Patient, ("_id", ",".join(sorted(ids))))
    return tuple(filter(None, (people.name_of(one) for one in found)))


def _first(record: Record, system: Record, seen: Seen, resource: QuestionnaireResponse, said: Said) -> Rating:
    role_id = visits.role_of(record, seen)
    stored = system.create(resource)
    made = Rating.objects.create(
        encounter_id=seen.encounter_id, response_id=stored.id or "", patient_id=seen.patient_id,
        writer=record.actor.user, writer_person=record.actor.person or seen.patient_id, role_id=role_id,
        practitioner_id=seen.practitioner_id, facility=seen.facility_id, month=_month(local_day(seen.started)),
        stars=said.stars, answers=dict(said.answers), words=said.words,
    )  # fmt: skip
    keeping.count(record, [role_id])
    return made


def _month(day: date) -> date:
    return day.replace(day=1)


def _changed(
    record: Record, system: Record, known: Rating, resource: QuestionnaireResponse, said: Said
) -> Rating:
    """The same row of the record with another version; what was hidden is looked at again."""
    if (known.stars, known.answers, known.words) == (said.stars, dict(said.answers), said.words):
        return known
    resource.id = known.response_id
    system.update(resource)
    known.stars, known.answers, known.words = said.stars, dict(said.answers), said.words
    known.version += 1
    if known.state == Rating.State.HIDDEN:
        known.state = Rating.State.DISPUTED
        Dispute.objects.create(rating=known, version=known.version, by=Dispute.By.CHANGED, at=record.clock())
    known.save()
    keeping.count(record, [known.role_id])
    return known


# -- disputed, decided ------------------------------------------------------------------------------------


def concerns(record: Record, rating: Rating) -> bool:
    """Whether a rating is of the actor as a doctor, or of the facility the actor looks after."""
    actor = record.actor
    if not actor.facility or rating.facility != actor.facility or rating.withheld:
        return False
    return actor.role == ADMINISTRATOR or (
        bool(actor.practitioner) and rating.practitioner_id == actor.practitioner
    )


def _locked(record: Record, key: str) -> Rating:
    found = Rating.objects.select_for_update().filter(key=key).first()
    if found is None or not concerns(record, found):
        raise NotFound("rating.unknown", "There is no such rating here.")
    return found


def dispute(record: Record, key: str, *, reason: str, note: str = "") -> Rating | Refusal:
    """Say that a rating should not be shown: its words rest until somebody has decided. Raises NotFound."""
    with record.atomic():
        rating = _locked(record, key)
        if reason not in rules.REASONS or (reason == "other" and not note):
            return refuse("rating.no-reason", _("Chọn lý do; lý do khác thì viết rõ."))
        if rating.state != Rating.State.SHOWN:
            return refuse("rating.disputed-already", _("Đánh giá này đang được xem lại hoặc đã ẩn."))
        if rating.disputes.filter(version=rating.version, outcome=Dispute.Outcome.KEPT).exists():
            return refuse(
                "rating.kept-already", _("Đã xem lại và giữ. Người viết sửa thì mới khiếu nại lại được.")
            )
        admin = record.actor.role == ADMINISTRATOR
        Dispute.objects.create(
            rating=rating, version=rating.version, by=Dispute.By.FACILITY if admin else Dispute.By.DOCTOR,
            account=record.actor.user, name=record.actor.name, reason=reason, note=note[:500], at=record.clock(),
        )  # fmt: skip
        rating.state = Rating.State.DISPUTED
        rating.save(update_fields=["state"])
        return rating


def decide(record: Record, key: str, *, keep: bool, why: str, version: int) -> Rating | Refusal:
    """Keep a disputed rating or hide it, and tell who wrote it. ``version``: the words that were looked at.

    Raises NotFound for one of another facility, and for who does not look after this one.
    """
    with record.atomic():
        rating = _locked(record, key)
        if record.actor.role != ADMINISTRATOR:
            raise NotFound("rating.unknown", "There is no such rating here.")
        asked = rating.disputes.select_for_update().filter(outcome=Dispute.Outcome.OPEN).first()
        if asked is None:
            return refuse("rating.decided-already", _("Đánh giá này đã có người quyết định."))
        if asked.account == record.actor.user:
            return refuse("rating.own-dispute", _("Tự mình khiếu nại thì người khác quyết định."))
        if version != rating.version:
            return refuse("rating.changed-since", _("Người viết vừa sửa. Đọc lại rồi quyết định."))
        if not why.strip():
            return refuse("rating.no-why", _("Viết lý do: người viết đánh giá sẽ đọc."))
        asked.outcome = Dispute.Outcome.KEPT if keep else Dispute.Outcome.HIDDEN
        # What was decided is of the words that were read, also where their writer changed them since the dispute.
        asked.version = rating.version
        asked.decided_by, asked.decided_at, asked.why = record.actor.name, record.clock(), why.strip()[:500]
        asked.save()
        rating.state = Rating.State.SHOWN if keep else Rating.State.HIDDEN
        rating.save(update_fields=["state"])
        keeping.count(record, [rating.role_id])
        _tell(record, rating, asked)
        return rating


def _tell(record: Record, rating: Rating, asked: Dispute) -> None:
    """Who wrote it reads that it was decided; which way, and why, is on the page of the rating."""
    system = record.as_system()
    try:
        phone = people.phone_of(system.read(Patient, rating.writer_person))
        house = system.read(Organization, rating.facility).name or ""
    except (NotFound, Gone):
        return
    if phone:
        messages.write(
            "rating.decided", phone, {"facility": house or "Y Ba"}, dedupe_key=f"rating.decided:{asked.pk}",
            now=record.clock(),
        )  # fmt: skip
