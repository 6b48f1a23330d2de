"""Index rows of the parameters users add: by getters where the expression is a plain path, else by FHIRPath."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from yba.fhir.errors import Invalid, RecordError
from yba.fhir.model import fhirpath, tree
from yba.fhir.r4 import datatypes
from yba.fhir.search import composite, index
from yba.fhir.search.parameters import Added, Parameter
from yba.fhir.search.paths import Handler
from yba.fhir.search.rows import Gathered

log = logging.getLogger(__name__)

_PLAIN = re.compile(r"[A-Z]\w*(\.[a-z]\w*)+(\.(as|ofType)\([A-Za-z]+\))?")
_NAMES = {
    "boolean": "bool",
    "integer": "int",
    "positiveInt": "int",
    "unsignedInt": "int",
    "decimal": "Decimal",
}
_building = threading.Lock()
Reader = Callable[[Any, Any, Gathered, fhirpath.Budget], None]
"""Given the typed resource and its tree, adds rows; the steps are those of all parameters of one resource."""
# An index row is a path, a choice, an extension: what needs more steps is no parameter to slow every write with.
MOST_STEPS = 1_000_000
MOST_STEPS_OF_ONE = 200_000


def gather(resource: Any, content: bytes, added: Sequence[Added]) -> Gathered:
    """The rows of these parameters for one resource."""
    found = Gathered(resource=resource)
    budget = fhirpath.Budget(MOST_STEPS, each=MOST_STEPS_OF_ONE)
    parsed: Any = None
    kind: Any = type(resource)
    for one in added:
        plain, evaluated = _readers(kind, one)
        for attribute, handler in plain:
            value = resource if attribute is None else getattr(resource, attribute)
            if value is not None and value != []:
                handler(value, found)
        if evaluated is not None:
            parsed = tree.parse(content) if parsed is None else parsed
            try:
                evaluated(resource, parsed, found, budget)
            except RecordError as error:
                # A user's expression that fails on this resource must not keep it from being stored.
                log.warning("search: %s of %s: %s", one.parameter.code, one.base, error.message)
    return found


@lru_cache(maxsize=4096)
def _readers(cls: Any, added: Added) -> tuple[list[tuple[str | None, Handler]], Reader | None]:
    parameter, type_name = added.parameter, cls.__name__.rstrip("_")
    branches = [one.strip() for one in parameter.expression.split("|")]
    own = [one for one in branches if one.partition(".")[0] in (type_name, added.base)]
    if parameter.kind != "composite" and all(_PLAIN.fullmatch(one) for one in branches):
        narrowed = parameter._replace(expression=" | ".join(own))
        return (index.readers(cls, type_name, narrowed, parameter.number) if own else []), None
    if parameter.kind == "composite":
        return [], _of_composite(parameter)
    return [], _of_expression(parameter)


def check(parameter: Parameter) -> None:
    """Raise Invalid when the expression cannot be compiled, Unsupported when its values cannot be kept."""
    if parameter.kind not in index.KINDS:
        raise Invalid(
            "search.parameter-kind",
            f"A search parameter of the type '{parameter.kind}' cannot be indexed.",
            path="SearchParameter.type",
        )
    fhirpath.compile(parameter.expression)
    if parameter.kind == "composite":
        composite.places(parameter.components)
        for component in parameter.components:
            fhirpath.compile(component.expression)


def _of_expression(parameter: Parameter) -> Reader:
    expression = fhirpath.compile(parameter.expression)
    leaf = index.leaf(parameter.kind, parameter.number)

    def read(_resource: Any, parsed: Any, rows: Gathered, budget: fhirpath.Budget) -> None:
        for item in expression.evaluate(parsed, resolve=_resolver(parsed), budget=budget):
            add(item, leaf, rows)

    return read


def _of_composite(parameter: Parameter) -> Reader:
    elements = fhirpath.compile(parameter.expression)
    parts = [(fhirpath.compile(one.expression), index.leaf(one.kind, 0)) for one in parameter.components]

    def read(resource: Any, parsed: Any, rows: Gathered, budget: fhirpath.Budget) -> None:
        resolve = _resolver(parsed)
        for element in elements.evaluate(parsed, resolve=resolve, budget=budget):
            gathered = []
            for expression, leaf in parts:
                inner = Gathered(resource=resource)
                for item in expression.evaluate(
                    element, environment={"resource": parsed}, resolve=resolve, budget=budget
                ):
                    add(item, leaf, inner)
                gathered.append(inner)
            composite.combine(parameter.components, gathered, parameter.number, rows)

    return read


def add(item: Any, leaf: Any, rows: Gathered) -> None:
    """Make the rows of one FHIRPath item; none of a type the kind does not index."""
    if type(item) is fhirpath.Node:
        name, value = _NAMES.get(item.kind, item.kind), item.value
        if value is None:
            return
        if name == "Extension":  # what an extension says is its value
            name, value = _of_extension(value)
        if isinstance(value, dict):
            if "resourceType" in value:
                name = "Raw"
            value = _typed(name, value)
            if value is None:
                return
        elif name not in ("bool", "int", "Decimal"):
            name = "str"
    else:
        value = item
        name = "bool" if isinstance(item, bool) else "int" if isinstance(item, int) else type(item).__name__
        if name not in ("bool", "int", "Decimal", "str"):
            name, value = "str", str(item).removeprefix("@")
    handler = leaf(name, None)
    if handler is not None:
        handler(value, rows)


def _of_extension(extension: dict[str, Any]) -> tuple[str, Any]:
    for key, value in extension.items():
        if key.startswith("value"):
            name = key.removeprefix("value")
            return (name if isinstance(value, dict) else _NAMES.get(name[0].lower() + name[1:], "str")), value
    return "", {}


def _typed(name: str, value: dict[str, Any]) -> Any:
    """An element of a data type as its generated class; None for what has none (a backbone element)."""
    if name == "Raw":
        return tree.dump(value)
    decoder = _decoder(name)
    return None if decoder is None else decoder.decode(tree.dump(value))


@lru_cache(maxsize=128)
def _decoder(name: str) -> Any:
    cls = getattr(datatypes, name, None)
    if cls is None or name in ("BackboneElement", "Element"):
        return None
    with _building:
        return msgspec.json.Decoder(cls)


def _resolver(parsed: Any) -> Callable[[str], Any]:
    """References resolved as far as a type can be told: contained resources, else the type that is named."""

    def resolve(reference: str) -> Any:
        if reference.startswith("#"):
            return next((one for one in parsed.get("contained", ()) if one.get("id") == reference[1:]), None)
        parts = reference.split("/")
        if "_history" in parts:
            parts = parts[: parts.index("_history")]
        return {"resourceType": parts[-2], "id": parts[-1]} if len(parts) >= 2 else None

    return resolve
