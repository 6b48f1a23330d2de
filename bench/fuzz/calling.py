"""Operations with their parameters, and bundles of all that can be asked."""

from __future__ import annotations

import copy
import json
from typing import Any

from bench.fuzz import trees, values
from bench.fuzz.dice import Dice
from bench.fuzz.searching import read, search
from bench.fuzz.sending import patch, resource, sent, write
from bench.fuzz.world import Parts, World, any_type, path_of, with_query


def _entry(known: World, random: Dice, number: int) -> dict[str, Any]:
    method, url, body, headers = random.choice([read, search, write, write, write, patch, operate])(
        known, random
    )
    entry: dict[str, Any] = {
        "request": {"method": method, "url": url.lstrip("/") if random.random() < 0.9 else url}
    }
    if random.random() < 0.5:
        entry["fullUrl"] = random.choice(
            [
                f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
                "urn:uuid:00000000-0000-4000-8000-000000000000",
                f"http://x.example/{number}",
                "x",
                "",
            ]
        )
    for header, name in (
        ("If-None-Exist", "ifNoneExist"),
        ("If-Match", "ifMatch"),
        ("If-None-Match", "ifNoneMatch"),
    ):
        if header in headers:
            entry["request"][name] = headers[header]
    if random.random() < 0.1:
        entry["request"][random.choice(["ifMatch", "ifNoneMatch", "ifModifiedSince"])] = random.choice(
            ['W/"1"', "1", "*", "2020-01-01T00:00:00Z", ""]
        )
    if body:
        try:
            entry["resource"] = json.loads(body)
        except (ValueError, RecursionError):
            entry["resource"] = resource(known, random)
    return entry


def bundle(known: World, random: Dice) -> Parts:
    entries = [_entry(known, random, number) for number in range(random.choice([0, 1, 2, 3, 5, 8]))]
    if entries and not random.tame and random.random() < 0.2:
        entries.append(copy.deepcopy(random.choice(entries)))
    body: Any = {
        "resourceType": "Bundle",
        "type": random.choice(["transaction", "transaction", "batch", "batch", "history", "message", "x"]),
        "entry": entries,
    }
    if not random.tame and random.random() < 0.25:
        body = trees.broken(random, body)
    data, kind = sent(random, body)
    return "POST", random.choice(["/", "/", "", "/Bundle"]), data, {"Content-Type": kind}


def _name(random: Dice, operation: str) -> str:
    """A parameter's name, mostly one the operation has."""
    own = values.WORDS["called"].get(operation)
    return (
        str(random.choice(own))
        if own and random.random() < (1 if random.tame else 0.8)
        else values.one_of(random, "names")
    )


def _parameter(known: World, random: Dice, operation: str) -> dict[str, Any]:
    name = _name(random, operation)
    value: dict[str, Any] = random.choice(
        [
            {"valueString": values.text(random)},
            {"valueCode": random.choice(values.CODES)},
            {"valueUri": random.choice(values.SYSTEMS)},
            {"valueBoolean": random.random() < 0.5},
            {"valueInteger": random.choice([0, 1, -1, 2**31 - 1])},
            {"valueInstant": values.date(random)},
            {"valueDate": values.date(random)},
            {"valueDecimal": 1.50},
            {"valueCoding": {"system": random.choice(values.SYSTEMS), "code": random.choice(values.CODES)}},
            {"valueCodeableConcept": {"coding": [{"code": "x"}], "text": "x"}},
            {"valueReference": {"reference": values.reference(random, ["Patient"])}},
            {"valueMeta": {"tag": [{"system": "x", "code": values.text(random)}]}},
            {"resource": resource(known, random)},
            {"resource": _view(random)},
            {"part": [{"name": "url", "valueUri": "x"}]},
            {},
        ]
    )
    return {"name": name, **value}


def _view(random: Dice) -> trees.Tree:
    path = random.choice(
        [
            "id",
            "name.given.first()",
            "getResourceKey()",
            "a b",
            "",
            "1 + 'x'",
            "name.where(use = %use)",
            "descendants()",
            "iif(true, 1, 2)",
            "((",
            "birthDate.lowBoundary()",
            "now()",
        ]
    )
    view = {
        "resourceType": "ViewDefinition",
        "resource": random.choice(["Patient", "Observation", "Nonsense", ""]),
        "name": random.choice(["v", "a b", "", "x" * 99]),
        "status": "active",
        "select": [
            {
                "column": [{"name": random.choice(["a", "a", "A b", ""]), "path": path}],
                random.choice(["forEach", "forEachOrNull", "unionAll", "where", "select"]): random.choice(
                    ["name", [], [{"path": path}], "x("]
                ),
            }
        ],
        "where": [{"path": random.choice(["true", "id = '1'", "name.exists()", "1", "'"])}],
    }
    return trees.broken(random, view)


def operate(known: World, random: Dice) -> Parts:
    operation = random.choice(sorted({one for found in known.operations.values() for one in found}))
    name = random.choice([name for name, found in known.operations.items() if operation in found])
    if not random.tame and random.random() < 0.1:
        operation = random.choice(["nonsense", "graphql", "", "$", "process-message", "x" * 100])
    parts = [name or any_type(known, random)] if name or random.random() < 0.4 else []
    if parts and random.random() < 0.5:
        parts.append(values.identifier(random))
    path = path_of(*parts, f"${operation}")
    if random.random() < 0.5:
        pairs = [
            (
                _name(random, operation),
                values.of_kind(
                    random,
                    random.choice(["string", "token", "date", "number", "uri", "reference"]),
                    known.types,
                ),
            )
            for _ in range(random.randint(0, 4))
        ]
        return (
            random.choice(["GET", "GET", "GET", "POST", "DELETE"][: 3 if random.tame else None]),
            with_query(random, path, pairs),
            b"",
            {"Prefer": random.choice(["respond-async", "handling=strict", ""])},
        )
    body: Any = {
        "resourceType": "Parameters",
        "parameter": [_parameter(known, random, operation) for _ in range(random.choice([0, 1, 2, 3, 5]))],
    }
    if random.random() < 0.2:
        body = resource(known, random)
    elif random.random() < 0.2:
        body = trees.broken(random, body)
    data, kind = sent(random, body)
    return (
        "POST",
        path,
        data,
        {"Content-Type": kind, "Prefer": random.choice(["respond-async", "return=minimal", ""])},
    )
