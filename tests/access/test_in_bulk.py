"""Many rows at once: exports, views and bundles give each actor what the oracle says, whole, and nothing more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tests.access import oracle
from tests.access.asking import ACTORS, Asking, count, secrets_in
from tests.access.questions import questions
from tests.access.test_matrix_reading import chosen
from tests.access.world import World
from tests.fhir.test_export import Server
from tests.fhir.test_rest import BASE
from yba.fhir import rest
from yba.fhir.store.audit import Journal

EXPORTED = ("Patient", "Observation", "Condition", "Encounter", "Consent", "Organization", "Task")
EXPORTING = (
    "records_office",
    "records_b",
    "programme_officer",
    "outside_system",
    "outside_alone",
    "system_role",
)


@pytest.mark.parametrize("name", [*EXPORTING, "doctor", "citizen", "cashier", "auditor"])
def test_exports(filled: str, world: World, tmp_path: Path, name: str) -> None:
    actor = ACTORS[name]
    server = Server(filled, tmp_path)
    server.application = rest.application(
        lambda: server.connection, lambda _: actor, base_url=BASE, files=tmp_path,
        journal=cast("Journal", _Silent()),
    )  # fmt: skip
    url = f"/$export?_type={','.join(EXPORTED)}"
    begun = server("GET", url, None, "x", prefer="respond-async")
    if name not in EXPORTING:
        assert begun.status in (403, 404), begun.body
        return
    assert begun.status == 202, begun.body
    server.work()
    # The job's clock is the machine's.
    now = datetime.now(UTC)
    manifest = server("GET", begun.headers["Content-Location"]).json
    told: dict[str, set[str]] = {}
    for one in manifest["output"]:
        told.setdefault(one["type"], set()).update(secrets_in(server("GET", one["url"])))
    for kind in EXPORTED:
        count("exported")
        expected = {
            row.secret for row in world.of_type(kind) if oracle.allowed(world, actor, row, "export", now)
        }
        assert told.get(kind, set()) == expected, kind
    server.connection.close()


class _Silent:
    def add(self, act: object) -> None:
        """Nothing is kept of the audit's reads here."""


@pytest.mark.parametrize("name", ACTORS)
@pytest.mark.parametrize("kind", ["Observation", "Patient", "Encounter", "Organization"])
def test_views(asking: Asking, world: World, name: str, kind: str) -> None:
    """A view over the record answers from the rows a search finds, for whoever runs it."""
    actor = ACTORS[name]
    answer = asking.by(
        actor, "POST", "/$viewdefinition-run", running(a_view(kind)), accept="application/json"
    )
    assert answer.status == 200, answer.body
    count("viewed")
    assert secrets_in(answer) == {
        row.secret for row in world.of_type(kind) if oracle.allowed(world, actor, row, "search")
    }


def a_view(kind: str, **columns: str) -> dict[str, Any]:
    paths = {"id": "id", "source": "meta.source", **columns}
    return {
        "resourceType": "ViewDefinition", "name": "v", "resource": kind,
        "select": [{"column": [{"name": name, "path": path} for name, path in paths.items()]}],
    }  # fmt: skip


def running(view: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [{"name": "viewResource", "resource": view}, {"name": "_format", "valueCode": "json"}],
    }


@pytest.mark.parametrize(
    "name", ["citizen", "doctor", "nurse", "cashier", "outside_system", "device", "unknown"]
)
@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_bundles_of_questions(asking: Asking, world: World, name: str, kind: str) -> None:
    """In a bundle as alone: the same questions tell the same secrets, none of them hidden."""
    actor = ACTORS[name]
    seen = {row.secret for row in world.rows if oracle.allowed(world, actor, row, "search")}
    rows = [row.name for row in world.rows if chosen(name, row.name, every=97)]
    asked = rows if kind == "batch" else [one for one in rows if _seen(world, actor, one)]
    asked += [f"{one}&_count=20" for one in questions() if "?name=" in one or "Observation?code=a" in one]
    alone = set().union(*(secrets_in(asking.by(actor, "GET", f"/{one}")) for one in asked))
    entries = [{"request": {"method": "GET", "url": one}} for one in asked]
    answer = asking.by(actor, "POST", "/", {"resourceType": "Bundle", "type": kind, "entry": entries})
    assert answer.status == 200, answer.body
    count("bundled")
    assert secrets_in(answer) == alone
    assert alone <= seen


def _seen(world: World, actor: Any, name: str) -> bool:
    return any(row.name == name and oracle.allowed(world, actor, row, "read") for row in world.rows)
