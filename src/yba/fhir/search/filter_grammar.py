"""The language of ``_filter`` read into a tree. FHIR R4, filter.html.

``and`` and ``or`` are taken from left to right and neither binds closer, as the page says; parentheses decide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from yba.fhir.errors import Invalid, TooCostly

LENGTH = 10_000
DEPTH = 20
TESTS = 30
OPERATORS = frozenset(
    {"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr", "po", "ss", "sb", "in", "ni", "re"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path, ``code[:Type]``, with the filter in its brackets."""

    name: str
    where: Node | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """``path op value``."""

    path: tuple[Step, ...]
    operator: str
    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Both:
    """Two filters joined by ``and`` or ``or``."""

    word: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Not:
    """``not (filter)``."""

    inner: Node


Node = Test | Both | Not

_BLANKS = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_\-]*(?::[A-Za-z]+)?")
_WORD = re.compile(r"[a-z]+(?=[\s(]|$)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_TOKEN = re.compile(r"[^\s\])\"][^\s\])]*")


def parse(text: str) -> Node:
    """The tree of a filter. Raises Invalid with the column of the fault, TooCostly above the limits."""
    if len(text) > LENGTH:
        raise _too_large(f"at most {LENGTH:,} characters")
    reader = _Reader(text)
    found = reader.filter(0)
    if reader.at < len(text):
        raise reader.wrong("'and', 'or' or the end")
    return found


def _too_large(most: str) -> TooCostly:
    return TooCostly(
        "search.filter-too-large", f"A '_filter' may have {most}. Ask in parts.", parameter="_filter"
    )


class _Reader:
    """A place in the text that moves on."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.tests = 0
        self._blanks()

    def filter(self, depth: int) -> Node:
        """``filter (and|or filter)*``."""
        if depth > DEPTH:
            raise _too_large(f"{DEPTH} levels of parentheses")
        found = self._one(depth)
        while (word := self._word()) in ("and", "or"):
            self._take(word)
            found = Both(word, found, self._one(depth))
        return found

    def _one(self, depth: int) -> Node:
        if self._word() == "not":
            before = self.at
            self._take("not")
            if self._next("("):
                return Not(self._bracketed(depth, ")"))
            self.at = before  # a parameter may be called so
        if self._next("("):
            return self._bracketed(depth, ")")
        return self._test(depth)

    def _bracketed(self, depth: int, close: str) -> Node:
        self.at += 1
        self._blanks()
        found = self.filter(depth + 1)
        if not self._next(close):
            raise self.wrong(f"'{close}'")
        self._take(close)
        return found

    def _test(self, depth: int) -> Test:
        column = self.at + 1
        self.tests += 1
        if self.tests > TESTS:
            raise _too_large(f"{TESTS} tests")
        path = self._path(depth)
        self._blanks()
        word = self._word()
        if word not in OPERATORS:
            raise self.wrong("an operator such as eq, co or ge")
        self._take(word)
        return Test(path, word, self._value(), column)

    def _path(self, depth: int) -> tuple[Step, ...]:
        steps: list[Step] = []
        while True:
            name = _NAME.match(self.text, self.at)
            if name is None:
                raise self.wrong("the name of a search parameter")
            self.at = name.end()
            where = None
            if self.text.startswith("[", self.at):
                where = self._bracketed(depth, "]")
            steps.append(Step(name.group(), where))
            if self.text.startswith(".", self.at):
                self.at += 1
            elif where is not None:
                raise self.wrong("'.' and the name of a search parameter")
            else:
                return tuple(steps)

    def _value(self) -> str:
        quoted = _STRING.match(self.text, self.at)
        if quoted is not None:
            try:
                value: str = msgspec.json.decode(quoted.group().encode(), type=str)
            except msgspec.DecodeError:
                raise self.wrong("a JSON string") from None
            if "\0" in value:  # written as an escape: no text that is stored can hold it
                raise self.wrong("a text without NUL")
            self._take(quoted.group())
        else:
            token = _TOKEN.match(self.text, self.at)
            if token is None:
                raise self.wrong("a value")
            value = token.group()
            self._take(value)
        return value

    def _word(self) -> str | None:
        found = _WORD.match(self.text, self.at)
        return found.group() if found else None

    def _next(self, mark: str) -> bool:
        return self.text.startswith(mark, self.at)

    def _take(self, text: str) -> None:
        self.at += len(text)
        self._blanks()

    def _blanks(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def wrong(self, wanted: str) -> Invalid:
        """What was expected where the reader stands."""
        there = f"'{self.text[self.at : self.at + 20]}'" if self.at < len(self.text) else "the end"
        return Invalid(
            "search.filter",
            f"'_filter' needs {wanted} at column {self.at + 1}, not {there}.",
            parameter="_filter",
            column=self.at + 1,
        )
