"""Odd values: what is at an edge, beyond it, or of another kind than was asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.fuzz.dice import Dice

IDS = [f"fz-{number}" for number in range(12)]
MINE = "fz-mine"
OTHERS = "fz-other"
#: Stands in the content of other persons' resources only: no request carries it.
SECRET = "Kheo7Q9w"

PREFIXES = ["", "", "", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap", "xx", "EQ", "eqne", "-"]

WORDS: dict[str, Any] = json.loads(Path(__file__).with_name("words.json").read_text(encoding="utf-8"))
TEXTS, NUMBERS, DATES, MODIFIERS, UNITS, SYSTEMS, CODES = (
    [str(one) for one in WORDS[name]]
    for name in ("texts", "numbers", "dates", "modifiers", "units", "systems", "codes")
)


def one_of(random: Dice, name: str) -> str:
    """One of the words kept under a name in words.json."""
    found: str = random.choice(WORDS[name])
    return found


def text(random: Dice) -> str:
    """A text of any kind."""
    found = random.choice(TEXTS)
    return found if random.random() < 0.85 else found + random.choice(TEXTS)


def number(random: Dice) -> str:
    """What may be a number."""
    return random.choice(NUMBERS) if random.random() < 0.7 else str(round(random.uniform(-1000, 1000), 2))


def date(random: Dice) -> str:
    """What may be a date."""
    return random.choice(DATES)


def identifier(random: Dice) -> str:
    """An id: one that is there, one that is not, none."""
    if random.tame:
        return random.choice([*IDS[:6], MINE, OTHERS])
    return random.choice(
        [*IDS, *IDS, MINE, OTHERS, "no-such", "y" + "0" * 21, "a" * 64, "a" * 65, "a_b", ".", "..", "-"]
    )


def reference(random: Dice, types: list[str]) -> str:
    """A reference in one of its writings."""
    name, one = random.choice(types), identifier(random)
    return one_of(random, "references").format(name=name, one=one)


def token(random: Dice) -> str:
    """What a token parameter may be asked for."""
    kind = random.randrange(6)
    if kind == 0:
        return text(random)
    return random.choice(
        [
            f"{random.choice(SYSTEMS)}|{random.choice(CODES)}",
            random.choice(CODES),
            f"{random.choice(SYSTEMS)}|",
            f"|{random.choice(CODES)}",
        ]
    )


def quantity(random: Dice) -> str:
    """A quantity in one of its writings."""
    return random.choice(PREFIXES) + number(random) + random.choice(["", "|", "||"]) + random.choice(UNITS)


def of_kind(random: Dice, kind: str, types: list[str]) -> str:
    """A value for a search parameter of a kind; now and then of another kind, several, or any text."""
    if random.random() < (0.97 if random.tame else 0.5) and WORDS["plain"].get(kind):
        return str(random.choice(WORDS["plain"][kind]))
    if random.random() < 0.12:
        kind = random.choice(
            ["number", "date", "string", "token", "reference", "composite", "quantity", "uri", "special"]
        )
    if random.random() < 0.1:
        return ",".join(of_kind(random, kind, types) for _ in range(random.randint(2, 4)))
    match kind:
        case "number":
            return random.choice(PREFIXES) + number(random)
        case "date":
            return random.choice(PREFIXES) + date(random)
        case "quantity":
            return quantity(random)
        case "token":
            return token(random)
        case "reference":
            return reference(random, types)
        case "composite":
            return "$".join(
                of_kind(random, random.choice(["token", "quantity", "date", "string"]), types)
                for _ in range(random.randint(1, 3))
            )
        case "uri":
            return random.choice(
                [
                    "http://hl7.org/fhir",
                    "http://x.example/a/b",
                    "urn:oid:1.2",
                    "urn:uuid:x",
                    "a",
                    text(random),
                ]
            )
        case "special":
            return random.choice(
                [
                    "21.0|105.8|10|km",
                    "21|105",
                    "91|181|1|km",
                    "1|1|-1|km",
                    "1|1|1e9|m",
                    "a|b|c|d",
                    "||||",
                    text(random),
                ]
            )
    return text(random)
