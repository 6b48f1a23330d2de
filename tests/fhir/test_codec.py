"""The codec keeps everything it accepts, and says clearly what it refuses."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import CodeableConcept, Element, Extension, HumanName, Quantity
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient

P = '{"resourceType":"Patient",'
O = '{"resourceType":"Observation","status":"final","code":{"text":"a"},'  # noqa: E741
EXTENSION = '{"extension":[{"url":"http://e.x","valueString":"x"}]}'


def nested(levels: int) -> str:
    return '{"url":"http://e.x","extension":[' * levels + '{"url":"u","valueString":"x"}' + "]}" * levels


REFUSED = [
    ("", "codec.no-body", "The body is empty; expected a resource in JSON."),
    (" \n", "codec.no-body", "The body is empty; expected a resource in JSON."),
    ("[]", "codec.not-an-object", "The body: expected a resource, an object, found an array."),
    ("null", "codec.not-an-object", "The body: expected a resource, an object, found null."),
    ("12", "codec.not-an-object", "The body: expected a resource, an object, found a number."),
    ("{}", "codec.no-type", "The resource has no resourceType."),
    ('{"resourceType":5}', "codec.no-type", "resourceType must be text."),
    ('{"resourceType":"Foo"}', "codec.unknown-type", "resourceType: Foo is not a resource type of FHIR R4."),
    (
        "\ufeff" + P + '"id":"a"}',
        "codec.bom",
        "The body starts with a byte order mark; send UTF-8 without it.",
    ),
    (P, "codec.malformed", "The JSON is malformed at line 1, column 27: it ends too early."),
    (
        P + '\n"name":[{"text":x}]}',
        "codec.malformed",
        "The JSON is malformed at line 2, column 17: invalid character.",
    ),
    (
        P + '"id":"a"} x',
        "codec.malformed",
        "The JSON is malformed at line 1, column 38: trailing characters.",
    ),
    (P + '"foo":1}', "codec.unknown-element", "Patient.foo is not an element of Patient."),
    (
        P + '"name":[{"foo":1}]}',
        "codec.unknown-element",
        "Patient.name[0].foo is not an element of HumanName.",
    ),
    (P + '"name":{"text":"a"}}', "codec.wrong-type", "Patient.name: expected an array, found an object."),
    (P + '"name":["a"]}', "codec.wrong-type", "Patient.name[0]: expected an object, found text."),
    (P + '"active":"true"}', "codec.wrong-type", "Patient.active: expected true or false, found text."),
    (P + '"birthDate":1990}', "codec.wrong-type", "Patient.birthDate: expected text, found a number."),
    (P + '"name":[]}', "codec.empty", "Patient.name: an array must not be empty."),
    (P + '"name":[{}]}', "codec.empty", "Patient.name[0]: an object must not be empty."),
    (P + '"name":[{ }]}', "codec.empty", "Patient.name[0]: an object must not be empty."),
    (P + '"name":null}', "codec.null", "Patient.name: null is not a value; leave the element out."),
    (P + '"birthDate":null}', "codec.null", "Patient.birthDate: null is not a value; leave the element out."),
    (P + '"active":true,"active":true}', "codec.duplicate", "Patient.active is given twice."),
    (P + '"id":"a","i\\u0064":"b"}', "codec.duplicate", "Patient.id is given twice."),
    (
        '{"resourceType":"Patient","resourceType":"Patient"}',
        "codec.duplicate",
        "Patient.resourceType is given twice.",
    ),
    (
        P + '"birthDate":"2023-02-29"}',
        "codec.bad-value",
        "Patient.birthDate is not a date that exists, written YYYY-MM-DD, YYYY-MM or YYYY.",
    ),
    (P + '"id":"a b"}', "codec.bad-value", "Patient.id is not an id: 1 to 64 letters, digits, '-' and '.'."),
    (
        P + '"implicitRules":"a b"}',
        "codec.bad-value",
        "Patient.implicitRules is not a URI: it is empty or has spaces.",
    ),
    (
        P + '"gender":"x"}',
        "codec.unknown-code",
        "Patient.gender: 'x' is not one of the codes male, female, other, unknown.",
    ),
    (
        P + '"multipleBirthInteger":1.0}',
        "codec.wrong-type",
        "Patient.multipleBirthInteger: expected a whole number, found a number with a fraction or exponent.",
    ),
    (
        P + '"multipleBirthInteger":1e400000}',
        "codec.bad-value",
        "Patient.multipleBirthInteger is not a whole number from -2147483648 to 2147483647.",
    ),
    (
        P + '"deceasedBoolean":true,"deceasedDateTime":"2020"}',
        "codec.choice",
        "Patient.deceased[x]: only one may be given, found deceasedBoolean, deceasedDateTime.",
    ),
    (
        P + '"name":[{"given":["a",null]}]}',
        "codec.null",
        "Patient.name[0].given[1]: null may only stand beside an extension of the value.",
    ),
    (
        P + f'"name":[{{"given":["a"],"_given":[null,null,{EXTENSION}]}}]}}',
        "codec.null",
        "Patient.name[0]._given[1]: null may only stand beside an extension of the value.",
    ),
    (
        P + '"_birthDate":{"id":"a"}}',
        "codec.empty",
        "Patient._birthDate: neither the value nor an extension is given.",
    ),
    (
        P + '"name":[{"text":"a\\u0000b"}]}',
        "codec.control-character",
        "Patient.name[0].text: the control character U+0000 is not allowed.",
    ),
    (
        P + '"name":[{"text":"a\0b"}]}',
        "codec.malformed",
        "The JSON is malformed at line 1, column 45: invalid character.",
    ),
    (
        P + '"name":[{"text":"\\ud800"}]}',
        "codec.surrogate",
        "Patient: half a surrogate pair is not a character.",
    ),
    (
        P + '"name":[{"text":"\\udc00"}]}',
        "codec.malformed",
        "The JSON is malformed at line 1, column 50: invalid utf-16 surrogate pair.",
    ),
    (P + f'"extension":[{nested(200)}]}}', "codec.depth", "Patient is nested deeper than 100 levels."),
    (P + f'"extension":[{nested(10_000)}]}}', "codec.depth", "Patient is nested deeper than 100 levels."),
    (
        P + f'"contained":[{P}"extension":[{nested(10_000)}]}}]}}',
        "codec.depth",
        "Patient is nested deeper than 100 levels.",
    ),
    (
        P + '"contained":' + "[" * 10_000 + "]" * 10_000 + "}",
        "codec.depth",
        "Patient is nested deeper than 100 levels.",
    ),
    ('{"a":' * 10_000, "codec.depth", "The body is nested deeper than 100 levels."),
    (P + '"contained":[{"id":"x"}]}', "codec.no-type", "Patient.contained[0] has no resourceType."),
    (
        P + '"contained":[null]}',
        "codec.not-an-object",
        "Patient.contained[0]: expected a resource, an object, found null.",
    ),
    (
        P + '"contained":[{"resourceType":"Patient","name":[{"foo":1}]}]}',
        "codec.unknown-element",
        "Patient.contained[0].name[0].foo is not an element of HumanName.",
    ),
    (
        P + '"contained":[{"resourceType":"Patient","contained":[{"resourceType":"Patient"}]}]}',
        "codec.contained-twice",
        "Patient.contained[0] is contained and must not contain resources itself.",
    ),
    (P + '"text":{"status":"generated"}}', "codec.missing", "Patient.text.div is required."),
    (
        '{"resourceType":"Observation","code":{"text":"a"}}',
        "codec.missing",
        "Observation.status is required.",
    ),
    ('{"resourceType":"Observation","status":"final"}', "codec.missing", "Observation.code is required."),
    (
        O + '"valueQuantity":{"value":"80.1"}}',
        "codec.wrong-type",
        "Observation.valueQuantity.value: expected a number, found text.",
    ),
    (
        O + '"valueQuantity":{"value":1e400000}}',
        "codec.number-size",
        "Observation.valueQuantity.value: the number is too long or too large to be a measure.",
    ),
    (
        O + f'"valueQuantity":{{"value":{"1" * 200_000}}}}}',
        "codec.number-size",
        "Observation.valueQuantity.value: the number is too long or too large to be a measure.",
    ),
    (
        O + '"valueQuantity":{"value":1e99999999999999999999}}',
        "codec.bad-value",
        "Observation.valueQuantity.value is not a decimal number.",
    ),
    (
        '{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"X"}}]}]}',
        "codec.unknown-type",
        "Parameters.parameter[0].part[0].resource: X is not a resource type of FHIR R4.",
    ),
]


@pytest.mark.parametrize(
    ("text", "key", "message"), REFUSED, ids=[f"{row[1]}:{row[0][:60]}" for row in REFUSED]
)
def test_refuses_bad_input_with_a_clear_sentence(text: str, key: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        codec.decode(text.encode())
    assert (caught.value.key, caught.value.message) == (key, message)


@pytest.mark.parametrize(
    "data", [b'{"resourceType":"Patient","id":"\xff"}', b'{"resourceType":"Patient","x\xff":1}']
)
def test_refuses_what_is_not_utf8(data: bytes) -> None:
    with pytest.raises(Invalid, match="not valid UTF-8 at line 1, column") as caught:
        codec.decode(data)
    assert caught.value.key == "codec.encoding"


ACCEPTED = [
    P + '"birthDate":"2024-02-29"}',
    P + f'"_birthDate":{EXTENSION}}}',
    P + f'"name":[{{"given":["a",null],"_given":[null,{EXTENSION}]}}]}}',
    P + '"name":[{"text":"\\ud83d\\ude00 \\u0110\\u1ee9c \\"x\\" \\u003a\\u0022 \\\\u0000"}]}',
    P + f'"extension":[{nested(40)}]}}',
    '{"id":"a", "resourceType" : "Patient"}',
    '{"\\u0072esourceType":"Patient","id":"a"}',
    O + '"valueQuantity":{"value":80.10}}',
    O + '"valueQuantity":{"value":-0.000}}',
    O + '"valueQuantity":{"value":1.50e-10}}',
    O + f'"valueString":"{"1234567890" * 60}"}}',
    '{"resourceType":"Patient","contained":[ { "id" : "p" , "resourceType":"Patient" } ]}',
    f'{{"resourceType":"Observation","_status":{EXTENSION},"code":{{"text":"a"}}}}',
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_keeps_all_it_accepts(text: str) -> None:
    resource, written = codec.decode_with_bytes(text)
    assert json.loads(written, parse_float=Decimal) == json.loads(text, parse_float=Decimal)
    assert codec.encode(resource) == written


def test_decimals_keep_their_digits() -> None:
    weight = codec.decode_as(O + '"valueQuantity":{"value":80.10}}', Observation)
    assert weight.valueQuantity is not None
    assert str(weight.valueQuantity.value) == "80.10"
    assert b'"value":80.10}' in codec.encode(weight)


def test_shallow_leaves_entries_for_their_own_reader() -> None:
    text = (
        '{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","foo":1}}]}'
    )
    with pytest.raises(Invalid, match=r"Bundle.entry\[0\].resource.foo is not an element of Patient"):
        codec.decode(text)
    bundle = codec.decode(text, deep=False)
    with pytest.raises(Invalid, match=r"Patient.foo is not an element of Patient"):
        codec.decode_raw(bundle.entry[0].resource)  # type: ignore[attr-defined]


def test_wrong_and_unknown_types() -> None:
    with pytest.raises(Invalid) as caught:
        codec.decode(P + '"id":"a"}', "Observation")
    assert (caught.value.key, caught.value.message) == (
        "codec.other-type",
        "Expected a Observation, found a Patient.",
    )
    with pytest.raises(Unsupported):
        codec.resource_class("Foo")


def test_check_proves_what_python_built() -> None:
    good = Patient(name=[HumanName(text="Nguyễn Văn Đức")])
    assert codec.decode(codec.check(good)) == good
    with pytest.raises(Invalid, match=r"Patient\.birthDate is not a date"):
        codec.check(Patient(birthDate="2023-02-30"))
    with pytest.raises(Invalid, match=r"Patient.name\[0\]: an object must not be empty"):
        codec.check(Patient(name=[HumanName()]))
    with pytest.raises(Invalid):
        codec.check(Observation(status="final", code={"text": 5}))  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        codec.check(Patient(name=[HumanName(text="\ud800")]))
    with pytest.raises(Invalid):
        codec.check(Patient(extension=[Extension(url="u", valueDecimal=Decimal("NaN"))]))


def test_raw_holds_a_resource() -> None:
    inner = Patient(id="a")
    outer = Observation(status="final", code=CodeableConcept(text="x"), contained=[codec.to_raw(inner)])
    assert codec.decode_raw(outer.contained[0]) == inner


def test_types_check_when_built() -> None:
    with pytest.raises(ValueError, match="required field `status`"):
        Observation(code=CodeableConcept(text="x"))
    with pytest.raises(ValueError, match="more than one `value"):
        Extension(url="u", valueString="a", valueQuantity=Quantity(value=Decimal(1)))
    assert Patient(birthDate_ext=Element(id="x")).birthDate is None
