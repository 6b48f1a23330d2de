"""Work on one text (FHIRPath N1, "String Manipulation" and "Additional String Functions")."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import regex

from yba.fhir.errors import TooCostly
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.lexer import paired
from yba.fhir.model.fhirpath.run import Run
from yba.fhir.model.fhirpath.values import Items, bounded, fault, integer, shown, single, string

LONGEST_PATTERN = 1000
LONGEST_SEARCH = 1.0
"""Seconds for one use of a pattern."""


def _on_text(name: str, work: Callable[..., Any]) -> Callable[..., Items]:
    """A function of the input and any number of texts; empty when any is empty."""

    def apply(run: Run, items: Items, *arguments: Items) -> Items:
        text = string(items, f"{name}()")
        given = [string(argument, f"{name}()") for argument in arguments]
        if text is None or any(one is None for one in given):
            return []
        result = work(text, *given)
        return [] if result is None else [result]

    return apply


def _substring(run: Run, items: Items, start: Items, length: Items | None = None) -> Items:
    text = string(items, "substring()")
    first = integer(start, "substring()")
    count = integer(length or [], "substring()")
    if text is None or first is None or not 0 <= first < len(text):
        return []
    return [text[first:] if count is None else text[first : first + max(0, count)]]


def _to_chars(run: Run, items: Items) -> Items:
    return list(string(items, "toChars()") or "")


def _split(run: Run, items: Items, separator: Items) -> Items:
    text, mark = string(items, "split()"), string(separator, "split()")
    if text is None or mark is None:
        return []
    return list(text.split(mark)) if mark else list(text)


def _join(run: Run, items: Items, separator: Items | None = None) -> Items:
    mark = string(separator or [], "join()") or ""
    texts = [text for item in items if (text := single([item], "join()")) is not None]
    for text in texts:
        if type(text) is not str:
            raise fault(f"join() takes strings, not {shown(text)}.")
    bounded(sum(map(len, texts)) + len(mark) * len(texts))
    return [mark.join(texts)] if texts else []


def _replace(text: str, old: str, new: str) -> str:
    bounded(len(text) + text.count(old) * max(0, len(new) - len(old)))
    return text.replace(old, new)


# -- patterns ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=512)
def pattern(text: str) -> Any:
    """A regular expression in the flavour of PCRE, where a point is any letter."""
    if len(text) > LONGEST_PATTERN:
        raise fault(f"the pattern is longer than {LONGEST_PATTERN} characters.")
    try:
        return regex.compile(text, regex.DOTALL)
    except (regex.error, OverflowError, RecursionError) as error:
        raise fault(f"{text[:80]!r} is no regular expression: {error}.") from None


def _sought(work: Callable[..., Any], *given: Any) -> Any:
    """The work of a pattern, which a bad one could draw out for ever."""
    try:
        return work(*given, timeout=LONGEST_SEARCH)
    except TimeoutError:
        raise TooCostly(
            "fhirpath.pattern",
            "A regular expression takes too long on this text. Write it without nested repeats.",
        ) from None


def _matches(text: str, wanted: str) -> bool:
    return _sought(pattern(wanted).search, text) is not None


def _matches_full(text: str, wanted: str) -> bool:
    return _sought(pattern(wanted).fullmatch, text) is not None


_GROUP = re.compile(r"\\(.)|\$(?:\{(\w+)\}|(\d{1,2}))", re.DOTALL)


def _replace_matches(text: str, wanted: str, substitution: str) -> str:
    if wanted == "":
        return text
    length = len(text)

    def put(match: Any) -> str:
        nonlocal length
        new = _GROUP.sub(partial(_group, match), substitution)
        length += len(new)
        bounded(length)
        return new

    return str(_sought(pattern(wanted).sub, put, text))


def _group(match: Any, way: re.Match[str]) -> str:
    if way[1] is not None:
        return way[1]
    name = way[2] or way[3]
    try:
        return match[int(name) if name.isdigit() else name] or ""
    except (IndexError, KeyError):
        raise fault(f"the pattern has no group {name!r}.") from None


# -- codes ---------------------------------------------------------------------------------------------------


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise fault("the text has half a letter in it, which UTF-8 cannot hold.") from None


def _encode(text: str, way: str) -> str | None:
    bounded(2 * len(text))
    data = _bytes(text)
    if way == "hex":
        return data.hex()
    if way == "base64":
        return base64.b64encode(data).decode()
    return base64.urlsafe_b64encode(data).decode() if way == "urlbase64" else None


def _decode(text: str, way: str) -> str | None:
    try:
        if way == "hex":
            return bytes.fromhex(text).decode()
        if way == "base64":
            return base64.b64decode(text, validate=True).decode()
        return base64.urlsafe_b64decode(text).decode() if way == "urlbase64" else None
    except (ValueError, binascii.Error):
        raise fault(f"the text is not in {way}.") from None


def _escape(text: str, way: str) -> str | None:
    bounded(2 * len(text))
    if way == "html":
        return html.escape(text, quote=True)
    return json.dumps(text, ensure_ascii=False)[1:-1] if way == "json" else None


def _unescape(text: str, way: str) -> str | None:
    if way == "html":
        return html.unescape(text)
    return paired(_JSON_ESCAPE.sub(_json_letter, text)) if way == "json" else None


_JSON_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_JSON_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def _json_letter(match: re.Match[str]) -> str:
    code = match[1]
    return chr(int(code[1:], 16)) if len(code) == 5 else _JSON_LETTERS.get(code, code)


def _text(name: str, arguments: int, returns: str, work: Callable[..., Any]) -> Function:
    return Function(_on_text(name, work), arguments, arguments, returns=returns)


FUNCTIONS = {
    "indexOf": _text("indexOf", 1, "Integer", lambda text, part: text.find(part)),
    "lastIndexOf": _text("lastIndexOf", 1, "Integer", lambda text, part: text.rfind(part) if part else 0),
    "substring": Function(_substring, 1, 2, returns="String"),
    "startsWith": _text("startsWith", 1, "Boolean", lambda text, part: text.startswith(part)),
    "endsWith": _text("endsWith", 1, "Boolean", lambda text, part: text.endswith(part)),
    "contains": _text("contains", 1, "Boolean", lambda text, part: part in text),
    "upper": _text("upper", 0, "String", lambda text: text.upper()),
    "lower": _text("lower", 0, "String", lambda text: text.lower()),
    "replace": _text("replace", 2, "String", _replace),
    "matches": _text("matches", 1, "Boolean", _matches),
    "matchesFull": _text("matchesFull", 1, "Boolean", _matches_full),
    "replaceMatches": _text("replaceMatches", 2, "String", _replace_matches),
    "length": _text("length", 0, "Integer", lambda text: len(text)),
    "toChars": Function(_to_chars, returns="String"),
    "encode": _text("encode", 1, "String", _encode),
    "decode": _text("decode", 1, "String", _decode),
    "escape": _text("escape", 1, "String", _escape),
    "unescape": _text("unescape", 1, "String", _unescape),
    "trim": _text("trim", 0, "String", lambda text: text.strip(" \t\r\n\f")),
    "split": Function(_split, 1, 1, returns="String"),
    "join": Function(_join, 0, 1, returns="String"),
}
