"""Whatever is sent is judged: resources broken at random give issues, never a crash."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest

from tests.spec.published import folder
from yba.fhir.model import tree
from yba.fhir.model.structures import CORE
from yba.fhir.terminology import Terminology
from yba.fhir.validation import Definitions, outcome, validate

FILES = [path for path in sorted(folder("fhir-r4-examples").glob("*.json")) if path.stat().st_size < 30_000]
PROFILES = [
    CORE + name for name in ("bp", "vitalsigns", "lipidprofile", "clinicaldocument", "shareablevalueset")
]
JUNK: list[Any] = [
    None, True, 0, -1, "", " ", "x", "#", "http://x/ValueSet/y", [], {}, [None], [[]], [{}], {"extension": []},
    {"url": 5}, "urn:uuid:X", "Patient/1", "2020-13-01", [1, "a", {"b": 1}], {"resourceType": "Patient"},
    {"resourceType": 5},
]  # fmt: skip


def spots(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    found: list[tuple[Any, Any]] = []
    for key in keys:
        found += [(value, key), *spots(value[key])]
    return found


def break_one(chance: random.Random, value: Any) -> None:
    places = [one for one in spots(value) if one[1] != "resourceType"]
    if not places:
        return
    holder, key = chance.choice(places)
    act = chance.randrange(4)
    if act == 0:
        del holder[key]
    elif act == 1 and isinstance(holder, dict):
        holder[chance.choice("_x") + str(key)] = copy.deepcopy(chance.choice(JUNK))
    elif act == 2:
        holder[key] = [holder[key]]
    else:
        holder[key] = copy.deepcopy(chance.choice(JUNK))


@pytest.mark.parametrize("seed", range(8))
def test_anything_is_judged(seed: int) -> None:
    chance = random.Random(seed)  # no secret: the same cases each time
    definitions, terminology = Definitions(), Terminology()
    for _ in range(60):
        sent = tree.parse(chance.choice(FILES).read_bytes())
        for _ in range(chance.randint(1, 6)):
            break_one(chance, sent)
        issues = validate(sent, profiles=PROFILES, structures=definitions, terminology=terminology)
        assert outcome(issues)["issue"]
