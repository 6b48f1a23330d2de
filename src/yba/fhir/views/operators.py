"""Equality, order, arithmetic and logic. FHIRPath 2.0.0, section 6; empty is null, so logic is SQL's own."""

from __future__ import annotations

from yba.fhir.views import forms
from yba.fhir.views.dialect import Dialect
from yba.fhir.views.value import Value, refused

_COMPARABLE = frozenset({"text", "integer", "decimal", "moment", "time"})
_NUMBERS = frozenset({"integer", "decimal"})


def boolean(text: str) -> Value:
    return Value(text, "boolean", "boolean")


def equal(left: Value, right: Value, d: Dialect) -> str:
    """``=``: null when one side is empty, false when the numbers differ."""
    if left.many and right.many:
        return d.same(_sized(left, d), _sized(right, d))
    if right.many:
        left, right = right, left
    if left.many:
        other = right
        there = f"(case when {other.sql} is not null then false end)"

        def alone(item: str) -> str:
            return _equal_one(Value(item, "item", left.type), other, d)

        return d.one_of(left.sql, alone, there)
    return _equal_one(left, right, d)


def _sized(value: Value, d: Dialect) -> str:
    return f"nullif({value.sql}, {d.empty})"


def _equal_one(left: Value, right: Value, d: Dialect) -> str:
    if left.family is None or right.family is None or "complex" in {left.family, right.family}:
        return _equal_items(left, right, d)
    a, b = forms.native(left, d), forms.native(right, d)
    kinds = {a.family, b.family}
    if kinds == {"moment"}:
        return f"(record.view_compare({a.sql}, {b.sql}) = 0)"
    if kinds == {"time"}:
        return f"(record.view_compare_time({a.sql}, {b.sql}) = 0)"
    if len(kinds) == 1 or kinds == _NUMBERS or kinds <= {"text", "moment", "time"}:
        return f"({a.sql} = {b.sql})"
    return f"(case when {a.sql} is not null and {b.sql} is not null then false end)"


def _equal_items(left: Value, right: Value, d: Dialect) -> str:
    """At least one side of unknown or of composed type: as JSON, after the simple side's type where there is one."""
    for known, unknown in ((left, right), (right, left)):
        kind = known.family
        if kind in {"moment", "time", "text"} and unknown.family is None:
            a = forms.native(known, d)
            other = d.text(forms.item(unknown, d))
            if kind == "text":
                return f"({a.sql} = {other})"
            compare = "view_compare" if kind == "moment" else "view_compare_time"
            return f"(record.{compare}({a.sql}, {other}) = 0)"
        if kind in _NUMBERS and unknown.family is None:
            number = d.decimal(d.text(forms.item(unknown, d)))
            inside = d.is_type(forms.item(unknown, d), "number")
            return (
                f"(case when {forms.item(unknown, d)} is null then null"
                f" when {inside} then {number} = {forms.decimal(known, d, '=')} else false end)"
            )
    return f"({forms.item(left, d)} = {forms.item(right, d)})"


def equivalent(left: Value, right: Value, d: Dialect) -> str:
    """``~``: never empty; texts without regard to case and blanks."""
    if left.many or right.many:
        a, b = forms.items(left, d), forms.items(right, d)
        return f"({a} = {b})"
    a1, b1 = forms.native(left, d), forms.native(right, d)
    if a1.form == "text" and b1.form == "text":
        return f"({_loose(a1.sql)} is not distinct from {_loose(b1.sql)})"
    return f"coalesce({_equal_one(left, right, d)}, {a1.sql} is null and {b1.sql} is null)"


def _loose(text: str) -> str:
    return rf"lower(regexp_replace(trim({text}), '\s+', ' ', 'g'))"


def ordered(operator: str, left: Value, right: Value, d: Dialect) -> str:
    """``< <= > >=``; null where it cannot be told."""
    a, b = forms.native(left, d, f"'{operator}'"), forms.native(right, d, f"'{operator}'")
    if a.form == "item" and a.family is None:
        a = _as(a, b, d, operator)
    if b.form == "item" and b.family is None:
        b = _as(b, a, d, operator)
    kinds = {a.family, b.family}
    if kinds <= {"moment", "text"} and "moment" in kinds:
        return f"(record.view_compare({a.sql}, {b.sql}) {operator} 0)"
    if kinds <= {"time", "text"} and "time" in kinds:
        return f"(record.view_compare_time({a.sql}, {b.sql}) {operator} 0)"
    if not kinds <= _COMPARABLE or not (kinds == {"text"} or kinds <= _NUMBERS):
        raise refused(f"'{operator}' cannot compare a {forms.named(a)} with a {forms.named(b)}.")
    if kinds == {"text"}:
        return f"({d.ordered(a.sql)} {operator} {d.ordered(b.sql)})"
    return f"({a.sql} {operator} {b.sql})"


def _as(value: Value, like: Value, d: Dialect, operator: str) -> Value:
    if like.form in {"integer", "decimal"}:
        return forms.number(value, d, f"'{operator}'")
    return Value(forms.text(value, d, f"'{operator}'"), "text", like.type or "string")


def arithmetic(operator: str, left: Value, right: Value, d: Dialect) -> Value:
    """``+ - * / div mod``, and ``+`` of texts."""
    what = f"'{operator}'"
    a, b = forms.native(left, d, what), forms.native(right, d, what)
    if operator == "+" and (a.form == "text" or b.form == "text"):
        if {a.family, b.family} - {"text", None}:
            raise refused("'+' adds numbers or texts; dates are not moved in views.")
        return Value(f"({forms.text(a, d, what)} || {forms.text(b, d, what)})", "text", "string")
    x, y = forms.number(a, d, what), forms.number(b, d, what)
    whole = x.form == y.form == "integer"
    if operator in {"+", "-"}:
        return Value(f"({x.sql} {operator} {y.sql})", *_kind(whole=whole))
    if operator == "mod":
        return Value(f"({x.sql} % nullif({y.sql}, 0))", *_kind(whole=whole))
    if operator == "*" and whole:
        return Value(f"({x.sql} * {y.sql})", "integer", "integer")
    p, q = forms.decimal(x, d, what), forms.decimal(y, d, what)
    if operator == "div":
        return Value(d.truncated(d.product("/", p, q)), "integer", "integer")
    return Value(d.product(operator, p, q), "decimal", "decimal")


def _kind(*, whole: bool) -> tuple[str, str]:
    return ("integer", "integer") if whole else ("decimal", "decimal")


def joined(left: Value, right: Value, d: Dialect) -> Value:
    """``&``: texts, empty as the empty text."""
    a, b = forms.text(left, d, "'&'"), forms.text(right, d, "'&'")
    return Value(f"(coalesce({a}, '') || coalesce({b}, ''))", "text", "string")


def logic(operator: str, left: Value, right: Value, d: Dialect) -> str:
    """``and or xor implies`` of three values (FHIRPath 6.5)."""
    a, b = forms.condition(left, d, f"'{operator}'"), forms.condition(right, d, f"'{operator}'")
    if operator == "implies":
        return f"((not {a}) or {b})"
    if operator == "xor":
        return f"({a} <> {b})"
    return f"({a} {operator} {b})"


def within(one: Value, several: Value, d: Dialect) -> str:
    """``one in several``: null when there is none on the left."""
    single = forms.one(one, d, "'in'")
    found = d.any(
        forms.items(several, d),
        lambda item: f"coalesce({_equal_one(Value(item, 'item', several.type), single, d)}, false)",
    )
    return f"(case when {single.sql} is not null then {found} end)"
