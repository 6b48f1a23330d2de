"""What leaves the record as files, and what comes in as files: jobs of every role, by row and mask.

Exports (all, of some persons, of a group, narrowed by ``_typeFilter``), views written to files and made into tables,
imports; and that nobody but who asked for a job follows it or fetches what it made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.access import oracle
from tests.access.asking import ACTORS, count, words
from tests.access.test_in_bulk import EXPORTING, a_view
from tests.access.world import World
from tests.fhir.test_export import Server
from tests.fhir.test_rest import BASE, Answer, Noted
from yba.fhir import rest
from yba.fhir.access import Actor
from yba.fhir.bulk import export
from yba.fhir.store.audit import Journal
from yba.site.oauth import scopes

FILTERED = ("Patient", "Coverage", "Observation", "Condition", "Encounter", "Consent")
ASYNC = {"prefer": "respond-async"}


class Files(Server):
    """Any actor as a token, jobs that are worked off at once, and the words in what they made."""

    def __init__(self, conninfo: str, files: Path, sources: tuple[str, ...] = ()) -> None:
        super().__init__(conninfo, files, sources)
        self.actors = dict(ACTORS)
        self.application = rest.application(
            lambda: self.connection, lambda token: self.actors.get(token), base_url=BASE, files=files,
            import_sources=sources, journal=cast("Journal", Noted()),
        )  # fmt: skip

    def begun(self, name: str, url: str, body: object = None) -> Answer:
        count("requests")
        return self("GET" if body is None else "POST", url, body, name, **ASYNC)

    def made(self, name: str, begun: Answer) -> dict[str, bytes]:
        """The files of a job, each under its type or name; nobody else follows or fetches them."""
        assert begun.status == 202, begun.body
        place = begun.headers["Content-Location"]
        self.work()
        manifest = self("GET", place, None, name)
        assert manifest.status == 200, manifest.body
        found: dict[str, bytes] = {}
        for kind, url in _outputs(manifest.json):
            found[kind] = found.get(kind, b"") + self("GET", url, None, name).body
            for other in self.others(name):
                assert self("GET", url, None, other).status == 404, url
        for other in self.others(name):
            assert self("GET", place, None, other).status == 404
            assert self("DELETE", place, None, other).status == 404
        return found

    def others(self, name: str) -> list[str]:
        """Somebody else, an app of the same account among them."""
        self.actors["an app"] = replace(
            self.actors[name], app="app-9", scopes=tuple(scopes.resources(["user/*.cruds"]))
        )
        whom = ("programme_officer", "citizen", "laboratory", "auditor", "an app")
        return [one for one in whom if one == "an app" or self.actors[one].user != self.actors[name].user]


def _outputs(manifest: Any) -> Iterator[tuple[str, str]]:
    if manifest.get("resourceType") == "Parameters":
        for one in manifest["parameter"]:
            if one["name"] == "output":
                parts = {part["name"]: part for part in one["part"]}
                yield parts["name"]["valueString"], parts["location"]["valueUri"]
        return
    for one in manifest["output"]:
        yield one["type"], one["url"]


@pytest.fixture(scope="module")
def copy(filled: str, databases: Any) -> Iterator[str]:
    """The world once more, for jobs and writes that stay."""
    name = databases.new(conninfo_to_dict(filled)["dbname"])
    yield databases.conninfo(name)
    databases.drop(name)


@pytest.fixture
def files(copy: str, tmp_path: Path) -> Iterator[Files]:
    made = Files(copy, tmp_path, (tmp_path.as_uri() + "/",))
    yield made
    made.connection.close()


def taken(world: World, actor: Actor, kind: str, *also: str, patients: set[str] | None = None) -> set[str]:
    now = datetime.now(UTC)  # a job's clock is the machine's
    return {
        row.secret for row in world.of_type(kind)
        if (patients is None or row.patient in patients)
        and all(oracle.allowed(world, actor, row, way, now) for way in ("export", *also))
    }  # fmt: skip


# -- exports -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXPORTING)
def test_exports_narrowed_by_a_search(files: Files, world: World, name: str) -> None:
    """A filter narrows what may be exported: what may only be looked at is not taken along by it."""
    filters = ",".join(f"{kind}?_lastUpdated=ge2020-01-01" for kind in FILTERED)
    made = files.made(name, files.begun(name, f"/$export?_type={','.join(FILTERED)}&_typeFilter={filters}"))
    for kind in FILTERED:
        count("exported")
        assert words(made.get(kind, b"")) == taken(world, ACTORS[name], kind, "search"), kind


@pytest.mark.parametrize("name", EXPORTING)
def test_exports_of_persons(files: Files, world: World, name: str) -> None:
    """Named or not, one by one or as a group: of a person who is hidden nothing comes, nor that there is one."""
    asked = ("visit", "followed", "app", "stranger", "nobody-at-all")
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "patient", "valueReference": {"reference": f"Patient/{one}"}} for one in asked
        ] + [{"name": "_type", "valueString": "Patient,Observation,Condition"}],
    }  # fmt: skip
    made = files.made(name, files.begun(name, "/Patient/$export", body))
    every = files.made(name, files.begun(name, "/Patient/$export?_type=Patient,Observation,Condition"))
    for kind in ("Patient", "Observation", "Condition"):
        count("exported", 2)
        assert words(made.get(kind, b"")) == taken(world, ACTORS[name], kind, patients=set(asked)), kind
        everybody = {str(row.patient) for row in world.rows if row.patient is not None}
        assert words(every.get(kind, b"")) == taken(world, ACTORS[name], kind, patients=everybody), kind


@pytest.mark.parametrize("while_it_runs", [True, False])
def test_what_is_withdrawn_is_not_given_out_any_more(
    files: Files, world: World, while_it_runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A consent that ends while an export reads its one moment, or while its files lie there, closes them at once."""
    name, person = "outside_system", "app"
    mine = taken(world, ACTORS[name], "Observation", patients={person})
    consent = next(
        row for row in world.of_type("Consent") if row.patient == person and row.content["status"] == "active"
    )

    def turned(status: str) -> None:
        changed = consent.content | {"status": status}
        assert files("PUT", f"/{consent.name}", changed, "system_role").status == 200

    snapshot = export._snapshot

    def withdrawn(connection: Any) -> Any:
        moment = snapshot(connection)
        turned("inactive")
        return moment

    asked = "/Patient/$export?_type=Observation,Encounter"
    if while_it_runs:
        monkeypatch.setattr(export, "_snapshot", withdrawn)
    begun = files.begun(name, asked)
    files.work()
    manifest = files("GET", begun.headers["Content-Location"], None, name).json
    (url,) = (one["url"] for one in manifest["output"] if one["type"] == "Observation")
    if not while_it_runs:
        assert mine <= words(files("GET", url, None, name).body), "there is something to be closed"
        turned("inactive")
    try:
        closed = files("GET", url, None, name)
        assert (closed.status, closed.key) == (410, "jobs.file-closed")
        assert files("GET", f"{url}.persons", None, name).status == 404
        again = files.made(name, files.begun(name, asked))
        assert words(again["Observation"]) & mine == set() != mine
    finally:
        turned("active")
    assert mine <= words(files("GET", url, None, name).body), "and what is given again, is"


@pytest.mark.parametrize("name", EXPORTING)
def test_exports_of_groups(files: Files, world: World, name: str) -> None:
    """A group that is hidden is not there; of one that is seen come those members' rows that may be exported."""
    groups = [row for row in world.of_type("Group") if row.id.startswith("g")]
    for row in groups:
        begun = files.begun(name, f"/{row.name}/$export?_type=Patient,Observation")
        count("exported")
        if not oracle.allowed(world, ACTORS[name], row, "read"):
            never = files.begun(name, f"/Group/{'n' * len(row.id)}/$export?_type=Patient,Observation")
            assert (begun.status, begun.body) == (
                404,
                never.body.replace(b"n" * len(row.id), row.id.encode()),
            )
            continue
        members = {one["entity"]["reference"].removeprefix("Patient/") for one in row.content["member"]}
        made = files.made(name, begun)
        for kind in ("Patient", "Observation"):
            assert words(made.get(kind, b"")) == taken(world, ACTORS[name], kind, patients=members), row.name
        return  # one that is seen is enough: each is a job


def test_deleted_rows_are_told_as_far_as_they_were_seen(files: Files, world: World) -> None:
    """What was deleted since a moment is told by its id: to who could have exported it."""
    since = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    # A deleted row says no date any more: what is shared for a stretch of time alone is not told as deleted.
    rows = [row for row in world.of_type("Procedure") if not row.labels and row.patient != "time"][:60]
    for row in rows:
        assert files("DELETE", f"/{row.name}", None, "system_role").status == 204
    for name in EXPORTING:
        expected = {
            row.name for row in rows if oracle.allowed(world, ACTORS[name], row, "export", datetime.now(UTC))
        }
        begun = files.begun(name, f"/$export?_type=Procedure&_since={since}")
        files.work()
        manifest = files("GET", begun.headers["Content-Location"], None, name).json
        lines = [
            json.loads(line)
            for one in manifest["deleted"]
            for line in files("GET", one["url"], None, name).body.splitlines()
        ]
        count("exported")
        assert {entry["request"]["url"] for line in lines for entry in line["entry"]} == expected, name


# -- masks -------------------------------------------------------------------------------------------------------


def test_masked_elements_are_in_no_file_and_no_view(files: Files, world: World) -> None:
    """Whoever sees a person in part takes along no more of them, by export, filter or view."""
    row = next(one for one in world.rows if one.name == "Patient/followed")
    word = "kinmot"
    told = {
        **row.content, "contact": [{"name": {"text": word}}], "photo": [{"title": word}],
        "maritalStatus": {"text": word},
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{word}</div>'},
    }  # fmt: skip
    assert files("PUT", f"/{row.name}", told, "system_role").status == 200
    name = "programme_officer"
    view = a_view(
        "Patient", contact="contact.name.text.first()", married="maritalStatus.text", photo="photo.title.first()",
        has="contact.exists()", told="text.div",
    )  # fmt: skip
    narrowed = {**view, "where": [{"path": "maritalStatus.exists()"}]}
    for url in ("/$export?_type=Patient", "/$export?_type=Patient&_typeFilter=Patient?gender=female"):
        made = files.made(name, files.begun(name, url))
        assert row.secret in words(made["Patient"])
        assert word.encode() not in made["Patient"]
    for one, there in ((view, True), (narrowed, False)):
        body = {"resourceType": "Parameters", "parameter": [{"name": "viewResource", "resource": one}]}
        answer = files("POST", "/$viewdefinition-run?_format=json", body, name)
        assert (row.secret in words(answer.body)) is there
        assert word.encode() not in answer.body
        made = files.made(name, files.begun(name, "/$viewdefinition-export", writing(one)))
        assert (row.secret in words(made["v"])) is there
        assert word.encode() not in made["v"]
        whole = files.made("system_role", files.begun("system_role", "/$viewdefinition-export", writing(one)))
        assert word.encode() in whole["v"]


# -- views -------------------------------------------------------------------------------------------------------


def writing(view: dict[str, Any], **more: Any) -> dict[str, Any]:
    parts = [{"name": "name", "valueString": "v"}, {"name": "viewResource", "resource": view}]
    return {"resourceType": "Parameters", "parameter": [{"name": "view", "part": parts}]}


@pytest.mark.parametrize("name", ACTORS)
def test_views_as_files(files: Files, world: World, name: str) -> None:
    actor = ACTORS[name]
    may = "views" in oracle.said()["roles"].get(actor.role, {}).get("operations", [])
    for kind in ("Observation", "Patient") if may else ("Patient",):
        begun = files.begun(name, "/$viewdefinition-export", writing(a_view(kind)))
        count("viewed")
        if not may:
            assert begun.status == 403, begun.body
            continue
        now = datetime.now(UTC)
        expected = {
            row.secret for row in world.of_type(kind) if oracle.allowed(world, actor, row, "search", now)
        }
        assert words(files.made(name, begun)["v"]) == expected, kind
    for narrowing in ("patient", "group"):
        hidden = [
            row for row in world.of_type(narrowing.title()) if not oracle.allowed(world, actor, row, "read")
        ]
        told = []
        for one in [hidden[0].id, "n" * len(hidden[0].id)] if hidden else []:
            body = writing(a_view("Observation"))
            reference = {"reference": f"{narrowing.title()}/{one}"}
            body["parameter"].append({"name": narrowing, "valueReference": reference})
            answer = files.begun(name, "/$viewdefinition-export", body)
            told.append((answer.status, answer.body.replace(one.encode(), b"ID")))
        assert len(set(told)) <= 1, told


@pytest.mark.parametrize("name", ACTORS)
def test_tables_are_made_by_the_operator_alone(files: Files, name: str) -> None:
    body = writing(a_view("Patient"))
    body["parameter"].append({"name": "targetName", "valueString": "of_persons"})
    begun = files.begun(name, "/$materialize", body)
    count("viewed")
    may = "materialize" in oracle.said()["roles"].get(ACTORS[name].role, {}).get("operations", [])
    assert begun.status == (202 if may else 403), begun.body
    for app in ("user/Patient.rs", "system/Patient.rs", "system/*.rs"):
        files.actors["app"] = replace(
            ACTORS[name], app="app-9", scopes=tuple(scopes.resources([app])), launched=None
        )
        assert files.begun("app", "/$materialize", body).status == 403


# -- imports -----------------------------------------------------------------------------------------------------


def _importing(*inputs: Path) -> dict[str, Any]:
    kind = {"name": "type", "valueCode": "Patient"}
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "input", "part": [kind, {"name": "url", "valueUri": one.as_uri()}]} for one in inputs
        ],
    }


@pytest.mark.parametrize("name", ACTORS)
def test_who_may_import(files: Files, world: World, tmp_path: Path, name: str) -> None:
    """Who may, writes all; nobody else begins, whatever their app was let do, and no hidden row is overwritten."""
    lines = [
        row.content | {"language": "vi"}
        for row in world.of_type("Patient")
        if row.id in ("visit", "stranger")
    ]
    lines.append({"resourceType": "Patient", "id": f"new-{name}".replace("_", "-")})
    source = tmp_path / "in.ndjson"
    source.write_text("\n".join(json.dumps(one) for one in lines), encoding="utf-8")
    before = _versions(files)
    may = "import" in oracle.said()["roles"].get(ACTORS[name].role, {}).get("operations", [])
    for app in ("user/*.rs", "user/Patient.cruds", "patient/*.cruds", "system/*.rs"):
        files.actors["app"] = replace(
            ACTORS[name], app="app-9", scopes=tuple(scopes.resources([app])), launched=None
        )
        assert files.begun("app", "/$import", _importing(source)).status == 403, app
    begun = files.begun(name, "/$import", _importing(source))
    count("imported")
    assert begun.status == (202 if may else 403), begun.body
    files.work()
    after = _versions(files)
    if may:
        again = {(one, _version(before, one) + 1) for one in ("visit", "stranger")}
        assert after - before == {*again, (lines[-1]["id"], 1)}
        outside = files.begun(name, "/$import", _importing(tmp_path.parent / "elsewhere.ndjson"))
        assert outside.status == 403
    else:
        assert after == before


def _versions(files: Files) -> set[tuple[str, int]]:
    return set(
        files.connection.execute(
            "select id::varchar, version from record.unwalled_resource where type = 'Patient'"
        ).fetchall()
    )


def _version(found: set[tuple[str, int]], identifier: str) -> int:
    return next(version for one, version in found if one == identifier)
