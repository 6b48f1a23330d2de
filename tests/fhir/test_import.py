"""$import: files into the record once whatever happens, refusals told by line, only from allowed places."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from tests.fhir.test_calling import Site, leading, site  # noqa: F401 - a fixture
from tests.fhir.test_export import ASYNC, Server
from yba.fhir import background, jobs
from yba.fhir.access import SYSTEM
from yba.fhir.bulk import importing
from yba.fhir.errors import Conflict, Invalid
from yba.fhir.record.failures import BUSY
from yba.fhir.search.parameters import Registry
from yba.fhir.store import write_many
from yba.fhir.store.rows import execute


@pytest.fixture
def server(own_database: str, tmp_path: Path) -> Server:
    return Server(own_database, tmp_path, (f"file://{tmp_path}/",))


def request(*inputs: tuple[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "inputFormat", "valueCode": "application/fhir+ndjson"},
            *(
                {
                    "name": "input",
                    "part": [{"name": "type", "valueCode": kind}, {"name": "url", "valueUri": url}],
                }
                for kind, url in inputs
            ),
        ],
    }


def lines(path: Path, *resources: object) -> str:
    text = "\n".join(one if isinstance(one, str) else json.dumps(one) for one in resources).encode() + b"\n"
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return f"file://{path}"


def imported(server: Server, *inputs: tuple[str, str]) -> dict[str, Any]:
    begun = server("POST", "/$import", request(*inputs), **ASYNC)
    assert begun.status == 202, begun.body
    assert server.work() == 1
    done = server("GET", begun.headers["Content-Location"])
    assert done.status == 200, done.body
    manifest: dict[str, Any] = done.json
    return manifest


def test_files_are_stored_and_refusals_told_by_line(server: Server, tmp_path: Path) -> None:
    patients = lines(
        tmp_path / "Patient.ndjson",
        {"resourceType": "Patient", "id": "a", "gender": "female"},
        "",
        {"resourceType": "Patient", "id": "b", "gender": "fimale"},
        '{"resourceType":"Patient",',
        {"resourceType": "Patient", "id": "a", "gender": "male"},
        {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}},
    )
    observations = lines(
        tmp_path / "Observation.ndjson.gz",
        *(
            {
                "resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"text": "x"},
                "subject": {"reference": "Patient/a"},
            }
            for number in range(1200)
        ),
    )  # fmt: skip
    manifest = imported(server, ("Patient", patients), ("Observation", observations))
    assert manifest["output"] == [
        {"type": "Patient", "inputUrl": patients, "count": 2},
        {"type": "Observation", "inputUrl": observations, "count": 1200},
    ]
    (error,) = manifest["error"]
    assert (error["inputUrl"], error["count"]) == (patients, 3)
    told = [json.loads(line) for line in server("GET", error["url"]).body.splitlines()]
    assert [one["issue"][0]["diagnostics"].partition(": ")[0] for one in told] == [
        f"{patients}, line {line}" for line in (3, 4, 6)
    ]
    assert server("GET", "/Patient/a").json["gender"] == "male"
    assert server("GET", "/Patient/a").headers["ETag"] == 'W/"2"'
    assert server("GET", "/Observation?patient=a&_summary=count").json["total"] == 1200


def test_a_worker_that_dies_in_the_middle_is_followed_by_one_that_goes_on(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = lines(
        tmp_path / "p.ndjson", *({"resourceType": "Patient", "id": f"p{number}"} for number in range(50))
    )
    monkeypatch.setattr(importing, "BATCH", 10)
    place = server("POST", "/$import", request(("Patient", url)), **ASYNC).headers["Content-Location"]
    progress = jobs.JobRun.progress

    def dies(run: jobs.JobRun, done: int, total: int | None = None) -> None:
        progress(run, done, total)
        if done == 30:
            raise psycopg.OperationalError("killed")

    handlers = background.handlers(tmp_path, server.sources)
    with monkeypatch.context() as patched:
        patched.setattr(jobs.JobRun, "progress", dies)
        with pytest.raises(psycopg.OperationalError):
            jobs.run_one(server.connect, handlers)
    execute(server.connection, "update record.job set beat = beat - interval '5 minutes'")
    assert server.work() == 1
    assert server("GET", place).json["output"] == [{"type": "Patient", "inputUrl": url, "count": 50}]
    versions = execute(server.connection, "select count(*), max(version) from record.version").fetchone()
    assert versions == (50, 1)


def test_a_change_that_stands_in_the_way_is_waited_for(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = lines(
        tmp_path / "p.ndjson", *({"resourceType": "Patient", "id": f"p{number}"} for number in range(5))
    )
    check, left = write_many.check_generation, [1, 1]

    def busy(connection: psycopg.Connection[Any], now: Registry) -> None:
        if left:
            left.pop()
            raise Conflict(BUSY, "Search parameters are being changed.")
        check(connection, now)

    monkeypatch.setattr(write_many, "check_generation", busy)
    assert imported(server, ("Patient", url))["output"] == [{"type": "Patient", "inputUrl": url, "count": 5}]
    versions = execute(server.connection, "select count(*), max(version) from record.version").fetchone()
    assert (versions, left) == ((5, 1), [])


@pytest.mark.parametrize(
    ("inputs", "status", "key"),
    [
        ([], 400, "import.input"),
        ([("Patients", "file:///tmp/x")], 400, "import.input"),
        ([("Patient", "file:///etc/passwd")], 403, "import.source"),
        ([("Patient", "http://127.0.0.1:1/x")], 403, "import.source"),
        ([("Patient", "gopher://x")], 400, "import.url"),
    ],
)
def test_what_is_not_allowed_is_refused_at_once(
    server: Server, inputs: list[tuple[str, str]], status: int, key: str
) -> None:
    refused = server("POST", "/$import", request(*inputs), **ASYNC)
    assert (refused.status, refused.key) == (status, key)


def test_climbing_out_of_an_allowed_folder_is_refused(server: Server, tmp_path: Path) -> None:
    refused = server("POST", "/$import", request(("Patient", f"file://{tmp_path}/../x")), **ASYNC)
    assert refused.key == "import.url"


def test_only_the_system_imports(server: Server) -> None:
    assert server("POST", "/$import", request(), token="doctor", **ASYNC).key == "access.import"
    assert server("GET", "/$import", **ASYNC).status == 405


def test_a_file_that_is_not_there_fails_the_job_with_its_name(server: Server, tmp_path: Path) -> None:
    url = f"file://{tmp_path}/none.ndjson"
    place = server("POST", "/$import", request(("Patient", url)), **ASYNC).headers["Content-Location"]
    server.work()
    failed = server("GET", place)
    assert failed.status == 500
    assert f"{url} cannot be read" in failed.json["issue"][0]["diagnostics"]


def failed(server: Server, url: str) -> str:
    """What a job that reads this file ends with."""
    begun = server("POST", "/$import", request(("Patient", url)), **ASYNC)
    assert begun.status == 202, begun.body
    server.work()
    done = server("GET", begun.headers["Content-Location"])
    assert done.status == 500, done.body
    words: str = done.json["issue"][0]["diagnostics"]
    return words


def test_a_file_is_read_over_http_and_through_an_allowed_redirect(server: Server, site: Site) -> None:  # noqa: F811
    server = Server(server.conninfo, server.files, (f"{site.url}/in/",))
    body = b'{"resourceType":"Patient","id":"a"}\n'
    site.answers |= {"/in/p": (302, {"Location": "q"}, b""), "/in/q": (200, {}, body)}
    url = f"{site.url}/in/p"
    assert imported(server, ("Patient", url))["output"] == [{"type": "Patient", "inputUrl": url, "count": 1}]


def test_a_redirect_out_of_what_is_allowed_is_not_followed(server: Server, site: Site) -> None:  # noqa: F811
    server = Server(server.conninfo, server.files, (f"{site.url}/in/",))
    site.answers |= {
        "/in/p": (302, {"Location": "/secret"}, b""),
        "/secret": (200, {}, b'{"resourceType":"Patient","id":"a"}\n'),
    }
    assert f"the operator allows no call to {site.url}/secret" in failed(server, f"{site.url}/in/p")
    assert [path for _, path, _ in site.asked] == ["/in/p"]


def test_a_name_that_leads_inside_is_not_called(server: Server, site: Site, tmp_path: Path) -> None:  # noqa: F811
    """The name of an allowed address, turned towards this machine by who owns it."""
    url = f"http://kho.example.vn:{site.port}/p"
    run = SimpleNamespace(
        params={"input": [{"type": "Patient", "url": url}]}, job=SimpleNamespace(id="j"), kept=None,
        connection=server.connection, actor=SYSTEM,
    )  # fmt: skip
    with pytest.raises(Invalid, match=r"leads to 127\.0\.0\.1"):
        importing.run(
            cast("jobs.JobRun", run), tmp_path,
            sources=(f"http://kho.example.vn:{site.port}/",), resolve=leading("127.0.0.1"),
        )  # fmt: skip
    assert site.asked == []


def test_a_file_that_ends_too_soon_is_not_taken_for_whole(server: Server, site: Site) -> None:  # noqa: F811
    server = Server(server.conninfo, server.files, (f"{site.url}/",))
    site.answers["/p"] = (200, {"Content-Length": "500"}, b'{"resourceType":"Patient","id":"a"}\n')
    assert "it ends 464 bytes too soon" in failed(server, f"{site.url}/p")


def test_a_link_out_of_an_allowed_folder_is_not_followed(server: Server, tmp_path: Path) -> None:
    outside, folder = tmp_path / "outside.ndjson", tmp_path / "in"
    lines(outside, {"resourceType": "Patient", "id": "a"})
    folder.mkdir()
    (folder / "p.ndjson").symlink_to(outside)
    server = Server(server.conninfo, server.files, (f"file://{folder}/",))
    assert "it lies outside of the folders" in failed(server, f"file://{folder}/p.ndjson")
