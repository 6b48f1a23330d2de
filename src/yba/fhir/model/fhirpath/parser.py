"""Tokens to syntax, by operator precedence (FHIRPath N1, section "Operator Precedence")."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from yba.fhir.model.fhirpath import moments
from yba.fhir.model.fhirpath.lexer import Token, tokens
from yba.fhir.model.fhirpath.syntax import (
    Call,
    Empty,
    Environment,
    Index,
    Literal,
    Member,
    Operation,
    Sign,
    Special,
    Syntax,
    TypeOperation,
    faulty,
)
from yba.fhir.model.fhirpath.values import CALENDAR, Quantity

_BINDING = {
    "implies": 1, "or": 2, "xor": 2, "and": 3, "in": 4, "contains": 4, "=": 5, "~": 5, "!=": 5, "!~": 5,
    "<": 6, ">": 6, "<=": 6, ">=": 6, "|": 7, "is": 8, "as": 8, "+": 9, "-": 9, "&": 9,
    "*": 10, "/": 10, "div": 10, "mod": 10,
}  # fmt: skip
_NAMES_TOO = frozenset({"is", "as", "in", "contains"})
_WORDS = frozenset(word for word in _BINDING if word.isalpha())
_DEEPEST = 120
_LONGEST = 50_000


def parse(expression: str) -> Syntax:
    """The syntax of a whole expression. Raises Invalid with the column of the fault."""
    if len(expression) > _LONGEST:
        raise faulty(f"it is longer than {_LONGEST} characters.", _LONGEST)
    reader = _Reader(tokens(expression))
    read = reader.expression(0)
    reader.need("end", "")
    return read


class _Reader:
    """Where in the tokens the parser is."""

    def __init__(self, found: list[Token]) -> None:
        self.tokens = found
        self.place = 0
        self.depth = 0

    @property
    def now(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.tokens[self.place]
        self.place += 1
        return token

    def takes(self, kind: str, text: str) -> bool:
        if self.now.kind == kind and self.now.text == text:
            self.place += 1
            return True
        return False

    def need(self, kind: str, text: str) -> None:
        if not self.takes(kind, text):
            expected = "the end" if kind == "end" else repr(text)
            raise faulty(f"{expected} is expected, not {_seen(self.now)}.", self.now.at)

    def expression(self, least: int) -> Syntax:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise faulty("it is nested too deep.", self.now.at)
        left = self._signed()
        while True:
            token = self.now
            if token.kind not in {"mark", "name"} or _BINDING.get(token.text, -1) <= least:
                break
            left = self._joined(left, self.next())
        self.depth -= 1
        return left

    def _joined(self, left: Syntax, token: Token) -> Syntax:
        if token.text in {"is", "as"}:
            space, name = self._type()
            return TypeOperation(token.at, token.text, left, space, name)
        return Operation(token.at, token.text, left, self.expression(_BINDING[token.text]))

    def _type(self) -> tuple[str | None, str]:
        first = self._name()
        if self.takes("mark", "."):
            return first, self._name()
        return None, first

    def _name(self) -> str:
        token = self.next()
        if token.kind not in {"name", "delimited"}:
            raise faulty(f"a name is expected, not {_seen(token)}.", token.at)
        return token.text

    def _signed(self) -> Syntax:
        token = self.now
        if token.kind == "mark" and token.text in "+-":
            self.next()
            self.depth += 1
            if self.depth > _DEEPEST:
                raise faulty("it is nested too deep.", token.at)
            signed = self._signed()
            self.depth -= 1
            return Sign(token.at, token.text, signed)
        return self._after(self._term())

    def _after(self, left: Syntax) -> Syntax:
        while True:
            token = self.now
            if self.takes("mark", "."):
                left = self._invocation(left)
            elif self.takes("mark", "["):
                position = self.expression(0)
                self.need("mark", "]")
                left = Index(token.at, left, position)
            else:
                return left

    def _invocation(self, of: Syntax | None) -> Syntax:
        token = self.next()
        if token.kind == "special":
            return Special(token.at, token.text[1:])
        if token.kind not in {"name", "delimited"}:
            raise faulty(f"a name is expected, not {_seen(token)}.", token.at)
        if self.takes("mark", "("):
            return Call(token.at, of, token.text, self._arguments())
        return Member(token.at, of, token.text)

    def _arguments(self) -> tuple[Syntax, ...]:
        if self.takes("mark", ")"):
            return ()
        given = [self._argument()]
        while self.takes("mark", ","):
            given.append(self._argument())
        self.need("mark", ")")
        return tuple(given)

    def _argument(self) -> Syntax:
        """An expression; a key of sort() may be followed by its direction, ``asc`` or ``desc``."""
        given = self.expression(0)
        if self.now.kind == "name" and self.now.text in {"asc", "desc"}:
            token = self.next()
            return Sign(token.at, "-", given) if token.text == "desc" else given
        return given

    def _term(self) -> Syntax:
        token = self.now
        if token.kind == "name":
            if token.text in {"true", "false"}:
                return Literal(self.next().at, token.text == "true")
            if token.text in _WORDS and token.text not in _NAMES_TOO:
                raise faulty(f"a value is expected, not {_seen(token)}.", token.at)
            return self._invocation(None)
        if token.kind in {"delimited"}:
            return self._invocation(None)
        self.next()
        if token.kind == "special":
            return Special(token.at, token.text[1:])
        if token.kind == "environment":
            return Environment(token.at, token.text)
        if token.kind == "mark":
            return self._bracketed(token)
        if token.kind == "end":
            raise faulty("a value is expected, but the expression ends.", token.at)
        return Literal(token.at, self._literal(token))

    def _bracketed(self, token: Token) -> Syntax:
        if token.text == "(":
            inside = self.expression(0)
            self.need("mark", ")")
            return inside
        if token.text == "{":
            self.need("mark", "}")
            return Empty(token.at)
        raise faulty(f"a value is expected, not {_seen(token)}.", token.at)

    def _literal(self, token: Token) -> Any:
        if token.kind == "string":
            return token.text
        if token.kind == "number":
            return self._number(token)
        read = moments.literal(token.text[1:])
        if read is None:
            raise faulty(f"there is no such date or time as {token.text}.", token.at)
        return read

    def _number(self, token: Token) -> Any:
        if token.text.endswith("L"):
            return int(token.text[:-1])
        unit = self.now
        if unit.kind == "string" or (unit.kind == "name" and unit.text in CALENDAR):
            self.next()
            return Quantity(Decimal(token.text), CALENDAR.get(unit.text, unit.text))
        if "." in token.text:
            return Decimal(token.text)
        if len(token.text) > 1000:
            raise faulty("the number is too long.", token.at)
        return int(token.text)


def _seen(token: Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text[:40])
