"""What stands against a vaccine: by the record's facts, and by the answers before the session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from yba.care.vaccines.schedule import ALL, INJECTED, LIVE, Content, Product, Question, Schedule, Words
from yba.care.vaccines.values import Bar, Fact, Person
from yba.fhir.model.fold import fold

_GRAVE: Final = Words(
    "Từng phản ứng nặng sau vắc xin có cùng thành phần: không tiêm tiếp",
    "A severe reaction to a vaccine with the same part before: not given again",
)
_MILD: Final = Words(
    "Từng phản ứng sau tiêm ghi trong hồ sơ: bác sĩ xem trước",
    "A reaction to a vaccine stands in the record: a doctor looks first",
)
_CONTENT: Final = Words(
    "Dị ứng nặng với thành phần của vắc xin: %s", "Severe allergy to a part of the vaccine: %s"
)
_CONTENT_MILD: Final = Words("Dị ứng với thành phần của vắc xin: %s", "Allergy to a part of the vaccine: %s")
_VACCINE: Final = Words(
    "Hồ sơ ghi dị ứng với vắc xin, chưa rõ loại nào: bác sĩ xem trước",
    "The record tells of an allergy to a vaccine, not which: a doctor looks first",
)
_NAMES_OF_VACCINES: Final = ("vac xin", "vac-xin", "vacxin", "vaccin")


def applies(to: Sequence[str], product: Product) -> bool:
    """Whether something that applies to these applies to a vaccine."""
    return any(
        one == ALL
        or (one == LIVE and product.live != "")
        or (one == INJECTED and product.live == "injected")
        or one in product.antigens
        for one in to
    )


def bars_of(made: Schedule, product: Product, person: Person, facts: Iterable[Fact]) -> tuple[Bar, ...]:
    """Everything of the record that stands against a vaccine, what stops first."""
    facts = tuple(facts)
    found: list[Bar] = []
    for rule in made.contraindications:
        if not applies(rule.applies, product):
            continue
        if rule.pregnant and person.pregnant:
            found.append(Bar(rule.id, rule.effect, rule.text, rule.source))
        found += [
            Bar(rule.id, rule.effect, rule.text, rule.source, fact)
            for fact in facts
            if fact.kind == "condition" and fact.code.startswith(rule.conditions or ("-",))
        ]
    found += [bar for fact in facts if fact.kind == "reaction" for bar in _of_reaction(product, fact)]
    found += [bar for fact in facts if fact.kind == "allergy" for bar in _of_allergy(made, product, fact)]
    return tuple(sorted(found, key=_gravity))


def _gravity(bar: Bar) -> tuple[int, str, str]:
    return ("stop", "wait", "ask").index(bar.effect), bar.id, bar.fact.reference if bar.fact else ""


def _of_reaction(product: Product, fact: Fact) -> list[Bar]:
    same = not fact.antigens or bool(fact.antigens & set(product.antigens))
    if fact.grave:
        return [Bar("reaction", "stop" if same else "ask", _GRAVE if same else _MILD, "qd1575", fact)]
    return [Bar("reaction", "ask", _MILD, "qd1575", fact)] if same else []


def _of_allergy(made: Schedule, product: Product, fact: Fact) -> list[Bar]:
    text = fold(fact.text)
    found = []
    for key in product.contains:
        content = made.contents[key]
        if _means(content, fact.code, text):
            said = _CONTENT if fact.grave else _CONTENT_MILD
            words = Words(said.vi % content.name.vi, said.en % content.name.en)
            found.append(Bar(f"contains-{key}", "stop" if fact.grave else "ask", words, "label", fact))
    if any(word in text for word in _NAMES_OF_VACCINES):
        found.append(Bar("vaccine-allergy", "stop" if fact.grave else "ask", _VACCINE, "label", fact))
    return found


def _means(content: Content, code: str, text: str) -> bool:
    return code in content.codes or any(fold(word) in text for word in content.words)


# -- questions before the session --------------------------------------------------------------------------


def questions_of(made: Schedule, person: Person, on: date) -> tuple[Question, ...]:
    """What is asked of this person today. Without a birth date or sex everything is."""
    return tuple(
        one
        for one in made.screening
        if (person.birth is None or one.from_ is None or on >= one.from_.after(person.birth))
        and (person.birth is None or one.until is None or on < one.until.after(person.birth))
        and (not one.sex or person.sex in ("", "unknown", "other", one.sex))
    )


def answered(questions: Iterable[Question], answers: Mapping[str, bool], product: Product) -> tuple[Bar, ...]:
    """What the answers say against a vaccine."""
    found = [
        Bar(one.id, one.effect, one.text, one.source)
        for one in questions
        if answers.get(one.id) and applies(one.applies, product)
    ]
    return tuple(sorted(found, key=_gravity))
