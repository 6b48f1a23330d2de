"""The FHIRPath of search parameters, compiled to getters over the typed resources.

Search parameters use a small part of FHIRPath: paths, unions, ``as``/``ofType``, ``where`` with an equality or
``resolve() is``, ``extension(url)`` and ``[0]``. An expression is resolved against the fields of the generated
classes once, so that at run time only attributes are read.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from yba.fhir.search.rows import Gathered

Handler = Callable[[Any, Gathered], None]
# (name of the leaf's type, Reference type it is narrowed to) -> what adds its rows; None: nothing to index there
Leaf = Callable[[str, str | None], Handler | None]


class OfClass:
    """A leaf that wants the class of what the path ends at, to go on from there (composites)."""

    def __init__(self, made: Callable[[Any], Handler | None]) -> None:
        self.made = made

    def __call__(self, name: str, only: str | None) -> Handler | None:
        return None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a path: ``name`` is an element or a function, ``argument`` what the function is given."""

    name: str
    argument: str | None = None


_CAST = re.compile(r"\(\s*([\w.]+)\s+as\s+(\w+)\s*\)")
_WHERE_EQUAL = re.compile(r"(\w+)\s*=\s*'([^']*)'")
_HAS_EXTENSION = re.compile(r"hasExtension\('([^']*)'\)?")
_RESOLVE = re.compile(r"resolve\(\)\s+is\s+(\w+)")


def branches(expression: str) -> Iterator[list[Step]]:
    """The branches of a union as steps after the type's own name."""
    for text in _split(expression, "|"):
        plain = _CAST.sub(r"\1.as(\2)", text.strip())
        while plain.startswith("(") and plain.endswith(")"):
            plain = plain[1:-1].strip()
        yield [_step(part.strip()) for part in _split(plain, ".")][1:]


def _split(text: str, mark: str) -> Iterator[str]:
    """Cut at marks outside brackets and quotes."""
    depth, quoted, start = 0, False, 0
    for at, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        elif not quoted and letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == mark and depth == 0 and not quoted:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _step(text: str) -> Step:
    if text.endswith(")"):
        name, _, rest = text.partition("(")
        return Step(name, rest[:-1].strip().strip("'"))
    name, bracket, _ = text.partition("[")
    return Step(name, "first" if bracket else None)


@dataclass(frozen=True, slots=True)
class Field:
    """An attribute of a generated class, the name of its type (``str`` for any text), and whether it repeats."""

    attribute: str
    type_name: str
    cls: Any
    many: bool


@lru_cache(maxsize=2048)
def fields(cls: Any) -> dict[str, Field]:
    """The attributes of a generated class with their types, by name."""
    return {name: _field(name, hint) for name, hint in typing.get_type_hints(cls).items()}


def _field(name: str, hint: Any) -> Field:
    many = False
    while True:
        origin = typing.get_origin(hint)
        if origin in (types.UnionType, typing.Union):
            hint = next(one for one in typing.get_args(hint) if one is not types.NoneType)
        elif origin is list:
            many = True
            hint = typing.get_args(hint)[0]
        else:
            break
    if typing.get_origin(hint) is typing.Literal:
        return Field(name, "str", None, many)
    is_struct = isinstance(hint, type) and hasattr(hint, "__struct_fields__")
    return Field(name, getattr(hint, "__name__", "str"), hint if is_struct else None, many)


def _elements(cls: Any, name: str, narrowed: str | None) -> list[Field]:
    """The attributes an element name stands for: itself, or the alternatives of a choice."""
    known = fields(cls)
    for attribute in (name, name + "_"):
        if attribute in known:
            return [known[attribute]]
    if narrowed is not None:
        choice = known.get(name + narrowed[0].upper() + narrowed[1:])
        return [choice] if choice else []
    return [
        one
        for attribute, one in known.items()
        if attribute.startswith(name) and attribute[len(name)].isupper() and not attribute.endswith("_ext")
    ]


def handlers(cls: Any, steps: list[Step], leaf: Leaf) -> list[tuple[str, Handler]]:
    """For a path from a class: pairs of its first attribute and what to do with that attribute's value."""
    if not steps or steps[0].name == "extension":
        return [("extension", one) for one in _extension(cls, steps, leaf)] if steps else []
    narrowed, rest = _narrowing(steps)
    found: list[tuple[str, Handler]] = []
    for element in _elements(cls, steps[0].name, narrowed):
        inner = _of_value(element, rest, leaf)
        if inner is not None:
            found.append((element.attribute, _each(element, inner, first=steps[0].argument == "first")))
    return found


def _narrowing(steps: list[Step]) -> tuple[str | None, list[Step]]:
    if len(steps) > 1 and steps[1].name in ("as", "ofType"):
        return steps[1].argument, steps[2:]
    return None, steps[1:]


def _each(element: Field, inner: Handler, *, first: bool) -> Handler:
    if not element.many:
        return inner

    def every(values: Any, rows: Gathered) -> None:
        for value in values:
            if value is not None:
                inner(value, rows)
                if first:
                    return

    return every


def _of_value(element: Field, steps: list[Step], leaf: Leaf, only: str | None = None) -> Handler | None:
    """What to do with one value of an element."""
    if not steps:
        return leaf.made(element.cls) if isinstance(leaf, OfClass) else leaf(element.type_name, only)
    step = steps[0]
    if step.name == "where":
        return _where(element, step.argument or "", steps[1:], leaf)
    if element.cls is None:
        return None
    return _all([_getter(name, inner) for name, inner in handlers(element.cls, steps, leaf)])


def _where(element: Field, condition: str, rest: list[Step], leaf: Leaf) -> Handler | None:
    resolved = _RESOLVE.fullmatch(condition)
    if resolved:
        return _of_value(element, rest, leaf, resolved.group(1))
    marked = _HAS_EXTENSION.match(condition)
    if marked:
        return _extended(marked.group(1), _of_value(element, rest, leaf))
    equal = _WHERE_EQUAL.match(condition if condition.endswith("'") else condition + "'")
    inner = _of_value(element, rest, leaf)
    if equal is None or inner is None:
        return None
    name, wanted = equal.groups()

    def matching(value: Any, rows: Gathered) -> None:
        if getattr(value, name) == wanted:
            inner(value, rows)

    return matching


def _extended(url: str, inner: Handler | None) -> Handler | None:
    if inner is None:
        return None

    def matching(value: Any, rows: Gathered) -> None:
        if any(one.url == url for one in value.extension):
            inner(value, rows)

    return matching


def _extension(cls: Any, steps: list[Step], leaf: Leaf) -> list[Handler]:
    url = steps[0].argument
    extension = fields(cls)["extension"].cls
    inner = _all(
        [_getter(name, one) for name, one in handlers(extension, [Step("value")], leaf)] if extension else []
    )
    if inner is None:
        return []

    def of_url(values: Any, rows: Gathered) -> None:
        for value in values:
            if value.url == url:
                inner(value, rows)

    return [of_url]


def _getter(name: str, inner: Handler) -> Handler:
    def get(value: Any, rows: Gathered) -> None:
        held = getattr(value, name)
        if held is not None:
            inner(held, rows)

    return get


def _all(parts: list[Handler]) -> Handler | None:
    if len(parts) < 2:
        return parts[0] if parts else None

    def every(value: Any, rows: Gathered) -> None:
        for part in parts:
            part(value, rows)

    return every
