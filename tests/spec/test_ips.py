"""Published patient summaries, taken apart into a record and summarized again: nothing required is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.fhir.operation_calls import BASE, Client, client_of
from tests.spec.published import folder
from yba.fhir.rest.operations.summary.sections import ABSENT, SECTIONS

FILES = sorted(folder("ips").glob("*.json"))
REQUIRED = ("11450-4", "48765-2", "10160-0")
#: Told by the person in their own words; there is nothing in a record to make it of.
STORY = "81338-6"


def _sections(bundle: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """LOINC code of a section to its resources, those left out that say that nothing is known."""
    by_url = {one.get("fullUrl"): one["resource"] for one in bundle["entry"]}
    for one in bundle["entry"]:
        resource = one["resource"]
        by_url.setdefault(f"{resource['resourceType']}/{resource.get('id')}", resource)
    return {
        section["code"]["coding"][0]["code"]: [
            by_url[entry["reference"]] for entry in section.get("entry", ()) if entry["reference"] in by_url
        ]
        for section in bundle["entry"][0]["resource"]["section"]
    }


def _told(resource: dict[str, Any]) -> bool:
    return ABSENT not in json.dumps(resource)


@pytest.fixture
def client(connection: psycopg.Connection[Any]) -> Client:
    return client_of(connection)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_its_sections_are_known(path: Path) -> None:
    assert set(_sections(json.loads(path.read_text()))) <= {one.code for one in SECTIONS} | {STORY}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.stem))
def test_nothing_required_is_lost(client: Client, path: Path) -> None:
    bundle = json.loads(path.read_text())
    sent = [one for one in bundle["entry"] if one["resource"]["resourceType"] != "Composition"]
    entries = [{**one, "request": {"method": "POST", "url": one["resource"]["resourceType"]}} for one in sent]
    made = client("POST", "/", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert made.status == 200, made.body[:2000]
    places = {
        id(one["resource"]): row["response"]["location"].removeprefix(BASE + "/").partition("/_history")[0]
        for one, row in zip(sent, made.json["entry"], strict=True)
    }
    patient = next(
        places[id(one["resource"])] for one in sent if one["resource"]["resourceType"] == "Patient"
    )
    answer = client("GET", f"/{patient}/$summary")
    assert answer.status == 200
    found = {
        code: {f"{one['resourceType']}/{one.get('id')}" for one in rows}
        for code, rows in _sections(answer.json).items()
    }
    known = _sections(bundle)
    for code in REQUIRED:
        wanted = {places[id(one)] for one in known.get(code, ()) if _told(one) and _is_current(code, one)}
        assert wanted <= found[code]


def _is_current(code: str, resource: dict[str, Any]) -> bool:
    """A problem that is over belongs to past illness, and a medicine that was stopped to none."""
    if code == "10160-0":
        return resource.get("status") in (None, "active", "intended", "unknown", "on-hold")
    status = json.dumps(resource.get("clinicalStatus", {}))
    return code == "48765-2" or not any(word in status for word in ("inactive", "resolved", "remission"))
