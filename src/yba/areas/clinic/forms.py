"""What a page sends: the typed note laid over the draft, and the deed of the button that was pressed."""

from __future__ import annotations

import msgspec
from django.http import QueryDict

from yba.areas.clinic import content as deeds
from yba.areas.clinic import rules
from yba.areas.clinic.content import Content, DrugLine
from yba.care import catalogues
from yba.care.chart import VITAL_SIGNS
from yba.care.diagnoses import diagnosis

TEXTS = ("complaint", "examination", "advice", "follow_up")
LONGEST = 20_000


def typed_over(base: Content, post: QueryDict) -> Content:
    """The draft with what stands in the form; fields the form lacks stay as they were."""
    texts = {name: _text(post, name) for name in TEXTS if name in post}
    vitals = dict(base.vitals)
    for key in VITAL_SIGNS:
        if f"v-{key}" in post:
            vitals[key] = _text(post, f"v-{key}")[:12]
    kept = {key: value for key, value in vitals.items() if value.strip()}
    drugs = tuple(_line(one, post) for one in base.drugs)
    return msgspec.structs.replace(base, vitals=kept, drugs=drugs, **texts)


def _line(line: DrugLine, post: QueryDict) -> DrugLine:
    if f"{line.key}-amount" not in post:
        return line
    chosen = [one for one in post.getlist(f"{line.key}-moment") if one in rules.DAY_MOMENTS]
    meal = post.get(f"{line.key}-meal", "")
    moments = (*chosen, meal) if meal in rules.MEAL_MOMENTS else tuple(chosen)
    named = {
        name: _text(post, f"{line.key}-{name}")[:300]
        for name in ("amount", "unit", "times", "days", "quantity", "note", "reason")
        if f"{line.key}-{name}" in post
    }
    return msgspec.structs.replace(line, moments=moments, **named)


def done(content: Content, deed: str, value: str) -> Content:
    """The content after a deed; one that means nothing (a stale button, a wrong code) changes nothing."""
    what, _colon, rest = deed.partition(":")
    if what == "add":
        return _added(content, value)
    if what == "diagnosis":
        found = diagnosis(value) if value else None
        return deeds.with_diagnosis(content, found.code) if found else content
    if what == "stop":
        key, _colon, request_id = rest.partition(":")
        return deeds.stopping(content, key, request_id)
    simple = {
        "drop-drug": deeds.without_drug,
        "drop-order": deeds.without_order,
        "drop-diagnosis": deeds.without_diagnosis,
        "main-diagnosis": deeds.main_diagnosis,
    }.get(what)
    return simple(content, rest) if simple else content


def _added(content: Content, code: str) -> Content:
    drug = catalogues.drug(code)
    if drug is not None:
        days = next((one.days for one in reversed(content.drugs) if one.days), "")
        return deeds.with_drug(content, rules.usual_line(drug, days=days))
    service = catalogues.service(code)
    return deeds.with_order(content, service.code) if service else content


def _text(post: QueryDict, name: str) -> str:
    """What was typed, without the characters no text of the record may hold."""
    raw = str(post.get(name, "")).replace("\r\n", "\n")[:LONGEST]
    return "".join(sign for sign in raw if sign in "\n\t" or sign.isprintable())
