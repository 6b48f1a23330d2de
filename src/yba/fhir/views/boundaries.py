"""lowBoundary() and highBoundary(): the least and the greatest a value may stand for, as precise as can be said.

FHIRPath 3.0 (build), lowBoundary and highBoundary; SQL on FHIR v2 asks for them on Period as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from yba.fhir.views import forms, navigate
from yba.fhir.views.grammar import Expression, Literal
from yba.fhir.views.value import Value, refused

if TYPE_CHECKING:
    from yba.fhir.views.expressions import Scope

Function = Callable[[Value, tuple[Expression, ...], "Scope"], Value]
_MOMENT_WIDTHS = {4: 4, 6: 7, 8: 10, 10: 13, 12: 16, 14: 19, 17: 23}
_TIME_WIDTHS = {2: 2, 4: 5, 6: 8, 9: 12}
_PLACES = 8
_MOST_PLACES = 28


def _boundary(*, low: bool) -> Function:
    def function(target: Value, arguments: tuple[Expression, ...], scope: Scope) -> Value:
        return _of(target, _precision(arguments), scope, low=low)

    return function


def _precision(arguments: tuple[Expression, ...]) -> int | None:
    if not arguments:
        return None
    given = arguments[0]
    if not isinstance(given, Literal) or given.kind != "integer":
        raise refused("A boundary's precision is a whole number.")
    return int(given.value[:3])


def _of(target: Value, precision: int | None, scope: Scope, *, low: bool) -> Value:
    d = scope.d
    name = "lowBoundary()" if low else "highBoundary()"
    if target.type == "Period":
        edge = navigate.member(target, "start" if low else "end", d)
        return _of(edge, precision, scope, low=low)
    single = forms.one(target, d, name)
    kind = single.family
    if kind in {"integer", "decimal"}:
        places = _PLACES if precision is None else precision
        if places > _MOST_PLACES:
            raise refused(f"{name} has at most {_MOST_PLACES} decimals.")
        digits = forms.text_of_item(single, d) if single.form == "item" else d.digits(single.sql)
        if single.literal is not None:
            digits = d.quoted(single.literal)
        return Value(f"record.view_number_edge({digits}, {places}, {-1 if low else 1})", "decimal", "decimal")
    text = forms.native(single, d).sql
    if kind == "moment":
        return _moment(text, single.type or "", precision, name, low=low)
    if kind == "time":
        width = _width(_TIME_WIDTHS, 9 if precision is None else precision, name)
        filled = "00:00:00.000" if low else "23:59:59.999"
        return Value(f"substr({text} || substr('{filled}', length({text}) + 1), 1, {width})", "text", "time")
    raise refused(f"{name} is of a number, a date or a time, not of a {forms.named(single)}.")


def _moment(text: str, type_name: str, precision: int | None, name: str, *, low: bool) -> Value:
    whole = 8 if type_name == "date" else 17
    width = _width(_MOMENT_WIDTHS, whole if precision is None else precision, name)
    function = "view_moment_low" if low else "view_moment_high"
    zoned = "true" if width > 10 else "false"
    kind = "date" if width <= 10 and type_name == "date" else "dateTime"
    return Value(f"record.{function}({text}, {width}, {zoned})", "text", kind)


def _width(widths: Mapping[int, int], precision: int, name: str) -> int:
    if precision not in widths:
        raise refused(
            f"The precision of {name} is one of {', '.join(map(str, widths))} here, not {precision}."
        )
    return widths[precision]


FUNCTIONS: Mapping[str, tuple[int, int, Function]] = {
    "lowBoundary": (0, 1, _boundary(low=True)),
    "highBoundary": (0, 1, _boundary(low=False)),
}
