"""FHIRPath over plain trees: an expression is compiled once, then evaluated on any resource.

The normative specification 2.0 with the functions on trial that R4's tests use, and what FHIR adds (FHIR R4,
fhirpath.html). Typed by ``structures``: choices, primitives' extensions and contained resources are what they say.

Read in this order: ``lexer.py``, ``parser.py`` and ``syntax.py`` (text to syntax), ``node.py`` and ``values.py``
(what is computed with), ``compiler.py`` with ``run.py`` (syntax to closures), ``operators.py``, ``arithmetic.py``,
``equality.py``, ``moments.py``, ``units.py``, ``types.py``, then ``functions`` (a module a family), ``checking.py``
(types before anything is evaluated) and ``output.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from yba.fhir.model.fhirpath.checking import check
from yba.fhir.model.fhirpath.compiler import compiled
from yba.fhir.model.fhirpath.node import Node, resource_of, root
from yba.fhir.model.fhirpath.output import as_json
from yba.fhir.model.fhirpath.parser import parse
from yba.fhir.model.fhirpath.run import MOST_STEPS, Budget, Run, Trace
from yba.fhir.model.fhirpath.syntax import Syntax, faulty
from yba.fhir.model.fhirpath.values import Items, Quantity, TypeInfo, boolean, fault

__all__ = ["Budget", "Expression", "Node", "Quantity", "TypeInfo", "compile", "root"]

_CACHED = 4096


class Expression:
    """A compiled expression; may be used by many threads at once."""

    __slots__ = ("_compiled", "syntax", "text")

    def __init__(self, text: str, syntax: Syntax) -> None:
        self.text = text
        self.syntax = syntax
        self._compiled = compiled(syntax)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(
        self,
        tree: Any,
        *,
        type_name: str | None = None,
        environment: Mapping[str, object] | None = None,
        resolve: Callable[[str], Any] | None = None,
        terminology: Any = None,
        now: datetime | None = None,
        trace: Trace | None = None,
        conforms: Callable[[Any, str], bool | None] | None = None,
        strict: bool = False,
        budget: Budget | None = None,
    ) -> Items:
        """The resulting collection: Nodes, and values of the System types (see ``values``).

        ``tree`` is a resource, an element (then ``type_name`` says of what type or backbone path), or a Node.
        ``environment`` sets ``%resource``, ``%rootResource``, ``%context`` and others, without the ``%``; trees and
        Nodes are values. ``conforms`` answers ``conformsTo()`` for an item and the url of a profile (None: not known).
        ``strict`` refuses a cast of several items. ``budget`` is what it shares with other evaluations.
        Raises Invalid for what cannot be evaluated, TooCostly for what does not end.
        """
        if budget is not None and budget.spent:
            raise budget.over()
        start = tree if type(tree) is Node else root(tree, type_name)
        run = Run(
            [start],
            _environment(start, environment),
            resolve=resolve,
            terminology=terminology,
            now=now,
            trace=trace,
            conforms=conforms,
            strict=strict,
            most=MOST_STEPS if budget is None else min(budget.each, budget.left),
        )
        try:
            found = self._compiled(run)
            run.spend(0)
            return found
        except RecursionError:
            raise fault("it is nested too deep.") from None
        finally:
            if budget is not None:
                budget.take(run.steps)

    def values(self, tree: Any, **given: Any) -> list[Any]:
        """The result as plain JSON values."""
        return [as_json(item) for item in self.evaluate(tree, **given)]

    def true(self, tree: Any, **given: Any) -> bool | None:
        """The result as a Boolean; None for an empty one."""
        return boolean(self.evaluate(tree, **given), "the result")

    def check(self, type_name: str | None, *, ordered: bool = False) -> None:
        """Raise Invalid where names or functions do not fit the types; ``ordered`` also where order is not known."""
        check(self.syntax, type_name, ordered=ordered)


def _environment(start: Node, given: Mapping[str, object] | None) -> Mapping[str, Items]:
    """``%resource`` is the resource in which the context stands, ``%rootResource`` that which contains it."""
    resource = resource_of(start)
    here = [resource]
    environment: dict[str, Items] = {"context": [start], "resource": here, "rootResource": here}
    if resource.holder is not None and resource.key == "contained":
        environment["rootResource"] = [resource_of(resource.holder)]
    if given:
        for name, value in given.items():
            environment[name] = _items(value)
        if "resource" in given and "rootResource" not in given:
            environment["rootResource"] = environment["resource"]
    return environment


def _items(value: object) -> Items:
    if isinstance(value, list | tuple):
        return [one for part in value for one in _items(part)]
    if value is None:
        return []
    return [root(value)] if isinstance(value, dict) else [value]


@lru_cache(maxsize=_CACHED)
def compile(expression: str) -> Expression:
    """The expression, ready to be evaluated. Raises Invalid with the column of what is wrong."""
    try:
        return Expression(expression, parse(expression))
    except RecursionError:
        raise faulty("it is nested too deep.", 1) from None
