"""HL7's terminology cases, run as their format says: over HTTP, resources kept in the record, answers by template.

Format: HL7 FHIR terminology ecosystem, "Test cases" and "R4 and the Test Cases". The cases are written in R5; what R4
has no element for is told by R5's extensions, and turned back here before it is compared. Lists whose order means
nothing are sorted on both sides.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import Client
from tests.spec.published import folder

FOLDER = folder("terminology")
Tree = Any
_SUITES = json.loads((FOLDER / "test-cases.json").read_text())["suites"]
CASES = [(suite, case) for suite in _SUITES for case in suite["tests"]]

_URLS = {
    "expand": "/ValueSet/$expand",
    "validate-code": "/ValueSet/$validate-code",
    "cs-validate-code": "/CodeSystem/$validate-code",
    "lookup": "/CodeSystem/$lookup",
    "translate": "/ConceptMap/$translate",
}
_OP = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.compose.include.filter.op"
_EXPANSION = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ValueSet.expansion."
# What a template may leave open: `$name$` -> the form of the value.
_FORMS = {
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "uuid": re.compile(r"urn:uuid:[0-9a-f-]{36}"),
    "instant": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "date": re.compile(r"\d{4}(-\d\d(-\d\d)?)?"),
    "semver": re.compile(r"\d+\.\d+(\.\d+)?.*"),
    "version": re.compile(r".+"),
    "string": re.compile(r".*"),
    "token": re.compile(r"\S+"),
    "url": re.compile(r"[a-z]+:\S+"),
}


def read(path: str) -> Tree:
    return json.loads((FOLDER / path).read_text(), parse_float=Decimal)


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


@pytest.mark.parametrize(("suite", "case"), CASES, ids=[case["name"] for _, case in CASES])
@pytest.mark.parametrize("kept", [False, True], ids=["sent-along", "kept"])
def test_published_case(client: Client, suite: Tree, case: Tree, kept: bool) -> None:
    resources = [read(path) for path in suite["setup"]]
    request = read(case["request"])
    if kept:
        for resource in resources:
            answer = client("POST", f"/{resource['resourceType']}", dumped(as_r4(resource)))
            assert answer.status == 201, answer.body
    else:
        request["parameter"] += [{"name": "tx-resource", "resource": one} for one in resources]
    answer = client("POST", _URLS[case["operation"]], dumped(request))
    wanted = case.get("http-code", "200")
    assert re.fullmatch(wanted.replace("x", r"\d"), str(answer.status)), answer.body
    faults = compare(read(case["response"]), as_r5(json.loads(answer.body, parse_float=Decimal)), "")
    assert faults == []


def as_r4(resource: Tree) -> Tree:
    """The resource with the operators of filters that only R5 has in R5's extension for R4."""
    for include in resource.get("compose", {}).get("include", ()):
        for one in include.get("filter", ()):
            if one["op"] in ("child-of", "descendent-leaf"):
                one["_op"] = {"extension": [{"url": _OP, "valueCode": one.pop("op")}]}
    return resource


def dumped(tree: Tree) -> bytes:
    return json.dumps(tree, default=lambda number: json.loads(str(number))).encode()


def as_r5(tree: Tree) -> Tree:
    """The answer with the extensions that stand for R5's elements turned back into these."""
    if isinstance(tree, list):
        return [as_r5(one) for one in tree]
    if not isinstance(tree, dict):
        return tree
    found = {key: as_r5(value) for key, value in tree.items()}
    stays = []
    for one in found.get("extension", ()):
        if not one["url"].startswith(_EXPANSION):
            stays.append(one)
            continue
        row = {}
        for part in one["extension"]:
            key = next(key for key in part if key.startswith("value"))
            row[key if part["url"] == "value" else part["url"]] = part[key]
        found.setdefault("property", []).append(row)
    if stays:
        found["extension"] = stays
    else:
        found.pop("extension", None)
    return found


# -- templates -----------------------------------------------------------------------------------------------------


def compare(wanted: Tree, found: Tree, path: str) -> list[str]:
    """What differs from the template, a line each."""
    if isinstance(wanted, dict):
        return _objects(wanted, found, path)
    if isinstance(wanted, list):
        return _lists(wanted, found, path)
    if isinstance(wanted, str) and "$" in wanted:
        return [] if _fits(wanted, found) else [f"{path}: {found!r} is not {wanted}"]
    return [] if wanted == found else [f"{path}: {found!r} is not {wanted!r}"]


def _fits(template: str, found: Tree) -> bool:
    if template == "$$":
        return True
    if template.startswith("$choice:"):
        return found in template.removeprefix("$choice:").removesuffix("$").split("|")
    pieces = re.split(r"\$(\w+)\$", template)
    pattern = "".join(
        f"(?:{_FORMS[piece].pattern})" if place % 2 else re.escape(piece)
        for place, piece in enumerate(pieces)
    )
    return isinstance(found, str) and re.fullmatch(pattern, found) is not None


def _objects(wanted: Tree, found: Tree, path: str) -> list[str]:
    if not isinstance(found, dict):
        return [f"{path}: {found!r} is no object"]
    optional = set(wanted.get("$optional-properties$", ()))
    faults = []
    for key, value in wanted.items():
        if key.startswith("$"):
            continue
        if key not in found:
            whole = isinstance(value, list) and all(_is_optional(one) for one in value)
            if key not in optional and not whole:
                faults.append(f"{path}.{key} is missing")
            continue
        faults += compare(value, found[key], f"{path}.{key}")
    # A server's own words beside the outcome are left aside: the format says so of `diagnostics`.
    faults += [f"{path}.{key} is not wanted" for key in found.keys() - wanted.keys() - {"diagnostics"}]
    return faults


def _is_optional(one: Tree) -> bool:
    """Whether an item may be left out: so marked, or marked as wanted of one server only."""
    return isinstance(one, dict) and bool(one.get("$optional$"))


def _key(one: Tree) -> str:
    """By what items of a list are told apart."""
    if not isinstance(one, dict):
        return str(one)
    plain = {key: value for key, value in one.items() if not key.startswith("$")}
    names = ("name", "code", "url", "language")
    first = [str(plain[name]) for name in names if isinstance(plain.get(name), str)]
    rest = [str(value) for key, value in sorted(plain.items()) if key.startswith("value")]
    parts = [
        json.dumps(
            {key: value for key, value in part.items() if not key.startswith("$")},
            sort_keys=True,
            default=str,
        )
        for part in plain.get("part", ())
        if not part.get("$optional$")
    ]
    return "/".join([*first, *rest, *sorted(parts)])


def _lists(wanted: list[Tree], found: Tree, path: str) -> list[str]:
    """Each item of the template has one that fits, and nothing is left over."""
    if not isinstance(found, list):
        return [f"{path}: {found!r} is no list"]
    left = sorted(found, key=_key)
    faults = []
    for one in sorted(wanted, key=lambda one: (_is_optional(one), _key(one))):
        tried = [(compare(one, other, path), other) for other in left]
        fits = next((other for problems, other in tried if not problems), None)
        if fits is not None:
            left.remove(fits)
        elif not _is_optional(one):
            nearest = min(tried, key=lambda pair: (_key(pair[1]) != _key(one), len(pair[0])), default=None)
            faults += nearest[0] if nearest else [f"{path}: nothing fits {one}"]
    return faults + ([f"{path}: not wanted: {left}"] if left and not faults else [])


def test_every_case_is_there() -> None:
    assert len(CASES) == 67
    assert all((FOLDER / Path(case["request"])).is_file() for _, case in CASES)
