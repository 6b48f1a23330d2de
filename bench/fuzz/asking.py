"""A request out of a seed and a number: from what the CapabilityStatement offers, and from valid resources broken."""

from __future__ import annotations

from urllib.parse import quote

from bench.fuzz import trees, values
from bench.fuzz.calling import bundle, operate
from bench.fuzz.dice import Dice
from bench.fuzz.searching import read, search
from bench.fuzz.sending import patch, write
from bench.fuzz.world import FORM, JSON, Asked, Parts, World, any_type, with_query

ROLES = ["system"] * 13 + ["doctor"] * 5 + ["citizen"] * 5 + ["none"]


def request(known: World, seed: int, number: int) -> Asked:
    """The request of a number; the same one each time."""
    random = Dice(f"{seed}:{number}")
    random.tame = random.random() < 0.5
    role = random.choice(ROLES)
    kinds = [read, search, search, search, write, write, patch, bundle, operate, operate, _stray]
    found = random.choice(kinds)(known, random)
    method, url, body, headers = found
    headers = {**headers, **_headers(random)} if random.random() < 0.1 else headers
    if not random.tame and random.random() < 0.06:
        url = _scratched(random, url)
    if role != "citizen":  # what others write never becomes the citizen's: what they see of others is a leak
        body = body.replace(values.MINE.encode(), b"fz-0")
    return Asked(role, method, url, body, headers)


def _stray(known: World, random: Dice) -> Parts:
    """Hardly a request."""
    parts = [
        random.choice(
            [
                any_type(known, random),
                values.text(random),
                values.identifier(random),
                "_history",
                "_search",
                "$validate",
                "metadata",
                "*",
                "$",
                "_",
            ]
        )
        for _ in range(random.randint(0, 6))
    ]
    method = random.choice(
        ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "TRACE", "SEARCH", "", "get", "X" * 50]
    )
    url = random.choice(["/", "", "//", "/fhir"]) + "/".join(
        quote(one.encode("utf-8", "replace")) for one in parts
    )
    return (
        method,
        with_query(
            random, url, [(values.text(random), values.text(random)) for _ in range(random.choice([0, 1, 3]))]
        ),
        trees.garbage(random),
        {"Content-Type": random.choice([JSON, "application/fhir+xml", FORM, "x"])},
    )


def _headers(random: Dice) -> dict[str, str]:
    return {
        values.one_of(random, "headers"): values.one_of(random, "header_values")
        for _ in range(random.choice([1, 1, 2]))
    }


def _scratched(random: Dice, url: str) -> str:
    """A URL with a character that should not be there."""
    place = random.randrange(len(url) + 1)
    return (
        url[:place]
        + random.choice(
            ["%", "%0", "%00", "%ff", "%ed%a0%80", "%c3", "?", "&", "#", "=", ";", "%2F", "%25", "\x7f", "+"]
        )
        + url[place:]
    )
