"""Syntax to closures: an expression is walked once and then only called."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from yba.fhir.model.fhirpath import arithmetic
from yba.fhir.model.fhirpath.functions import FUNCTIONS
from yba.fhir.model.fhirpath.functions.function import Function
from yba.fhir.model.fhirpath.functions.utility import sort
from yba.fhir.model.fhirpath.node import Node, ancestors
from yba.fhir.model.fhirpath.operators import LOGIC, OPERATORS
from yba.fhir.model.fhirpath.run import Compiled, Run
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
    type_name,
)
from yba.fhir.model.fhirpath.types import type_operation
from yba.fhir.model.fhirpath.values import Items, Quantity, TypeInfo, atom, fault, integer

_FIXED: dict[str, str] = {
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "ucum": "http://unitsofmeasure.org",
}
_TYPED = {"is", "as", "ofType"}


def compiled(syntax: Syntax) -> Compiled:
    """A part of an expression as a function of the run."""
    return _COMPILERS[type(syntax)](syntax)


def _literal(part: Literal) -> Compiled:
    value = part.value
    return lambda run: [value]


def _empty(part: Empty) -> Compiled:
    return lambda run: []


def _special(part: Special) -> Compiled:
    if part.name == "this":
        return lambda run: run.this
    if part.name == "index":
        return lambda run: [] if run.index is None else [run.index]
    return lambda run: run.total


def _environment(part: Environment) -> Compiled:
    name = part.name
    fixed = _fixed(name)
    if fixed is not None:
        return lambda run: [fixed]

    def look_up(run: Run) -> Items:
        found = run.variables.get(name)
        if found is None:
            found = run.environment.get(name)
        if found is None:
            raise fault(f"there is no %{name[:40]} here.", "fhirpath.unknown-variable")
        return found

    return look_up


def _fixed(name: str) -> str | None:
    if name.startswith("vs-"):
        return "http://hl7.org/fhir/ValueSet/" + name[3:]
    if name.startswith("ext-"):
        return "http://hl7.org/fhir/StructureDefinition/" + name[4:]
    return _FIXED.get(name)


# -- names ---------------------------------------------------------------------------------------------------


def _member(part: Member) -> Compiled:
    name = part.name
    if part.of is None:
        return _type_or_child(name) if name[:1].isupper() else _child_of_this(name)
    of = compiled(part.of)

    def child(run: Run) -> Items:
        found: Items = []
        for item in of(run):
            if type(item) is Node:
                item.child(name, found)
            else:
                _plain_child(item, name, found)
        run.steps += len(found) >> 2
        return found

    return child


def _child_of_this(name: str) -> Compiled:
    def child(run: Run) -> Items:
        found: Items = []
        for item in run.this:
            if type(item) is Node:
                item.child(name, found)
            else:
                _plain_child(item, name, found)
        return found

    return child


def _type_or_child(name: str) -> Compiled:
    """A name at the beginning with a capital letter is the type of the context, or else a child's."""

    def context(run: Run) -> Items:
        found: Items = []
        for item in run.this:
            if type(item) is Node:
                if item.kind == name or name in ancestors(item.kind):
                    found.append(item)
                else:
                    item.child(name, found)
        return found

    return context


def _plain_child(item: Any, name: str, found: Items) -> None:
    """The parts of what is no element: a type's name, a quantity's value and unit."""
    if type(item) is TypeInfo and name in ("name", "namespace"):
        found.append(item.name if name == "name" else item.namespace)
    elif type(item) is Quantity and name in ("value", "unit"):
        found.append(item.value if name == "value" else item.unit)


def _index(part: Index) -> Compiled:
    of, position = compiled(part.of), compiled(part.position)

    def pick(run: Run) -> Items:
        items = of(run)
        place = integer(position(run), "an index")
        return [items[place]] if place is not None and 0 <= place < len(items) else []

    return pick


# -- calls ---------------------------------------------------------------------------------------------------


def _call(part: Call) -> Compiled:
    of = compiled(part.of) if part.of is not None else _this
    if part.name in _TYPED and len(part.arguments) == 1:
        space, name = type_name(part.arguments[0])
        return type_operation(part.name, of, space, name, part.at)
    if part.name == "sort":
        return _sort(of, part)
    function = FUNCTIONS.get(part.name)
    if function is None:
        raise faulty(f"there is no function {part.name[:40]}().", part.at, "fhirpath.unknown-function")
    if not function.least <= len(part.arguments) <= function.most:
        raise faulty(f"{part.name}() takes {function.takes()}.", part.at, "fhirpath.arguments")
    return _applied(function, of, [compiled(argument) for argument in part.arguments])


def _this(run: Run) -> Items:
    return run.this


def _applied(function: Function, of: Compiled, arguments: list[Compiled]) -> Compiled:
    apply = function.apply
    if not arguments:
        return lambda run: apply(run, of(run))
    if function.lazy:
        return lambda run: apply(run, of(run), *arguments)
    if len(arguments) == 1:
        argument = arguments[0]
        return lambda run: apply(run, of(run), argument(run))
    return lambda run: apply(run, of(run), *[argument(run) for argument in arguments])


def _sort(of: Compiled, part: Call) -> Compiled:
    """A key with ``-`` before it goes downward, whatever its type."""
    down = [isinstance(key, Sign) and key.sign == "-" for key in part.arguments] or [False]
    keys = [
        compiled(key.of if turned and isinstance(key, Sign) else key)
        for key, turned in zip(part.arguments, down, strict=False)
    ] or [_this]

    def sorted_items(run: Run) -> Items:
        items = of(run)
        columns = [[result for _, result in run.each(items, key)] for key in keys]
        return sort(items, [list(row) for row in zip(*columns, strict=True)], down)

    return sorted_items


# -- operators -----------------------------------------------------------------------------------------------


def _sign(part: Sign) -> Compiled:
    if isinstance(part.of, Literal) and isinstance(part.of.value, int | Decimal | Quantity):
        value = arithmetic.signed(part.sign, [part.of.value])
        return lambda run: value[:]
    of, sign = compiled(part.of), part.sign
    return lambda run: arithmetic.signed(sign, of(run))


def _operation(part: Operation) -> Compiled:
    left, right = _scoped(part.left), _scoped(part.right)
    make = LOGIC.get(part.operator)
    if make is not None:
        return make(left, right)
    if part.operator == "=" and isinstance(part.right, Literal) and type(part.right.value) is str:
        return _equals_text(left, part.right.value)
    work = OPERATORS.get(part.operator) or arithmetic.calculated(part.operator)

    def joined(run: Run) -> Items:
        one, other = left(run), right(run)
        run.steps += (len(one) + len(other)) >> 1
        return work(one, other)

    return joined


def _scoped(part: Syntax) -> Compiled:
    """A variable defined on one side of an operator is not known on the other."""
    run_part = compiled(part)
    if not _defines(part):
        return run_part

    def evaluate(run: Run) -> Items:
        outer = run.variables
        result = run_part(run)
        run.variables = outer
        return result

    return evaluate


def _defines(part: Syntax) -> bool:
    while isinstance(part, Member | Call | Index | Sign | TypeOperation) and part.of is not None:
        if isinstance(part, Call) and part.name == "defineVariable":
            return True
        part = part.of
    return isinstance(part, Call) and part.name == "defineVariable"


def _equals_text(left: Compiled, text: str) -> Compiled:
    def equals(run: Run) -> Items:
        items = left(run)
        if len(items) != 1:
            return [False] if items else []
        value = atom(items[0])
        return [type(value) is str and value == text]

    return equals


def _type_operation(part: TypeOperation) -> Compiled:
    return type_operation(part.operator, compiled(part.of), part.space, part.name, part.at)


_COMPILERS: dict[type[Syntax], Callable[[Any], Compiled]] = {
    Literal: _literal,
    Empty: _empty,
    Special: _special,
    Environment: _environment,
    Member: _member,
    Call: _call,
    Index: _index,
    Sign: _sign,
    Operation: _operation,
    TypeOperation: _type_operation,
}
