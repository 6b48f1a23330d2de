"""Expressions of views on both databases: what each gives, exactly."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.fhir.view_engines import ENGINES, rows_of
from yba.fhir.errors import Invalid, RecordError

PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "birthDate": "1970-06",
    "_birthDate": {"extension": [{"url": "http://x/estimated", "valueBoolean": True}]},
    "name": [
        {"use": "official", "family": "Nguyễn", "given": ["Văn", "An"]},
        {"use": "usual", "given": ["Tí"]},
    ],
    "telecom": [{"system": "phone", "value": "1", "rank": 1}, {"system": "email", "value": "a@b"}],
    "multipleBirthInteger": 2,
    "managingOrganization": {"reference": "Organization/o1"},
    "generalPractitioner": [
        {"reference": "Practitioner/d1/_history/3"},
        {"reference": "http://other/fhir/Practitioner/d2"},
        {"reference": "#contained"},
    ],
    "extension": [{"url": "http://x/weight", "valueDecimal": Decimal("3.10")}],
    "contained": [{"resourceType": "Practitioner", "id": "contained", "name": [{"family": "Lê"}]}],
    "maritalStatus": {"coding": [{"system": "s", "code": "M"}]},
}

GIVES: list[tuple[str, Any]] = [
    # elements, lists
    ("id", "p1"),
    ("Patient.id", "p1"),
    ("name.given.count()", 3),
    ("name.given.first()", "Văn"),
    ("name.given.last()", "Tí"),
    ("name.given[1]", "An"),
    ("name.given[7]", None),
    ("name.given[-1]", None),
    ("name.given[1 - 3]", None),
    ("name.given[2 - 1]", "An"),
    ("name.given[99999999999]", None),
    ("name.given.skip(99999999999).count()", 0),
    ("name.given.take(99999999999).count()", 3),
    ("name.given.skip(-1).count()", 3),
    ("name.given.take(-1).count()", 0),
    ("name.given.take(0).count()", 0),
    ("name.given.tail().first()", "An"),
    ("name.given.skip(2).first()", "Tí"),
    ("name.given.take(2).join('-')", "Văn-An"),
    ("name.skip(0).take(1).given.count()", 2),
    ("name.where(use = 'usual').given.single()", "Tí"),
    ("name.where(use = 'none').given.first()", None),
    ("name.select(given.first()).join(',')", "Văn,Tí"),
    ("name.select(given).count()", 3),
    ("name.exists()", True),
    ("name.exists(use = 'old')", False),
    ("name.all(given.exists())", True),
    ("name.all(family.exists())", False),
    ("photo.empty()", True),
    ("meta.profile.exists()", False),
    ("meta.tag.code.empty()", True),
    ("meta.tag.where(code = 'x').count()", 0),
    ("meta.versionId.exists()", False),
    ("deceased.extension.exists()", False),
    ("photo.all(false)", True),
    ("name.use.distinct().count()", 2),
    ("(name.use | telecom.system).count()", 4),
    ("(name.use | name.use).count()", 2),
    ("name.use.combine(name.use).count()", 4),
    ("name.use.isDistinct()", True),
    ("name.use.intersect('usual').join('')", "usual"),
    ("name.use.exclude('usual').join('')", "official"),
    ("('a' | 'b' | 'a').join('')", "ab"),
    ("{}", None),
    ("{}.exists()", False),
    ("{}.combine(3).first() + 1", 4),
    ("(3 | {}).first() + 1", 4),
    ("(name.use | 'x').count()", 3),
    ("(telecom.rank | 'x').count()", 2),
    ("(telecom.rank | 'x').last() = 'x'", True),
    # choices, extensions, keys
    ("multipleBirth.ofType(integer)", 2),
    ("multipleBirth.ofType(boolean)", None),
    ("(multipleBirth as integer) + 1", 3),
    ("multipleBirth.as(integer)", 2),
    ("multipleBirth is integer", True),
    ("multipleBirth is boolean", False),
    ("multipleBirth.is(integer)", True),
    ("deceased.exists()", False),
    ("gender is string", None),
    ("name.use.first() is string", True),
    ("name.use.first().ofType(string)", None),
    ("name.use.first().ofType(code)", "official"),
    ("name.first().ofType(Element).exists()", True),
    ("deceased is boolean", None),
    ("multipleBirth.exists()", True),
    ("multipleBirth = 2", True),
    ("extension('http://x/weight').value.ofType(decimal)", Decimal("3.10")),
    ("extension.where(url = 'http://x/weight').value.ofType(decimal).first()", Decimal("3.10")),
    ("extension('http://x/none').value.ofType(decimal)", None),
    ("birthDate.extension('http://x/estimated').value.ofType(boolean)", True),
    ("getResourceKey()", "p1"),
    ("managingOrganization.getReferenceKey()", "o1"),
    ("managingOrganization.getReferenceKey(Organization)", "o1"),
    ("managingOrganization.getReferenceKey(Patient)", None),
    ("generalPractitioner.getReferenceKey().join(',')", "d1"),
    ("contained.ofType(Practitioner).name.family", "Lê"),
    ("contained.where(id = 'contained').name.family.first()", "Lê"),
    ("maritalStatus.coding.where(system = 's' and code = 'M').exists()", True),
    # equality and order
    ("name.use = 'official'", False),
    ("name.use[0] = 'official'", True),
    ("name.use[0] != 'official'", False),
    ("name.use = name.use", True),
    ("photo.title = 'x'", None),
    ("id = 1", False),
    ("active = true", True),
    ("'Abc ' ~ 'abc'", True),
    ("{} ~ {}", True),
    ("birthDate = @1970-06", True),
    ("birthDate = @1970", None),
    ("birthDate < @1971", True),
    ("birthDate <= @1970-06-15", None),
    ("birthDate > @1969-12-31", True),
    ("@2020-01-01T00:00:00Z = @2020-01-01T07:00:00+07:00", True),
    ("@T10:00:00 < @T10:00:00.5", True),
    ("'a' < 'B'", False),
    ("telecom.rank < 2", True),
    ("'phone' in telecom.system", True),
    ("telecom.system contains 'fax'", False),
    # logic of three values
    ("deceased.ofType(boolean) and false", False),
    ("deceased.ofType(boolean) and true", None),
    ("deceased.ofType(boolean) or true", True),
    ("deceased.ofType(boolean) or false", None),
    ("deceased.ofType(boolean) implies true", True),
    ("false implies deceased.ofType(boolean)", True),
    ("true xor active", False),
    ("deceased.ofType(boolean).not()", None),
    ("active.not()", False),
    ("id and active", True),
    ("(active | true).allTrue()", True),
    ("name.select(use = 'usual').anyTrue()", True),
    ("name.select(use = 'usual').allFalse()", False),
    # numbers
    ("1 + 2 * 3", 7),
    ("-(1 - 3)", 2),
    ("7 div 2", 3),
    ("7 mod 2", 1),
    ("7 / 2", Decimal("3.5")),
    ("1 / 0", None),
    ("1.5 * 2.25", Decimal("3.375")),
    ("0.1 + 0.2", Decimal("0.3")),
    ("(0.1 + 0.2) = 0.3", True),
    ("1 = 1.0", True),
    ("(-5).abs()", 5),
    ("1.2.ceiling()", 2),
    ("(-1.2).truncate()", -1),
    ("1.25.round(1)", Decimal("1.3")),
    ("9.sqrt()", 3),
    ("2.power(3)", 8),
    ("1.587.lowBoundary(2)", Decimal("1.58")),
    ("1.587.highBoundary()", Decimal("1.5875")),
    ("1.lowBoundary()", Decimal("0.5")),
    ("extension('http://x/weight').value.ofType(decimal).highBoundary()", Decimal("3.105")),
    # dates
    ("birthDate.lowBoundary()", "1970-06-01"),
    ("birthDate.highBoundary()", "1970-06-30"),
    ("@2010-10-10T10:00:00Z.highBoundary()", "2010-10-10T10:00:00.999Z"),
    ("@2012-02.highBoundary()", "2012-02-29"),
    ("@T12:34.lowBoundary()", "12:34:00.000"),
    # texts
    ("'a' + 'b'", "ab"),
    ("'a' & photo.title", "a"),
    ("'a' + photo.title", None),
    ("name.family.upper()", "NGUYỄN"),
    ("name.family.length()", 6),
    ("name.family.startsWith('Ng')", True),
    ("name.family.endsWith('ễn')", True),
    ("name.family.contains('guy')", True),
    ("name.family.indexOf('uy')", 2),
    ("name.family.indexOf('x')", -1),
    ("name.family.substring(2)", "uyễn"),
    ("name.family.substring(0, 2)", "Ng"),
    ("name.family.substring(9)", None),
    ("name.family.replace('N', 'M')", "Mguyễn"),
    ("name.family.matches('^N.*n$')", True),
    ("'2020-01'.replaceMatches('([0-9]+)-([0-9]+)', '$2/$1')", "01/2020"),
    ("' a '.trim()", "a"),
    ("'a,b'.split(',').count()", 2),
    ("'12'.toInteger() + 1", 13),
    ("'x'.toInteger()", None),
    ("'1.50'.toDecimal()", Decimal("1.50")),
    ("multipleBirth.ofType(integer).toString()", "2"),
    ("'yes'.toBoolean()", True),
    ("iif(active, 'yes', 'no')", "yes"),
    ("iif(photo.exists(), 'yes')", None),
    (r"'a\'b\\c\u0041%s{}'", "a'b\\cA%s{}"),
    ("%resource.id", "p1"),
    ("%context.id", "p1"),
    ("name.given.where($this = 'An').exists()", True),
    ("`id`", "p1"),
    ("%loinc", "http://loinc.org"),
]


def view_of(path: str, **more: Any) -> dict[str, Any]:
    return {"resource": "Patient", "select": [{"column": [{"name": "v", "path": path, **more}]}]}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("path", "expected"), GIVES, ids=[path for path, _ in GIVES])
def test_an_expression_gives(
    connection: psycopg.Connection[Any], engine: str, path: str, expected: Any
) -> None:
    assert rows_of(engine, connection, view_of(path), [PATIENT]) == [{"v": expected}]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", ["name.given", "name.use < 'a'", "name.use.single()", "telecom.value + 'x'"])
def test_several_values_where_one_is_expected_are_an_error(
    connection: psycopg.Connection[Any], engine: str, path: str
) -> None:
    with pytest.raises(RecordError, match="several values"):
        rows_of(engine, connection, view_of(path), [PATIENT])


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("nmae", "Patient has no element 'nmae'"),
        ("name.famly", "HumanName has no element 'famly'"),
        ("id.x", "has no element 'x'"),
        ("name.where(", "cannot be read"),
        ("foo()", r"foo\(\) is not offered"),
        ("name.first(1)", "takes 0 arguments"),
        ("value.ofType(Quantit)", "no element 'value'"),
        ("multipleBirth.ofType(Quantit)", "not a type of FHIR R4"),
        ("%none", "not defined"),
        ("name + 1", "needs a number"),
        ("birthDate < 3", "cannot compare"),
        ("name.getReferenceKey()", "asked of a Reference"),
        ("name.getResourceKey()", "root of the resource"),
        ("'a'.matches('(')", "no regular expression"),
        ("'a'.matches({})", "regular expression"),
        ("birthDate.lowBoundary(5)", "precision"),
        ("4 'mg'", "quantities"),
        ("now()", "not offered"),
    ],
)
def test_a_bad_expression_is_refused_with_its_place(path: str, says: str) -> None:
    from yba.fhir.views import definition, rows
    from yba.fhir.views.postgres import Postgres

    with pytest.raises(RecordError, match=says) as refusal:
        rows.compiled(definition.read(view_of(path)), Postgres(), "t")
    assert refusal.value.path == "ViewDefinition.select[0].column[0].path"
    assert isinstance(refusal.value, Invalid) or "offered" in refusal.value.message


TOO_MUCH = [
    "(" * 500 + "id" + ")" * 500,
    "-" * 3000 + "1",
    " and ".join(["active"] * 600),
    "id" + ".substring(0)" * 250,
    "name" + ".first()" * 480,
    "iif(active," * 300 + "1" + ")" * 300,
]


@pytest.mark.parametrize("path", TOO_MUCH, ids=[path[:20] for path in TOO_MUCH])
@pytest.mark.parametrize("engine", ENGINES)
def test_too_large_an_expression_is_refused_or_answered(
    connection: psycopg.Connection[Any], engine: str, path: str
) -> None:
    with contextlib.suppress(RecordError):
        assert len(rows_of(engine, connection, view_of(path), [PATIENT])) == 1


@pytest.mark.parametrize(
    "path", ["$this", "%resource.contact", "iif(true, $this)", "(item | $this)", "where(true)", "%context"]
)
def test_a_repeat_that_never_ends_is_refused(path: str) -> None:
    from yba.fhir.views import definition

    select = [{"repeat": [path], "column": [{"name": "v", "path": "linkId"}]}]
    with pytest.raises(RecordError, match="must lead down") as refusal:
        definition.read({"resource": "Questionnaire", "select": select})
    assert refusal.value.path == "ViewDefinition.select[0].repeat[0]"


ANSWERS = {
    "resourceType": "QuestionnaireResponse", "id": "r", "status": "completed",
    "item": [
        {"linkId": "1", "item": [{"linkId": "1.1", "answer": [{"valueString": "a", "item": [{"linkId": "1.1.1"}]}]}]},
        {"linkId": "2", "answer": [{"valueString": "b"}, {"valueString": "c"}]},
    ],
}  # fmt: skip
LINK = [{"name": "link", "path": "linkId"}, {"name": "n", "path": "%rowIndex"}]
BELOW = [{"repeat": ["item"], "column": [{"name": "b", "path": "linkId"}]}]
ANSWER = [{"name": "answer", "path": "value.ofType(string)"}]
REPEATS: list[tuple[list[dict[str, Any]], list[tuple[Any, ...]]]] = [
    ([{"repeat": ["item"], "column": LINK}], [("1", 0), ("1.1", 1), ("2", 2)]),
    (
        [{"repeat": ["item", "answer.item"], "column": LINK}],
        [("1", 0), ("1.1", 1), ("1.1.1", 2), ("2", 3)],
    ),
    (
        [{"repeat": ["item", "answer"], "column": [{"name": "v", "path": "$this.exists()"}]}],
        [(True,)] * 7,
    ),
    (
        [{"repeat": ["item"], "column": LINK, "select": [{"forEach": "answer", "column": ANSWER}]}],
        [("1.1", 1, "a"), ("2", 2, "b"), ("2", 2, "c")],
    ),
    (
        [{"forEach": "item", "column": LINK, "select": BELOW}],
        [("1", 0, "1.1")],
    ),
    (
        [{"forEachOrNull": "item.where(linkId = '3')", "column": LINK, "select": BELOW}],
        [(None, 0, None)],
    ),
    ([{"repeat": ["item.where(linkId != '1.1')"], "column": LINK}], [("1", 0), ("2", 1)]),
]  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("select", "expected"), REPEATS)
def test_repeat(
    connection: psycopg.Connection[Any], engine: str, select: Any, expected: list[tuple[Any, ...]]
) -> None:
    rows = rows_of(engine, connection, {"resource": "QuestionnaireResponse", "select": select}, [ANSWERS])
    assert [tuple(row.values()) for row in rows] == expected
