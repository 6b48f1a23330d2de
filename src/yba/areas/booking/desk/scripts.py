"""What the agent asks: a Questionnaire for the service, the answers as a QuestionnaireResponse, and its red flags.

A facility brings its own scripts as active Questionnaires with ``useContext`` task ``screening`` and, for one
specialty, ``focus``; the house's own (``scripts/*.json``) are asked where the record has none. A question says by an
extension how pressing its "yes", or one of its options, makes the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from operator import ge, gt, le, lt
from typing import Any, Final, cast

from django.utils.translation import get_language

from yba.areas.booking import rules as booking
from yba.areas.booking.desk import rules
from yba.areas.booking.desk.rules import Level
from yba.care.identifiers import BASE, SPECIALTY_CS
from yba.fhir.errors import Gone, NotFound
from yba.fhir.model import codec
from yba.fhir.model.references import reference
from yba.fhir.r4.appointment import Appointment
from yba.fhir.r4.datatypes import Coding, Element, Extension, Identifier, Meta
from yba.fhir.r4.questionnaire import Questionnaire, QuestionnaireItem, QuestionnaireItemEnableWhen
from yba.fhir.r4.questionnaire_response import (
    QuestionnaireResponse,
    QuestionnaireResponseItem,
    QuestionnaireResponseItemAnswer,
)
from yba.fhir.record import Record, facility_of

#: Names the answers about one request; the role of the desk sees answers of this system and no others.
ANSWERS: Final = BASE + "screening-answers"
TASK_CS: Final = "https://yba.vn/fhir/cs/desk-task"
RED_FLAG: Final = "https://yba.vn/fhir/extension/red-flag"
_TRANSLATION: Final = "http://hl7.org/fhir/StructureDefinition/translation"
#: Kinds of questions the desk can ask on the telephone; a script with another kind is not used (and it is said).
KNOWN: Final = frozenset(
    {"group", "display", "boolean", "choice", "string", "text", "integer", "decimal", "date"}
)
_COMPARED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {">": gt, "<": lt, ">=": ge, "<=": le}
Answer = bool | str | int | Decimal
Answers = Mapping[str, Answer]


@dataclass(frozen=True, slots=True)
class Script:
    """The script for a request; ``refused``: titles of the facility's own that can't be asked here."""

    form: Questionnaire
    refused: tuple[str, ...] = ()

    @property
    def canonical(self) -> str:
        """Address and version, as answers name it."""
        return f"{self.form.url}|{self.form.version}" if self.form.version else f"{self.form.url}"

    @property
    def title(self) -> str:
        return in_words(self.form.title, self.form.title_ext)


@dataclass(frozen=True, slots=True)
class Flag:
    """An answer that makes a request more pressing."""

    level: Level
    text: str


@cache
def shipped() -> tuple[Questionnaire, ...]:
    """The house's own scripts, the general one among them."""
    folder = files("yba.areas.booking.desk") / "scripts"
    names = sorted(one.name for one in folder.iterdir() if one.name.endswith(".json"))
    return tuple(codec.decode_as((folder / name).read_bytes(), Questionnaire) for name in names)


def load(record: Record) -> int:
    """Put the house's own scripts into the record, where answers can be understood by others; how many were new.

    Another version replaces the one before; a facility's own scripts have addresses of their own.
    """
    made = 0
    for one in shipped():
        try:
            kept = record.read(Questionnaire, one.id or "")
        except (NotFound, Gone):
            kept = None
        if kept is None or kept.version != one.version:
            record.update(codec.decode_as(codec.encode(one), Questionnaire))
            made += 1
    return made


def script_for(record: Record, *, specialty: str, facility: str) -> Script:
    """What is asked about a visit: the facility's own before everybody's, of the specialty before the general."""
    found = record.find(
        Questionnaire, ("status", "active"), ("context", f"{TASK_CS}|screening"), ("_sort", "-date")
    )
    mine = [one for one in found if facility_of(one) in (None, facility) and one.url]
    usable = [one for one in mine if all(item.type in KNOWN for item in every(one.item))]
    refused = tuple(one.title or one.url or "" for one in mine if one not in usable)
    wanted = [
        (facility_of(one) != facility, focus != specialty, at, one)
        for at, one in enumerate(usable)
        for focus in [_focus(one)]
        if focus in ("", specialty)
    ]
    if wanted:
        return Script(min(wanted, key=lambda one: one[:3])[3], refused)
    own = {_focus(one): one for one in shipped()}
    return Script(own.get(specialty) or own[""], refused)


def _focus(form: Questionnaire) -> str:
    for context in form.useContext:
        concept = context.valueCodeableConcept
        if context.code is not None and context.code.code == "focus" and concept is not None:
            return next((one.code for one in concept.coding if one.system == SPECIALTY_CS and one.code), "")
    return ""


def every(items: Sequence[QuestionnaireItem]) -> Iterator[QuestionnaireItem]:
    """Every item, those within groups after their group."""
    for one in items:
        yield one
        yield from every(one.item)


def in_words(text: str | None, element: Element | None) -> str:
    """The text in the reader's language, where the data has it (core extension ``translation``)."""
    if element is not None and (get_language() or "vi") != "vi":
        for one in element.extension:
            parts = {part.url: part for part in one.extension}
            if one.url == _TRANSLATION and "lang" in parts and "content" in parts:
                said = parts["content"].valueString or parts["content"].valueMarkdown
                if parts["lang"].valueCode == get_language() and said:
                    return said
    return text or ""


# -- which questions stand -----------------------------------------------------------------------------


def is_asked(item: QuestionnaireItem, answers: Answers) -> bool:
    """Whether a question stands, by what has been answered (Questionnaire.item.enableWhen)."""
    if not item.enableWhen:
        return True
    met = [_met(one, answers) for one in item.enableWhen]
    return any(met) if item.enableBehavior == "any" else all(met)


def _met(when: QuestionnaireItemEnableWhen, answers: Answers) -> bool:
    given = answers.get(when.question or "")
    if when.operator == "exists":
        return (given is not None) == (when.answerBoolean is not False)
    wanted = _wanted(when)
    if given is None or wanted is None:
        return False
    if when.operator in ("=", "!="):
        return (given == wanted) == (when.operator == "=")
    compare = _COMPARED.get(when.operator or "")
    try:
        return compare is not None and bool(compare(given, wanted))
    except TypeError:
        return False


def _wanted(when: QuestionnaireItemEnableWhen) -> Answer | None:
    coding = when.answerCoding.code if when.answerCoding is not None else None
    for one in (
        when.answerBoolean, when.answerInteger, when.answerDecimal, when.answerString, when.answerDate, coding,
    ):  # fmt: skip
        if one is not None:
            return one
    return None


def standing(items: Sequence[QuestionnaireItem], answers: Answers) -> Iterator[QuestionnaireItem]:
    """The questions that stand, in order."""
    for one in items:
        if is_asked(one, answers):
            yield one
            yield from standing(one.item, answers)


# -- from a form and back ------------------------------------------------------------------------------


def name_of(item: QuestionnaireItem) -> str:
    """The field's name in the form."""
    return f"hoi-{item.linkId}"


def typed(form: Questionnaire, posted: Mapping[str, str]) -> tuple[dict[str, Answer], list[str]]:
    """The answers of a posted form, and the questions whose answer can't be read."""
    answers: dict[str, Answer] = {}
    unread = []
    for item in every(form.item):
        text = str(posted.get(name_of(item), "")).strip()
        if not text or item.type in ("group", "display"):
            continue
        found = _read(item, text)
        if found is None:
            unread.append(item.linkId or "")
        else:
            answers[item.linkId or ""] = found
    kept = {one.linkId for one in standing(form.item, answers)}
    return {key: one for key, one in answers.items() if key in kept}, unread


def _read(item: QuestionnaireItem, text: str) -> Answer | None:
    try:
        if item.type == "boolean":
            return {"true": True, "false": False}.get(text)
        if item.type == "choice":
            return text if any(code_of(one) == text for one in item.answerOption) else None
        if item.type == "integer":
            return int(text)
        if item.type == "decimal":
            number = Decimal(text.replace(",", "."))
            return number if number.is_finite() else None
        if item.type == "date":
            return date.fromisoformat(text).isoformat()
    except (ValueError, InvalidOperation):
        return None
    return text[: item.maxLength or 500]


def code_of(option: Any) -> str:
    """What names an option in the form."""
    if option.valueCoding is not None:
        return option.valueCoding.code or ""
    return str(option.valueString or option.valueInteger or option.valueDate or "")


def option_words(option: Any) -> str:
    """An option in words."""
    if option.valueCoding is not None:
        return in_words(option.valueCoding.display, option.valueCoding.display_ext) or code_of(option)
    return code_of(option)


def given(kept: QuestionnaireResponse | None) -> dict[str, Answer]:
    """The answers of a kept QuestionnaireResponse."""
    found: dict[str, Answer] = {}
    todo = list(kept.item) if kept is not None else []
    while todo:
        item = todo.pop()
        todo += item.item
        for answer in item.answer[:1]:
            coding = answer.valueCoding.code if answer.valueCoding is not None else None
            for one in (
                answer.valueBoolean, answer.valueInteger, answer.valueDecimal, answer.valueString, answer.valueDate,
                coding,
            ):  # fmt: skip
                if one is not None and item.linkId:
                    found[item.linkId] = one
                    break
    return found


def flags(form: Questionnaire, answers: Answers) -> list[Flag]:
    """What was answered that can't wait, the gravest first."""
    found = []
    for item in standing(form.item, answers):
        answer = answers.get(item.linkId or "")
        if answer is True:
            level, words = _flag(item.extension), in_words(item.text, item.text_ext)
        else:
            chosen = next((one for one in item.answerOption if code_of(one) == answer), None)
            level = _flag(chosen.extension) if chosen is not None else None
            words = (
                f"{in_words(item.text, item.text_ext)} {option_words(chosen)}" if chosen is not None else ""
            )
        if level is not None:
            found.append(Flag(level, words))
    return sorted(found, key=lambda one: rules.LEVELS.index(one.level))


def _flag(extensions: Sequence[Extension]) -> Level | None:
    said = next((one.valueCode for one in extensions if one.url == RED_FLAG), None)
    return cast(Level, said) if said in ("emergency", "urgent") else None


# -- the record ----------------------------------------------------------------------------------------


def kept_answers(record: Record, appointment_id: str) -> QuestionnaireResponse | None:
    """The answers about a request, when something was asked already."""
    return record.first(QuestionnaireResponse, ("identifier", f"{ANSWERS}|{appointment_id}"))


def response(
    record: Record,
    script: Script,
    about: Appointment,
    answers: Answers,
    *,
    before: QuestionnaireResponse | None,
    status: str,
) -> QuestionnaireResponse:
    """The answers as they are to be kept: one QuestionnaireResponse a request, a version each time it grows."""
    tags = [one for one in (about.meta.tag if about.meta else []) if one.system == booking.FACILITY_TAG]
    who = booking.patient_id_of(about)
    return QuestionnaireResponse(
        id=before.id if before is not None else None,
        meta=Meta(tag=tags),
        identifier=Identifier(system=ANSWERS, value=about.id),
        questionnaire=script.canonical,
        status=cast(Any, status),
        subject=reference("Patient", who) if who else None,
        source=reference("Patient", who) if who else None,
        authored=booking.instant(record.clock()),
        item=_items(script.form.item, answers),
    )


def _items(items: Sequence[QuestionnaireItem], answers: Answers) -> list[QuestionnaireResponseItem]:
    made = []
    for one in items:
        if not is_asked(one, answers) or one.type == "display":
            continue
        within = _items(one.item, answers)
        answer = answers.get(one.linkId or "")
        if one.type == "group":
            if within:
                made.append(QuestionnaireResponseItem(linkId=one.linkId, text=one.text, item=within))
        elif answer is not None:
            value = _answer(one, answer)
            value.item = within
            made.append(QuestionnaireResponseItem(linkId=one.linkId, text=one.text, answer=[value]))
    return made


def _answer(item: QuestionnaireItem, answer: Answer) -> QuestionnaireResponseItemAnswer:
    if item.type == "boolean":
        return QuestionnaireResponseItemAnswer(valueBoolean=bool(answer))
    if item.type == "integer":
        return QuestionnaireResponseItemAnswer(valueInteger=cast(int, answer))
    if item.type == "decimal":
        return QuestionnaireResponseItemAnswer(valueDecimal=cast(Decimal, answer))
    if item.type == "date":
        return QuestionnaireResponseItemAnswer(valueDate=str(answer))
    if item.type != "choice":
        return QuestionnaireResponseItemAnswer(valueString=str(answer))
    chosen = next(one for one in item.answerOption if code_of(one) == answer)
    if chosen.valueCoding is None:
        if chosen.valueInteger is not None:
            return QuestionnaireResponseItemAnswer(valueInteger=chosen.valueInteger)
        if chosen.valueDate is not None:
            return QuestionnaireResponseItemAnswer(valueDate=chosen.valueDate)
        return QuestionnaireResponseItemAnswer(valueString=chosen.valueString)
    coding = chosen.valueCoding
    return QuestionnaireResponseItemAnswer(
        valueCoding=Coding(system=coding.system, code=coding.code, display=coding.display)
    )
