"""Every published example resource through XML and back: nothing is lost, no digit, no letter of a narrative."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.spec.published import folder
from yba.fhir.model import tree, xml

EXAMPLES = sorted(folder("fhir-r4-examples").glob("*.json"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) == 404


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda one: one.stem)
@pytest.mark.parametrize("pretty", [False, True], ids=["plain", "pretty"])
def test_json_to_xml_to_json(file: Path, pretty: bool) -> None:
    sent = file.read_bytes()
    back = tree.parse(xml.to_json(xml.from_json(sent, pretty=pretty), ordered=True))
    # Decimals are equal whatever their zeros: their texts must be.
    assert _exactly(back) == _exactly(tree.parse(sent))


def _exactly(value: object) -> object:
    if isinstance(value, dict):
        return {name: _exactly(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return [_exactly(one) for one in value]
    return repr(value)
