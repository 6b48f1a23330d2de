"""``_list``: the resources a stored List names, and the functional lists of one person (search.html#list, list.html).

A functional list is computed when it is asked, of what is current now:

- ``$current-problems``: Conditions that are not over (inactive, in remission, resolved; without a clinical status:
  that have not ended) and not refuted or entered in error, of whatever category.
- ``$current-allergies``: AllergyIntolerances that are not inactive, resolved, refuted or entered in error.
- ``$current-drug-allergies``: of these the ones to medicines and biologics, and those that do not say to what kind.
- ``$current-medications``: MedicationStatements that are active, intended, on hold or unknown and have not ended, and
  MedicationRequests that are active, on hold or unknown and do not forbid the medicine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.search import chain, kinds
from yba.fhir.search.clause import NOTHING, Clause, either, every
from yba.fhir.search.parameters import of_type
from yba.fhir.search.question import Asking, Question
from yba.fhir.search.values import plain, split

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
Made = Callable[[Asking, str], Clause]


def clause(asking: Asking, type_name: str, value: str) -> Clause:
    """Any of the lists that are named. Raises Invalid, and Unsupported for a functional list that is not offered."""
    return either([_one(asking, type_name, plain(one)) for one in split(value, ",")])


def _one(asking: Asking, type_name: str, text: str) -> Clause:
    if text.startswith("$"):
        return _functional(asking, type_name, text)
    identifier = text.removeprefix("List/")
    if not _ID.fullmatch(identifier):
        raise Invalid(
            "search.value", f"'_list' takes the id of a List, not '{text[:100]}'.", parameter="_list"
        )
    return chain.reverse(asking, type_name, "List", "item", Clause("r.id = {}", (identifier,)))


def _functional(asking: Asking, type_name: str, text: str) -> Clause:
    made = FUNCTIONAL.get(text)
    if made is None:
        raise Unsupported(
            "search.functional-list",
            f"The functional list '{text[:50]}' is not offered. These are: {', '.join(FUNCTIONAL)}.",
            parameter="_list",
        )
    asking.of_one_person = text
    found = made.get(type_name)
    return NOTHING if found is None else found(asking, type_name)


def _asked(asking: Asking, type_name: str, name: str, value: str) -> Clause:
    """A condition as a search would ask it."""
    code, _, modifier = name.partition(":")
    parameter = of_type(type_name).get(code)
    if parameter is None:  # masked for who asks: without it the list would be another
        raise Unsupported(
            "search.functional-list",
            f"Whether {type_name} is current cannot be told to who may not ask for '{code}'.",
            parameter="_list",
        )
    return kinds.answer(
        Question(type_name, parameter, modifier or None, value, asking.now, asking.base_url, asking)
    )


def _believed(asking: Asking, type_name: str) -> Clause:
    return _asked(asking, type_name, "verification-status:not", "refuted,entered-in-error")


def _problems(asking: Asking, type_name: str) -> Clause:
    ended = [
        _asked(asking, type_name, f"{code}:missing", "true")
        for code in ("abatement-date", "abatement-age", "abatement-string")
    ]
    unsaid = every([_asked(asking, type_name, "clinical-status:missing", "true"), *ended])
    said = every([
        _asked(asking, type_name, "clinical-status:missing", "false"),
        _asked(asking, type_name, "clinical-status:not", "inactive,remission,resolved"),
    ])  # fmt: skip
    return every([_believed(asking, type_name), either([said, unsaid])])


def _allergies(asking: Asking, type_name: str) -> Clause:
    current = _asked(asking, type_name, "clinical-status:not", "inactive,resolved")
    return every([_believed(asking, type_name), current])


def _drug_allergies(asking: Asking, type_name: str) -> Clause:
    kind = [
        _asked(asking, type_name, "category", "medication,biologic"),
        _asked(asking, type_name, "category:missing", "true"),
    ]
    return every([_allergies(asking, type_name), either(kind)])


def _statements(asking: Asking, type_name: str) -> Clause:
    now = asking.now.isoformat()
    lasting = [
        _asked(asking, type_name, "effective", f"ge{now}"),
        _asked(asking, type_name, "effective:missing", "true"),
    ]
    taken = _asked(asking, type_name, "status", "active,intended,unknown,on-hold")
    return every([taken, either(lasting)])


def _requests(asking: Asking, type_name: str) -> Clause:
    # No parameter of R4 asks for `doNotPerform`; content is kept as it is written, without blanks.
    allowed = Clause("position('\"doNotPerform\":true' in r.content) = 0")
    return every([_asked(asking, type_name, "status", "active,unknown,on-hold"), allowed])


FUNCTIONAL: Mapping[str, Mapping[str, Made]] = {
    "$current-problems": {"Condition": _problems},
    "$current-allergies": {"AllergyIntolerance": _allergies},
    "$current-drug-allergies": {"AllergyIntolerance": _drug_allergies},
    "$current-medications": {"MedicationStatement": _statements, "MedicationRequest": _requests},
}
"""The functional lists that are offered: the types each holds."""
