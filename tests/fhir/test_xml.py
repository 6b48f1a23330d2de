"""FHIR's XML: what HL7 prescribes, letter by letter, and what is refused."""

from __future__ import annotations

import json

import pytest

from yba.fhir import errors
from yba.fhir.model import xml

PATIENT_JSON = {
    "resourceType": "Patient",
    "id": "p",
    "meta": {"versionId": "1", "tag": [{"system": "http://x", "code": "a&b"}]},
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml">Đức<br/>&amp; con</div>',
    },
    "contained": [{"resourceType": "Organization", "id": "o", "name": "Bệnh viện"}],
    "extension": [{"url": "http://e", "valueDecimal": 80.5}],
    "active": True,
    "name": [
        {
            "id": "n1",
            "given": ["Văn", None],
            "_given": [None, {"extension": [{"url": "http://g", "valueString": "x"}]}],
        }
    ],
    "birthDate": "1980-02",
    "_birthDate": {
        "id": "b",
        "extension": [{"url": "http://t", "valueDateTime": "1980-02-01T10:00:00+07:00"}],
    },
    "multipleBirthInteger": 2,
    "link": [{"other": {"reference": "#o"}, "type": "seealso"}],
}
PATIENT_XML = (
    '<?xml version="1.0" encoding="UTF-8"?><Patient xmlns="http://hl7.org/fhir"><id value="p"/>'
    '<meta><versionId value="1"/><tag><system value="http://x"/><code value="a&amp;b"/></tag></meta>'
    '<text><status value="generated"/>'
    '<div xmlns="http://www.w3.org/1999/xhtml">Đức<br/>&amp; con</div></text>'
    '<contained><Organization><id value="o"/><name value="Bệnh viện"/></Organization></contained>'
    '<extension url="http://e"><valueDecimal value="80.5"/></extension>'
    '<active value="true"/>'
    '<name id="n1"><given value="Văn"/><given><extension url="http://g"><valueString value="x"/></extension>'
    "</given></name>"
    '<birthDate id="b" value="1980-02"><extension url="http://t">'
    '<valueDateTime value="1980-02-01T10:00:00+07:00"/></extension></birthDate>'
    '<multipleBirthInteger value="2"/>'
    '<link><other><reference value="#o"/></other><type value="seealso"/></link></Patient>'
)


def test_a_resource_is_written_as_prescribed_and_read_back() -> None:
    written = xml.from_json(json.dumps(PATIENT_JSON).encode())
    assert written.decode() == PATIENT_XML
    assert json.loads(xml.to_json(written)) == PATIENT_JSON


def test_elements_stand_in_the_order_of_the_definition() -> None:
    mixed = {
        "status": "final",
        "valueString": "x",
        "code": {"text": "c"},
        "resourceType": "Observation",
        "id": "o",
    }
    assert (
        xml.from_json(json.dumps(mixed).encode())
        .decode()
        .endswith(
            '<Observation xmlns="http://hl7.org/fhir"><id value="o"/><status value="final"/>'
            '<code><text value="c"/></code><valueString value="x"/></Observation>'
        )
    )


@pytest.mark.parametrize("digits", ["80.10", "0.0", "-0.500", "1E-22", "100"])
def test_decimals_keep_their_digits(digits: str) -> None:
    text = '{"resourceType":"Observation","valueQuantity":{"value":' + digits + "}}"
    assert f'value="{digits}"' in xml.from_json(text.encode()).decode()
    assert xml.to_json(xml.from_json(text.encode())).decode() == text


@pytest.mark.parametrize("text", ["a\nb", "a\tb", 'a"b', "a<b>&c", "a  b", " x ", "\u00a0\U0001f600"])
def test_strings_come_back_letter_by_letter(text: str) -> None:
    sent = {"resourceType": "Patient", "name": [{"text": text}]}
    assert json.loads(xml.to_json(xml.from_json(json.dumps(sent).encode()))) == sent


@pytest.mark.parametrize(
    "div",
    [
        '<div xmlns="http://www.w3.org/1999/xhtml"/>',
        "<div xmlns='http://www.w3.org/1999/xhtml' class=\"a\">x</div>",
        '<div xmlns="http://www.w3.org/1999/xhtml"><!-- c --><p>a&#160;b</p><![CDATA[<x>]]></div>',
    ],
)
def test_a_narrative_is_kept_to_the_letter(div: str) -> None:
    sent = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    assert json.loads(xml.to_json(xml.from_json(json.dumps(sent).encode()))) == sent


def test_a_narrative_with_prefixes_is_written_anew() -> None:
    sent = (
        b'<f:Patient xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><f:text>'
        b'<f:status value="generated"/><h:div><h:p class="a">x &lt; y</h:p></h:div></f:text></f:Patient>'
    )
    assert json.loads(xml.to_json(sent))["text"]["div"] == (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p class="a">x &lt; y</p></div>'
    )


def test_entities_of_html_are_written_by_number() -> None:
    div = '<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b</div>'
    sent = {"resourceType": "Patient", "text": {"status": "generated", "div": div}}
    assert b"a&#160;b" in xml.from_json(json.dumps(sent).encode())


def _patient(inner: str) -> bytes:
    return f'<Patient xmlns="http://hl7.org/fhir">{inner}</Patient>'.encode()


@pytest.mark.parametrize(
    ("body", "key", "path"),
    [
        (b"", "xml.syntax", None),
        (b"<Patient", "xml.syntax", None),
        (b"<Patient/>", "xml.namespace", "Patient"),
        (b'<Nonsense xmlns="http://hl7.org/fhir"/>', "codec.unknown-type", None),
        (b'<!DOCTYPE Patient [<!ENTITY a "b">]><Patient xmlns="http://hl7.org/fhir"/>', "xml.doctype", None),
        (
            b'<?xml version="1.0" encoding="ISO-8859-1"?><Patient xmlns="http://hl7.org/fhir"/>',
            "xml.encoding",
            None,
        ),
        (_patient("<shoeSize value='1'/>"), "codec.unknown-element", "Patient.shoeSize"),
        (_patient("<active value='yes'/>"), "codec.value", "Patient.active"),
        (_patient("<active/>"), "xml.empty", "Patient.active"),
        (_patient("<active value='true'/><active value='true'/>"), "xml.repeated", "Patient.active"),
        (_patient("<name value='x'/>"), "codec.unknown-element", "Patient.name[0].@value"),
        (_patient("<name>text</name>"), "xml.text", "name"),
        (_patient("<contained/>"), "xml.resource", "Patient.contained[0]"),
        (_patient("<text><div/></text>"), "xml.narrative", "Patient.text.div"),
        (_patient("<multipleBirthInteger value='2.0'/>"), "codec.value", "Patient.multipleBirthInteger"),
        (_patient("<contact>" * 300 + "</contact>" * 300), "codec.depth", None),
        (b"\xff\xfe", "xml.utf-8", None),
        (_patient("<telecom/><name/>"), "xml.order", "Patient.name[0]"),
        (
            _patient("<name><family value='a'/></name><telecom><rank value='1'/></telecom><name/>"),
            "xml.order",
            "Patient.name[1]",
        ),
        (_patient("<birthDate value='2000'/><name/>"), "xml.order", "Patient.name[0]"),
        (
            _patient("<contained><Patient><name/><active value='true'/></Patient></contained>"),
            "xml.order",
            "Patient.contained[0].active",
        ),
        (
            _patient(
                "<active value='true'><extension><valueCode value='a'/><extension/></extension></active>"
            ),
            "xml.order",
            "Patient.active.extension[0].extension[0]",
        ),
        (
            _patient("<name><given value='a'/><family value='b'/></name>"),
            "xml.order",
            "Patient.name[0].family",
        ),
        (
            _patient("<active value='true'/><extension url='http://a.vn/x'/>"),
            "xml.order",
            "Patient.extension[0]",
        ),
    ],
)
def test_what_is_refused(body: bytes, key: str, path: str | None) -> None:
    with pytest.raises(errors.Invalid) as refused:
        xml.to_json(body, ordered=True)
    assert (refused.value.key, refused.value.path) == (key, path)


def test_order_is_let_be_where_it_is_not_asked_for() -> None:
    body = _patient("<birthDate value='2000'/><active value='true'/>")
    assert json.loads(xml.to_json(body)) == {"resourceType": "Patient", "birthDate": "2000", "active": True}


def test_what_xml_cannot_hold_is_not_written() -> None:
    broken = {"resourceType": "Patient", "text": {"status": "generated", "div": "<div>no end"}}
    with pytest.raises(xml.Unwritable):
        xml.from_json(json.dumps(broken).encode())
