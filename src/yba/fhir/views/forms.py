"""From one form of a value to another: items of JSON to SQL values and back, one to several."""

from __future__ import annotations

from yba.fhir.views.dialect import Dialect
from yba.fhir.views.value import NATIVE, Value, refused


def one(value: Value, d: Dialect, what: str) -> Value:
    """The value as one at most; an error when the data hold several."""
    if not value.many:
        return value
    message = f"{what} has several values where one is expected: take first(), narrow it with where(), or unnest it."
    return Value(d.one(value.sql, message), "item", value.type)


def items(value: Value, d: Dialect) -> str:
    """The value as a list."""
    return value.sql if value.many else d.of_one(item(value, d))


def item(value: Value, d: Dialect) -> str:
    """One value as JSON."""
    return value.sql if value.form == "item" else d.item(value.sql, value.form)


def native(value: Value, d: Dialect, what: str = "The expression") -> Value:
    """One value of a known simple type outside JSON; others stay what they are."""
    single = one(value, d, what)
    kind = single.family
    if single.form != "item" or kind is None or kind == "complex":
        return single
    form = NATIVE[kind]
    found = text_of_item(single, d)
    if form == "integer":
        found = d.integer(found)
    elif form == "decimal":
        found = d.decimal(found)
    elif form == "boolean":
        found = d.boolean(found)
    return Value(found, form, single.type)


def text_of_item(value: Value, d: Dialect) -> str:
    """The text of one item; straight from its parent where that is known."""
    if value.origin is not None:
        base, steps = value.origin
        if len(steps) == 1 and base.form == "item":
            return d.member_text(base.sql, steps[0][0])
    return d.text(value.sql)


def text(value: Value, d: Dialect, what: str) -> str:
    """One value as SQL text. Refuses what is known to be no text."""
    single = native(value, d, what)
    if single.form == "text":
        return single.sql
    if single.form == "item" and single.family is None:
        return d.text(single.sql)
    raise refused(f"{what} needs a text, not a {named(single)}.")


def number(value: Value, d: Dialect, what: str) -> Value:
    """One value as a SQL number: an integer or a decimal."""
    single = native(value, d, what)
    if single.form in {"integer", "decimal"}:
        return single
    if single.form == "item" and single.family is None:
        return Value(d.decimal(d.text(single.sql)), "decimal", "decimal")
    raise refused(f"{what} needs a number, not a {named(single)}.")


def decimal(value: Value, d: Dialect, what: str) -> str:
    """One value as a SQL decimal."""
    single = number(value, d, what)
    return d.decimal(f"{single.sql}::text") if single.form == "integer" else single.sql


def condition(value: Value, d: Dialect, what: str) -> str:
    """A value as a condition, null for empty (FHIRPath 4.5: one value that is no boolean counts as true)."""
    single = native(value, d, what)
    if single.form == "boolean":
        return single.sql
    if single.form == "item" and single.family is None:
        return d.truth(single.sql)
    return f"(case when {single.sql} is not null then true end)"


def named(value: Value) -> str:
    """What a value is, for people."""
    return value.type or value.form
