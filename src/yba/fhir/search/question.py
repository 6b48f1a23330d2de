"""One search parameter as it is asked, and the refusals its kind may answer with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.search.parameters import Parameter, param_number


@dataclass(frozen=True, slots=True)
class Question:
    """``name[:modifier]=value``; ``now`` and ``base_url`` are what the request gives to read it by."""

    type: str
    parameter: Parameter
    modifier: str | None
    value: str
    now: datetime
    base_url: str | None

    @property
    def number(self) -> int:
        return param_number(self.type, self.parameter.code)

    @property
    def name(self) -> str:
        return self.parameter.code + (f":{self.modifier}" if self.modifier else "")


def invalid(question: Question, text: str, wanted: str) -> Invalid:
    """The value cannot be read as what the parameter takes."""
    return Invalid(
        "search.value",
        f"The search parameter '{question.name}' takes {wanted}, not '{text[:100]}'.",
        parameter=question.parameter.code,
        value=text,
    )


def unsupported_modifier(question: Question) -> Unsupported:
    """The modifier is none this kind of parameter answers yet."""
    return Unsupported(
        "search.modifier",
        f"The modifier ':{question.modifier}' is not supported on '{question.parameter.code}', "
        f"a {question.parameter.kind} parameter.",
        parameter=question.parameter.code,
        modifier=question.modifier,
    )
