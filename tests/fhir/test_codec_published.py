"""Published resources go through the codec unharmed; published faults do not."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.spec.published import folder
from yba.fhir.errors import Invalid
from yba.fhir.model import codec

EXAMPLES = sorted(folder("fhir-r4-examples").glob("*.json"))
BUNDLES = sorted(folder("synthea-r4").glob("*.json.gz"))
JUDGED: list[dict[str, Any]] = [
    case
    for case in json.loads((folder("validation") / "manifest.json").read_text())
    if case["file"].endswith(".json")
]


def _digits(text: str) -> tuple[str, object]:
    """A number by its sign, digits and exponent, so that 80.1 is not 80.10."""
    return "number", Decimal(text).as_tuple()


def values(data: bytes) -> Any:
    return json.loads(data, parse_float=_digits, parse_int=_digits)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_round_trip(path: Path) -> None:
    data = path.read_bytes()
    resource, written = codec.decode_with_bytes(data)
    assert values(written) == values(data)
    assert codec.encode(resource) == written


@pytest.mark.parametrize("path", BUNDLES, ids=lambda path: path.name[:20])
def test_synthea_round_trips(path: Path) -> None:
    data = gzip.decompress(path.read_bytes())
    bundle, written = codec.decode_with_bytes(data, "Bundle")
    assert values(written) == values(data)
    for entry in bundle.entry:  # type: ignore[attr-defined]
        assert codec.encode(codec.decode_raw(entry.resource)) == bytes(entry.resource)


@pytest.mark.parametrize("case", JUDGED, ids=lambda case: case["name"])
def test_agrees_where_two_judges_agree(case: dict[str, Any]) -> None:
    """All published faults both judges refuse are faults of structure: none is beyond the codec."""
    data = (folder("validation") / case["file"]).read_bytes()
    rejected = case["second_judge_medplum_rejects"]
    if case["valid"] and not rejected:
        _, written = codec.decode_with_bytes(data)
        assert values(written) == values(data)
    elif not case["valid"] and rejected:
        with pytest.raises(Invalid):
            codec.decode(data)
    else:
        pytest.skip("the judges differ: terminology, profiles or best practice")
