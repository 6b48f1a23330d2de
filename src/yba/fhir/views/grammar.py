"""The FHIRPath a view is written in: text to a small tree of expressions.

FHIRPath 2.0.0, section 8 (grammar) and 6.8 (precedence). Names of functions are not checked here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from yba.fhir.views.value import BadView

LONGEST = 4000
DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Literal:
    """``kind``: string, boolean, integer, decimal, dateTime, date, time, or empty (``{}``)."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Variable:
    """``%name``, or ``$this`` with its sign."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """An element of what ``target`` gives; of the focus when there is none."""

    target: Expression | None
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function on what ``target`` gives; on the focus when there is none."""

    target: Expression | None
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """``target[index]``."""

    target: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """An operator between two expressions."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Sign:
    """``-x`` or ``+x``."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class OfType:
    """``target is Type`` and ``target as Type``."""

    operator: str
    target: Expression
    type: str


Expression = Literal | Variable | Member | Call | Index | Binary | Sign | OfType

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<moment>@\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)
    |(?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
    |(?P<decimal>\d+\.\d+)
    |(?P<integer>\d+)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<name>[A-Za-z_]\w*)
    |(?P<quoted>`(?:[^`\\]|\\.)*`)
    |(?P<variable>%(?:[A-Za-z_][\w-]*|`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'))
    |(?P<special>\$(?:this|index|total)\b)
    |(?P<sign><=|>=|!=|!~|[-+*/&|=<>~.,()\[\]{}])""",
    re.X | re.S | re.A,
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.S)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
_LEVELS: tuple[frozenset[str], ...] = (
    frozenset({"implies"}),
    frozenset({"or", "xor"}),
    frozenset({"and"}),
    frozenset({"in", "contains"}),
    frozenset({"=", "~", "!=", "!~"}),
    frozenset({"<", ">", "<=", ">="}),
    frozenset({"|"}),
    frozenset({"is", "as"}),
    frozenset({"+", "-", "&"}),
    frozenset({"*", "/", "div", "mod"}),
)
_LEVEL_OF = {operator: number for number, level in enumerate(_LEVELS) for operator in level}
_WORDS = frozenset().union(*(level for level in _LEVELS)) - {"as", "is", "in", "contains"}


@lru_cache(maxsize=2048)
def parse(text: str) -> Expression:
    """Read an expression. Raises Invalid with the column of the fault."""
    if len(text) > LONGEST:
        raise BadView("views.path-length", f"The expression is longer than {LONGEST} characters.")
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0
        self.depth = 0

    def whole(self) -> Expression:
        read = self.level(0)
        if self.kind != "end":
            raise self.fault(f"'{self.word}' is not expected here")
        return read

    @property
    def kind(self) -> str:
        return self.tokens[self.at][0]

    @property
    def word(self) -> str:
        return self.tokens[self.at][1]

    def fault(self, what: str) -> BadView:
        return _fault(self.text, self.tokens[self.at][2], what)

    def next(self) -> str:
        word = self.word
        self.at += 1
        return word

    def has(self, sign: str) -> bool:
        if self.kind == "sign" and self.word == sign:
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.has(sign):
            raise self.fault(f"'{sign}' is missing")

    def level(self, number: int) -> Expression:
        """An expression of operators that bind at least as tightly as level ``number``."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fault("the expression goes too deep")
        left = self.signed()
        while self.kind in {"sign", "name"} and _LEVEL_OF.get(self.word, -1) >= number:
            operator = self.next()
            if operator in {"is", "as"}:
                left = OfType(operator, left, self.type_name())
            else:
                left = Binary(operator, left, self.level(_LEVEL_OF[operator] + 1))
        self.depth -= 1
        return left

    def signed(self) -> Expression:
        if self.kind == "sign" and self.word in "+-":
            operator = self.next()
            self.depth += 1
            if self.depth > DEEPEST:
                raise self.fault("the expression goes too deep")
            signed = Sign(operator, self.signed())
            self.depth -= 1
            return signed
        return self.invocation()

    def invocation(self) -> Expression:
        read = self.term()
        while True:
            if self.has("."):
                read = self.step(read)
            elif self.has("["):
                index = self.level(0)
                self.need("]")
                read = Index(read, index)
            else:
                return read

    def step(self, target: Expression | None) -> Expression:
        if self.kind not in {"name", "quoted"}:
            raise self.fault("the name of an element or a function is missing")
        name = self.next()
        if not self.has("("):
            return Member(target, name)
        return Call(target, name, self.arguments())

    def arguments(self) -> tuple[Expression, ...]:
        read: list[Expression] = []
        if self.has(")"):
            return ()
        while True:
            read.append(self.level(0))
            if self.has(")"):
                return tuple(read)
            self.need(",")

    def type_name(self) -> str:
        if self.kind not in {"name", "quoted"}:
            raise self.fault("the name of a type is missing")
        name = self.next()
        while self.has("."):
            name += "." + self.next()
        return name

    def term(self) -> Expression:
        kind, word = self.kind, self.word
        if kind in _LITERALS:
            self.at += 1
            return self.literal(kind, word)
        if kind in {"variable", "special"}:
            self.at += 1
            return Variable(word)
        if kind == "name" and word in {"true", "false"}:
            self.at += 1
            return Literal("boolean", word)
        if self.has("("):
            read = self.level(0)
            self.need(")")
            return read
        if self.has("{"):
            self.need("}")
            return Literal("empty", "")
        if kind == "name" and word in _WORDS:
            raise self.fault(f"'{word}' needs something before it")
        return self.step(None)

    def literal(self, kind: str, word: str) -> Literal:
        if kind in {"integer", "decimal"} and self.kind in {"string", "name"} and self.word not in _AFTER:
            raise self.fault("quantities with a unit are not supported in views")
        if kind == "moment":
            return Literal("dateTime" if "T" in word else "date", word[1:].removesuffix("T"))
        return Literal(kind, word[2:] if kind == "time" else word)


_LITERALS = frozenset({"string", "integer", "decimal", "moment", "time"})
_AFTER = frozenset().union(*_LEVELS)


def _tokens(text: str) -> list[tuple[str, str, int]]:
    read: list[tuple[str, str, int]] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise _fault(text, at, f"'{text[at]}' is not expected here")
        kind, word = found.lastgroup or "", found.group()
        if kind in {"string", "quoted"}:
            word = _plain(text, at, word[1:-1])
        elif kind == "variable":
            word = "%" + (_plain(text, at, word[2:-1]) if word[1] in "`'" else word[1:])
        if kind != "space":
            read.append((kind, word, at))
        at = found.end()
    read.append(("end", "the end", len(text)))
    return read


def _plain(text: str, at: int, quoted: str) -> str:
    """A quoted text without its escapes (FHIRPath 4.1.2)."""

    def plain(found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] == "u" and len(code) == 5:
            return chr(int(code[1:], 16))
        return _ESCAPED.get(code, code)

    read = _ESCAPE.sub(plain, quoted)
    if "\0" in read or any(0xD800 <= ord(one) < 0xE000 for one in read):
        raise _fault(text, at, "the text holds a character that no database keeps")
    return read


def _fault(text: str, at: int, what: str) -> BadView:
    return BadView(
        "views.path",
        f"The expression '{text[:200]}' cannot be read at column {at + 1}: {what}.",
    )
