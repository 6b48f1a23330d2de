"""Code systems out of CSV files and packages: every bad line named, large ones in rows, twice is once."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fhir.test_rest import Client
from yba import fhir
from yba.fhir.access import SYSTEM
from yba.fhir.condition import ALL
from yba.fhir.terminology import Terminology
from yba.fhir.terminology.importing import About, Report, import_csv, import_package

URL = "https://example.org/fhir/cs/departments"


@pytest.fixture
def record(connection: psycopg.Connection[Any]) -> fhir.Record:
    return fhir.open(connection, actor=SYSTEM)


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return Client(connection)


def written(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8")
    return path


def told(report: Report) -> tuple[int, int, list[tuple[str, str]]]:
    return report.read, report.stored, [(one.place, one.reason) for one in report.faults]


def test_a_small_list(record: fhir.Record, client: Client, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "code,display,display:en,parent,status,beds\n"
        "K01,Khoa Nội,Internal medicine,,,\n"
        "K01.1,Nội tim mạch,Cardiology,K01,,20\n"
        "K02,Khoa Đông y,Oriental medicine,,retired,\n",
    )
    about = About(URL, "1", title="Khoa")
    assert told(import_csv(record, path, about=about)) == (3, 3, [])
    found = client("GET", f"/CodeSystem/$lookup?system={URL}&code=K01.1&displayLanguage=en").json
    rows = {one["name"]: one for one in found["parameter"] if one["name"] != "property"}
    assert rows["display"]["valueString"] == "Cardiology"
    assert rows["name"]["valueString"] == "Departments"
    expanded = client(
        "POST",
        "/ValueSet/$expand",
        {
            "resourceType": "ValueSet",
            "status": "active",
            "compose": {"inactive": False, "include": [{"system": URL}]},
        },
    ).json
    assert expanded["expansion"]["contains"] == [
        {
            "system": URL, "code": "K01", "display": "Khoa Nội",
            "contains": [{"system": URL, "code": "K01.1", "display": "Nội tim mạch"}],
        }
    ]  # fmt: skip


def test_bad_lines_are_named_and_nothing_is_stored(
    record: fhir.Record, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = written(
        tmp_path,
        "code,display,parent,inactive\nA,One,,\n,Two,,\nA,Again,,\nB,Three\nC,Four,X,\nD,Five,E,\nE,Six,D,\nF,Seven,,yes\n",
    )
    report = import_csv(record, path, about=About(URL))
    assert told(report) == (
        8, 0,
        [
            ("line 3", "the code is missing"),
            ("line 4", "the code 'A' stands on line 2 already"),
            ("line 5", "2 cells, not 4"),
            ("line 9", "'inactive' is true or false, not 'yes'"),
            ("line 6", "the parent 'X' is not in the file"),
            ("line 7", "'D' is above itself"),
            ("line 8", "'E' is above itself"),
        ],
    )  # fmt: skip
    handle = Terminology.over(connection, lambda _: ALL)
    assert handle.concept(URL, "A") is None
    assert import_csv(record, path, about=About(URL), skip_bad=True).stored == 1
    assert Terminology.over(connection, lambda _: ALL).concept(URL, "A") is not None


def test_headings_are_checked(record: fhir.Record, tmp_path: Path) -> None:
    assert told(import_csv(record, written(tmp_path, "kode,display\n"), about=About(URL))) == (
        0, 0, [("line 1", "there is no heading 'code'")],
    )  # fmt: skip


@pytest.fixture
def large(record: fhir.Record, tmp_path: Path) -> None:
    lines = ["code,display,display:en,parent"]
    for group in range(50):
        lines.append(f"G{group},Nhóm {group},Group {group},")
        lines += [f"G{group}.{n},Bệnh {group} {n},Disease {group} {n},G{group}" for n in range(99)]
    report = import_csv(record, written(tmp_path, "\n".join(lines) + "\n"), about=About(URL, "2026"))
    assert told(report) == (5000, 5000, [])


@pytest.mark.usefixtures("large")
def test_a_large_list_is_kept_in_rows(connection: psycopg.Connection[Any], client: Client) -> None:
    handle = Terminology.over(connection, lambda _: ALL)
    assert handle.knows(URL)
    assert handle.subsumes(URL, "G7", "G7.3") == "subsumes"
    assert handle.ancestors(URL, "G7.3") == ["G7"]
    assert len(handle.descendants(URL, "G7")) == 99
    (kept,) = client("GET", f"/CodeSystem?url={URL}").json["entry"]
    assert kept["resource"]["content"] == "not-present"
    assert kept["resource"]["count"] == 5000
    for query, total, codes in [
        ("filter=benh 7 98", 1, ["G7.98"]),
        ("filter=disease 7 98&displayLanguage=en", 1, ["G7.98"]),
        ("count=2&offset=100", 5000, ["G1", "G1.0"]),
        ("count=0", 5000, []),
    ]:
        found = client("GET", f"/ValueSet/$expand?url={URL}?fhir_vs&{query}".replace(" ", "%20")).json
        assert found["expansion"]["total"] == total
        assert [one["code"] for one in found["expansion"].get("contains", ())] == codes
    below = {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {
            "include": [
                {"system": URL, "filter": [{"property": "concept", "op": "descendent-of", "value": "G7"}]}
            ],
            "exclude": [{"system": URL, "filter": [{"property": "code", "op": "regex", "value": r"G7\.\d"}]}],
        },
    }
    assert client("POST", "/ValueSet/$expand", below).json["expansion"]["total"] == 89


@pytest.mark.usefixtures("large")
def test_a_list_imported_again_is_replaced(
    record: fhir.Record, connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    import_csv(record, written(tmp_path, "code,display\nX,Y\n"), about=About(URL, "2026"))
    handle = Terminology.over(connection, lambda _: ALL)
    assert handle.concept(URL, "G7") is None
    found = handle.concept(URL, "X")
    assert found is not None
    assert found.display == "Y"


def test_a_large_code_system_sent_whole(connection: psycopg.Connection[Any], record: fhir.Record) -> None:
    concepts = [
        {"code": f"{n}", "display": f"Concept {n}", "definition": "what it means " * 20} for n in range(4000)
    ]
    concepts[0]["concept"] = [{"code": "below", "display": "Below"}]  # type: ignore[assignment]  # a tree
    whole = {
        "resourceType": "CodeSystem", "id": "whole", "url": URL, "status": "active", "content": "complete",
        "concept": concepts,
    }  # fmt: skip
    from yba.fhir.model import codec

    def put() -> None:
        record.update(codec.decode(json.dumps(whole).encode(), "CodeSystem"))

    put()
    handle = Terminology.over(connection, lambda _: ALL)
    assert handle.subsumes(URL, "0", "below") == "subsumes"
    assert connection.execute("select stamp, concepts from record.code_system").fetchall() == [(1, 4001)]
    concepts[5]["code"] = "five"
    put()
    handle = Terminology.over(connection, lambda _: ALL)
    assert handle.concept(URL, "5") is None
    assert handle.concept(URL, "five") is not None
    assert connection.execute("select stamp, concepts from record.code_system").fetchall() == [(2, 4001)]


def packed(folder: Path, files: dict[str, Any]) -> Path:
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as package:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
    return path


def test_a_package_is_stored_once(
    record: fhir.Record, connection: psycopg.Connection[Any], client: Client, tmp_path: Path
) -> None:
    files: dict[str, Any] = {
        "package.json": {"name": "example.test", "version": "1.0.0", "fhirVersions": ["4.0.1"]},
        ".index.json": {},
        "CodeSystem-a.json": {
            "resourceType": "CodeSystem", "id": "a", "url": URL, "version": "1", "status": "active",
            "content": "complete", "concept": [{"code": "x", "display": "X"}],
        },
        "ValueSet-a.json": {
            "resourceType": "ValueSet", "id": "a", "url": "https://example.org/fhir/vs/a", "status": "active",
            "compose": {"include": [{"system": URL}]},
        },
        "Patient-p.json": {"resourceType": "Patient", "id": "p"},
        "ValueSet-bad.json": {"resourceType": "ValueSet", "url": "https://example.org/bad", "status": "wrong"},
        "example/Patient-q.json": {"resourceType": "Patient"},
    }  # fmt: skip
    report = import_package(record, packed(tmp_path, files))
    assert (report.read, report.stored, report.unchanged) == (4, 2, 0)
    assert [one.place for one in report.faults] == ["package/Patient-p.json", "package/ValueSet-bad.json"]
    assert report.faults[0].reason == "'Patient' is not stored out of packages"
    handle = Terminology.over(connection, lambda _: ALL)
    assert handle.member("https://example.org/fhir/vs/a", URL, "x") is True
    assert handle.member("https://example.org/fhir/vs/a", URL, "y") is False

    again = import_package(record, packed(tmp_path, files))
    assert (again.stored, again.unchanged) == (0, 2)
    files["CodeSystem-a.json"]["concept"][0]["display"] = "changed"
    third = import_package(record, packed(tmp_path, files))
    assert (third.stored, third.unchanged) == (1, 1)
    assert client("GET", f"/CodeSystem?url={URL}&_summary=count").json["total"] == 1


def test_a_package_for_another_fhir_is_refused(record: fhir.Record, tmp_path: Path) -> None:
    path = packed(tmp_path, {"package.json": {"fhirVersions": ["5.0.0"]}, "ValueSet-a.json": {}})
    (fault,) = import_package(record, path).faults
    assert fault.reason == "the package is for FHIR 5.0.0, and this record is R4 (4.0.1)"
    (tmp_path / "no.tgz").write_bytes(b"no")
    assert [one.place for one in import_package(record, tmp_path / "no.tgz").faults] == ["no.tgz"]
