"""`yba load`: good and bad files, order, and going on after a stop."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from yba import fhir
from yba.fhir.load import files_in
from yba.site import loading
from yba.site.models import LoadedFile

pytestmark = pytest.mark.django_db


def patient(number: int, **fields: object) -> dict[str, object]:
    return {"resourceType": "Patient", "id": f"p{number}", "name": [{"text": f"Người {number}"}], **fields}


def ndjson(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def whole(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def bundle(kind: str, entries: list[dict[str, object]]) -> dict[str, object]:
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def test_one_resource_keeps_its_id(record: fhir.Record, tmp_path: Path) -> None:
    report = loading.load([whole(tmp_path / "p.json", patient(1))], record=record)
    assert (report.resources, report.files, report.refused) == (1, 1, [])
    assert record.read("Patient", "p1").id == "p1"


def test_lines_go_on_past_bad_ones_which_are_named(record: fhir.Record, tmp_path: Path) -> None:
    rows = [patient(1), "{nonsense", patient(2), "", patient(3, birthDate="2026-02-30"), patient(4, shoe=43)]
    path = ndjson(tmp_path / "Patient.ndjson", rows)
    report = loading.load([path], record=record)
    assert report.resources == 2
    assert [line.split(": ")[0] for line in report.refused] == [f"{path}:2", f"{path}:5", f"{path}:6"]
    assert "birthDate" in report.refused[1]
    assert "shoe" in report.refused[2]
    assert record.count("Patient") == 2
    assert LoadedFile.objects.get().refused == [2, 5, 6]


def test_a_second_run_tries_only_what_was_refused(record: fhir.Record, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "Patient.ndjson", [{"resourceType": "Patient"}, "{nonsense"])
    first = loading.load([path], record=record)
    again = loading.load([path], record=record)
    assert (first.resources, again.resources) == (1, 0)
    assert first.refused == again.refused
    assert record.count("Patient") == 1


def test_a_finished_file_is_skipped_under_any_name(record: fhir.Record, tmp_path: Path) -> None:
    one = ndjson(tmp_path / "a.ndjson", [{"resourceType": "Patient"}] * 3)
    other = ndjson(tmp_path / "b.ndjson", [{"resourceType": "Patient"}] * 3)
    report = loading.load([one, other], record=record)
    assert (report.resources, report.skipped) == (3, 1)
    assert record.count("Patient") == 3


def test_a_stop_in_the_middle_loses_and_doubles_nothing(
    record: fhir.Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = ndjson(tmp_path / "Patient.ndjson", [{"resourceType": "Patient", "gender": "female"}] * 10)
    monkeypatch.setattr(loading, "PIECE", 4)
    store, calls = loading.store_document, []

    def stops(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return store(*args, **kwargs)

    monkeypatch.setattr(loading, "store_document", stops)
    with pytest.raises(KeyboardInterrupt):
        loading.load([path], record=record)
    assert record.count("Patient") == 4
    assert LoadedFile.objects.get().lines == 4
    report = loading.load([path], record=record)
    assert report.resources == 6
    assert record.count("Patient") == 10


def test_a_bundle_is_stored_whole_or_not_at_all(record: fhir.Record, tmp_path: Path) -> None:
    request = {"method": "POST", "url": "Patient"}
    good = {"resource": {"resourceType": "Patient"}, "request": request}
    bad = {"resource": {"resourceType": "Patient", "birthDate": "gestern"}, "request": request}
    paths = [
        whole(tmp_path / "bad.json", bundle("transaction", [good, bad])),
        whole(tmp_path / "good.json", bundle("transaction", [good, good])),
    ]
    report = loading.load(paths, record=record)
    assert report.resources == 2
    assert len(report.refused) == 1
    assert report.refused[0].startswith(f"{paths[0]}: ")
    assert "birthDate" in report.refused[0]
    assert record.count("Patient") == 2


def test_a_batch_names_each_refused_entry(record: fhir.Record, tmp_path: Path) -> None:
    entries = [
        {"resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"resource": patient(1), "request": {"method": "PUT", "url": "Patient/other"}},
    ]
    path = whole(tmp_path / "batch.json", bundle("batch", entries))
    report = loading.load([path], record=record)
    assert report.resources == 1
    assert len(report.refused) == 1
    assert report.refused == [
        f"{path}: Bundle.entry[1]: The resource's id 'p1' is not that of request.url 'other'."
    ]


def test_a_collection_is_stored_under_its_ids_with_its_links(record: fhir.Record, tmp_path: Path) -> None:
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Mạch"},
        "subject": {"reference": "urn:uuid:0f0a7e0e-0000-4000-8000-000000000001"},
    }
    entries = [
        {"fullUrl": "urn:uuid:0f0a7e0e-0000-4000-8000-000000000001", "resource": patient(1)},
        {"fullUrl": "urn:uuid:0f0a7e0e-0000-4000-8000-000000000002", "resource": observation},
    ]
    report = loading.load([whole(tmp_path / "c.json", bundle("collection", entries))], record=record)
    assert (report.resources, report.refused) == (2, [])
    (found,) = record.find("Observation", ("patient", "p1"))
    assert found.subject.reference == "Patient/p1"  # type: ignore[attr-defined]


def test_packed_files_are_opened(record: fhir.Record, tmp_path: Path) -> None:
    lines = tmp_path / "Patient.ndjson.gz"
    lines.write_bytes(gzip.compress(json.dumps(patient(1)).encode()))
    one = tmp_path / "p2.json.gz"
    one.write_bytes(gzip.compress(json.dumps(patient(2)).encode()))
    torn = tmp_path / "p3.json.gz"
    torn.write_bytes(gzip.compress(json.dumps(patient(3)).encode())[:-12])
    report = loading.load([lines, one, torn], record=record)
    assert report.resources == 2
    assert len(report.refused) == 1
    assert report.refused[0].startswith(f"{torn}: can't be read")


def test_progress_hears_of_every_byte_once(record: fhir.Record, tmp_path: Path) -> None:
    path = ndjson(tmp_path / "Patient.ndjson", [patient(n) for n in range(5)])
    heard: list[int] = []
    loading.load([path, tmp_path / "missing.json"], record=record, progress=heard.append)
    assert sum(heard) == path.stat().st_size


def test_facilities_and_staff_come_first(tmp_path: Path) -> None:
    for name in (
        "a.json",
        "practitionerInformation1.json",
        "hospitalInformation2.json",
        "b.ndjson.gz",
        "x.txt",
    ):
        (tmp_path / name).touch()
    assert [path.name for path in files_in([tmp_path])] == [
        "hospitalInformation2.json",
        "practitionerInformation1.json",
        "a.json",
        "b.ndjson.gz",
    ]
