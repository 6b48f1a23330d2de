"""The FHIR API as another system sees it: a bearer token, JSON in, JSON out."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.houses import House


@dataclass(frozen=True)
class Api:
    """The API of a house with one token."""

    address: str
    token: str

    def ask(self, path: str, *, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        """Status and JSON of an answer, also of a refusal."""
        request = urllib.request.Request(
            f"{self.address}/fhir/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/fhir+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.loads(refusal.read() or b"null")

    def read(self, path: str) -> Any:
        status, found = self.ask(path)
        assert status == 200, f"{path}: {status} {found}"
        return found

    def find(self, type_name: str, **parameters: str) -> list[Any]:
        """Every match of a search, page after page; a trailing `_` of a parameter's name is dropped."""
        asked = {
            name.rstrip("_").replace("_", "-") if name[0] != "_" else name: text
            for name, text in parameters.items()
        }
        path, found = f"{type_name}?{urllib.parse.urlencode({'_count': '200'} | asked)}", []
        while path:
            bundle = self.read(path)
            found += [one["resource"] for one in bundle.get("entry", []) if one["search"]["mode"] == "match"]
            links = {one["relation"]: one["url"] for one in bundle.get("link", [])}
            path = links.get("next", "").partition("/fhir/")[2]
        return found


def api(house: House, role: str, *words: str) -> Api:
    """The API with a fresh token of a role."""
    done = house.command("token", "--role", role, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return Api(house.address, done.stdout.strip())
