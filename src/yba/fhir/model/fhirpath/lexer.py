"""Text to tokens (FHIRPath N1, section "Lexical Elements")."""

from __future__ import annotations

import re
from dataclasses import dataclass

from yba.fhir.model.fhirpath.syntax import faulty

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n\r]*|/\*.*?\*/)
  | (?P<time>@T[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?)
  | (?P<moment>@[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?
        (?:T(?:[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?(?:Z|[+-][0-9]{2}:[0-9]{2})?)?)?)
  | (?P<number>[0-9]+(?:\.[0-9]+|L\b)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<delimited>`(?:[^`\\]|\\.)*`)
  | (?P<special>\$(?:this|index|total)\b)
  | (?P<environment>%(?:[A-Za-z_][A-Za-z0-9_]*|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"))
  | (?P<mark><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPES = {"f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Token:
    """``kind`` is a group of the pattern above, or end; ``text`` is unescaped."""

    kind: str
    text: str
    at: int


def tokens(expression: str) -> list[Token]:
    """Every token and one ``end``. Raises Invalid with the column of what is none."""
    found: list[Token] = []
    place = 0
    while place < len(expression):
        match = _TOKEN.match(expression, place)
        if match is None or match.lastgroup is None:
            raise faulty(f"{_shown(expression[place:])} cannot be read.", place + 1)
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, _text(match.lastgroup, match[0]), place + 1))
        place = match.end()
    found.append(Token("end", "", place + 1))
    return found


def _shown(rest: str) -> str:
    if rest.startswith(("'", "`")):
        return "a quoted text without its end"
    if rest.startswith("/*"):
        return "a comment without its end"
    return repr(rest[:10])


def _text(kind: str, text: str) -> str:
    if kind == "environment":
        text = text[1:]
        # FHIR R4 writes %"vs-[name]", N1 itself backquotes or a string
        return unescaped(text[1:-1]) if text[0] in "'`\"" else text
    if kind in {"string", "delimited"}:
        return unescaped(text[1:-1])
    return text


def unescaped(text: str) -> str:
    """The text with its escapes replaced; an unknown escape stands for its own letter."""
    return paired(_ESCAPED.sub(_escape, text)) if "\\" in text else text


def paired(text: str) -> str:
    """The text with letters that were escaped in two halves put together."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPES.get(code, code)
