"""The functions of texts and numbers, and from one to the other. FHIRPath 2.0.0, sections 5.5 to 5.7."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from yba.fhir.views import forms
from yba.fhir.views.grammar import Expression
from yba.fhir.views.value import Value, refused

if TYPE_CHECKING:
    from yba.fhir.views.expressions import Scope

Arguments = tuple[Expression, ...]
Function = Callable[[Value, Arguments, "Scope"], Value]


def _text(sql: str) -> Value:
    return Value(sql, "text", "string")


def _whole(sql: str) -> Value:
    return Value(sql, "integer", "integer")


def _truth(sql: str) -> Value:
    return Value(sql, "boolean", "boolean")


def _given(argument: Expression, scope: Scope, what: str) -> str:
    return forms.text(scope.of(argument), scope.d, what)


def _join(target: Value, arguments: Arguments, scope: Scope) -> Value:
    d = scope.d
    separator = _given(arguments[0], scope, "join()") if arguments else d.quoted("")
    if target.family not in {"text", "moment", "time", None}:
        raise refused(f"join() is of texts, not of a {forms.named(target)}.")
    return _text(d.join(forms.items(target, d), separator))


def _split(target: Value, arguments: Arguments, scope: Scope) -> Value:
    d = scope.d
    text = forms.text(target, d, "split()")
    return Value(d.split(text, _given(arguments[0], scope, "split()")), "list", "string")


def _of_text(what: str, make: Callable[[str], Value]) -> Function:
    """A function of one text alone."""

    def function(target: Value, _: Arguments, scope: Scope) -> Value:
        return make(forms.text(target, scope.d, what))

    return function


def _of_texts(what: str, make: Callable[[str, str], Value]) -> Function:
    """A function of a text and a text."""

    def function(target: Value, arguments: Arguments, scope: Scope) -> Value:
        return make(forms.text(target, scope.d, what), _given(arguments[0], scope, what))

    return function


def _substring(target: Value, arguments: Arguments, scope: Scope) -> Value:
    text = forms.text(target, scope.d, "substring()")
    start = f"({forms.number(scope.of(arguments[0]), scope.d, 'substring()').sql})::integer"
    inside = f"{start} >= 0 and {start} < length({text})"
    if len(arguments) == 1:
        return _text(f"(case when {inside} then substr({text}, {start} + 1) end)")
    count = f"({forms.number(scope.of(arguments[1]), scope.d, 'substring()').sql})::integer"
    return _text(f"(case when {inside} then substr({text}, {start} + 1, greatest({count}, 0)) end)")


def _replace(target: Value, arguments: Arguments, scope: Scope) -> Value:
    text = forms.text(target, scope.d, "replace()")
    old, new = (_given(one, scope, "replace()") for one in arguments)
    return _text(f"replace({text}, {old}, {new})")


def _matches(target: Value, arguments: Arguments, scope: Scope) -> Value:
    return _truth(scope.d.matches(forms.text(target, scope.d, "matches()"), _pattern(arguments[0], scope)))


def _replace_matches(target: Value, arguments: Arguments, scope: Scope) -> Value:
    by = scope.of(arguments[1])
    if by.literal is None or by.family != "text":
        raise refused("replaceMatches() takes its texts as they are, not computed.")
    escaped = re.sub(r"\$(\d)", r"\\\1", by.literal.replace("\\", "\\\\"))
    text = forms.text(target, scope.d, "replaceMatches()")
    return _text(scope.d.replaced_pattern(text, _pattern(arguments[0], scope), scope.d.quoted(escaped)))


def _pattern(argument: Expression, scope: Scope) -> str:
    given = scope.of(argument)
    if given.literal is None or given.family != "text":
        raise refused("A regular expression is written as a text or a constant, not computed.")
    try:
        re.compile(given.literal)
    except re.error as error:
        raise refused(f"'{given.literal[:80]}' is no regular expression: {error}.") from None
    return given.sql


# -- numbers -------------------------------------------------------------------------------------------------


def _of_number(make: Callable[[str], str], *, whole: bool) -> Function:
    """A function of one number; ``whole``: it gives an integer."""

    def function(target: Value, _: Arguments, scope: Scope) -> Value:
        given = forms.number(target, scope.d, "The function")
        if given.form == "integer" or whole:
            return _whole(f"({make(given.sql)})::bigint")
        return Value(f"({make(given.sql)})", "decimal", "decimal")

    return function


def _round(target: Value, arguments: Arguments, scope: Scope) -> Value:
    given = forms.decimal(target, scope.d, "round()")
    places = forms.number(scope.of(arguments[0]), scope.d, "round()").sql if arguments else "0"
    return Value(scope.d.decimal(f"round({given}, ({places})::integer)"), "decimal", "decimal")


def _irrational(name: str) -> Function:
    """A function whose answer is never exact."""

    def function(target: Value, _: Arguments, scope: Scope) -> Value:
        given = forms.decimal(target, scope.d, f"{name}()")
        inside = ">= 0" if name == "sqrt" else "> 0" if name == "ln" else "is not null"
        answer = scope.d.decimal(f"{name}({given})")
        return Value(f"(case when {given} {inside} then {answer} end)", "decimal", "decimal")

    return function


def _power(target: Value, arguments: Arguments, scope: Scope) -> Value:
    base = forms.decimal(target, scope.d, "power()")
    exponent = forms.decimal(scope.of(arguments[0]), scope.d, "power()")
    return Value(scope.d.decimal(f"power({base}, {exponent})"), "decimal", "decimal")


# -- conversion ----------------------------------------------------------------------------------------------

_INTEGER = r"^[+-]?[0-9]{1,18}$"
_DECIMAL = r"^[+-]?[0-9]{1,25}(?:[.][0-9]{1,12})?$"


def _to_string(target: Value, _: Arguments, scope: Scope) -> Value:
    single = forms.one(target, scope.d, "toString()")
    if single.form == "item":
        if single.family == "complex":
            raise refused(f"A {single.type} is no text.")
        return _text(forms.text_of_item(single, scope.d))
    return _text(scope.d.digits(single.sql) if single.form == "decimal" else f"({single.sql})::varchar")


def _to_integer(target: Value, _: Arguments, scope: Scope) -> Value:
    single = forms.native(target, scope.d, "toInteger()")
    if single.form == "integer":
        return single
    if single.form == "boolean":
        return _whole(f"(case when {single.sql} then 1 when not {single.sql} then 0 end)")
    text = _to_string(single, (), scope).sql
    fits = scope.d.matches(text, scope.d.quoted(_INTEGER))
    return _whole(f"(case when {fits} then {scope.d.integer(text)} end)")


def _to_decimal(target: Value, _: Arguments, scope: Scope) -> Value:
    single = forms.native(target, scope.d, "toDecimal()")
    if single.form == "decimal":
        return single
    if single.form == "boolean":
        number = f"case when {single.sql} then 1 when not {single.sql} then 0 end"
        return Value(scope.d.decimal(f"({number})::text"), "decimal", "decimal")
    text = _to_string(single, (), scope).sql
    fits = scope.d.matches(text, scope.d.quoted(_DECIMAL))
    return Value(f"(case when {fits} then {scope.d.decimal(text)} end)", "decimal", "decimal")


def _to_boolean(target: Value, _: Arguments, scope: Scope) -> Value:
    single = forms.native(target, scope.d, "toBoolean()")
    if single.form == "boolean":
        return single
    text = f"lower({_to_string(single, (), scope).sql})"
    return _truth(
        f"(case when {text} in ('true', 't', 'yes', 'y', '1', '1.0') then true"
        f" when {text} in ('false', 'f', 'no', 'n', '0', '0.0') then false end)"
    )


FUNCTIONS: Mapping[str, tuple[int, int, Function]] = {
    "join": (0, 1, _join),
    "split": (1, 1, _split),
    "upper": (0, 0, _of_text("upper()", lambda text: _text(f"upper({text})"))),
    "lower": (0, 0, _of_text("lower()", lambda text: _text(f"lower({text})"))),
    "trim": (0, 0, _of_text("trim()", lambda text: _text(f"trim({text})"))),
    "length": (0, 0, _of_text("length()", lambda text: _whole(f"length({text})::bigint"))),
    "startsWith": (1, 1, _of_texts("startsWith()", lambda a, b: _truth(f"starts_with({a}, {b})"))),
    "endsWith": (
        1,
        1,
        _of_texts("endsWith()", lambda a, b: _truth(f"(right({a}, length({b})::integer) = {b})")),
    ),
    "contains": (1, 1, _of_texts("contains()", lambda a, b: _truth(f"(strpos({a}, {b}) > 0)"))),
    "indexOf": (1, 1, _of_texts("indexOf()", lambda a, b: _whole(f"(strpos({a}, {b}) - 1)::bigint"))),
    "substring": (1, 2, _substring),
    "replace": (2, 2, _replace),
    "matches": (1, 1, _matches),
    "replaceMatches": (2, 2, _replace_matches),
    "abs": (0, 0, _of_number(lambda x: f"abs({x})", whole=False)),
    "ceiling": (0, 0, _of_number(lambda x: f"ceil({x})", whole=True)),
    "floor": (0, 0, _of_number(lambda x: f"floor({x})", whole=True)),
    "truncate": (0, 0, _of_number(lambda x: f"trunc({x})", whole=True)),
    "round": (0, 1, _round),
    "sqrt": (0, 0, _irrational("sqrt")),
    "exp": (0, 0, _irrational("exp")),
    "ln": (0, 0, _irrational("ln")),
    "power": (1, 1, _power),
    "toString": (0, 0, _to_string),
    "toInteger": (0, 0, _to_integer),
    "toDecimal": (0, 0, _to_decimal),
    "toBoolean": (0, 0, _to_boolean),
}
