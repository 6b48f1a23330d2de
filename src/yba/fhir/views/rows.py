"""A view, compiled: one SELECT over one JSON document a resource.

SQL on FHIR v2, ViewDefinition, Processing Algorithm. Each forEach and repeat is a lateral join, each unionAll a
lateral union; selects beside each other multiply. Below a forEachOrNull that finds nothing there is one row of
nulls: ``missing`` is the condition that says so, and everything below keeps that row and no other.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from yba.fhir.errors import Invalid, RecordError
from yba.fhir.views import forms
from yba.fhir.views.definition import Column, Path, Select, View, fault
from yba.fhir.views.dialect import Dialect
from yba.fhir.views.expressions import Scope
from yba.fhir.views.grammar import Variable
from yba.fhir.views.value import Value, family


@dataclass(frozen=True, slots=True)
class Output:
    """A column as it comes out. ``form``: text, integer, decimal (its digits), boolean, or json (a JSON text)."""

    name: str
    form: str
    type: str | None
    sql_type: str | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """The SELECT; its columns; what to order by for the order of the resources and their lists."""

    sql: str
    columns: tuple[Output, ...]
    order: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Cell:
    column: Column
    value: Value


@dataclass(slots=True)
class _Rows:
    """The joins and conditions of a SELECT that is being written."""

    joins: list[str]
    conditions: list[str]
    order: list[str]


def compiled(view: View, d: Dialect, source: str) -> Compiled:
    """The SQL of a view over ``source``, which gives alias ``r`` with the document as ``r.doc``.

    Raises Invalid or Unsupported with the path of what cannot be compiled.
    """
    root = Value("r.doc", "item", view.resource)
    scope = Scope(d, root, root, root, d.integer("0"), view.constants)
    writer = _Writer(d)
    rows = _Rows([], [], [])
    cells = [cell for one in view.select for cell in writer.select(one, scope, None, rows)]
    conditions = [_condition(one, scope) for one in view.where] + rows.conditions
    outputs = [_output(cell, d) for cell in cells]
    columns = ",\n    ".join(f'{text} as "{output.name}"' for output, text in outputs)
    parts = [f"select\n    {columns}\nfrom {source} r", *rows.joins]
    if conditions:
        parts.append("where " + "\n  and ".join(conditions))
    return Compiled("\n".join(parts), tuple(output for output, _ in outputs), tuple(rows.order))


def _value(path: Path, scope: Scope) -> Value:
    try:
        return scope.of(path.expression)
    except RecordError as error:
        raise type(error)(
            error.key, f"{path.where}: in '{path.text[:200]}': {error.message}", path=path.where
        ) from None
    except RecursionError:
        raise fault(path.where, "The expression goes too deep.") from None


def _condition(path: Path, scope: Scope) -> str:
    """A ``where`` of the view: it must be true, and must be a boolean."""
    what = f"{path.where}: '{path.text[:200]}'"
    value = _value(path, scope)
    if value.family not in {"boolean", None}:
        raise fault(path.where, f"'{path.text[:200]}' is a {forms.named(value)}, where a boolean is needed.")
    single = forms.native(value, scope.d, what)
    if single.form == "boolean":
        return single.sql
    return scope.d.strict_truth(forms.item(single, scope.d), f"{what} is no boolean in one of the resources.")


class _Writer:
    """Compiles selects; it counts the names of tables it gives."""

    def __init__(self, d: Dialect) -> None:
        self.d = d
        self._count = itertools.count(1)

    def select(self, one: Select, scope: Scope, missing: str | None, rows: _Rows) -> list[_Cell]:
        """The cells of a select, its joins and conditions added to ``rows``."""
        inner, missing = self._focus(one, scope, missing, rows)
        cells = [self._cell(column, inner, missing) for column in one.columns]
        for below in one.selects:
            cells += self.select(below, inner, missing, rows)
        if one.unions:
            cells += self._union(one, inner, missing, rows)
        return cells

    def _focus(self, one: Select, scope: Scope, missing: str | None, rows: _Rows) -> tuple[Scope, str | None]:
        if one.each is None and not one.repeat:
            return scope, missing
        alias = f"f{next(self._count)}"
        if one.each is not None:
            value = _value(one.each, scope)
            table, kind = self.d.unnested(forms.items(value, self.d), alias), value.type
        else:
            table, kind = self._walked(one, scope, alias)
        rows.order.append(f"{alias}.n")
        index = f"({alias}.n - 1)"
        if one.or_null or missing is not None:
            rows.joins.append(f"left join lateral {table} on true")
            index = f"(coalesce({alias}.n, 1) - 1)"
            if not one.or_null:
                rows.conditions.append(f"({alias}.n is not null or {missing})")
            missing = f"{alias}.n is null"
        else:
            rows.joins.append(f"cross join lateral {table}")
        focus = Value(f"{alias}.item", "item", kind)
        return replace(scope, this=focus, context=focus, row_index=f"{index}::bigint"), missing

    def _walked(self, one: Select, scope: Scope, alias: str) -> tuple[str, str | None]:
        """The table of a repeat, and the one type of all that is reached (None: several, or not known)."""
        kinds = self._kinds(one.repeat, scope)
        kind = next(iter(kinds)) if len(kinds) == 1 else None
        start = self.d.lists([self._reached(path, scope) for path in one.repeat])

        def steps(item: str) -> str:
            there = replace(scope, this=Value(item, "item", kind))
            return self.d.lists([self._reached(path, there) for path in one.repeat])

        return self.d.walk(start, steps, alias), kind

    def _kinds(self, paths: Sequence[Path], scope: Scope) -> set[str | None]:
        """The types a repeat reaches. Refuses a path that leads nowhere from any of them."""
        kinds: set[str | None] = set()
        leading: set[int] = set()
        fresh: set[str | None] = {scope.this.type}
        while fresh:
            kind = fresh.pop()
            for number, path in enumerate(paths):
                try:
                    found = scope_of(scope, kind).of(path.expression).type
                except Invalid:
                    continue
                leading.add(number)
                if found not in kinds:
                    kinds.add(found)
                    fresh.add(found)
        for number, path in enumerate(paths):
            if number not in leading:
                _value(path, scope)
        return kinds

    def _reached(self, path: Path, scope: Scope) -> str:
        try:
            return forms.items(scope.of(path.expression), self.d)
        except Invalid:
            return self.d.empty

    def _cell(self, column: Column, scope: Scope, missing: str | None) -> _Cell:
        value = _finished(column, _value(column.path, scope), self.d)
        expression = column.path.expression
        if missing is not None and not (isinstance(expression, Variable) and expression.name == "%rowIndex"):
            value = replace(value, sql=f"(case when not ({missing}) then {value.sql} end)", origin=None)
        return _Cell(column, value)

    def _union(self, one: Select, scope: Scope, missing: str | None, rows: _Rows) -> list[_Cell]:
        branches: list[list[_Cell]] = []
        parts: list[_Rows] = []
        for number, branch in enumerate(one.unions):
            inside = _Rows([], [], [])
            branches.append(self.select(branch, scope, missing, inside))
            if number and missing is not None:
                inside.conditions.append(f"not ({missing})")
            parts.append(inside)
        aligned = [_aligned(one, cells, self.d) for cells in zip(*branches, strict=True)]
        alias = f"u{next(self._count)}"
        texts = [
            _branch([cells[number] for cells in aligned], part, self.d.place(number, part.order))
            for number, part in enumerate(parts)
        ]  # fmt: skip
        names = ", ".join(f"c{number}" for number in range(len(aligned)))
        body = "\n    union all\n    ".join(texts)
        rows.joins.append(f"cross join lateral (\n    {body}\n) {alias}({names}, place)")
        rows.order.append(f"{alias}.place")
        return [
            _Cell(cells[0].column, replace(cells[0].value, sql=f"{alias}.c{number}", origin=None))
            for number, cells in enumerate(aligned)
        ]


def scope_of(scope: Scope, kind: str | None) -> Scope:
    """A scope whose focus is some item of a type: to learn the types of expressions."""
    return replace(scope, this=Value("null", "item", kind))


def _branch(cells: Sequence[_Cell], rows: _Rows, place: str) -> str:
    text = f"select {', '.join(cell.value.sql for cell in cells)}, {place} from (values (0)) b(o)"
    joins = "".join(f" {join}" for join in rows.joins)
    conditions = f" where {' and '.join(rows.conditions)}" if rows.conditions else ""
    return text + joins + conditions


def _finished(column: Column, value: Value, d: Dialect) -> Value:
    """A column's value in the form it keeps through unions: list, item, or one SQL value."""
    if column.collection:
        return Value(forms.items(value, d), "list", value.type)
    declared = family(column.type)
    if value.family == "complex" and declared not in {None, "complex"}:
        raise fault(
            column.path.where, f"Column '{column.name}' is declared {column.type}, but is a {value.type}."
        )
    if value.family is None and value.form in {"item", "list"} and declared is not None:
        value = replace(value, type=column.type, choice=None)
    single = forms.one(value, d, f"Column '{column.name}'")
    if single.family == "decimal" and single.form == "item":
        return Value(forms.text_of_item(single, d), "digits", "decimal")
    return forms.native(single, d)


def _aligned(one: Select, cells: Sequence[_Cell], d: Dialect) -> list[_Cell]:
    """The cells of one column in all branches, in the same form. Refuses different kinds of values."""
    wanted = {cell.value.form for cell in cells}
    if len(wanted) == 1:
        return list(cells)
    if wanted <= {"integer", "decimal", "digits"}:
        return [_Cell(cell.column, _digits(cell.value, d)) for cell in cells]
    if "item" in wanted and "list" not in wanted:
        return [_Cell(cell.column, _as_item(cell.value, d)) for cell in cells]
    kinds = ", ".join(forms.named(cell.value) for cell in cells)
    raise fault(
        f"{one.where}.unionAll", f"Column '{cells[0].column.name}' is of different types: {kinds[:200]}."
    )


def _digits(value: Value, d: Dialect) -> Value:
    if value.form == "digits":
        return value
    text = d.digits(value.sql) if value.form == "decimal" else f"({value.sql})::varchar"
    return Value(text, "digits", "decimal")


def _as_item(value: Value, d: Dialect) -> Value:
    if value.form == "digits":
        return Value(d.item(d.decimal(value.sql), "decimal"), "item", None)
    return Value(forms.item(value, d), "item", None)


def _output(cell: _Cell, d: Dialect) -> tuple[Output, str]:
    value, column = cell.value, cell.column
    kind = value.type or column.type
    if value.form == "list":
        return Output(column.name, "json", kind, column.sql_type), d.list_document(value.sql)
    if value.form == "item":
        return Output(column.name, "json", kind, column.sql_type), d.document(value.sql)
    if value.form in {"decimal", "digits"}:
        return Output(column.name, "decimal", kind, column.sql_type), _digits(value, d).sql
    return Output(column.name, value.form, kind, column.sql_type), value.sql
