"""The functions of lists: existence, filters, parts, unions, types, keys. FHIRPath 2.0.0, sections 5.1 to 5.4.

Those of texts, numbers and boundaries are in ``texts`` and ``boundaries``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from yba.fhir.views import boundaries, forms, navigate, operators, texts
from yba.fhir.views.dialect import Dialect
from yba.fhir.views.grammar import Call, Expression, Literal, Member
from yba.fhir.views.value import Value, refused, unsupported

if TYPE_CHECKING:
    from yba.fhir.views.expressions import Scope

Arguments = tuple[Expression, ...]
Function = Callable[[Value, Arguments, "Scope"], Value]


def call(expression: Call, target: Value, scope: Scope) -> Value:
    """A call, compiled. Refuses what is unknown or has the wrong number of arguments."""
    known = _KNOWN.get(expression.name)
    if known is None:
        raise unsupported(
            f"The function {expression.name[:60]}() is not offered in views. Offered: {', '.join(sorted(_KNOWN))}."
        )
    least, most, function = known
    if not least <= len(expression.arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise refused(f"{expression.name}() takes {wanted} arguments, not {len(expression.arguments)}.")
    return function(target, expression.arguments, scope)


# -- existence -----------------------------------------------------------------------------------------------


def _there(target: Value, d: Dialect) -> str:
    return f"({d.size(target.sql)} > 0)" if target.many else f"({target.sql} is not null)"


def _exists(target: Value, arguments: Arguments, scope: Scope) -> Value:
    if arguments:
        return operators.boolean(_some(target, arguments[0], scope))
    return operators.boolean(_there(target, scope.d))


def _some(target: Value, criteria: Expression, scope: Scope) -> str:
    d = scope.d
    return d.any(
        forms.items(target, d), lambda item: f"coalesce({_holds(item, target, criteria, scope)}, false)"
    )


def _holds(item: str, target: Value, criteria: Expression, scope: Scope) -> str:
    return forms.condition(scope.on(item, target).of(criteria), scope.d, "A condition")


def _empty(target: Value, _: Arguments, scope: Scope) -> Value:
    return operators.boolean(f"(not {_there(target, scope.d)})")


def _not(target: Value, _: Arguments, scope: Scope) -> Value:
    return operators.boolean(f"(not {forms.condition(target, scope.d, 'not()')})")


def _all(target: Value, arguments: Arguments, scope: Scope) -> Value:
    d = scope.d
    fails = d.any(
        forms.items(target, d), lambda item: f"{_holds(item, target, arguments[0], scope)} is not true"
    )
    return operators.boolean(f"(not {fails})")


def _quantified(*, every: bool, truth: bool) -> Function:
    def function(target: Value, _: Arguments, scope: Scope) -> Value:
        d = scope.d
        word = "true" if truth != every else "false"
        found = d.any(
            forms.items(target, d),
            lambda item: f"{forms.condition(Value(item, 'item', target.type), d, 'A list')} is {word}",
        )
        return operators.boolean(f"(not {found})" if every else found)

    return function


def _count(target: Value, _: Arguments, scope: Scope) -> Value:
    if target.many:
        return Value(scope.d.integer(scope.d.size(target.sql)), "integer", "integer")
    return Value(f"(case when {target.sql} is null then 0 else 1 end)", "integer", "integer")


def _distinct(target: Value, _: Arguments, scope: Scope) -> Value:
    return Value(scope.d.distinct(forms.items(target, scope.d)), "list", target.type)


def _is_distinct(target: Value, _: Arguments, scope: Scope) -> Value:
    d, given = scope.d, forms.items(target, scope.d)
    return operators.boolean(f"({d.size(given)} = {d.size(d.distinct(given))})")


def _has_value(target: Value, _: Arguments, scope: Scope) -> Value:
    if target.many:
        return operators.boolean(f"({scope.d.size(target.sql)} = 1)")
    return operators.boolean(_there(target, scope.d))


# -- filters and parts ---------------------------------------------------------------------------------------


def _where(target: Value, arguments: Arguments, scope: Scope) -> Value:
    d = scope.d
    if not target.many and target.form == "item":
        kept = f"(case when {_holds(target.sql, target, arguments[0], scope)} then {target.sql} end)"
        return Value(kept, "item", target.type)
    found = d.where(forms.items(target, d), lambda item: _holds(item, target, arguments[0], scope))
    return Value(found, "list", target.type)


def _select(target: Value, arguments: Arguments, scope: Scope) -> Value:
    d = scope.d
    if not target.many and target.form == "item":
        return scope.on(target.sql, target).of(arguments[0])
    sample = scope.on("null", target).of(arguments[0])
    given = forms.items(target, d)
    if sample.many:
        found = d.flat_map(given, lambda item: forms.items(scope.on(item, target).of(arguments[0]), d))
    else:
        found = d.map(given, lambda item: forms.item(scope.on(item, target).of(arguments[0]), d))
    return Value(found, "list", sample.type)


NOTHING = "\0"
"""The literal of an empty list."""
_BEYOND = "1000000000"


def place(number: Value) -> str:
    """A whole number as a place in a list: a small integer, or one no list reaches."""
    if number.literal is not None:
        return number.literal if len(number.literal) < 10 else _BEYOND
    return f"({number.sql})::integer"


def _first(target: Value, _: Arguments, scope: Scope) -> Value:
    return Value(scope.d.at(target.sql, "0"), "item", target.type) if target.many else target


def _last(target: Value, _: Arguments, scope: Scope) -> Value:
    return Value(scope.d.last(target.sql), "item", target.type) if target.many else target


def _tail(target: Value, _: Arguments, scope: Scope) -> Value:
    return Value(scope.d.part(forms.items(target, scope.d), "1", None), "list", target.type)


def _skip(target: Value, arguments: Arguments, scope: Scope) -> Value:
    return Value(
        scope.d.part(forms.items(target, scope.d), _whole(arguments[0], scope), None), "list", target.type
    )


def _take(target: Value, arguments: Arguments, scope: Scope) -> Value:
    return Value(
        scope.d.part(forms.items(target, scope.d), "0", _whole(arguments[0], scope)), "list", target.type
    )


def _whole(argument: Expression, scope: Scope) -> str:
    number = forms.number(scope.of(argument), scope.d, "A number of items")
    return place(number)


def _single(target: Value, _: Arguments, scope: Scope) -> Value:
    return forms.one(target, scope.d, "single()")


def united(left: Value, right: Value, d: Dialect) -> Value:
    """``|``: both, each value once."""
    return Value(d.distinct(_together(left, right, d)), "list", _common(left, right))


def _combine(target: Value, arguments: Arguments, scope: Scope) -> Value:
    other = scope.of(arguments[0])
    return Value(_together(target, other, scope.d), "list", _common(target, other))


def _union(target: Value, arguments: Arguments, scope: Scope) -> Value:
    return united(target, scope.of(arguments[0]), scope.d)


def _together(left: Value, right: Value, d: Dialect) -> str:
    return d.joined_lists(forms.items(left, d), forms.items(right, d))


def _common(left: Value, right: Value) -> str | None:
    if left.type == right.type or right.literal == NOTHING:
        return left.type
    if left.literal == NOTHING:
        return right.type
    return left.type if left.family is not None and left.family == right.family else None


def _intersect(target: Value, arguments: Arguments, scope: Scope) -> Value:
    return _compared(target, scope.of(arguments[0]), scope, keep="")


def _exclude(target: Value, arguments: Arguments, scope: Scope) -> Value:
    return _compared(target, scope.of(arguments[0]), scope, keep="not ")


def _compared(target: Value, other: Value, scope: Scope, *, keep: str) -> Value:
    d = scope.d
    among = forms.items(other, d)
    found = d.where(
        forms.items(target, d),
        lambda item: keep + d.any(among, lambda one: f"coalesce({one} = {item}, false)"),
    )
    return Value(found if keep else d.distinct(found), "list", target.type)


# -- types, keys, choices ------------------------------------------------------------------------------------


def type_argument(argument: Expression, what: str) -> str:
    """The name of a type given as an argument: ``Patient``, ``FHIR.Patient`` or ``'Patient'``."""
    if isinstance(argument, Member) and argument.target is None:
        return argument.name
    if (
        isinstance(argument, Member)
        and isinstance(argument.target, Member)
        and argument.target.target is None
    ):
        return f"{argument.target.name}.{argument.name}"
    if isinstance(argument, Literal) and argument.kind == "string":
        return argument.value
    raise refused(f"{what} takes the name of a type.")


def _of_type(target: Value, arguments: Arguments, scope: Scope) -> Value:
    return navigate.of_type(target, navigate.type_named(type_argument(arguments[0], "ofType()")), scope.d)


def _is(target: Value, arguments: Arguments, scope: Scope) -> Value:
    wanted = navigate.type_named(type_argument(arguments[0], "is()"))
    return operators.boolean(navigate.is_type(target, wanted, scope.d))


def _extension(target: Value, arguments: Arguments, scope: Scope) -> Value:
    url = scope.of(arguments[0])
    if url.literal is None or url.family != "text":
        raise refused("extension() takes the url as a text or a constant.")
    return navigate.extension(target, url.literal, scope.d)


def _resource_key(target: Value, _: Arguments, scope: Scope) -> Value:
    if target is not scope.root and target.sql != scope.root.sql:
        raise refused("getResourceKey() is asked at the root of the resource.")
    return navigate.resource_key(scope.root, scope.d)


def _reference_key(target: Value, arguments: Arguments, scope: Scope) -> Value:
    wanted = None
    if arguments:
        wanted = navigate.type_named(type_argument(arguments[0], "getReferenceKey()"))
    return navigate.reference_key(target, wanted, scope.d)


def _iif(target: Value, arguments: Arguments, scope: Scope) -> Value:
    d = scope.d
    test = forms.condition(scope.of(arguments[0]), d, "iif()")
    yes = forms.native(scope.of(arguments[1]), d)
    no = forms.native(scope.of(arguments[2]), d) if len(arguments) == 3 else None
    if no is None:
        return Value(f"(case when {test} then {yes.sql} end)", yes.form, yes.type)
    if yes.form != no.form:
        raise refused("Both answers of iif() are of the same kind.")
    both = yes.type if yes.family == no.family else None
    return Value(f"(case when {test} then {yes.sql} else {no.sql} end)", yes.form, both)


_KNOWN: Mapping[str, tuple[int, int, Function]] = {
    "exists": (0, 1, _exists),
    "empty": (0, 0, _empty),
    "not": (0, 0, _not),
    "all": (1, 1, _all),
    "allTrue": (0, 0, _quantified(every=True, truth=True)),
    "allFalse": (0, 0, _quantified(every=True, truth=False)),
    "anyTrue": (0, 0, _quantified(every=False, truth=True)),
    "anyFalse": (0, 0, _quantified(every=False, truth=False)),
    "count": (0, 0, _count),
    "distinct": (0, 0, _distinct),
    "isDistinct": (0, 0, _is_distinct),
    "hasValue": (0, 0, _has_value),
    "where": (1, 1, _where),
    "select": (1, 1, _select),
    "first": (0, 0, _first),
    "last": (0, 0, _last),
    "tail": (0, 0, _tail),
    "skip": (1, 1, _skip),
    "take": (1, 1, _take),
    "single": (0, 0, _single),
    "union": (1, 1, _union),
    "combine": (1, 1, _combine),
    "intersect": (1, 1, _intersect),
    "exclude": (1, 1, _exclude),
    "ofType": (1, 1, _of_type),
    "as": (1, 1, _of_type),
    "is": (1, 1, _is),
    "extension": (1, 1, _extension),
    "getResourceKey": (0, 0, _resource_key),
    "getReferenceKey": (0, 1, _reference_key),
    "iif": (2, 3, _iif),
    **texts.FUNCTIONS,
    **boundaries.FUNCTIONS,
}
