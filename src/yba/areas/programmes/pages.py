"""The page objects of the vaccination desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from yba.areas.programmes import queries, rules
from yba.areas.programmes.forms import PastForm, ScreeningForm, ShotForm, WatchForm
from yba.areas.programmes.rules import Offer
from yba.care import chart as care_chart
from yba.care import people
from yba.care.vaccines import phrases
from yba.care.vaccines.card import Card
from yba.care.vaccines.reading import Chart
from yba.fhir.r4.allergy_intolerance import AllergyIntolerance
from yba.fhir.r4.immunization import Immunization
from yba.ui import parts, spoken, words


@dataclass(frozen=True, slots=True)
class ComeLine:
    """Somebody on the desk's list."""

    url: str
    name: str
    note: str
    shots: str


@dataclass(frozen=True, slots=True)
class DeskPage:
    """Who has come today, the youngest first."""

    title: str
    lines: tuple[ComeLine, ...]
    more: bool
    topic: str = ""


def come_line(one: queries.Come, *, today: date) -> ComeLine:
    """A person who has come, with age and hour, and what they had today."""
    facts = [spoken.age(one.patient.birthDate, today) if one.patient.birthDate else _("Chưa rõ ngày sinh")]
    facts += [spoken.gender(one.patient.gender)]
    if "T" in one.since:
        facts.append(_("đến lúc %(at)s") % {"at": words.gio(words.moment(one.since).astimezone(words.HANOI))})
    count = len(one.shots)
    said = (
        ngettext("%(count)s mũi hôm nay", "%(count)s mũi hôm nay", count) % {"count": count} if count else ""
    )
    return ComeLine(
        reverse("programmes:child", args=[one.patient.id]),
        people.name_of(one.patient),
        ", ".join(filter(None, facts)),
        said,
    )


@dataclass(frozen=True, slots=True)
class OfferView:
    """A vaccine that is due: what it counts as, what stands against it, the form where it may be given."""

    name: str
    code: str
    counts: str
    effect: str
    kind: str
    verdict: str
    bars: tuple[str, ...]
    form: ShotForm | None
    asks: bool


def offer_view(one: Offer, form: ShotForm | None) -> OfferView:
    """A vaccine as the desk reads it."""
    language = spoken.language()
    counts = [
        _("%(name)s mũi %(dose)s") % {"name": phrases.series_name(it.series), "dose": it.dose}
        for it in one.counts
    ]
    kind, verdict = {
        "stop": ("danger", _("Chống chỉ định: không tiêm")),
        "wait": ("caution", _("Hoãn: không tiêm hôm nay")),
        "ask": ("caution", _("Cần bác sĩ quyết định trước khi tiêm")),
    }.get(one.effect, ("", ""))
    return OfferView(
        name=one.product.name.of(language),
        code=one.product.code,
        counts=", ".join(counts),
        effect=one.effect,
        kind=kind,
        verdict=verdict,
        bars=tuple(dict.fromkeys(bar.text.of(language) for bar in one.bars)),
        form=form if one.effect in ("", "ask") else None,
        asks=one.effect == "ask",
    )


@dataclass(frozen=True, slots=True)
class ShotLine:
    """A shot of today: when it was, until when one is watched, what was seen."""

    id: str
    name: str
    said: str
    until: str
    seen: str | None
    form: WatchForm | None


def shot_line(one: queries.ShotToday, *, now: datetime) -> ShotLine:
    """A shot of today in words."""
    until = rules.watched_until(one.at)
    return ShotLine(
        id=one.row.id or "",
        name=care_chart.text_of(one.row.vaccineCode),
        said=", ".join(filter(None, [words.gio(one.at.astimezone(words.HANOI)), shot_words(one.row)])),
        until=words.gio(until.astimezone(words.HANOI)) if now < until else "",
        seen=one.seen,
        form=None if one.seen is not None else WatchForm(auto_id=f"id_%s_{one.row.id}"),
    )


def shot_words(row: Immunization) -> str:
    """Dose, lot, expiry and place of a shot."""
    dose = next((one.doseNumberPositiveInt for one in row.protocolApplied if one.doseNumberPositiveInt), None)
    said = [
        _("mũi %(dose)s") % {"dose": dose} if dose else "",
        _("lô %(lot)s") % {"lot": row.lotNumber} if row.lotNumber else "",
        _("hạn %(day)s") % {"day": words.ngay(row.expirationDate)} if row.expirationDate else "",
        care_chart.text_of(row.site),
    ]
    return ", ".join(filter(None, said))


@dataclass(frozen=True, slots=True)
class ChildPage:
    """A person at the desk."""

    title: str
    person: parts.Person
    patient_id: str
    card: Card
    shots: tuple[ShotLine, ...]
    screening: ScreeningForm | None
    screened: str
    offers: tuple[OfferView, ...]
    others: tuple[OfferView, ...]
    past: PastForm | None
    refusal: str
    next_day: str
    next_value: str
    visit: bool


def person_of(chart: Chart, allergies: Sequence[AllergyIntolerance], *, today: date) -> parts.Person:
    """The label of the page: name, then allergies."""
    patient = chart.patient
    age = spoken.age(patient.birthDate, today) if patient.birthDate else _("Chưa rõ ngày sinh")
    born = words.ngay(patient.birthDate) if patient.birthDate else ""
    return parts.Person(
        name=people.name_of(patient),
        facts=tuple(filter(None, [", ".join(filter(None, [age, spoken.gender(patient.gender)])), born])),
        allergies=tuple(
            f"{one.name}: {one.reaction}" if one.reaction else one.name
            for one in care_chart.allergies_of(allergies)
        ),
        allergies_known=care_chart.asked_of(allergies) is not care_chart.Asked.NEVER,
    )


@dataclass(frozen=True, slots=True)
class SlipPage:
    """What the family takes home."""

    title: str
    name: str
    born: str
    house: str
    shots: tuple[tuple[str, str, str], ...]
    coming: tuple[tuple[str, str], ...]
    stands: str
    back: str
