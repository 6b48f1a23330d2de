"""Writes by id and by condition, and patches: valid resources, and such with parts broken."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from bench.fuzz import trees, values
from bench.fuzz.dice import Dice
from bench.fuzz.searching import criterion
from bench.fuzz.world import FORM, JSON, Parts, World, any_type, path_of


def resource(known: World, random: Dice, name: str | None = None) -> trees.Tree:
    """An example resource, of a known person, perhaps broken."""
    name = name or any_type(known, random)
    own = known.examples.get(name) or known.examples["Patient"]
    found = trees.about(random.choice(own), values.identifier(random))
    if random.random() < 0.7:
        found = trees.broken(random, found)
    if isinstance(found, dict):
        found["id"] = values.identifier(random)
    return found


def sent(random: Dice, tree: trees.Tree) -> tuple[bytes, str]:
    """The bytes of a tree, now and then cut, scratched or as another type."""
    kind = (
        JSON
        if random.random() < 0.9
        else random.choice(
            [
                "application/json",
                "application/fhir+xml",
                "text/plain",
                "",
                "application/json-patch+json",
                f"{JSON}; charset=latin1",
                FORM,
                "a/b;c",
                "multipart/form-data",
            ]
        )
    )
    data = json.dumps(tree, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    if random.tame:
        return data, JSON
    chance = random.random()
    if chance < 0.03:
        return trees.garbage(random), kind
    if chance < 0.06 and data:
        cut = random.randrange(len(data))
        data = random.choice([data[:cut], data[:cut] + random.randbytes(2) + data[cut:], data + data])
    return data, kind


def write(known: World, random: Dice) -> Parts:
    tree = resource(known, random)
    name = str(tree.get("resourceType", "Patient")) if random.random() < 0.95 else any_type(known, random)
    one = str(tree.get("id", "x"))
    data, kind = sent(random, tree)
    headers = {"Content-Type": kind}
    condition = urlencode([criterion(known, random, name) for _ in range(random.choice([1, 1, 2]))])
    match random.randrange(8):
        case 0 | 1:
            return "POST", path_of(name), data, headers
        case 2:
            return "POST", path_of(name), data, {**headers, "If-None-Exist": condition}
        case 3 | 4:
            return "PUT", path_of(name, one), data, headers
        case 5:
            return "PUT", f"{path_of(name)}?{condition}", data, headers
        case 6:
            return "DELETE", path_of(name, one), b"", {}
        case _:
            return "DELETE", f"{path_of(name)}?{condition}", b"", {}


def _pointer(random: Dice, tree: trees.Tree) -> str:
    known = trees.places(tree)
    if not known or random.random() < 0.15:
        return random.choice(
            [
                "",
                "/",
                "/-",
                "a",
                "/~2",
                "//",
                "/name/-1",
                "/name/99999999999999999999",
                "/" + "a/" * 200,
                "/resourceType",
                "/id",
                "/meta/versionId",
            ]
        )
    path = "/" + "/".join(str(one).replace("~", "~0").replace("/", "~1") for one in random.choice(known))
    return path + random.choice(["", "", "", "/-", "/0", "/x"])


def patch_body(known: World, random: Dice, name: str) -> tuple[bytes, str]:
    """A JSON Patch or a FHIRPath Patch."""
    tree = random.choice(known.examples.get(name) or known.examples["Patient"])
    if random.random() < 0.5:
        steps = [
            {
                "op": random.choice(["add", "remove", "replace", "move", "copy", "test", "x"]),
                "path": _pointer(random, tree),
                "from": _pointer(random, tree),
                "value": trees.odd(random),
            }
            for _ in range(random.choice([0, 1, 1, 2, 5]))
        ]
        return json.dumps(
            trees.broken(random, steps) if random.random() < 0.2 else steps
        ).encode(), "application/json-patch+json"
    steps = []
    for _ in range(random.choice([0, 1, 1, 2, 4])):
        path = random.choice(
            [
                name,
                f"{name}.{random.choice(list(tree))}",
                f"{name}.name[0]",
                f"{name}.identifier.where(value='x')",
                "true",
                "1",
                "((",
                "",
                "%resource",
                f"{name}.descendants()",
                f"{name}.name.given.first()",
                "a" * 300,
                f"{name}.repeat(children())",
                "now()",
                f"{name}.meta",
            ]
        )
        parts: list[dict[str, Any]] = [
            {"name": "type", "valueCode": random.choice(["add", "insert", "delete", "replace", "move", "x"])},
            {"name": "path", "valueString": path},
            {"name": "name", "valueString": random.choice([*list(tree), "", "x"])},
            random.choice(
                [
                    {"name": "value", "valueString": values.text(random)},
                    {"name": "value", "valueHumanName": {"text": "x"}},
                    {"name": "value", "part": [{"name": "text", "valueString": "x"}]},
                    {"name": "value", "valueBoolean": True},
                ]
            ),
            {"name": "index", "valueInteger": random.choice([0, 1, -1, 10**9])},
            {"name": "source", "valueInteger": random.choice([0, 1, -1])},
            {"name": "destination", "valueInteger": random.choice([0, 1, -1])},
        ]
        random.shuffle(parts)
        steps.append({"name": "operation", "part": parts[: random.randint(2, 7)]})
    body = {"resourceType": "Parameters", "parameter": steps}
    return json.dumps(trees.broken(random, body) if random.random() < 0.2 else body).encode(), JSON


def patch(known: World, random: Dice) -> Parts:
    name = any_type(known, random)
    data, kind = patch_body(known, random, name)
    if random.random() < 0.1:
        kind = random.choice(
            [
                JSON,
                "application/json-patch+json",
                "application/merge-patch+json",
                "",
                "application/xml-patch+xml",
            ]
        )
    if random.random() < 0.2:
        return (
            "PATCH",
            f"{path_of(name)}?{urlencode([criterion(known, random, name)])}",
            data,
            {"Content-Type": kind},
        )
    return "PATCH", path_of(name, values.identifier(random)), data, {"Content-Type": kind}
