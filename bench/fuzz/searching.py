"""Reads, histories and searches: every parameter offered, with values and modifiers that fit and that do not."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from bench.fuzz import values
from bench.fuzz.dice import Dice
from bench.fuzz.world import FORM, Parts, World, any_type, path_of, with_query


def read(known: World, random: Dice) -> Parts:
    name, one = any_type(known, random), values.identifier(random)
    version = random.choice(["1", "2", "0", "-1", "x", "99999999999999999999", "1.0"])
    path = random.choice(
        [
            path_of(name, one),
            path_of(name, one),
            path_of(name, one, "_history"),
            path_of(name, one, "_history", version),
            path_of(name, "_history"),
            path_of("_history"),
            path_of("metadata"),
            path_of(name, one, "Observation"),
            path_of(name, one, "*"),
            path_of(name, values.text(random)),
        ]
    )
    pairs = controls(known, random, name)
    if "_history" in path:
        pairs += [
            (
                random.choice(["_since", "_at", "_count", "_list", "_sort"]),
                random.choice([values.date(random), "1", "0", "-1", "ge2020", "_lastUpdated"]),
            )
        ]
    return random.choice(["GET", "GET", "GET", "HEAD"]), with_query(random, path, pairs), b"", {}


def controls(known: World, random: Dice, name: str) -> list[tuple[str, str]]:
    """Parameters of the answer."""
    code = random.choice(known.parameters.get(name) or [("x", "token")])[0]
    found = []
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        control, writings = random.choice(values.WORDS["controls"][: 11 if random.tame else None])
        found.append(
            (control, (writings[0] if random.tame else random.choice(writings)).format(name=name, code=code))
        )
    return found


def criterion(known: World, random: Dice, name: str, depth: int = 0) -> tuple[str, str]:
    """One criterion of a search, now and then a chain, a reverse chain or a filter."""
    every = known.parameters.get(name) or [("x", "token")]
    code, kind = random.choice(every)
    chance = random.random()
    if chance < 0.12 and depth < 4:
        links = [one for one, what in every if what == "reference"] or ["subject"]
        target = any_type(known, random)
        rest, value = criterion(known, random, target, depth + 1)
        return f"{random.choice(links)}{random.choice(['', f':{target}'])}.{rest}", value
    if chance < 0.2 and depth < 4:
        source = any_type(known, random)
        link = random.choice(
            [one for one, what in known.parameters.get(source, ()) if what == "reference"] or ["subject"]
        )
        rest, value = criterion(known, random, source, depth + 1)
        return f"_has:{source}:{link}:{rest}", value
    if chance < 0.26:
        return "_filter", _filter(known, random, name)
    if code == "_list":
        return code, random.choice(
            ["$current-problems", values.identifier(random), f"List/{values.identifier(random)}"]
        )
    fitting = values.WORDS["fitting"].get(kind) if random.tame or random.random() < 0.5 else values.MODIFIERS
    modifier = f":{random.choice(fitting)}" if fitting and random.random() < 0.4 else ""
    if modifier == ":missing" and random.random() < 0.8:
        return code + modifier, random.choice(["true", "false", "x"])
    if modifier in (":in", ":not-in") and random.random() < 0.8:
        return code + modifier, random.choice(
            [
                "http://hl7.org/fhir/ValueSet/observation-status",
                "http://hl7.org/fhir/ValueSet/no-such",
                "ValueSet/fz-0",
            ]
        )
    return code + modifier, values.of_kind(random, kind, known.types)


def _filter(known: World, random: Dice, name: str) -> str:
    """A text of the filter language, well formed or nearly."""
    code, kind = random.choice(known.parameters.get(name) or [("x", "token")])
    operator = random.choice(
        [
            "eq",
            "ne",
            "co",
            "sw",
            "ew",
            "gt",
            "lt",
            "ge",
            "le",
            "ap",
            "sa",
            "eb",
            "pr",
            "po",
            "ss",
            "sb",
            "in",
            "ni",
            "re",
            "xx",
        ]
    )
    value = values.of_kind(random, kind, known.types)
    one = f"{code} {operator} {random.choice([value, json.dumps(value)])}"
    return random.choice(
        [
            one,
            one,
            f"not ({one})",
            f"({one}) or ({one})",
            f"{one} and",
            f"{'(' * random.choice([1, 50, 5000])}{one}",
            f"{code}.{code} eq x",
            value,
        ]
    )


def search(known: World, random: Dice) -> Parts:
    name = any_type(known, random)
    pairs = [criterion(known, random, name) for _ in range(random.choice([0, 1, 1, 1, 2, 3, 8]))] + controls(
        known, random, name
    )
    random.shuffle(pairs)
    base = random.choice(
        [path_of(name)] * 6
        + [
            path_of("Patient", values.identifier(random), name),
            path_of("Patient", values.identifier(random), "*"),
            "/",
        ]
    )
    if base == "/":
        pairs.append(("_type", ",".join(any_type(known, random) for _ in range(random.randint(1, 3)))))
    if random.random() < 0.2:
        return (
            "POST",
            base.rstrip("/") + "/_search",
            urlencode(pairs).encode("utf-8", "replace"),
            {"Content-Type": FORM},
        )
    return "GET", with_query(random, base, pairs), b"", {}
