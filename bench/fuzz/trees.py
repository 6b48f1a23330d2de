"""Valid resources, and what becomes of them when parts are broken: trees of dict, list and plain values."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from bench.fuzz import values
from bench.fuzz.dice import Dice

Tree = Any
LARGEST = 30_000
_XML = b"<Patient xmlns='http://hl7.org/fhir'><id value='&d;'/></Patient>"


def examples(folder: Path) -> dict[str, list[Tree]]:
    """Published examples by type, the small ones."""
    found: dict[str, list[Tree]] = {}
    for path in sorted(folder.glob("*.json")):
        if path.stat().st_size <= LARGEST:
            one = json.loads(path.read_bytes())
            found.setdefault(one["resourceType"], []).append(one)
    return found


def places(tree: Tree, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place below the root."""
    found: list[tuple[str | int, ...]] = []
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        found.append((*path, key))
        found += places(value, (*path, key))
    return found


def at(tree: Tree, path: tuple[str | int, ...]) -> Tree:
    """What stands at a place."""
    for key in path:
        tree = tree[key]
    return tree


def odd(random: Dice) -> Tree:
    """A value that fits hardly anywhere."""
    return random.choice(
        [
            None,
            True,
            False,
            0,
            -1,
            10**30,
            1.5,
            1e300,
            [],
            {},
            [None],
            [[]],
            {"a": 1},
            [{}],
            "",
            values.text(random),
            values.date(random),
            values.number(random),
            {"reference": values.reference(random, ["Patient", "Group"])},
            {"extension": []},
            {"url": "x"},
            ["a"] * 50,
            {"resourceType": "Patient"},
            {"resourceType": "Nonsense"},
            {"value": "1", "unit": "mg"},
            {"coding": [{"code": values.text(random)}]},
        ]
    )


def broken(random: Dice, tree: Tree, most: int = 3) -> Tree:
    """A copy with some parts removed, replaced, doubled, renamed or moved; sometimes as it was."""
    found = copy.deepcopy(tree)
    if random.tame:
        return found
    for _ in range(random.choice([0, 1, 1, 1, 2, most])):
        known = places(found)
        if not known:
            break
        _break(random, found, random.choice(known), known)
    return found


def _break(
    random: Dice, found: Tree, path: tuple[str | int, ...], known: list[tuple[str | int, ...]]
) -> None:
    parent, key = at(found, path[:-1]), path[-1]
    value = parent[key]
    match random.randrange(10):
        case 0:
            del parent[key]
        case 1 | 2:
            parent[key] = odd(random)
        case 3:
            parent[key] = [value, copy.deepcopy(value)]
        case 4:
            parent[key] = value[0] if isinstance(value, list) and value else [value]
        case 5 if isinstance(parent, dict):
            parent[
                random.choice(
                    [
                        f"_{key}",
                        f"{key}x",
                        "_",
                        "",
                        "id",
                        "extension",
                        "resourceType",
                        "contained",
                        "meta",
                        "text",
                    ]
                )
            ] = parent.pop(key)
        case 6:
            parent[key] = copy.deepcopy(at(found, random.choice(known)))
        case 7 if isinstance(value, str):
            parent[key] = random.choice(
                [
                    values.text(random),
                    values.date(random),
                    values.number(random),
                    value + " ",
                    value.upper(),
                    value[:-1],
                ]
            )
        case 8 if isinstance(value, str) and isinstance(parent, dict) and "/" in value:
            parent[key] = values.reference(random, ["Patient", "Practitioner", "Observation", "Organization"])
        case _ if isinstance(value, (int, float)) and not isinstance(value, bool):
            parent[key] = random.choice([-value, value * 10**9, str(value), value + 0.5, 1e22, 0])
        case _ if isinstance(parent, list):
            parent.extend(copy.deepcopy(parent) * random.choice([1, 1, 20]))
            del parent[300:]
        case _:
            parent[f"_{key}"] = random.choice(
                [{"extension": [{"url": "http://x.example", "valueString": "x"}]}, {"id": "a"}, None, []]
            )


def about(tree: Tree, person: str) -> Tree:
    """The same resource of a person, wherever it names a patient or a subject."""
    found = copy.deepcopy(tree)
    for name in ("patient", "subject", "beneficiary", "individual"):
        if isinstance(found.get(name), dict) and "reference" in found[name]:
            found[name] = {"reference": f"Patient/{person}"}
    return found


def garbage(random: Dice) -> bytes:
    """A body that is no resource, or hardly."""
    deep = random.choice([10, 100, 1000, 100_000])
    return random.choice(
        [
            b"",
            b" ",
            b"null",
            b"[]",
            b"{}",
            b"1",
            b'""',
            b"{",
            b'{"resourceType"',
            b'{"resourceType":"Patient"',
            b"\xff\xfe",
            b"\xef\xbb\xbf{}",
            b'{"resourceType":"Patient","resourceType":"Group"}',
            b"[" * deep,
            b'{"a":' * deep,
            b"[" * 200 + b"]" * 200,
            b'{"resourceType":"Patient","contained":[' * 60 + b"]}" * 60,
            b'{"resourceType":"Patient","name":[{"text":"\\ud800"}]}',
            b'{"resourceType":"Patient","name":[{"text":"\\u0000"}]}',
            b'{"resourceType":"Observation","valueQuantity":{"value":1e999999}}',
            b'{"resourceType":"Observation","valueQuantity":{"value":' + b"9" * 5000 + b"}}",
            b"NaN",
            b'{"resourceType":NaN}',
            b"query { Patient { id } }",
            b'{"query":"{ Patient(id: 1) { name } }"}',
            b"<Patient xmlns='http://hl7.org/fhir'/>",
            b"<Patient/>",
            b"<",
            b"<?xml version='1.0'?>",
            b"<!DOCTYPE a [<!ENTITY b 'c'><!ENTITY d '&b;&b;'>]>" + _XML,
            b"<!DOCTYPE a [<!ENTITY d SYSTEM 'file:///etc/passwd'>]>" + _XML,
            b"<a>" * 500,
            b"<Patient xmlns='http://hl7.org/fhir'>" + b"<contained>" * 300,
            b"a=b&c=d",
            b"\x00",
            b"name=" + b"%" * 50,
            random.randbytes(200),
        ]
    )
