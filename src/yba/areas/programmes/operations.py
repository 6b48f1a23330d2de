"""FHIR operation ``$immds-forecast``: of a person of the record, or of what the caller sends.

``[base]/$immds-forecast`` as the guide has it (ImmDS 1.0.0): ``assessmentDate``, ``patient``, ``immunization``; it
reads nothing of the record. ``Patient/[id]/$immds-forecast`` reads the record through the caller's door and knows
allergies and diseases too. Both answer ``evaluation`` and ``recommendation``; nothing is stored.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from yba.care.vaccines import fhir
from yba.care.vaccines.forecasting import advise
from yba.care.vaccines.reading import advice_of, given, whole_day
from yba.care.vaccines.schedule import schedule
from yba.care.vaccines.values import Advice, Person
from yba.fhir.errors import Forbidden, Invalid, TooCostly
from yba.fhir.model import codec, tree
from yba.fhir.r4.datatypes import Reference
from yba.fhir.r4.immunization import Immunization
from yba.fhir.r4.patient import Patient
from yba.fhir.rest.operations.call import Call, Operation, parameters
from yba.fhir.rest.response import Response
from yba.ui.words import local_day

NAME: Final = "immds-forecast"
DEFINITION: Final = "http://hl7.org/fhir/us/immds/OperationDefinition/ImmDSForecastOperation"
_MOST: Final = 500


def forecast_of_record(call: Call) -> Response:
    """Advice about a person of the record; from a part of their vaccinations it would be wrong. Raises Forbidden."""
    call.refuse_unknown(("assessmentDate",))
    record = call.record
    on = _date(call) or local_day(record.clock())
    _chart, advice = advice_of(record, call.id or "", on=on)
    if advice.partial:
        raise Forbidden(
            "vaccines.history", "Advice on vaccines needs the right to see every vaccination of the person."
        )
    return _answer(advice, Reference(reference=f"Patient/{call.id}"))


def forecast_of_sent(call: Call) -> Response:
    """Advice about what was sent, and nothing else."""
    call.refuse_unknown(("assessmentDate", "patient", "immunization"))
    on = _date(call)
    if on is None:
        raise Invalid(
            "operation.missing", "$immds-forecast needs the parameter 'assessmentDate'.",
            path="Parameters.assessmentDate",
        )  # fmt: skip
    patient = _typed(call.resource("patient"), Patient, "patient")
    sent = call.all("immunization")
    if len(sent) > _MOST:
        raise TooCostly("vaccines.many", f"Send {_MOST} immunizations at most.", most=_MOST)
    rows = [_typed(one.resource, Immunization, "immunization") for one in sent]
    made = schedule()
    person = Person(whole_day(patient.birthDate), patient.gender or "")
    history = [given(made, one) for one in rows]
    whose = Reference(reference=f"Patient/{patient.id}") if patient.id else Reference(display="Patient")
    return _answer(advise(made, person, history, on=on), whose)


def _date(call: Call) -> date | None:
    text = call.text("assessmentDate")
    if text is None:
        return None
    found = whole_day(text)
    if found is None or not 1900 <= found.year <= 2200:
        raise Invalid(
            "operation.value", "The parameter 'assessmentDate' takes a whole date, as 2026-11-24.",
            path="Parameters.assessmentDate",
        )  # fmt: skip
    return found


def _typed(sent: Any, kind: type[Any], name: str) -> Any:
    found = codec.decode(tree.dump(sent)) if sent is not None else None
    if not isinstance(found, kind):
        raise Invalid(
            "operation.value", f"The parameter '{name}' takes a {kind.__name__}.", path=f"Parameters.{name}"
        )
    return found


def _answer(advice: Advice, patient: Reference) -> Response:
    evaluations = [
        {"name": "evaluation", "resource": tree.parse(codec.encode(one))}
        for one in fhir.evaluations_of(advice, patient)
    ]
    recommendation = tree.parse(codec.encode(fhir.recommendation_of(advice, patient)))
    return parameters(*evaluations, {"name": "recommendation", "resource": recommendation})


OPERATIONS: Final = (
    Operation(
        NAME,
        forecast_of_record,
        instance=True,
        types=frozenset({"Patient"}),
        body="patient",
        definition=DEFINITION,
    ),
    Operation(NAME, forecast_of_sent, system=True, body="patient", definition=DEFINITION),
)
