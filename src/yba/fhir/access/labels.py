"""Sensitive labels of a row, as bits of ``record.resource.sensitive``: by codes, by words, by ``meta.security``.

What marks a row is data (``labels.yaml``). A label somebody has set in ``meta.security`` holds whatever the codes say.
Two labels come from the person and hold for every row of the chart: VIP, and that the person has died.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any, Final

import msgspec
import re2
import yaml

from yba.fhir.model.fold import fold_words

HIV: Final = 1
MENTAL: Final = 2
REPRODUCTIVE: Final = 4
VIP: Final = 8
RESTRICTED: Final = 16
OF_VIP: Final = 64
"""The row is in the chart of a person who is VIP."""
DECEASED: Final = 128
"""The row is in the chart of a person who has died."""
EVERY: Final = HIV | MENTAL | REPRODUCTIVE | VIP | RESTRICTED | OF_VIP | DECEASED
INHERITED: Final = OF_VIP | DECEASED
UNKNOWN: Final = 16384
"""Not looked at yet: a row of an older store, hidden until it was."""
NAMES: Final[Mapping[str, int]] = {
    "hiv": HIV,
    "mental": MENTAL,
    "reproductive": REPRODUCTIVE,
    "vip": VIP | OF_VIP,
    "restricted": RESTRICTED,
    "deceased": DECEASED,
}


def bits_of(names: Iterable[str]) -> int:
    """The bits of labels by name. Raises KeyError for one that is not known."""
    found = 0
    for name in names:
        found |= NAMES[name]
    return found


@dataclass(frozen=True, slots=True)
class Found:
    """``bits`` hold; ``of_minors`` hold where the person was below ``AGE`` then."""

    bits: int = 0
    of_minors: int = 0


@dataclass(frozen=True, slots=True)
class _Rules:
    security: Mapping[tuple[str, str], int]
    codes: Mapping[str, tuple[tuple[re.Pattern[str], int], ...]]
    words: Mapping[str, int]
    systems: tuple[tuple[str, str], ...]
    minors: int
    age: int
    not_by_code: frozenset[str]
    worth_words: Any


@cache
def rules() -> _Rules:
    """The rules of ``labels.yaml``. Raises KeyError, re.error for what is wrong in them."""
    tree = yaml.safe_load(
        resources.files("yba.fhir.access").joinpath("labels.yaml").read_text(encoding="utf-8")
    )
    security: dict[tuple[str, str], int] = {}
    codes: dict[str, list[tuple[re.Pattern[str], int]]] = {}
    words: dict[str, int] = {}
    minors, age = 0, 18
    for name, said in tree["labels"].items():
        bit = VIP if name == "vip" else NAMES[name]
        for system, listed in said.get("security", {}).items():
            security |= {(system, code): bit for code in listed}
        for system, pattern in said.get("codes", {}).items():
            codes.setdefault(system, []).append((re.compile(re.sub(r"\s+", "", pattern)), bit))
        words |= {" ".join(fold_words(word)): bit for word in said.get("words", ())}
        if "minors" in said:
            minors, age = minors | bit, said["minors"]
    systems = tuple((part, name) for name, parts in tree["systems"].items() for part in parts)
    return _Rules(
        security, {name: tuple(found) for name, found in codes.items()}, words, systems, minors, age,
        frozenset(tree["not-by-code"]), _worth_words(words),
    )  # fmt: skip


_CODE = re.compile(rb'"code":"([^"\\]+)"')


@lru_cache(maxsize=65_536)
def _is_worth(code: bytes) -> bool:
    """Whether a code is one of any system's: most resources have none, and codes come again and again."""
    text = code.decode().upper()
    return any(pattern.fullmatch(text) for found in rules().codes.values() for pattern, _ in found)


def _worth_words(words: Iterable[str]) -> Any:
    """The last word of each is written without accents in Vietnamese, too, so the bytes tell.

    One pattern that looks at each byte once: every write asks it.
    """
    last = sorted({one.rpartition(" ")[2].encode() for one in words})
    return re2.compile(rb"(?:^|[^a-z0-9])(?:" + b"|".join(map(re2.escape, last)) + rb")(?:[^a-z0-9]|$)")


def found_in(type_name: str, content: bytes) -> Found:
    """The labels of a resource's own content."""
    known = rules()
    bits = set_by_hand(content) if b'"security":' in content else 0
    if type_name in known.not_by_code:
        return Found(bits)
    by_code = _by_code(known, content) if any(map(_is_worth, _CODE.findall(content))) else 0
    by_code |= _by_word(known, content)
    return Found(bits | by_code & ~known.minors, by_code & known.minors)


class _Coded(msgspec.Struct):
    system: str | None = None
    code: str | None = None


class _Meta(msgspec.Struct):
    security: list[_Coded] = []


class _Labelled(msgspec.Struct):
    meta: _Meta | None = None


_labelled = msgspec.json.Decoder(_Labelled)


def set_by_hand(content: bytes) -> int:
    """The labels of ``meta.security``."""
    meta = _labelled.decode(content).meta
    known = rules().security
    bits = 0
    for one in meta.security if meta is not None else ():
        bits |= known.get((one.system or "", one.code or ""), 0)
    return bits


def of_security(system: str | None, code: str | None) -> int:
    """The bit a security label stands for; 0 for none of the sensitive ones."""
    return rules().security.get((system or "", code or ""), 0)


def _by_code(known: _Rules, content: bytes) -> int:
    bits = 0
    for system, code in _codings(msgspec.json.decode(content)):
        for part, name in known.systems:
            if part in system:
                for pattern, bit in known.codes.get(name, ()):
                    if pattern.fullmatch(code):
                        bits |= bit
    return bits


def _codings(value: Any) -> Iterator[tuple[str, str]]:
    """Every system and code in a tree; a code of a CodeableConcept without a system counts as a disease's."""
    if isinstance(value, dict):
        code = value.get("code")
        if isinstance(code, str):
            system = value.get("system")
            yield (system.lower() if isinstance(system, str) else "icd-10"), code.upper()
        for one in value.values():
            if isinstance(one, dict | list):
                yield from _codings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _codings(one)


_ESCAPED = re.compile(rb"\\[bfnrt]|\\u00[0-9a-f]{2}")
_TEXTS = re.compile(rb'"(?:text|display)":"((?:[^"\\]|\\.)*)"')


def _by_word(known: _Rules, content: bytes) -> int:
    """Words of what codes are called. Narrative has its text in ``div``, so it is not read here."""
    if b"\\" in content:  # a new line stands as two letters, which would be the word's first
        content = _ESCAPED.sub(b" ", content)
    if known.worth_words.search(content.lower()) is None:
        return 0
    bits = 0
    for one in _TEXTS.finditer(content):
        words = f" {' '.join(fold_words(one[1].decode()))} "
        for word, bit in known.words.items():
            if f" {word} " in words:
                bits |= bit
    return bits
