"""An expression of a view, compiled: what each form of the grammar is in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from yba.fhir.views import forms, functions, navigate, operators
from yba.fhir.views.dialect import Dialect
from yba.fhir.views.grammar import Binary, Call, Expression, Index, Literal, Member, OfType, Sign, Variable
from yba.fhir.views.value import Value, refused

_LITERALS = {"string": "string", "date": "date", "dateTime": "dateTime", "time": "time"}


LARGEST = 200_000
"""Characters of SQL one expression may become."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an expression stands: its focus, what the variables mean, and the dialect it is compiled for."""

    d: Dialect
    this: Value
    context: Value
    root: Value
    row_index: str
    constants: Mapping[str, Literal]

    def of(self, expression: Expression) -> Value:
        """The value of an expression here."""
        value = _COMPILED[type(expression)](expression, self)
        if len(value.sql) > LARGEST:
            raise refused("The expression grows too large. Take it apart into several columns or views.")
        return value

    def on(self, item: str, like: Value) -> Scope:
        """The same, with one item of ``like`` for a focus (the criteria of ``where``)."""
        return replace(self, this=Value(item, "item", like.type))


def _literal(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, Literal)
    return literal(expression, scope.d)


def literal(one: Literal, d: Dialect) -> Value:
    if one.kind == "empty":
        return Value(d.empty, "list", None, literal=functions.NOTHING)
    if one.kind == "boolean":
        return Value(one.value, "boolean", "boolean", literal=one.value)
    if one.kind == "integer":
        if len(one.value) > 19:
            raise refused(f"{one.value[:40]} is too large for an integer.")
        return Value(d.integer(one.value), "integer", "integer", literal=one.value)
    if one.kind == "decimal":
        return Value(d.decimal(d.quoted(one.value)), "decimal", "decimal", literal=one.value)
    return Value(d.quoted(one.value), "text", _LITERALS[one.kind], literal=one.value)


def _variable(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, Variable)
    name = expression.name
    if name == "$this":
        return scope.this
    if name == "%rowIndex":
        return Value(scope.row_index, "integer", "integer")
    if name in {"%resource", "%rootResource"}:
        return scope.root
    if name == "%context":
        return scope.context
    known = scope.constants.get(name[1:]) if name[0] == "%" else None
    if known is None and name[1:] in _SYSTEMS:
        known = Literal("string", _SYSTEMS[name[1:]])
    if known is None:
        raise refused(f"{name[:80]} is not defined in this view.")
    return literal(known, scope.d)


_SYSTEMS = {
    "ucum": "http://unitsofmeasure.org", "sct": "http://snomed.info/sct", "loinc": "http://loinc.org",
}  # fmt: skip


def _member(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, Member)
    if expression.target is None:
        if expression.name == scope.this.type or (
            scope.this is scope.root and expression.name in {"Resource", "DomainResource"}
        ):
            return scope.this
        return navigate.member(_reachable(scope.this), expression.name, scope.d)
    return navigate.member(_reachable(scope.of(expression.target)), expression.name, scope.d)


def _reachable(value: Value) -> Value:
    """A value one may go down from: computed ones have nothing below."""
    if value.form not in {"item", "list"}:
        raise refused(f"There is nothing below a {forms.named(value)} that was computed.")
    return value


def _call(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, Call)
    target = scope.this if expression.target is None else scope.of(expression.target)
    return functions.call(expression, target, scope)


def _index(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, Index)
    target, d = scope.of(expression.target), scope.d
    number = forms.number(scope.of(expression.index), d, "An index")
    if number.form != "integer":
        raise refused("An index is a whole number.")
    found = d.at(forms.items(target, d), functions.place(number))
    if number.literal is None:
        # Below nought the databases count from the end; FHIRPath has nothing there.
        found = f"(case when {number.sql} >= 0 then {found} end)"
    return Value(found, "item", target.type)


def _binary(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, Binary)
    d, operator = scope.d, expression.operator
    left, right = scope.of(expression.left), scope.of(expression.right)
    if operator in {"=", "!="}:
        same = operators.equal(left, right, d)
        return operators.boolean(same if operator == "=" else f"(not {same})")
    if operator in {"~", "!~"}:
        alike = operators.equivalent(left, right, d)
        return operators.boolean(alike if operator == "~" else f"(not {alike})")
    if operator in {"<", "<=", ">", ">="}:
        return operators.boolean(operators.ordered(operator, left, right, d))
    if operator in {"and", "or", "xor", "implies"}:
        return operators.boolean(operators.logic(operator, left, right, d))
    if operator == "in":
        return operators.boolean(operators.within(left, right, d))
    if operator == "contains":
        return operators.boolean(operators.within(right, left, d))
    if operator == "|":
        return functions.united(left, right, d)
    if operator == "&":
        return operators.joined(left, right, d)
    return operators.arithmetic(operator, left, right, d)


def _sign(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, Sign)
    value = forms.number(scope.of(expression.operand), scope.d, f"'{expression.operator}'")
    return value if expression.operator == "+" else Value(f"(- {value.sql})", value.form, value.type)


def _of_type(expression: Expression, scope: Scope) -> Value:
    assert isinstance(expression, OfType)
    target, wanted = scope.of(expression.target), navigate.type_named(expression.type)
    if expression.operator == "as":
        return navigate.of_type(target, wanted, scope.d)
    return operators.boolean(navigate.is_type(target, wanted, scope.d))


_COMPILED = {
    Literal: _literal,
    Variable: _variable,
    Member: _member,
    Call: _call,
    Index: _index,
    Binary: _binary,
    Sign: _sign,
    OfType: _of_type,
}
