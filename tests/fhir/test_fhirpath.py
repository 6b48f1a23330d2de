"""FHIRPath: what the published cases leave open, each with its exact result."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.work import calls
from yba.fhir.errors import Invalid, TooCostly
from yba.fhir.model import fhirpath, tree
from yba.fhir.model.fhirpath import equality, moments
from yba.fhir.model.fhirpath.units import product
from yba.fhir.model.fhirpath.values import Quantity
from yba.fhir.model.structures import structure

NOW = datetime(2026, 11, 22, 10, 30, 5, 123000, tzinfo=UTC)
PATIENT = tree.parse(
    """{"resourceType": "Patient", "id": "a", "birthDate": "1974-12-25", "active": true,
    "_birthDate": {"id": "b", "extension": [{"url": "http://x/time", "valueDateTime": "1974-12-25T14:35:45-05:00"}]},
    "name": [{"use": "official", "given": ["Đức", null], "_given": [null, {"extension": [{"url": "http://x/no"}]}]},
             {"given": ["An"], "family": "Nguyễn"}],
    "contact": [{"name": {"text": "Mẹ"}}], "deceasedBoolean": false,
    "managingOrganization": {"reference": "#o"}, "generalPractitioner": [{"reference": "Practitioner/1"}],
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Trạm y tế"}],
    "extension": [{"url": "http://x/weight", "valueQuantity":
        {"value": 3.10, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}}]}"""
)


def values(expression: str, resource: Any = PATIENT, **given: Any) -> list[Any]:
    return fhirpath.compile(expression).values(resource, now=NOW, **given)


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        # elements
        ("Patient.name.given", ["Đức", {"extension": [{"url": "http://x/no"}]}, "An"]),
        ("name.given.hasValue()", [False]),
        ("name.given.select(hasValue())", [True, False, True]),
        ("name.given[1].extension.url", ["http://x/no"]),
        ("birthDate.id | birthDate.extension.value", ["b", "1974-12-25T14:35:45-05:00"]),
        ("birthDate.extension('http://x/time').value is dateTime", [True]),
        ("deceased", [False]),
        ("deceasedBoolean", []),
        ("deceased is boolean and deceased.type().name = 'boolean'", [True]),
        ("contact.type().name", ["Patient.contact"]),
        ("contact is BackboneElement and Patient is DomainResource", [True]),
        ("active is System.Boolean", [False]),
        ("contained.name", ["Trạm y tế"]),
        ("managingOrganization.resolve().name", ["Trạm y tế"]),
        ("generalPractitioner.resolve()", []),
        ("name.family.getValue()", ["Nguyễn"]),
        ("contained.where(%resource.managingOrganization.reference = '#' + id).exists()", [True]),
        ("Encounter.name", []),
        ("descendants().where($this is Extension).url", ["http://x/weight", "http://x/time", "http://x/no"]),
        # quantities
        ("extension.value > 3 'kg'", [True]),
        ("extension.value = 3100 'g'", [True]),
        ("extension.value + 900 'g'", ["4.00 'kg'"]),
        ("extension.value * 2", ["6.20 'kg'"]),
        ("1 'cm' = 1 's'", []),
        ("1 year = 1 'a'", []),
        ("1 year ~ 1 'a'", [True]),
        ("1 year = 12 months", [True]),
        ("2 hours > 90 minutes", [True]),
        ("1 'kg'.toQuantity('g')", ["1000 'g'"]),
        ("1 year.toQuantity('day')", ["365 'd'"]),
        # dates
        ("birthDate + 18 years", ["1992-12-25"]),
        ("@2024-02-29 + 1 year", ["2025-02-28"]),
        ("@2024-01-31 + 1 month", ["2024-02-29"]),
        ("@2014 + 25 months", ["2016"]),
        ("@2024-03-01 - 1 day", ["2024-02-29"]),
        ("@2024-12-31T23:59:59.5Z + 1 second", ["2025-01-01T00:00:00.500Z"]),
        ("@T23:30 + 45 minutes", ["00:15"]),
        ("@T10:00 + 86400000000000 seconds", ["10:00"]),
        ("@9999 + 1 year", []),
        ("@2012-01 = @2012", []),
        ("@2012-01 ~ @2012", [False]),
        ("@2012-01-01T10:00Z < @2012-01-03T10:00", [True]),
        ("@2012-01-01T10:00Z < @2012-01-01T12:00", []),
        ("@2017-11-05T01:30:00.0-04:00 = @2017-11-05T00:30:00.0-05:00", [True]),
        ("now().toString()", ["2026-11-22T10:30:05.123+00:00"]),
        ("today()", ["2026-11-22"]),
        ("timeOfDay()", ["10:30:05.123"]),
        # numbers
        ("1 / 3", [Decimal("0.3333333333333333333333333333")]),
        ("7 div -2 | 7 mod -2 | -7 mod 2", [-3, 1, -1]),
        ("2.5.round() | (-2.5).round()", [Decimal("3"), Decimal("-3")]),
        ("2.power(0.5).round(3)", [Decimal("1.414")]),
        ("9223372036854775807 + 1", []),
        ("10.power(1000)", []),
        ("0.1 + 0.2 = 0.3", [True]),
        ("3.10", [Decimal("3.10")]),
        # all digits stay
        (
            "-(12345678901234567890.12345678901234567890)",
            [Decimal("-12345678901234567890.12345678901234567890")],
        ),
        ("(-12345678901234567890.12345678901234567890).abs().round(1)", [Decimal("12345678901234567890.1")]),
        ("12345678901234567890.123456789012345 ~ 12345678901234567890.12", [True]),
        # text
        ("'A B' ~ 'a   b'", [True]),
        ("'abcdefg'.substring(3, -1)", [""]),
        ("'abcdefg'.substring(7)", []),
        ("'a1b2'.replaceMatches('[0-9]', '<$0>')", ["a<1>b<2>"]),
        ("'\\u0110ức'.lower()", ["đức"]),
        ("'\\ud83d\\ude00'.length() | '\\ud83d'.encode('hex')", [1, "efbfbd"]),
        ("name.given.join(',')", ["Đức,An"]),
        ("name.given.where(startsWith('A'))", ["An"]),
        ("'x' & {} & 'y'", ["xy"]),
        # collections
        ("(1 | 2) = (2 | 1)", [False]),
        ("(1 | 2) ~ (2 | 1)", [True]),
        ("(1 | 2 | 3).sort(-$this)", [3, 2, 1]),
        ("('a' | 'c' | 'b').sort($this desc)", ["c", "b", "a"]),
        ("(1 | 2 | 3).aggregate($total + $this, 10)", [16]),
        ("iif(false, 1)", []),
        ("name.select(coalesce(family, given.first()))", ["Đức", "Nguyễn"]),
        ("name.select($index)", [0, 1]),
        (
            "name.select(defineVariable('n').given.first().select(%n.use & ':' & $this))",
            ["official:Đức", ":An"],
        ),
        ("{}.exists() | {}.all(false)", [False, True]),
        ("(@2024-01-01T00:00Z | @2024-01-01T07:00+07:00 | @2024-01-01 | @2024).count()", [3]),
        ("(name | Patient.name | contact.name).count()", [3]),
        # variables
        ("%ucum & ' ' & %`vs-x`", ["http://unitsofmeasure.org http://hl7.org/fhir/ValueSet/x"]),
        ("%resource.id & %context.id & %rootResource.id", ["aaa"]),
    ],
)
def test_result(expression: str, result: list[Any]) -> None:
    assert values(expression) == result


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 +", "column 4: a value is expected, but the expression ends."),
        ("name.(", "column 6: a name is expected, not '('."),
        ("'abc", "column 1: a quoted text without its end cannot be read."),
        ("@2015-02-30", "column 1: there is no such date or time as @2015-02-30."),
        ("name.frist()", "column 6: there is no function frist()."),
        ("name.first(1)", "column 6: first() takes no arguments."),
        ("active is Bool", "column 8: there is no type Bool."),
        ("(" * 500 + "1" + ")" * 500, "column 121: it is nested too deep."),
    ],
)
def test_what_cannot_be_compiled(expression: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        fhirpath.compile(expression)
    assert caught.value.message == f"The FHIRPath expression, {message}"


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("name.given & 'x'", "'&' takes one item, not 3."),
        ("1 < 'a'", "an Integer and a String cannot be put in order."),
        ("active + 1", "'+' cannot join a Boolean and an Integer."),
        ("birthDate + 1 'cm'", "a date is not moved by 'cm', only by a time such as 3 months or 3 'd'."),
        ("name.matches('a')", "matches() takes one item, not 2."),
        ("contact.matches('a')", "matches() takes a string, not a BackboneElement."),
        ("%nothing", "there is no %nothing here."),
        ("'a'.matches('(')", "'(' is no regular expression: missing ) at position 1."),
        (".".join(["name"] * 900), "it is nested too deep."),
    ],
)
def test_what_cannot_be_evaluated(expression: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        values(expression)
    assert caught.value.message.endswith(message)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("Patient.deceasedBoolean", "column 9: Patient has no deceasedBoolean."),
        ("Encounter.id", "column 1: Patient has no Encounter."),
        ("(deceased as dateTime).text", "column 24: dateTime has no text."),
        ("name.where(giben = 'x')", "column 12: HumanName has no giben."),
        ("name.startsWith('x')", "column 6: startsWith() takes a string, not a HumanName."),
        ("children().first()", "column 12: first() needs an order, and what it is asked of has none."),
    ],
)
def test_what_does_not_fit_the_type(expression: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        fhirpath.compile(expression).check("Patient", ordered=True)
    assert caught.value.message == f"The FHIRPath expression, {message}"


def test_what_does_not_end_is_too_costly() -> None:
    with pytest.raises(TooCostly):
        values("1.repeat($this + 1)")
    with pytest.raises(TooCostly):
        values(f"'{'a' * 60}!'.matches('^(a|aa)+$')")


@pytest.mark.parametrize(
    "expression",
    [
        "'a'" + ".replace('a', 'aaaaaaaaaa')" * 9,
        "'a'" + ".replaceMatches('a', 'aaaaaaaaaa')" * 9,
        f"({' | '.join(map(str, range(40)))}).aggregate($total & $total, 'ab')",
        f"({' | '.join(map(str, range(40)))}).aggregate($total + $total, 'ab')",
        f"({' | '.join(map(str, range(60)))}).aggregate($total.encode('hex'), 'ab')",
        f"({' | '.join(map(str, range(60)))}).aggregate($total.combine($total), 'ab')",
        f"({' | '.join(map(str, range(60)))}).aggregate($total.select($this & $this), 'ab')",
    ],
)
def test_what_grows_without_end_is_too_costly(expression: str) -> None:
    with pytest.raises(TooCostly):
        values(expression)


def test_names_in_double_quotes_as_fhir_r4_writes_them() -> None:
    assert values('%"vs-administrative-gender"') == ["http://hl7.org/fhir/ValueSet/administrative-gender"]
    assert values('%"ext-patient-birthTime"') == ["http://hl7.org/fhir/StructureDefinition/patient-birthTime"]


@pytest.mark.parametrize(
    ("expression", "same"),
    [("1.25 ~ 1.3", True), ("1.25 ~ 1.2", False), ("0.5 ~ 1", True), ("(-1.25) ~ (-1.3)", True)],
)
def test_equivalence_rounds_a_half_up_as_round_does(expression: str, same: bool) -> None:
    assert values(expression) == [same]


def test_references_within_a_bundle_are_found_in_linear_time() -> None:
    def resolved(many: int) -> None:
        entries = [
            {
                "fullUrl": f"http://record.test/fhir/Patient/{number}",
                "resource": {
                    "resourceType": "Patient",
                    "id": str(number),
                    "link": [{"other": {"reference": f"Patient/{many - 1 - number}"}, "type": "seealso"}],
                },
            }
            for number in range(many)
        ]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        found = values("Bundle.entry.resource.link.other.resolve().id", bundle)
        assert found == [str(many - 1 - number) for number in range(many)]

    assert calls(lambda: resolved(2000)) < 2.2 * calls(lambda: resolved(1000))


def test_the_time_must_be_given() -> None:
    with pytest.raises(Invalid, match="none was given"):
        fhirpath.compile("now()").evaluate(PATIENT)


def test_references_are_resolved_in_the_bundle_and_outside() -> None:
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Organization", "id": "o", "name": "A"}},
            {"resource": {"resourceType": "Patient", "managingOrganization": {"reference": "urn:uuid:1"}}},
            {
                "resource": {
                    "resourceType": "Patient",
                    "managingOrganization": {"reference": "Organization/9"},
                }
            },
        ],
    }
    outside = {"Organization/9": {"resourceType": "Organization", "name": "B"}}
    found = values(
        "Bundle.entry.resource.ofType(Patient).managingOrganization.resolve().name",
        bundle,
        resolve=outside.get,
    )
    assert found == ["A", "B"]


def test_an_element_by_its_type_and_its_resource() -> None:
    contact = PATIENT["contact"][0]
    given: dict[str, Any] = {"type_name": "Patient.contact", "environment": {"resource": PATIENT}}
    assert values("name.text & %resource.id", contact, **given) == ["Mẹa"]
    assert fhirpath.compile("name.exists() or telecom.exists()").true(contact, **given) is True
    assert fhirpath.compile("telecom.use").true(contact, **given) is None


def test_an_element_found_knows_its_resource() -> None:
    (name,) = fhirpath.compile("contained.name").evaluate(PATIENT)
    assert values("%resource.id & ' ' & %rootResource.id & ' ' & %context", name) == ["o a Trạm y tế"]
    assert name.path() == "Patient.contained[0].name"


def test_codes_are_asked_of_terminology() -> None:
    class Terminology:
        def member(self, value_set: str, system: str | None, code: str) -> bool | None:
            return {"http://x/vs": code == "male"}.get(value_set)

        def subsumes(self, system: str, one: str, other: str) -> str | None:
            return "subsumes" if (one, other) == ("a", "b") else "not-subsumed"

    patient = {"resourceType": "Patient", "gender": "male"}
    assert values("gender.memberOf('http://x/vs')", patient, terminology=Terminology()) == [True]
    assert values("gender.memberOf('http://x/other')", patient, terminology=Terminology()) == []
    assert values("gender.memberOf('http://x/vs')", patient) == []
    coding = {
        "resourceType": "Basic",
        "code": {"coding": [{"system": "s", "code": "a"}, {"system": "s", "code": "b"}]},
    }
    asked = "code.coding.first().subsumes(code.coding.last())"
    assert values(asked, coding, terminology=Terminology()) == [True]
    assert values(asked.replace("subsumes(", "subsumedBy("), coding, terminology=Terminology()) == [False]


def test_every_invariant_of_r4_compiles() -> None:
    from importlib import resources

    count = 0
    for file in resources.files("yba.fhir.r4").joinpath("structures").iterdir():
        known = structure(file.name.removesuffix(".json"))
        for element in known.elements if known else ():
            for constraint in element.constraints:
                if constraint.expression:
                    fhirpath.compile(constraint.expression)
                    count += 1
    assert count > 900


def test_narrative() -> None:
    def narrative(div: str) -> list[Any]:
        return values(
            "text.div.htmlChecks()", {"resourceType": "Basic", "text": {"status": "generated", "div": div}}
        )

    opened = '<div xmlns="http://www.w3.org/1999/xhtml">'
    assert narrative(opened + "<p>a <b>c</b></p></div>") == [True]
    assert narrative(opened + "<script>a</script></div>") == [False]
    assert narrative(opened + '<p onclick="a">b</p></div>') == [False]
    assert narrative(opened + '<a href="javascript:a()">b</a></div>') == [False]
    assert narrative(opened + " </div>") == [False]
    assert narrative("<div>a</div>") == [False]
    assert narrative('<!DOCTYPE d [<!ENTITY a "b">]>' + opened + "&a;</div>") == [False]


PARTS = st.builds(
    lambda moment, count: moment.isoformat(timespec="milliseconds")[: (4, 7, 10, 16, 19, 23)[count]],
    st.datetimes(),
    st.integers(0, 5),
)


@given(PARTS)
def test_a_date_time_is_written_as_it_was_read(text: str) -> None:
    read = moments.read_date_time(text)
    assert read is not None
    assert str(read) == text


@given(PARTS, PARTS)
def test_order_turns_round(one: str, other: str) -> None:
    left, right = moments.read_date_time(one), moments.read_date_time(other)
    assert left is not None
    assert right is not None
    there, back = moments.compare(left, right), moments.compare(right, left)
    assert back == (None if there is None else -there)
    if there is not None:
        ours, theirs = (text + ".000" if len(text) == 19 else text for text in (one, other))
        assert there == (ours > theirs) - (ours < theirs)


@given(st.dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1)), st.integers(-10000, 10000))
def test_days_added_are_days_taken_away(day: date, days: int) -> None:
    start = moments.read_date_time(f"{day}T10:30:00.000")
    assert start is not None
    later = moments.plus(start, Decimal(days), "day")
    assert later is not None
    assert str(moments.plus(later, Decimal(-days), "day")) == str(start)


@given(st.decimals(-1000, 1000, places=3), st.sampled_from(["m", "g", "1"]))
def test_a_product_with_one_is_the_same(value: Decimal, unit: str) -> None:
    assert product(Quantity(value, unit), Quantity(Decimal(1), "1")) == Quantity(value, unit)


@given(st.text(max_size=40))
def test_any_text_compiles_or_is_refused(text: str) -> None:
    with suppress(Invalid):
        fhirpath.compile.__wrapped__(text)


@pytest.mark.parametrize("again", ["repeat", "repeatAll"])
def test_texts_that_grow_with_each_round_are_refused(again: str) -> None:
    with pytest.raises(TooCostly):
        fhirpath.compile(f"name.{again}($this & 'a')").evaluate(
            {"resourceType": "Organization", "name": "a" * 3000}
        )


def _components(count: int, unit: str = "mg", start: int = 0) -> dict[str, Any]:
    measured = [
        {
            "valueQuantity": {
                "value": Decimal(start + one),
                "code": unit,
                "system": "http://unitsofmeasure.org",
            }
        }
        for one in range(count)
    ]
    return {"resourceType": "Observation", "component": measured}


def test_quantities_are_told_apart_in_linear_time() -> None:
    """None is held against each of the others: twice as many are twice the work, not four times."""

    def told_apart(many: int) -> None:
        measured = _components(many)
        assert values("component.value.distinct().count()", measured) == [many]
        assert values("(component.value | component.value).count()", measured) == [many]
        assert values("component.value.isDistinct()", measured) == [True]

    assert calls(lambda: told_apart(2000)) < 2.2 * calls(lambda: told_apart(1000))


@pytest.mark.parametrize(
    ("items", "count"),
    [
        ("1 'g' | 1000 'mg' | 0.001 'kg'", 1),
        ("1 'g' | 1.0 'g' | 1 'mg'", 2),
        ("1 year | 12 months", 1),
        ("1 year | 1 'a'", 2),
        ("7 days | 1 week | 7 'd'", 1),
        ("1 'no-unit' | 1.0 'no-unit' | 2 'no-unit'", 2),
        ("100 '%' | 1 '1'", 1),
    ],
)
def test_equal_quantities_are_one(items: str, count: int) -> None:
    assert values(f"({items}).count()") == [count]


@pytest.mark.parametrize(
    ("expression", "held"),
    [
        ("1 in (1 'g' | 1 '1')", True), ("1 in (1 'g' | 2 '1')", False), ("1000 'mg' in (1 'g')", True),
        ("(1 'g' | 2 'g').intersect(2000 'mg').count() = 1", True), ("(1 | 2 'g') contains 1", True),
    ],
)  # fmt: skip
def test_a_quantity_among_others(expression: str, held: bool) -> None:
    assert values(expression) == [held]


@pytest.mark.parametrize(
    ("expression", "held"),
    [
        ("('a' | 'B').combine('a') ~ ('A' | 'b').combine('b')", False),
        ("('a' | 'B  c') ~ ('b C' | 'A')", True),
        ("(1 | 'a') ~ ('A' | 1.0)", True),
        ("name.given ~ name.given", True),
    ],
)
def test_equivalent_in_any_order(expression: str, held: bool) -> None:
    assert values(expression) == [held]


def test_equivalence_of_many_elements_is_too_costly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements in the other order are held against each other one by one."""

    def held_against(many: int) -> None:
        other = {**_components(many), "component": _components(many)["component"][::-1]}
        both = {"resourceType": "Bundle", "entry": [{"resource": _components(many)}, {"resource": other}]}
        with pytest.raises(TooCostly, match="pairs"):
            values("entry[0].resource.component.value ~ entry[1].resource.component.value", both)

    # Refused at the same number of pairs, however many more there would be: what grows is but the building of both.
    held_against(3000)
    monkeypatch.setattr(equality, "MOST_PAIRS", 2000)
    assert calls(lambda: held_against(800)) < 2.2 * calls(lambda: held_against(400))
    names = [f"{number}" for number in range(20_000)]
    many = {"resourceType": "Patient", "name": [{"given": names}, {"given": names[::-1]}]}
    assert values("name[0].given ~ name[1].given", many) == [True]


def test_evaluations_share_a_budget() -> None:
    expression = fhirpath.compile("(1 | 2 | 3).where($this > 0).count()")
    one = fhirpath.Budget()
    assert expression.values(PATIENT, budget=one) == [3]
    cost = one.steps - one.left
    assert cost > 0
    budget = fhirpath.Budget(3 * cost)
    for _ in range(3):
        assert expression.values(PATIENT, budget=budget) == [3]
    with pytest.raises(TooCostly, match=f"more than {3 * cost} steps together"):
        expression.evaluate(PATIENT, budget=budget)


def test_what_a_single_evaluation_may_take_of_a_budget() -> None:
    budget = fhirpath.Budget(1000, each=100)
    with pytest.raises(TooCostly, match="more than 100 steps"):
        fhirpath.compile("(1|2|3|4|5|6|7|8|9).repeat($this + 1)").evaluate(PATIENT, budget=budget)
    assert 0 < budget.left < 1000
