"""Questions to ordinary tables that are asked with every page: said as they stand, their rows read as Django's models.

Django composes a question anew each time, for more than its answer costs. Here its columns and how they are turned are
found once a model; the values go apart from the text, so that the database plans it once a connection.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Model

M = TypeVar("M", bound=Model)


class _Reading(NamedTuple):
    """Of a model: its columns as SQL, their names in it, and what turns which of them."""

    columns: str
    names: tuple[str, ...]
    turned: tuple[tuple[int, tuple[Callable[..., Any], ...], Any], ...]


@cache
def _reading(model: type[Model]) -> _Reading:
    fields = model._meta.concrete_fields
    turned = []
    for at, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        turns = (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
        if turns:
            turned.append((at, turns, column))
    columns = ", ".join(connection.ops.quote_name(one.column or "") for one in fields)
    return _Reading(columns, tuple(one.attname for one in fields), tuple(turned))


def rows(model: type[M], question: str, params: Sequence[Any] | Mapping[str, Any]) -> list[M]:
    """The rows of a model that a statement finds; it names their columns ``{columns}``."""
    how = _reading(model)
    with connection.cursor() as cursor:
        cursor.execute(question.replace("{columns}", how.columns), params)
        found = cursor.fetchall()
    return [model.from_db("default", how.names, _turned(how, row)) for row in found]


def first(model: type[M], question: str, params: Sequence[Any] | Mapping[str, Any]) -> M | None:
    """The first of them."""
    return next(iter(rows(model, question, params)), None)


def values(question: str, params: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement as they are."""
    with connection.cursor() as cursor:
        cursor.execute(question, params)
        return list(cursor.fetchall())


def insert(one: Model, *, unless: str = "") -> bool:
    """Write a new row, as ``Model.save(force_insert=True)`` does; a key that is set already is its key.

    ``unless``: a unique column; False where a row with the same value is there, and nothing was written.
    """
    model = type(one)
    fields, text = _writing(model, own_key=one.pk is not None, unless=unless)
    given = [field.get_db_prep_save(field.pre_save(one, True), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(text, given)
        row = cursor.fetchone()
    if row is None:
        return False
    one.pk = row[0]
    one._state.adding, one._state.db = False, "default"
    return True


@cache
def _writing(model: type[Model], *, own_key: bool, unless: str) -> tuple[tuple[Any, ...], str]:
    quoted = connection.ops.quote_name
    fields = tuple(one for one in model._meta.concrete_fields if own_key or not one.primary_key)
    columns = ", ".join(quoted(one.column or "") for one in fields)
    places = ", ".join(["%s"] * len(fields))
    conflict = f" on conflict ({quoted(unless)}) do nothing" if unless else ""
    key = quoted(model._meta.pk.column or "")
    return fields, (  # names of our own models' tables and columns
        f"insert into {quoted(model._meta.db_table)} ({columns}) values ({places}){conflict} returning {key}"  # noqa: S608
    )


def _turned(how: _Reading, row: Sequence[Any]) -> Sequence[Any]:
    if not how.turned:
        return row
    values = list(row)
    for at, turns, column in how.turned:
        for turn in turns:
            values[at] = turn(values[at], column, connection)
    return values
