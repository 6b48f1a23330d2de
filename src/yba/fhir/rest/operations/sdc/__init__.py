"""Structured Data Capture: Questionnaire/$populate and QuestionnaireResponse/$extract.

Read ``forms.py`` (questionnaires, extensions, expressions) and ``answers.py`` (values and types), then ``populate.py``,
and ``extract.py`` with ``definitions.py`` and ``templates.py``.
"""

from __future__ import annotations

from yba.fhir.rest.operations.call import Operation
from yba.fhir.rest.operations.sdc.extract import extract
from yba.fhir.rest.operations.sdc.populate import populate

_DEFINITION = "http://hl7.org/fhir/uv/sdc/OperationDefinition/"
OPERATIONS = (
    Operation(
        "populate", populate, type_level=True, instance=True, types=frozenset({"Questionnaire"}), body="questionnaire",
        definition=_DEFINITION + "Questionnaire-populate",
    ),
    Operation(
        "extract", extract, type_level=True, instance=True, types=frozenset({"QuestionnaireResponse"}),
        body="questionnaire-response", definition=_DEFINITION + "QuestionnaireResponse-extract",
    ),
)  # fmt: skip
