"""Differences between published examples of one type: each patch gives the other example."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.spec.published import folder
from yba.fhir.model import tree
from yba.fhir.patch import fhirpath_patch
from yba.fhir.rest.operations.diff import difference


def _examples() -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for path in sorted(folder("fhir-r4-examples").glob("**/*.json")):
        read = tree.parse(path.read_bytes())
        found.setdefault(read["resourceType"], []).append(read)
    return found


EXAMPLES = _examples()


@pytest.mark.parametrize("kind", sorted(kind for kind, found in EXAMPLES.items() if len(found) > 1))
def test_a_patch_gives_the_other_example(kind: str) -> None:
    for one, other in pairwise(EXAMPLES[kind]):
        changes = difference(one, other, meta=True)
        if len(changes.get("parameter", ())) > 2000:
            continue  # terminology of thousands of rows that have nothing in common
        patched = fhirpath_patch(one, changes)
        assert patched == {**other, "id": one["id"]}, json.dumps(changes, default=str)[:3000]
