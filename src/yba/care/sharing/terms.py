"""The terms of a share, as a person chooses them and as a FHIR Consent says them: one made from the other, both ways.

Sources: FHIR R4 consent.html; Luật 91/2025/QH15 Đ9 and NĐ 356/2025 Đ6 (proof: purpose, version, time, method).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal, cast

from django.utils.translation import gettext_lazy as _

from yba.care.chart import HANOI
from yba.care.privacy.tables import Text
from yba.care.refusal import Refusal, refuse
from yba.care.sharing import tables
from yba.fhir.access.consent import denies, is_emergency, sharing
from yba.fhir.access.standing import APP, target
from yba.fhir.model.dates import period_of
from yba.fhir.r4.consent import Consent, ConsentPolicy, ConsentProvision
from yba.fhir.r4.datatypes import CodeableConcept, Coding, Extension, Period, Reference

Kind = Literal["facility", "practitioner", "programme", "person", "app"]
Method = Literal["page", "code", "paper", "office"]
PROOF: Final = "https://yba.vn/fhir/StructureDefinition/consent-proof"
"""Extension of Consent: what proves it (``version``, ``digest``, ``method``, ``language``, ``assent``, ``by``)."""
TEXT: Final = "https://yba.vn/consent/"
CATEGORY: Final = "https://yba.vn/fhir/CodeSystem/consent-category"
PROGRAMME: Final = "programme"
_TYPES: Final = "http://hl7.org/fhir/resource-types"
_RESOURCES: Final = {
    "facility": "Organization", "practitioner": "Practitioner", "programme": "Organization", "person": "Patient",
}  # fmt: skip
#: What has no day of its own in a chart, or must be known whatever the days are: who it is, and allergies.
UNDATED: Final = ("Patient", "RelatedPerson", "Coverage", "AllergyIntolerance")


@dataclass(frozen=True, slots=True)
class Holder:
    """With whom a book is shared."""

    kind: Kind
    id: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Terms:
    """How far a share goes. ``parts`` None: the whole book; ``sensitive``: keys of the kinds named."""

    holder: Holder
    purposes: tuple[str, ...]
    parts: tuple[str, ...] | None
    until: date
    sensitive: tuple[str, ...] = ()
    occurred_from: date | None = None
    occurred_until: date | None = None

    @property
    def types(self) -> list[str]:
        keys = [one.key for one in tables.parts()] if self.parts is None else list(self.parts)
        return tables.types_of(keys)


def refusal(terms: Terms, *, today: date, may_sensitive: bool = True) -> Refusal | None:
    """Why a share cannot be given on these terms."""
    if terms.parts is not None and not terms.parts:
        return refuse("share.no-part", _("Chọn ít nhất một phần của sổ, hoặc chọn cả sổ."))
    if terms.holder.kind != "person":
        known = {one.code for one in tables.purposes() if terms.holder.kind in one.to}
        if not terms.purposes or not known.issuperset(terms.purposes):
            return refuse("share.no-purpose", _("Chọn mục đích: mỗi lần đồng ý là cho một việc cụ thể."))
    if not today <= terms.until <= today + timedelta(days=tables.length("most")):
        return refuse(
            "share.until",
            _("Ngày kết thúc phải từ hôm nay và trong %(days)s ngày tới."),
            days=tables.length("most"),
        )
    low, high = terms.occurred_from, terms.occurred_until
    if low is not None and high is not None and high < low:
        return refuse("share.occurred", _("“Đến ngày” phải sau “Từ ngày”."))
    if terms.sensitive and (terms.holder.kind == "person" or not may_sensitive):
        return refuse("share.sensitive", _("Mục nhạy cảm không chia sẻ theo cách này."))
    return None


# -- a Consent of terms ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves that somebody agreed: to which words, how, in which language, with whom asked."""

    text: Text
    method: Method
    language: str = "vi"
    assent: bool = False
    by: str = ""


def end_of(day: date) -> datetime:
    """The last second of a day here."""
    return datetime.combine(day, time(23, 59, 59), HANOI)


def consent_of(
    terms: Terms, *, patient: str, performers: Sequence[str], proof: Proof, now: datetime
) -> Consent:
    """The Consent that says these terms, not stored yet. ``performers``: references of who gives it."""
    holder = reference_of(terms.holder)
    labels = [one.coding for one in tables.sensitive() if one.key in terms.sensitive]
    made = sharing(
        patient, [holder], now=now, until=end_of(terms.until), types=terms.types, purposes=terms.purposes,
        labels=labels,
    )  # fmt: skip
    assert made.provision is not None
    if terms.occurred_from is not None or terms.occurred_until is not None:
        made.provision = _dated(made.provision, terms)
    if terms.holder.kind == "programme":
        made.category = [*made.category, CodeableConcept(coding=[Coding(system=CATEGORY, code=PROGRAMME)])]
    made.performer = [Reference(reference=one) for one in performers]
    prove(made, proof)
    return made


def reference_of(holder: Holder) -> Reference:
    """A holder as a Consent names it."""
    return Reference(reference=f"{_RESOURCES[holder.kind]}/{holder.id}", display=holder.name)


def prove(consent: Consent, proof: Proof) -> None:
    """Write into a Consent what proves it."""
    consent.policy = [ConsentPolicy(uri=f"{TEXT}{proof.text.purpose}/{proof.text.version}")]
    consent.extension = [proof_of(proof)]


def _dated(root: ConsentProvision, terms: Terms) -> ConsentProvision:
    """Nothing but who it is (and allergies, if chosen) whatever the day, and the rest of the days chosen."""
    always = [one for one in root.class_ if one.code in UNDATED]
    dated = [one for one in root.class_ if one.code not in UNDATED]
    low, high = terms.occurred_from, terms.occurred_until
    days = Period(start=low.isoformat() if low else None, end=high.isoformat() if high else None)

    def permit(types: list[Coding], period: Period | None) -> ConsentProvision:
        return ConsentProvision(
            type="permit", actor=root.actor, action=root.action, securityLabel=root.securityLabel,
            purpose=root.purpose, class_=types, dataPeriod=period,
        )  # fmt: skip

    permits = [permit(always, None)] + ([permit(dated, days)] if dated else [])
    return ConsentProvision(type="deny", period=root.period, provision=permits)


def proof_of(proof: Proof) -> Extension:
    """The proof as it stands in the Consent."""
    inner = [
        Extension(url="version", valueString=proof.text.version),
        Extension(url="digest", valueString=proof.text.digest),
        Extension(url="method", valueCode=proof.method),
        Extension(url="language", valueCode=proof.language),
    ]
    if proof.assent:
        inner.append(Extension(url="assent", valueBoolean=True))
    if proof.by:
        inner.append(Extension(url="by", valueString=proof.by))
    return Extension(url=PROOF, extension=inner)


# -- terms of a Consent ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """A Consent as a person reads it. ``parts`` None: the whole book.

    ``denies``: it stands against other consents, as far as its terms say; ``but``: it makes exceptions itself.
    ``paper``: what was signed, of one that staff noted.
    """

    id: str
    status: str
    holders: tuple[Holder, ...]
    purposes: tuple[str, ...]
    parts: tuple[str, ...] | None
    sensitive: tuple[str, ...]
    occurred_from: str
    occurred_until: str
    since: str
    until: str
    version: str
    method: str
    performers: tuple[str, ...]
    emergency: bool
    changed: str
    denies: bool = False
    but: bool = False
    paper: str = ""

    def state(self, now: datetime) -> str:
        """``active``, ``waiting``, ``ended`` (by the clock) or ``withdrawn``."""
        if self.status in ("proposed", "draft"):
            return "waiting"
        if self.status != "active":
            return "withdrawn"
        end = period_of(self.until)[1] if self.until else None
        return "ended" if end is not None and end <= now else "active"


def read(consent: Consent) -> Given:
    """The terms of a Consent, also of one that others made."""
    root, against = consent.provision or ConsentProvision(), denies(consent)
    inner = [one for one in root.provision if one.type == "permit"]
    permits = [root] if root.type == "permit" or against else inner
    types = [code.code or "" for one in permits for code in one.class_ if code.system in (_TYPES, None)]
    whole = any(not one.class_ for one in permits) or set(_every()).issubset(types)
    labels = {(code.system, code.code) for one in permits for code in one.securityLabel}
    dated = next((one.dataPeriod for one in permits if one.dataPeriod is not None), None) or Period()
    period = root.period or next((one.period for one in permits if one.period is not None), None) or Period()
    proof = {one.url: one for found in consent.extension if found.url == PROOF for one in found.extension}
    version, method = proof.get("version"), proof.get("method")
    return Given(
        id=consent.id or "",
        status=consent.status or "",
        holders=tuple(
            dict.fromkeys(
                _holder(one.reference, consent) for each in permits for one in each.actor if one.reference
            )
        ),
        purposes=tuple(dict.fromkeys(code.code or "" for one in permits for code in one.purpose)),
        parts=None if whole else tuple(tables.keys_of(types)),
        sensitive=tuple(
            one.key for one in tables.sensitive() if (one.coding.system, one.coding.code) in labels
        ),
        occurred_from=dated.start or "",
        occurred_until=dated.end or "",
        since=period.start or consent.dateTime or "",
        until=period.end or "",
        version=(version.valueString or "") if version else "",
        method=(method.valueCode or "") if method else "paper" if consent.verification else "",
        performers=tuple(one.reference or "" for one in consent.performer),
        emergency=is_emergency(consent),
        changed=(consent.meta.lastUpdated or "") if consent.meta else "",
        denies=against,
        but=against and bool(inner),
        paper=(consent.sourceAttachment.title or "") if consent.sourceAttachment is not None else "",
    )


def _every() -> list[str]:
    return tables.types_of([one.key for one in tables.parts()])


def _holder(found: Reference, consent: Consent) -> Holder:
    type_name, identifier = target(found)
    if found.identifier is not None and found.identifier.system == APP:
        return Holder("app", found.identifier.value or "", found.display or "")
    programme = any(
        one.system == CATEGORY and one.code == PROGRAMME for each in consent.category for one in each.coding
    )
    kinds: dict[str, Any] = {
        "Organization": "programme" if programme else "facility", "Practitioner": "practitioner",
        "PractitionerRole": "practitioner", "Patient": "person", "RelatedPerson": "person", "Device": "app",
    }  # fmt: skip
    return Holder(cast("Kind", kinds.get(type_name, "facility")), identifier, found.display or "")
