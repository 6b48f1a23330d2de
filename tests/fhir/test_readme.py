"""The record's README is held true: interactions, operations and modifiers are those the server answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fhir.test_rest import Client, client
from yba.fhir.rest.operations import OPERATIONS as OF_THE_RECORD
from yba.site.operations import operations

__all__ = ["client"]

OPERATIONS = (*OF_THE_RECORD, *operations())
ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "src" / "yba" / "fhir" / "README.md"
TEXT = README.read_text(encoding="utf-8")
# A parameter of each kind, with a value it takes whatever the modifier.
ASKED = {
    "token": ("Condition", "code", "http://hl7.org/fhir/sid/icd-10|I10"),
    "string": ("Patient", "name", "duc"),
    "reference": ("Organization", "partof", "Organization/a"),
    "date": ("Patient", "birthdate", "1980"),
    "number": ("RiskAssessment", "probability", "0.5"),
    "quantity": ("Observation", "value-quantity", "5"),
    "uri": ("ValueSet", "url", "http://a.vn/vs"),
    "composite": ("Observation", "code-value-quantity", "a$5"),
    "special": ("Location", "near", "10.78|106.70"),
}
OWN_VALUES = {
    "missing": "true",
    "in": "http://hl7.org/fhir/ValueSet/administrative-gender",
    "not-in": "http://hl7.org/fhir/ValueSet/administrative-gender",
    "of-type": "http://terminology.hl7.org/CodeSystem/v2-0203|MR|1",
    "Organization": "a",
    "identifier": "http://a.vn|1",
}
MODIFIERS = (
    "missing", "exact", "contains", "text", "not", "in", "not-in", "above", "below", "of-type", "identifier",
    "Organization",
)  # fmt: skip


def rows(section: str) -> list[list[str]]:
    """The cells of every row of the tables in a section; a bar inside a cell is written ``\\|``."""
    part = re.search(rf"^## {re.escape(section)}.*?(?=^#+ |\Z)", TEXT, re.M | re.S)
    assert part is not None, section
    lines = [line for line in part[0].splitlines() if line.startswith(("| ", "|-"))]
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
        if not line.startswith("|-")
    ]


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_interactions_are_those_of_the_capability_statement(client: Client) -> None:
    named = {codes(row[0])[0] for row in rows("REST") if re.fullmatch(r"`[a-z-]+`", row[0])}
    rest = client("GET", "/metadata").json["rest"][0]
    offered = {one["code"] for one in rest["interaction"]}
    offered |= {one["code"] for kind in rest["resource"] for one in kind["interaction"]}
    assert named == offered | {"capabilities"}


def _places() -> Iterator[tuple[str, str]]:
    for one in OPERATIONS:
        if one.system:
            yield one.name, "system"
        for kind in sorted(one.types) if one.types is not None else [""]:
            levels = [("type", one.type_level), ("instance", one.instance)]
            yield from ((one.name, f"{kind} {level}".strip()) for level, there in levels if there)


def test_operations_and_their_places_are_those_that_are_called() -> None:
    named = [
        (codes(row[0])[0].removeprefix("$"), place)
        for row in rows("Operations")[1:]
        for place in row[1].split(", ")
    ]
    assert sorted(named) == sorted(_places())
    assert len(set(named)) == len(named)


def test_operations_that_are_not_offered_are_refused(client: Client) -> None:
    text = TEXT.partition("R4's other operations are not offered:")[2].partition(".\n")[0]
    names = re.findall(r"`\$([a-z-]+)`", text)
    assert len(names) > 20
    assert not set(names) & {one.name for one in OPERATIONS}
    answers = [client("POST", f"/${name}", {"resourceType": "Parameters"}) for name in names]
    assert {(one.status, one.key) for one in answers} == {(404, "operation.unknown")}
    assert client("GET", "/Group/g/$everything").key == "operation.place"


@pytest.mark.parametrize("kind", sorted(ASKED))
def test_a_kind_takes_the_modifiers_of_its_row_and_no_others(client: Client, kind: str) -> None:
    row = next(row for row in rows("Search") if row[0] == kind)
    named = {"Organization" if one == "[type]" else one for one in codes(row[1])}
    type_name, code, value = ASKED[kind]
    answered = set()
    for modifier in MODIFIERS:
        asked = OWN_VALUES.get(modifier, value)
        answer = client("GET", f"/{type_name}?{code}:{modifier}={asked}")
        if answer.status == 200:
            answered.add(modifier)
        else:
            assert (modifier, answer.status, answer.key) == (modifier, 400, "search.modifier")
    assert answered == named


def test_every_kind_of_parameter_has_a_row() -> None:
    from yba.fhir.search.kinds import KINDS

    assert {row[0] for row in rows("Search")} & KINDS == KINDS == set(ASKED)


def test_what_is_named_is_there() -> None:
    """Modules, folders and pages of the reading order, linked pages, and the tests of the rows."""
    order = TEXT.partition("## In what order to read it")[2].partition("\n# ")[0]
    for name in re.findall(r"`([a-z_/0-9]+(?:/|\.py|\.sql))`", order):
        assert any((README.parent / part / name).exists() for part in ("", "record", "model")), name
    for link in re.findall(r"\]\(([^)#:]+)\)", TEXT):
        assert (README.parent / link).exists(), link
    tests = set(re.findall(r"`((?:\.\./spec/)?test_\w+\.py)`", TEXT)) - {"test_live.py"}
    assert len(tests) > 40
    assert [name for name in tests if not (Path(__file__).parent / name).exists()] == []
    assert (ROOT / "tests" / "site" / "test_live.py").exists()


def test_every_package_says_in_what_order_to_read_it() -> None:
    order = TEXT.partition("## In what order to read it")[2].partition("\n# ")[0]
    named = {
        name.partition("/")[0] for name in re.findall(r"`([a-z_/0-9]+\.\w+|[a-z_/]+/)`", order) if "/" in name
    }
    packages = {README.parent / name for name in named - {"r4", "fhirpath"}} | {
        README.parent / "model/fhirpath"
    }
    assert {one.name for one in packages} >= {
        "access", "bulk", "bundle", "fhirpath", "model", "patch", "record", "rest", "search", "store",
        "subscriptions", "terminology", "validation", "views",
    }  # fmt: skip
    for package in packages:
        readme = package / "README.md"
        text = (readme if readme.exists() else package / "__init__.py").read_text(encoding="utf-8")
        for name in re.findall(r"`+([a-z_0-9]+\.(?:py|sql))`+", text):
            assert list(package.rglob(name)) or list((package / "..").rglob(name)), f"{package.name}: {name}"
        assert re.search(r"\w+\.py`", text), package.name
