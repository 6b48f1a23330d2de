"""Reading a ViewDefinition strictly: what it says, and nothing it does not say.

SQL on FHIR v2, StructureDefinition ViewDefinition. It is no resource of R4, so it stays a tree until it is read.
A fault is Invalid with the path of the element.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yba.fhir.errors import Invalid
from yba.fhir.model import tree
from yba.fhir.r4 import MODULES
from yba.fhir.views import grammar
from yba.fhir.views.grammar import Expression, Literal
from yba.fhir.views.value import BadView

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
LONGEST_NAME = 63
DEEPEST = 20
MOST_COLUMNS = 1000


@dataclass(frozen=True, slots=True)
class Path:
    """An expression, its text and where it stands in the view."""

    text: str
    expression: Expression
    where: str


@dataclass(frozen=True, slots=True)
class Column:
    """``type`` is the name of a FHIR type as declared, ``sql_type`` what the tag ``ansi/type`` says."""

    name: str
    path: Path
    type: str | None
    collection: bool
    sql_type: str | None


@dataclass(frozen=True, slots=True)
class Select:
    """One selection structure; ``each`` is of forEach or, with ``or_null``, of forEachOrNull."""

    columns: tuple[Column, ...]
    selects: tuple[Select, ...]
    unions: tuple[Select, ...]
    each: Path | None
    or_null: bool
    repeat: tuple[Path, ...]
    where: str

    def names(self) -> list[str]:
        """The names of its columns, in the order they come out."""
        names = [one.name for one in self.columns]
        for below in self.selects:
            names += below.names()
        if self.unions:
            names += self.unions[0].names()
        return names


@dataclass(frozen=True, slots=True)
class View:
    """A ViewDefinition that has been read. ``constants`` are literals by name."""

    resource: str
    name: str | None
    url: str | None
    constants: Mapping[str, Literal]
    select: tuple[Select, ...]
    where: tuple[Path, ...]

    @property
    def columns(self) -> list[str]:
        return [name for one in self.select for name in one.names()]


def parse(data: bytes | str) -> View:
    """A ViewDefinition from JSON."""
    return read(tree.parse(data))


def read(definition: Any) -> View:
    """A ViewDefinition from its tree. Raises Invalid with the path of what is wrong."""
    root = "ViewDefinition"
    if not isinstance(definition, dict):
        raise fault(root, "A ViewDefinition is a JSON object.")
    if definition.get("resourceType", root) != root:
        raise fault(
            f"{root}.resourceType", f"This is a {definition['resourceType']!r:.60}, no ViewDefinition."
        )
    resource = _text(definition, "resource", root, needed=True)
    assert resource is not None
    if resource not in MODULES:
        raise fault(f"{root}.resource", f"'{resource[:60]}' is not the name of a resource type.")
    constants = _constants(definition, root)
    selects = tuple(_selects(definition, "select", root, 0))
    if not selects:
        raise fault(f"{root}.select", "A view needs at least one select.")
    view = View(
        resource=resource,
        name=_text(definition, "name", root),
        url=_text(definition, "url", root),
        constants=constants,
        select=selects,
        where=tuple(
            _path(one, "path", where) for one, where in _objects(definition, "where", root)
        ),
    )  # fmt: skip
    if view.name is not None and not NAME.fullmatch(view.name):
        raise fault(f"{root}.name", f"'{view.name[:60]}': a name has letters, digits and underscores only.")
    _check_names(view)
    return view


def _check_names(view: View) -> None:
    names = view.columns
    if not names:
        raise fault("ViewDefinition.select", "The view has no column.")
    if len(names) > MOST_COLUMNS:
        raise fault("ViewDefinition.select", f"The view has more than {MOST_COLUMNS} columns.")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise fault("ViewDefinition.select", f"Two columns are named '{name}'.")
        seen.add(name)


# -- constants -----------------------------------------------------------------------------------------------

_DATE = r"\d{4}(-\d\d(-\d\d)?)?"
_TIME = r"\d\d:\d\d:\d\d(\.\d+)?"
_SHAPES: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "date": ("date", re.compile(_DATE)),
    "dateTime": ("dateTime", re.compile(rf"{_DATE}(T{_TIME}(Z|[+-]\d\d:\d\d))?")),
    "instant": ("dateTime", re.compile(rf"\d{{4}}-\d\d-\d\dT{_TIME}(Z|[+-]\d\d:\d\d)")),
    "time": ("time", re.compile(_TIME)),
}
_TEXTS = frozenset(
    {"base64Binary", "canonical", "code", "id", "oid", "string", "uri", "url", "uuid", "markdown"}
)
_INTEGERS = {"integer": None, "integer64": None, "positiveInt": 1, "unsignedInt": 0}


def _constants(definition: Mapping[str, Any], root: str) -> Mapping[str, Literal]:
    read: dict[str, Literal] = {}
    for one, where in _objects(definition, "constant", root):
        name = _text(one, "name", where, needed=True)
        assert name is not None
        if not NAME.fullmatch(name):
            raise fault(f"{where}.name", f"'{name[:60]}': a name has letters, digits and underscores only.")
        if name in read:
            raise fault(f"{where}.name", f"Two constants are named '{name}'.")
        if name == "rowIndex":
            raise fault(f"{where}.name", "'rowIndex' is the number of the row; name the constant otherwise.")
        values = [key for key in one if key.startswith("value")]
        if len(values) != 1:
            raise fault(where, f"The constant '{name}' needs exactly one value[x].")
        kind = values[0][5:6].lower() + values[0][6:]
        read[name] = _constant(kind, one[values[0]], f"{where}.{values[0]}")
    return read


def _constant(kind: str, value: Any, where: str) -> Literal:
    if kind == "boolean" and isinstance(value, bool):
        return Literal("boolean", "true" if value else "false")
    if kind in _INTEGERS and isinstance(value, int | str) and not isinstance(value, bool):
        least = _INTEGERS[kind]
        if re.fullmatch(r"-?\d{1,19}", str(value)) and (least is None or int(value) >= least):
            return Literal("integer", str(int(value)))
    if kind == "decimal" and isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Literal("decimal", f"{value:f}" if isinstance(value, Decimal) else str(value))
    if isinstance(value, str) and "\0" not in value:
        if kind in _TEXTS:
            return Literal("string", value)
        if kind in _SHAPES and _SHAPES[kind][1].fullmatch(value):
            return Literal(_SHAPES[kind][0], value)
    if kind in {"boolean", "decimal"} or kind in _INTEGERS or kind in _TEXTS or kind in _SHAPES:
        raise fault(where, f"{value!r:.60} is no {kind}.")
    raise fault(where, f"A constant cannot be a {kind[:40]}.")


# -- selects -------------------------------------------------------------------------------------------------


def _selects(holder: Mapping[str, Any], name: str, at: str, depth: int) -> Iterator[Select]:
    if depth > DEEPEST:
        raise fault(at, f"Selects are nested deeper than {DEEPEST} levels.")
    for one, where in _objects(holder, name, at):
        yield _select(one, where, depth)


_WORDS = {
    word.lower(): word for word in ("column", "select", "forEach", "forEachOrNull", "repeat", "unionAll")
}
_WORDS |= {"columns": "column", "selects": "select", "union": "unionAll"}


def _select(one: Mapping[str, Any], where: str, depth: int) -> Select:
    for word in one:
        meant = _WORDS.get(word.lower())
        if meant is not None and meant != word:
            raise fault(f"{where}.{word}", f"'{word}' means nothing here; '{meant}' is meant.")
    ways = [way for way in ("forEach", "forEachOrNull", "repeat") if way in one]
    if len(ways) > 1:
        raise fault(where, f"A select has one of {' and '.join(ways)}, not several.")
    way = ways[0] if ways else None
    read = Select(
        columns=tuple(_column(column, at) for column, at in _objects(one, "column", where)),
        selects=tuple(_selects(one, "select", where, depth + 1)),
        unions=tuple(_selects(one, "unionAll", where, depth + 1)),
        each=_path(one, way, where) if way in {"forEach", "forEachOrNull"} and way else None,
        or_null=way == "forEachOrNull",
        repeat=_repeats(one, where) if way == "repeat" else (),
        where=where,
    )
    if not (read.columns or read.selects or read.unions):
        raise fault(where, "A select needs a column, a select or a unionAll.")
    for number, branch in enumerate(read.unions[1:], 1):
        if branch.names() != read.unions[0].names():
            raise fault(
                f"{where}.unionAll[{number}]",
                f"Every part of a unionAll has the same columns in the same order: here "
                f"{', '.join(branch.names())[:200]}, before {', '.join(read.unions[0].names())[:200]}.",
            )
    return read


def _repeats(one: Mapping[str, Any], where: str) -> tuple[Path, ...]:
    given = one["repeat"]
    if not isinstance(given, list) or not given:
        raise fault(f"{where}.repeat", "repeat is a list of one or more expressions.")
    read = tuple(_expression(text, f"{where}.repeat[{number}]") for number, text in enumerate(given))
    for path in read:
        if not _descends(path.expression):
            raise fault(
                path.where, f"'{path.text[:200]}' must lead down from each element, or it never ends."
            )
    return read


_KEEPING = frozenset(
    {"where", "first", "last", "tail", "skip", "take", "single", "ofType", "as", "extension"}
)


def _descends(expression: Expression | None) -> bool:
    """Whether what an expression gives lies below its focus: elements by name, then filters only."""
    if isinstance(expression, grammar.Member):
        target = expression.target
        if target is None or (isinstance(target, grammar.Variable) and target.name == "$this"):
            return True
        return _descends(target)
    if isinstance(expression, grammar.Call) and expression.name in _KEEPING:
        return _descends(expression.target) or (expression.name == "extension" and expression.target is None)
    return isinstance(expression, grammar.Index | grammar.OfType) and _descends(expression.target)


def _column(one: Mapping[str, Any], where: str) -> Column:
    name = _text(one, "name", where, needed=True)
    assert name is not None
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise fault(
            f"{where}.name",
            f"'{name[:80]}': the name of a column begins with a letter and has letters, digits and underscores"
            f" only, {LONGEST_NAME} at most.",
        )
    collection = one.get("collection", False)
    if not isinstance(collection, bool):
        raise fault(f"{where}.collection", "collection is true or false.")
    return Column(
        name=name,
        path=_path(one, "path", where),
        type=_type(_text(one, "type", where)),
        collection=collection,
        sql_type=_sql_type(one, where),
    )


def _type(uri: str | None) -> str | None:
    return uri.rpartition("/")[2] if uri is not None else None


def _sql_type(one: Mapping[str, Any], where: str) -> str | None:
    """The tag ``ansi/type``; the model calls the element ``tag``, examples ``tags``."""
    for name in ("tag", "tags"):
        for tag, at in _objects(one, name, where):
            label = _text(tag, "name", at, needed=True)
            value = _text(tag, "value", at, needed=True)
            if label == "ansi/type":
                return value
    return None


# -- parts ---------------------------------------------------------------------------------------------------


def _objects(holder: Mapping[str, Any], name: str, at: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    given = holder.get(name)
    if given is None:
        return
    if not isinstance(given, list):
        raise fault(f"{at}.{name}", f"{name} is a list.")
    for number, one in enumerate(given):
        where = f"{at}.{name}[{number}]"
        if not isinstance(one, dict):
            raise fault(where, f"Each {name} is a JSON object.")
        yield one, where


def _text(holder: Mapping[str, Any], name: str, at: str, *, needed: bool = False) -> str | None:
    given = holder.get(name)
    if given is None:
        if needed:
            raise fault(f"{at}.{name}", f"'{name}' is missing.")
        return None
    if not isinstance(given, str) or not given.strip() or "\0" in given:
        raise fault(f"{at}.{name}", f"'{name}' is a text that is not empty.")
    return given


def _path(holder: Mapping[str, Any], name: str, at: str) -> Path:
    if name not in holder:
        raise fault(f"{at}.{name}", f"'{name}' is missing.")
    return _expression(holder[name], f"{at}.{name}")


def _expression(text: Any, where: str) -> Path:
    if not isinstance(text, str) or not text.strip():
        raise fault(where, "A FHIRPath expression is a text that is not empty.")
    try:
        return Path(text, grammar.parse(text), where)
    except Invalid as error:
        raise fault(where, error.message) from None


def fault(where: str, message: str) -> BadView:
    """What is wrong with a definition, and where."""
    return BadView("views.definition", f"{where}: {message}", path=where)
