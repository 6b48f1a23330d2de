"""$export from the first request to the last file: levels, filters, access, cancel, and what was deleted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Answer, Noted
from yba import fhir
from yba.fhir import background, jobs, rest
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.bulk import export
from yba.fhir.model import codec
from yba.fhir.r4.datatypes import Coding, Meta
from yba.fhir.store.audit import Journal

ASYNC = {"prefer": "respond-async"}
CITIZEN = Actor(user="c", role="citizen", persons=frozenset({"an"}), person="an")
DOCTOR = Actor(user="d", role="records_office", facility="here")


class Server:
    """The application over a database of the test's own, and a worker that works when told."""

    def __init__(self, conninfo: str, files: Path, sources: tuple[str, ...] = ()) -> None:
        self.sources = sources
        self.conninfo = conninfo
        self.files = files
        self.connection = self.connect()
        actors = {"system": SYSTEM, "citizen": CITIZEN, "doctor": DOCTOR}
        self.application = rest.application(
            lambda: self.connection,
            actors.get,
            base_url=BASE,
            files=files,
            import_sources=sources,
            journal=cast("Journal", Noted()),
        )

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo, autocommit=True)

    def work(self) -> int:
        return jobs.drain(self.connect, background.handlers(self.files, self.sources))

    def __call__(
        self, method: str, url: str, body: object = None, token: str = "system", **headers: str
    ) -> Answer:
        import io

        parts = urlsplit(url.removeprefix(BASE))
        sent = b"" if body is None else json.dumps(body).encode()
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "/fhir", "PATH_INFO": parts.path, "QUERY_STRING": parts.query,
            "CONTENT_TYPE": "application/fhir+json", "CONTENT_LENGTH": str(len(sent)), "wsgi.input": io.BytesIO(sent),
            "HTTP_AUTHORIZATION": f"Bearer {token}", "SERVER_NAME": "record.test", "SERVER_PORT": "80",
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }  # fmt: skip
        told: list[Any] = []
        chunks = self.application(environ, lambda status, sent_headers: told.extend([status, sent_headers]))
        return Answer(int(told[0].split()[0]), dict(told[1]), b"".join(chunks))

    def exported(self, url: str, body: object = None, token: str = "system") -> dict[str, Any]:
        """Begin, work, fetch the manifest."""
        begun = self("GET" if body is None else "POST", url, body, token, **ASYNC)
        assert (begun.status, begun.body) == (202, b""), begun.body
        place = begun.headers["Content-Location"]
        assert self("GET", place, token=token).headers["X-Progress"] == "waiting"
        assert self.work() == 1
        done = self("GET", place, token=token)
        assert (done.status, done.headers["Content-Type"]) == (200, "application/json"), done.body
        manifest: dict[str, Any] = done.json
        return manifest

    def lines(
        self, manifest: dict[str, Any], token: str = "system", part: str = "output"
    ) -> dict[str, list[Any]]:
        """Type -> the resources of its files, ids in order; checks each file's count."""
        found: dict[str, list[Any]] = {}
        for one in manifest[part]:
            got = self("GET", one["url"], token=token)
            assert (got.status, got.headers["Content-Type"]) == (200, "application/fhir+ndjson")
            assert int(got.headers["Content-Length"]) == len(got.body)
            rows = [json.loads(line) for line in got.body.splitlines()]
            assert len(rows) == one["count"]
            found.setdefault(one["type"], []).extend(rows)
        return found


def ids(found: dict[str, list[Any]]) -> dict[str, list[str]]:
    return {kind: sorted(one["id"] for one in rows) for kind, rows in found.items()}


@pytest.fixture
def server(own_database: str, tmp_path: Path) -> Server:
    made = Server(own_database, tmp_path)
    record = fhir.open(made.connection, actor=SYSTEM)
    for name in ("an", "binh"):
        record.update(codec.decode(json.dumps({"resourceType": "Patient", "id": name}).encode(), "Patient"))
        for number in range(3):
            resource = {
                "resourceType": "Observation", "id": f"{name}-{number}", "status": "final" if number else "amended",
                "code": {"text": "Mạch\nnhịp"}, "subject": {"reference": f"Patient/{name}"},
                "valueQuantity": {"value": 80.10},
            }  # fmt: skip
            record.update(codec.decode(json.dumps(resource).encode(), "Observation"))
    record.update(
        codec.decode(b'{"resourceType":"Organization","id":"o","name":"H\\u1ed9i"}', "Organization")
    )
    return made


def test_the_whole_record_is_exported_byte_for_byte(server: Server) -> None:
    manifest = server.exported("/$export")
    assert {key: manifest[key] for key in ("request", "requiresAccessToken", "deleted", "error")} == {
        "request": BASE + "/$export", "requiresAccessToken": True, "deleted": [], "error": [],
    }  # fmt: skip
    found = server.lines(manifest)
    assert ids(found) == {
        "Observation": ["an-0", "an-1", "an-2", "binh-0", "binh-1", "binh-2"],
        "Organization": ["o"],
        "Patient": ["an", "binh"],
    }
    one = next(row for row in found["Observation"] if row["id"] == "an-1")
    assert one == server("GET", "/Observation/an-1").json
    moment = datetime.fromisoformat(manifest["transactionTime"])
    assert timedelta(0) < datetime.now(UTC) - moment < timedelta(minutes=1)


def test_types_filters_and_patients_narrow_it(server: Server) -> None:
    assert ids(server.lines(server.exported("/$export?_type=Patient,Organization"))) == {
        "Organization": ["o"],
        "Patient": ["an", "binh"],
    }
    filtered = (
        "/$export?_type=Observation&_typeFilter=Observation%3Fstatus%3Damended,Observation%3Fpatient%3Dan"
    )
    assert ids(server.lines(server.exported(filtered))) == {"Observation": ["an-0", "an-1", "an-2", "binh-0"]}
    assert ids(server.lines(server.exported("/Patient/$export?patient=Patient/binh"))) == {
        "Observation": ["binh-0", "binh-1", "binh-2"],
        "Patient": ["binh"],
    }
    assert sorted(server.lines(server.exported("/Patient/$export"))) == ["Observation", "Patient"]
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueReference": {"reference": "Patient/an"}},
            {"name": "_type", "valueString": "Patient"},
        ],
    }
    assert ids(server.lines(server.exported("/Patient/$export", body))) == {"Patient": ["an"]}


def test_a_group_exports_its_active_members(server: Server) -> None:
    group = {
        "resourceType": "Group", "id": "g", "type": "person", "actual": True,
        "member": [
            {"entity": {"reference": "Patient/an"}, "inactive": True},
            {"entity": {"reference": "Patient/binh"}},
            {"entity": {"reference": f"{BASE}/Patient/binh"}},
            {"entity": {"reference": "http://elsewhere.vn/fhir/Patient/an"}},
        ],
    }  # fmt: skip
    assert server("PUT", "/Group/g", group).status == 201
    assert ids(server.lines(server.exported("/Group/g/$export?_type=Patient"))) == {"Patient": ["binh"]}
    refused = server("GET", "/Group/g/$export?patient=Patient/an", **ASYNC)
    assert (refused.status, refused.key) == (400, "export.patient")


def test_since_gives_what_changed_and_what_was_deleted(server: Server) -> None:
    moment = (
        (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    later = lambda: datetime.now(UTC) + timedelta(seconds=5)  # noqa: E731 - a clock
    record = fhir.open(server.connection, actor=SYSTEM, clock=later)
    record.delete("Observation", "an-0")
    record.update(codec.decode(b'{"resourceType":"Patient","id":"an","active":true}', "Patient"))
    manifest = server.exported(f"/$export?_since={moment}")
    assert ids(server.lines(manifest)) == {"Patient": ["an"]}
    assert server.lines(manifest, part="deleted") == {
        "Bundle": [
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"request": {"method": "DELETE", "url": "Observation/an-0"}}],
            }
        ]
    }


def test_each_exports_only_what_may_be_seen(server: Server) -> None:
    record = fhir.open(server.connection, actor=SYSTEM)
    tag = {"tag": [{"system": "https://yba.vn/fhir/facility", "code": "here"}]}
    visit = {
        "resourceType": "Encounter", "id": "v", "meta": tag, "status": "finished", "class": {"code": "AMB"},
        "subject": {"reference": "Patient/binh"},
    }  # fmt: skip
    record.update(codec.decode(json.dumps(visit).encode(), "Encounter"))
    own = record.read("Observation", "binh-1")
    own.meta = Meta(tag=[Coding(system="https://yba.vn/fhir/facility", code="here")])
    record.update(own)
    found = ids(
        server.lines(
            server.exported("/$export?_type=Patient,Encounter,Observation", token="doctor"), "doctor"
        )
    )
    assert found == {
        "Encounter": ["v"],
        "Observation": ["binh-1"],
        "Patient": ["binh"],
    }
    assert server("GET", "/$export", token="citizen", **ASYNC).status == 403


def test_another_cannot_see_the_job_nor_its_files(server: Server) -> None:
    begun = server("GET", "/$export?_type=Patient", **ASYNC)
    place = begun.headers["Content-Location"]
    server.work()
    url = server("GET", place).json["output"][0]["url"]
    for token in ("doctor", "citizen"):
        assert server("GET", place, token=token).status == 404
        assert server("GET", url, token=token).status == 404
        assert server("DELETE", place, token=token).status == 404
    assert server("GET", url.replace("Patient-1.ndjson", "..%2Fsecret")).status == 404


def test_an_ended_export_leaves_nothing(server: Server) -> None:
    place = server("GET", "/$export", **ASYNC).headers["Content-Location"]
    server.work()
    number = parse_qs(urlsplit(place).query)["id"][0]
    assert (server.files / number).is_dir()
    assert server("DELETE", place).status == 202
    assert server("GET", place).status == 404
    assert not (server.files / number).exists()
    waiting = server("GET", "/$export", **ASYNC).headers["Content-Location"]
    assert server("DELETE", waiting).status == 202
    assert server("GET", waiting).status == 404
    assert server.work() == 0


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("/$export?_type=Patients", "export.type"),
        ("/Patient/$export?_type=Organization", "export.type"),
        ("/$export?_since=yesterday", "export.since"),
        ("/$export?_typeFilter=Observation", "export.filter"),
        ("/$export?_typeFilter=Observation%3Fstatos%3Dx", "search.unknown-parameter"),
        ("/$export?_typeFilter=Observation%3Fstatus%3Dfinal%26_summary%3Dcount", "export.filter"),
        ("/$export?_typeFilter=Observation%3F_include%3Aiterate%3DObservation%3Asubject", "export.filter"),
        ("/$export?_outputFormat=csv", "export.format"),
        ("/$export?_typo=Patient", "operation.parameter"),
        ("/Patient/$export?patient=Group/g", "export.patient"),
        ("/Patient/$export?patient=http://elsewhere.vn/fhir/Patient/an", "export.patient"),
    ],
)
def test_a_wrong_request_is_told_at_once(server: Server, url: str, key: str) -> None:
    refused = server("GET", url, **ASYNC)
    assert (refused.status, refused.key) == (400, key)


def test_an_export_must_be_asked_for_asynchronously(server: Server) -> None:
    assert server("GET", "/$export").key == "export.prefer"


def test_a_full_file_is_followed_by_another(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    begun = server("GET", "/$export?_type=Observation", **ASYNC)
    jobs.drain(server.connect, {export.KIND: lambda run: export.run(run, tmp_path, per_file=4)})
    manifest = server("GET", begun.headers["Content-Location"]).json
    assert [one["count"] for one in manifest["output"]] == [4, 2]
    assert len(server.lines(manifest)["Observation"]) == 6


def test_files_go_when_they_were_kept_long_enough(tmp_path: Path) -> None:
    import os

    old, fresh = tmp_path / "old", tmp_path / "fresh"
    for folder in (old, fresh):
        folder.mkdir()
        (folder / "Patient-1.ndjson").write_bytes(b"{}\n")
    now = datetime.now(UTC)
    going_on = tmp_path / "going on"  # for more than a day: its folder is old, what it writes is not
    going_on.mkdir()
    (going_on / "errors.ndjson").write_bytes(b"{}\n")
    before = ((now - timedelta(hours=25)).timestamp(),) * 2
    for one in (old / "Patient-1.ndjson", old, going_on):
        os.utime(one, before)
    assert export.sweep(tmp_path, now) == 1
    assert {one.name for one in tmp_path.iterdir()} == {"fresh", "going on"}
