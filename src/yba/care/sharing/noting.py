"""Consents that staff note for somebody: with what proves them, told to the person, and judged by an auditor.

They let through no sensitive kind, by the record's own rule (decision 0012), whatever they say. Source: FHIR R4
Consent.verification, Consent.source[x]; Luật 91/2025/QH15 Đ9 (who relies on a consent proves it).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from yba.care import people
from yba.care.sharing import tables
from yba.care.sharing.models import Review
from yba.fhir.access.standing import target
from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model.dates import period_of
from yba.fhir.r4.consent import Consent, ConsentVerification
from yba.fhir.r4.datatypes import Attachment, Reference
from yba.fhir.r4.patient import Patient
from yba.fhir.record import Record
from yba.ui.words import local_day

NOTED: Final = "noted"
"""``Review.reason`` of a consent that staff noted; others are the keys of ``sharing.yaml``."""
PAPERS: Final = ("DocumentReference", "Consent", "Contract", "QuestionnaireResponse")


def proved(consent: Consent, *, paper: str, now: datetime) -> Consent:
    """The consent with the paper it rests on, and with whom it was gone through: who signed."""
    said = now.isoformat(timespec="seconds")
    consent.sourceAttachment = Attachment(title=paper, creation=said)
    consent.verification = [
        ConsentVerification(
            verified=True, verifiedWith=Reference(reference=one.reference), verificationDate=said
        )
        for one in consent.performer
    ]
    return consent


def check_proof(record: Record, consent: Consent, patient: Patient) -> None:
    """Raises Invalid ``consent.source``, ``consent.performer`` or ``consent.verification`` for what proves nothing."""
    _check_paper(record, consent, patient)
    signers = [target(one) for one in consent.performer]
    if not signers or not all(_is_theirs(record, one, patient) for one in signers):
        raise Invalid(
            "consent.performer", "Name who signed: the patient, or a RelatedPerson of theirs.",
            path="Consent.performer",
        )  # fmt: skip
    for one in consent.verification:
        moment = period_of(one.verificationDate)[0] if one.verificationDate else None
        past = moment is not None and moment <= record.clock()
        if one.verified is True and past and target(one.verifiedWith) in signers:
            return
    raise Invalid(
        "consent.verification",
        "Say that it was gone through with who signed: Consent.verification with verified true, verifiedWith "
        "(one of the performers) and verificationDate, not in the future.",
        path="Consent.verification",
    )


def _check_paper(record: Record, consent: Consent, patient: Patient) -> None:
    paper = consent.sourceAttachment
    if paper is not None and (paper.data or paper.url or paper.title):
        return
    kind, identifier = target(consent.sourceReference)
    if kind in PAPERS and _is_of(record, kind, identifier, patient):
        return
    raise Invalid(
        "consent.source",
        "A consent noted for a person names what they signed: Consent.sourceAttachment with its data, url or title "
        f"(where the paper is kept), or sourceReference to a document of the person's chart ({', '.join(PAPERS)}).",
        path="Consent.source[x]",
    )


def _is_theirs(record: Record, signer: tuple[str, str], patient: Patient) -> bool:
    if signer[0] == "RelatedPerson":
        return _is_of(record, *signer, patient)
    return signer == ("Patient", patient.id)


def _is_of(record: Record, kind: str, identifier: str, patient: Patient) -> bool:
    """Whether there is such a row in the person's chart."""
    try:
        return record.as_system().read_stored(kind, identifier).patient == patient.id
    except RecordError:
        return False


def to_review(record: Record, consent: Consent, patient: Patient, *, told: int) -> Review:
    """Have an auditor of the facility judge it, within the days of an emergency opening."""
    now, actor = record.clock(), record.actor
    period = consent.provision.period if consent.provision is not None else None
    until = period_of(period.end)[1] if period is not None and period.end else None
    return Review.objects.create(
        consent=consent.id or "", patient_id=patient.id or "", patient_name=people.name_of(patient),
        facility=actor.facility or "", account=actor.user, by_name=actor.name, role=actor.role,
        reason=NOTED, words=_words(consent), opened_at=now, told=told,
        until=until or now + timedelta(days=tables.length("most")),
        due=local_day(now) + timedelta(days=int(tables.data()["emergency"]["review-days"])),
    )  # fmt: skip


def _words(consent: Consent) -> str:
    paper: Any = consent.sourceAttachment
    if paper is not None:
        return str(paper.title or paper.url or paper.contentType or "")
    return str(consent.sourceReference.reference) if consent.sourceReference is not None else ""
