"""Transactions and batches."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.spec.published import folder
from yba import fhir
from yba.fhir import bundle as bundles
from yba.fhir import errors
from yba.fhir.access import SYSTEM
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle
from yba.fhir.r4.observation import Observation
from yba.fhir.r4.patient import Patient
from yba.fhir.r4.practitioner import Practitioner
from yba.fhir.record import handle


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> Bundle:
    decoded = codec.decode(
        json.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries)}), deep=False
    )
    assert isinstance(decoded, Bundle)
    return decoded


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **request: str) -> dict[str, Any]:
    full_url = request.pop("fullUrl", None)
    found: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource is not None:
        found["resource"] = resource
    if full_url is not None:
        found["fullUrl"] = full_url
    return found


def test_the_writes_of_a_transaction_go_together(
    record: fhir.Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whom the door lets write without a question to the database writes all at once, not one by one."""
    sent: list[int] = []
    write_many = handle.write_many

    def counted(connection: Any, actor: Any, items: Any, came: Any) -> None:
        sent.append(len(items))
        write_many(connection, actor, items, came)

    monkeypatch.setattr(handle, "write_many", counted)
    patient = entry("POST", "Patient", PATIENT, fullUrl="urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a")
    others = [
        entry("POST", "Observation", observation("urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"))
        for _ in range(9)
    ]
    bundles.run(record, bundle(patient, *others))
    assert sent == [10]


PATIENT = {"resourceType": "Patient", "name": [{"text": "Trần Đức"}]}


def observation(subject: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "mạch"},
        "subject": {"reference": subject},
        "identifier": [
            {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:11111111-1111-1111-1111-111111111111"}
        ],
    }


URN = "urn:uuid:11111111-1111-1111-1111-111111111111"


def test_references_among_entries_are_resolved_and_values_left_alone(record: fhir.Record) -> None:
    answer = bundles.run(
        record,
        bundle(
            entry(
                "POST",
                "Observation",
                observation(URN),
                fullUrl="urn:uuid:22222222-2222-2222-2222-222222222222",
            ),
            entry("POST", "Patient", PATIENT, fullUrl=URN),
        ),
    )
    assert [one.response.status for one in answer.entry if one.response] == ["201 Created", "201 Created"]
    (patient,) = record.find(Patient)
    (found,) = record.find(Observation)
    assert found.subject is not None
    assert found.subject.reference == f"Patient/{patient.id}"
    assert found.identifier[0].value == URN
    assert [one.id for one in record.find(Observation, ("patient", str(patient.id)))] == [found.id]


def test_one_bad_entry_undoes_all_and_is_named(record: fhir.Record) -> None:
    with pytest.raises(errors.RecordError) as refused:
        bundles.run(
            record,
            bundle(
                entry("POST", "Patient", PATIENT),
                entry("POST", "Observation", observation("urn:uuid:33333333-3333-3333-3333-333333333333")),
            ),
        )
    assert refused.value.key == "bundle.unresolved"
    assert (refused.value.path or "").startswith("Bundle.entry[1]")
    assert record.count(Patient) == 0


def test_conditional_reference_and_conditional_create(record: fhir.Record) -> None:
    doctor = record.create(
        codec.decode(b'{"resourceType":"Practitioner","identifier":[{"system":"s","value":"7"}]}')
    )
    made = observation(URN) | {"performer": [{"reference": "Practitioner?identifier=s|7"}]}
    bundles.run(
        record,
        bundle(
            entry("POST", "Patient", PATIENT, fullUrl=URN, ifNoneExist="name=tran"),
            entry("POST", "Observation", made),
            entry("POST", "Practitioner", {"resourceType": "Practitioner"}, ifNoneExist="identifier=s|7"),
        ),
    )
    (found,) = record.find(Observation)
    assert found.performer[0].reference == f"Practitioner/{doctor.id}"
    assert record.count(Practitioner) == 1
    again = bundles.run(
        record, bundle(entry("POST", "Patient", PATIENT, fullUrl=URN, ifNoneExist="name=tran"))
    )
    assert again.entry[0].response is not None
    assert again.entry[0].response.status == "200 OK"
    assert record.count(Patient) == 1


def test_a_conditional_reference_to_nobody_refuses_the_whole(record: fhir.Record) -> None:
    with pytest.raises(errors.PreconditionFailed, match="matches nothing"):
        bundles.run(
            record,
            bundle(
                entry("POST", "Patient", PATIENT),
                entry("POST", "Observation", observation("Patient?name=khong")),
            ),
        )
    assert record.count(Patient) == 0


def test_the_order_is_delete_post_put(record: fhir.Record) -> None:
    old = record.update(codec.decode(b'{"resourceType":"Patient","id":"old","name":[{"text":"Cu"}]}'))
    answer = bundles.run(
        record,
        bundle(
            entry("PUT", "Patient/new", {**PATIENT, "id": "new"}),
            entry("POST", "Patient", PATIENT),
            entry("DELETE", f"Patient/{old.id}"),
        ),
    )
    assert [one.response.status for one in answer.entry if one.response] == [
        "201 Created",
        "201 Created",
        "204 No Content",
    ]
    methods = record.connection.execute("select method from record.outbox order by seq").fetchall()
    assert methods == [("PUT",), ("DELETE",), ("POST",), ("PUT",)]


def test_the_same_resource_twice_is_refused(record: fhir.Record) -> None:
    with pytest.raises(errors.Invalid, match="Patient/a is changed twice"):
        bundles.run(
            record, bundle(entry("PUT", "Patient/a", {**PATIENT, "id": "a"}), entry("DELETE", "Patient/a"))
        )


def test_a_batch_takes_each_by_itself(record: fhir.Record) -> None:
    answer = bundles.run(
        record,
        bundle(
            entry("POST", "Patient", PATIENT),
            entry("PUT", "Patient/x", {"resourceType": "Observation"}),
            entry("DELETE", "Patient/nobody"),
            kind="batch",
        ),
    )
    assert [one.response.status for one in answer.entry if one.response] == [
        "201 Created",
        "400 Bad Request",
        "204 No Content",
    ]
    assert record.count(Patient) == 1


@pytest.mark.parametrize("kind", ["document", "searchset", "collection"])
def test_other_bundles_are_not_carried_out(record: fhir.Record, kind: str) -> None:
    with pytest.raises(errors.Invalid, match=f"'{kind}' is not carried out"):
        bundles.run(record, bundle(entry("POST", "Patient", PATIENT), kind=kind))


def _files() -> list[Path]:
    return sorted(
        folder("synthea-r4").glob("*.json.gz"), key=lambda one: ("Information" not in one.name, one.name)
    )


def _meaning(value: Any, names: dict[str, str]) -> Any:
    """A resource as a JSON value without what the server adds, references resolved."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item)
            if key == "reference" and isinstance(item, str)
            else _meaning(item, names)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_meaning(one, names) for one in value]
    return value


def test_synthea_bundles_read_back_equal(own_database: str) -> None:
    """Every entry of every published bundle is stored and reads back as sent, but for id, meta and resolved links."""
    seen = 0
    with psycopg.connect(own_database, autocommit=True) as connection:
        record = fhir.open(connection, actor=SYSTEM)
        for file in _files():
            body = gzip.decompress(file.read_bytes())
            decoded = codec.decode(body)
            assert isinstance(decoded, Bundle)
            answer = bundles.run(record, decoded)
            sent = json.loads(body, parse_float=str)["entry"]
            names = {
                one["fullUrl"]: (got.response.location or "").partition("/_history")[0]
                for one, got in zip(sent, answer.entry, strict=True)
                if got.response
            }
            for one, got in zip(sent, answer.entry, strict=True):
                assert got.response is not None
                type_name, identifier = (got.response.location or "").split("/")[:2]
                stored = json.loads(record.read_stored(type_name, identifier).content or b"", parse_float=str)
                expected = _meaning(one["resource"], names)
                for each in (stored, expected):
                    each.pop("id", None)
                    each.pop("meta", None)
                conditional = {key: value for key, value in names.items() if "?" in key}
                assert not conditional
                assert _without_conditions(stored, expected) == expected
                seen += 1
    assert seen == 4034


def _without_conditions(stored: Any, expected: Any) -> Any:
    """The stored value with a conditional reference put back where the expected one has it."""
    if isinstance(expected, dict) and isinstance(stored, dict):
        return {
            key: expected[key]
            if key == "reference" and "?" in str(expected.get(key, "")) and "/" in str(value)
            else _without_conditions(value, expected.get(key))
            for key, value in stored.items()
        }
    if isinstance(expected, list) and isinstance(stored, list) and len(stored) == len(expected):
        return [_without_conditions(one, other) for one, other in zip(stored, expected, strict=True)]
    return stored


KNOWN_AS = {"resourceType": "Patient", "identifier": [{"system": "urn:s", "value": "1"}]}
CONDITION = "identifier=urn:s|1"


def test_a_condition_never_matches_what_the_transaction_deletes(record: fhir.Record) -> None:
    record.update(codec.decode_as(json.dumps(KNOWN_AS | {"id": "old"}), Patient))
    answer = bundles.run(
        record,
        bundle(entry("POST", "Patient", KNOWN_AS, ifNoneExist=CONDITION), entry("DELETE", "Patient/old")),
    )
    assert [one.response.status for one in answer.entry if one.response] == ["201 Created", "204 No Content"]
    (left,) = record.find(Patient, ("identifier", "urn:s|1"))
    assert left.id != "old"


@pytest.mark.parametrize(
    "entries",
    [
        [entry("POST", "Patient", KNOWN_AS, ifNoneExist=CONDITION)] * 2,
        [entry("PUT", f"Patient?{CONDITION}", KNOWN_AS)] * 2,
        [
            entry("POST", "Patient", KNOWN_AS, ifNoneExist=CONDITION),
            entry("PUT", f"Patient?{CONDITION}", KNOWN_AS),
        ],
    ],
    ids=["creates", "updates", "both"],
)
def test_one_condition_makes_one_thing(record: fhir.Record, entries: list[dict[str, Any]]) -> None:
    with pytest.raises(errors.Invalid) as refused:
        bundles.run(record, bundle(*entries))
    assert refused.value.key == "bundle.overlap"
    assert record.find(Patient) == []


def test_a_condition_and_an_id_that_name_the_same_overlap(record: fhir.Record) -> None:
    record.update(codec.decode_as(json.dumps(KNOWN_AS | {"id": "old"}), Patient))
    with pytest.raises(errors.Invalid) as refused:
        bundles.run(
            record,
            bundle(
                entry("PUT", f"Patient?{CONDITION}", KNOWN_AS),
                entry("PUT", "Patient/old", KNOWN_AS | {"id": "old"}),
            ),
        )
    assert refused.value.key == "bundle.overlap"
    assert len(record.history_stored("Patient", "old")) == 1


def test_a_broken_gzip_is_reported_and_the_rest_goes_on(record: fhir.Record, tmp_path: Path) -> None:
    from yba.fhir.load import load_files

    broken = bytearray(gzip.compress(json.dumps(PATIENT).encode() * 200))
    broken[20:40] = bytes(20)
    (tmp_path / "a.json.gz").write_bytes(bytes(broken))
    (tmp_path / "b.json").write_text(json.dumps(PATIENT))
    report = load_files([tmp_path], record, done=set())
    assert report.resources == 1
    assert [one.file.name for one in report.refused] == ["a.json.gz"]


@pytest.mark.parametrize("at_the_end", [True, False])
def test_the_shell_takes_the_database_on_either_side_of_the_word(
    own_database: str, at_the_end: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from yba.fhir.__main__ import main

    database, words = ["--database", own_database], ["search", "Patient?name=duc"]
    monkeypatch.delenv("YBA_DATABASE_URL", raising=False)
    monkeypatch.setattr("sys.argv", ["yba.fhir", *(words + database if at_the_end else database + words)])
    assert main() == 0
    assert json.loads(capsys.readouterr().out)["total"] == 0
