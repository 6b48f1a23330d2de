"""Values to answers of a question, and answers to values of elements.

Source: FHIR R4, questionnaireresponse.html (the type of an answer follows from the type of its question) and SDC,
populate.html and extraction.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from yba.fhir.model.fhirpath import Quantity
from yba.fhir.model.fhirpath.output import as_json
from yba.fhir.rest.operations.sdc.forms import UNIT, extension

Tree = dict[str, Any]
_DATE = re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?")
_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?")


class Unfit(Exception):
    """A value does not fit where it should go; the text says why."""


def answer_of(item: Any, question: Mapping[str, Any]) -> Tree:
    """One result of an expression as an answer. Raises Unfit."""
    value = _quantity(item) if isinstance(item, Quantity) else as_json(item)
    kind = question.get("type")
    make = _ANSWERS.get(str(kind))
    if make is None:
        raise Unfit(f"a question of type '{kind}' takes no answer.")
    return make(value, question)


def _quantity(item: Quantity) -> Tree:
    number, _, unit = str(item).partition(" ")
    unit = unit.strip("'")
    return {"value": Decimal(number), **({"unit": unit, "system": "http://unitsofmeasure.org", "code": unit} if unit
                                         else {})}  # fmt: skip


def _wrong(value: object, wanted: str) -> Unfit:
    said = value.get("resourceType", "an element") if isinstance(value, dict) else repr(value)[:60]
    return Unfit(f"the value ({said}) is no {wanted}.")


def _boolean(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    raise _wrong(value, "boolean")


def _decimal(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return {"valueDecimal": value}
    raise _wrong(value, "number")


def _integer(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return {"valueInteger": value}
    raise _wrong(value, "whole number")


def _date(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, str) and _DATE.fullmatch(value.partition("T")[0]):
        return {"valueDate": value.partition("T")[0]}
    raise _wrong(value, "date")


def _date_time(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, str) and _DATE.fullmatch(value.partition("T")[0]):
        return {"valueDateTime": value}
    raise _wrong(value, "date or time")


def _time(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, str) and _TIME.fullmatch(value.removeprefix("T")):
        return {"valueTime": value.removeprefix("T")}
    raise _wrong(value, "time of day")


def _string(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str) and value.strip():
        longest = question.get("maxLength")
        if isinstance(longest, int) and len(value) > longest:
            raise Unfit(f"the value is longer than {longest} signs.")
        return {"valueString": value}
    raise _wrong(value, "text")


def _url(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, str):
        return {"valueUri": value}
    raise _wrong(value, "URL")


def _reference(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, dict) and value.get("resourceType") and value.get("id"):
        return {"valueReference": {"reference": f"{value['resourceType']}/{value['id']}"}}
    if (
        isinstance(value, dict)
        and (value.keys() & {"reference", "identifier"})
        and "resourceType" not in value
    ):
        return {"valueReference": value}
    raise _wrong(value, "reference")


def _attachment(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, dict) and "resourceType" not in value and value.keys() & {"url", "data"}:
        return {"valueAttachment": value}
    raise _wrong(value, "attachment")


def _measure(value: Any, question: Mapping[str, Any]) -> Tree:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return {"valueQuantity": {"value": value, **unit_of(question)}}
    if isinstance(value, dict) and "value" in value and "resourceType" not in value:
        return {"valueQuantity": value}
    raise _wrong(value, "quantity")


def unit_of(question: Mapping[str, Any]) -> Tree:
    """The unit a question is answered in, as parts of a Quantity."""
    unit = extension(question, UNIT)
    if not isinstance(unit, dict):
        return {}
    named = {
        "unit": unit.get("display") or unit.get("code"),
        "system": unit.get("system"),
        "code": unit.get("code"),
    }
    return {name: value for name, value in named.items() if value}


def _choice(value: Any, question: Mapping[str, Any]) -> Tree:
    codings = value["coding"] if isinstance(value, dict) and "coding" in value else [value]
    options = [one for one in question.get("answerOption", ()) if isinstance(one, dict)]
    is_open = question.get("type") == "open-choice"
    for coding in codings:
        chosen = next((one for one in options if _is_option(coding, one)), None)
        if chosen is not None:
            return {key: one for key, one in chosen.items() if key.startswith("value")}
    if not options or is_open:
        coding = next((one for one in codings if isinstance(one, dict) and one.get("code")), None)
        if coding is not None and "resourceType" not in coding:
            return {"valueCoding": coding}
        if isinstance(value, str) and is_open:
            return {"valueString": value}
        if isinstance(value, str) and not options:
            return {"valueCoding": {"code": value}}
    raise Unfit("the value is none of the options of the question.")


def _is_option(value: Any, option: Mapping[str, Any]) -> bool:
    coding = option.get("valueCoding")
    if isinstance(coding, dict):
        if isinstance(value, dict):
            return value.get("code") == coding.get("code") and value.get("system") in (
                None,
                coding.get("system"),
            )
        return isinstance(value, str) and value == coding.get("code")
    return any(value == one for key, one in option.items() if key.startswith("value"))


_ANSWERS = {
    "boolean": _boolean, "decimal": _decimal, "integer": _integer, "date": _date, "dateTime": _date_time,
    "time": _time, "string": _string, "text": _string, "url": _url, "choice": _choice, "open-choice": _choice,
    "attachment": _attachment, "reference": _reference, "quantity": _measure,
}  # fmt: skip


# -- from answers to elements ------------------------------------------------------------------------------------

_TEXTS = frozenset(
    {"string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid", "base64Binary"}
)
_NUMBERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_MEASURES = frozenset({"Quantity", "SimpleQuantity", "Age", "Distance", "Duration", "Count"})


def kind_of(answer: Mapping[str, Any]) -> tuple[str, Any]:
    """The type and value of an answer (or of any element with one ``value[x]``). Raises Unfit without one."""
    for key, value in answer.items():
        if key.startswith("value"):
            name = key.removeprefix("value")
            low = name[:1].lower() + name[1:]
            return (name if isinstance(value, dict) else low), value
    raise Unfit("the answer has no value.")


def fitted(kind: str, value: Any, wanted: str) -> Any:
    """A value of one type as another one takes it. Raises Unfit."""
    if kind == wanted or (kind in _MEASURES and wanted in _MEASURES):
        return value
    if wanted == "CodeableConcept":
        if kind == "Coding":
            return {"coding": [value]}
        if kind in _TEXTS:
            return {"text": value}
    if kind == "Coding" and wanted in _TEXTS:
        return value.get("display") or value.get("code") if wanted == "string" else value.get("code")
    if kind == "Coding" and wanted == "boolean" and value.get("code") in ("true", "false"):
        return value["code"] == "true"
    if kind in _TEXTS and wanted in _TEXTS:
        return value
    if kind in _TEXTS and wanted == "Reference":
        return {"reference": value}
    if kind in _TEXTS and wanted == "Annotation":
        return {"text": value}
    return _fitted_measure(kind, value, wanted)


def _fitted_measure(kind: str, value: Any, wanted: str) -> Any:
    """Numbers and times."""
    if kind in _NUMBERS and wanted in (*_NUMBERS, "decimal"):
        return value
    if kind in (*_NUMBERS, "decimal") and wanted in _MEASURES:
        return {"value": value}
    if kind in _MEASURES and wanted == "decimal" and "value" in value:
        return value["value"]
    if kind in ("date", "dateTime", "instant") and wanted in ("date", "dateTime", "instant"):
        if wanted == "date":
            return value.partition("T")[0]
        if wanted == "instant" and len(value) < 20:
            raise Unfit("the date is not exact enough for an instant.")
        return value
    raise Unfit(f"a {kind} does not fit where a {wanted} belongs.")
