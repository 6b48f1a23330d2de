"""The dialect of DuckDB: items are JSON, lists are JSON[]; lists are worked on by lambdas.

DuckDB reads a JSON number as a double and so loses digits. What is loaded (``files.load``) therefore has every
decimal as a text that begins with U+0001, which no FHIR text may hold; here it is taken off again.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from yba.fhir.views.dialect import OfItem
from yba.fhir.views.value import Step

MARK = "\\u0001"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Duck:
    """A dialect for one compilation: it counts the names it gives."""

    name = "duckdb"
    empty = "[]::json[]"

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def quoted(self, text: str) -> str:
        return "'" + text.replace("'", "''") + "'"

    def _name(self) -> str:
        return f"e{next(self._count)}"

    # -- elements ------------------------------------------------------------------------------------------

    def member(self, item: str, name: str) -> str:
        return f"json_extract({item}, {self.quoted('$' + _member(name))})"

    def member_text(self, item: str, name: str) -> str:
        return f"ltrim(json_extract_string({item}, {self.quoted('$' + _member(name))}), chr(1))"

    def members(self, item: str, steps: Sequence[Step]) -> str:
        name, rest = steps[0][0], steps[1:]
        if any(one is None for _, one in steps):
            found = f"record.view_items({self.member(item, name)})"
            return self.members_of_list(found, rest) if rest else found
        path = "$" + "".join(_member(name) + ("[*]" if repeats else "") for name, repeats in steps)
        if not any(repeats for _, repeats in steps):
            return self.of_one(f"json_extract({item}, {self.quoted(path)})")
        name = self._name()
        reached = f"json_extract({item}, {self.quoted(path)})"
        return f"coalesce(list_filter({reached}, lambda {name}: {name}::varchar <> 'null'), {self.empty})"

    def members_of_list(self, items: str, steps: Sequence[Step]) -> str:
        return self.flat_map(items, lambda item: self.members(item, steps))

    def named(self, item: str, names: Sequence[str]) -> str:
        return "coalesce(" + ", ".join(self.member(item, name) for name in names) + ")"

    # -- one item ------------------------------------------------------------------------------------------

    def text(self, item: str) -> str:
        return f"ltrim(json_extract_string({item}, '$'), chr(1))"

    def boolean(self, text: str) -> str:
        return f"({text})::boolean"

    def truth(self, item: str) -> str:
        return f"record.view_truth({item})"

    def strict_truth(self, item: str, message: str) -> str:
        return (
            f"(case when {item} is null then null when json_type({item}) = 'BOOLEAN' then {item}::varchar = 'true'"
            f" else {self._error(message, item)}::boolean end)"
        )

    def integer(self, text: str) -> str:
        return f"({text})::bigint"

    def decimal(self, text: str) -> str:
        return f"({text})::decimal(38, 12)"

    def item(self, native: str, form: str) -> str:
        return f"to_json({native})"

    def is_type(self, item: str, kind: str) -> str:
        marked = f"starts_with(json_extract_string({item}, '$'), chr(1))"
        if kind == "number":
            return f"(json_type({item}) in ('UBIGINT', 'BIGINT', 'HUGEINT', 'DOUBLE') or {marked})"
        if kind == "string":
            return f"(json_type({item}) = 'VARCHAR' and not {marked})"
        return f"(json_type({item}) = {self.quoted(kind.upper())})"

    def ordered(self, text: str) -> str:
        return text

    # -- lists ---------------------------------------------------------------------------------------------

    def size(self, items: str) -> str:
        return f"len({items})"

    def at(self, items: str, index: str) -> str:
        return f"({items})[({index}) + 1]"

    def last(self, items: str) -> str:
        return f"({items})[-1]"

    def part(self, items: str, start: str, count: str | None) -> str:
        first = f"greatest({start}, 0)"
        end = f"{first} + greatest({count}, 0)" if count is not None else f"len({items})"
        return f"list_slice({items}, {first} + 1, {end})"

    def one(self, items: str, message: str) -> str:
        return f"(case when len({items}) > 1 then {self._error(message, items)} else ({items})[1] end)"

    def _error(self, message: str, given: str) -> str:
        """An error that is not raised before there are rows: its text depends on one."""
        return f"error({self.quoted(message)} || left(({given})::varchar, 0))::json"

    def one_of(self, items: str, compute: OfItem, several: str) -> str:
        return (
            f"(case len({items}) when 0 then null when 1 then {compute(f'({items})[1]')} else {several} end)"
        )

    def where(self, items: str, condition: OfItem) -> str:
        name = self._name()
        return f"list_filter({items}, lambda {name}: coalesce({condition(name)}, false))"

    def any(self, items: str, condition: OfItem) -> str:
        return f"(len({self.where(items, condition)}) > 0)"

    def map(self, items: str, result: OfItem) -> str:
        name, kept = self._name(), self._name()
        made = f"list_transform({items}, lambda {name}: {result(name)})"
        return f"list_filter({made}, lambda {kept}: {kept} is not null)"

    def flat_map(self, items: str, result: OfItem) -> str:
        name = self._name()
        return f"flatten(list_transform({items}, lambda {name}: {result(name)}))"

    def of_one(self, item: str) -> str:
        return f"(case when {item} is null then []::json[] else [{item}] end)"

    def joined_lists(self, left: str, right: str) -> str:
        return f"list_concat({left}, {right})"

    def distinct(self, items: str) -> str:
        name, at = self._name(), self._name()
        return f"list_filter({items}, lambda {name}, {at}: list_position({items}, {name}) = {at})"

    def join(self, items: str, separator: str) -> str:
        name = self._name()
        texts = f"list_transform({items}, lambda {name}: {self.text(name)})"
        return f"coalesce(array_to_string({texts}, {separator}), '')"

    def split(self, text: str, separator: str) -> str:
        name = self._name()
        return (
            f"coalesce(list_transform(string_split({text}, {separator}), lambda {name}: to_json({name})), [])"
        )

    def same(self, left: str, right: str) -> str:
        return f"({left} = {right})"

    # -- texts and numbers ---------------------------------------------------------------------------------

    def matches(self, text: str, pattern: str) -> str:
        return f"regexp_matches({text}, {pattern})"

    def found_in(self, text: str, pattern: str) -> str:
        return f"nullif(regexp_extract({text}, {self.quoted(pattern)}, 1), '')"

    def replaced_pattern(self, text: str, pattern: str, by: str) -> str:
        return f"regexp_replace({text}, {pattern}, {by}, 'g')"

    def product(self, operator: str, left: str, right: str) -> str:
        divisor = f"nullif({right}::double, 0)" if operator == "/" else f"{right}::double"
        return f"({left}::double {operator} {divisor})::decimal(38, 12)"

    def truncated(self, number: str) -> str:
        return f"trunc({number})::bigint"

    # -- rows ----------------------------------------------------------------------------------------------

    def document(self, item: str) -> str:
        return f"regexp_replace(({item})::varchar, '\"{MARK[0]}{MARK}([^\"]*)\"', '\\1', 'g')"

    def list_document(self, items: str) -> str:
        return self.document(f"to_json({items})")

    def digits(self, decimal: str) -> str:
        return f"rtrim(rtrim(({decimal})::decimal(38, 12)::varchar, '0'), '.')"

    def place(self, branch: int, order: Sequence[str]) -> str:
        lists = [f"[{one}]" if one.endswith(".n") else one for one in order]
        found = f"[{branch}::bigint]"
        for one in lists:
            found = f"list_concat({found}, {one})"
        return found

    def unnested(self, items: str, alias: str) -> str:
        return f"unnest({items}) with ordinality as {alias}(item, n)"

    def lists(self, parts: Sequence[str]) -> str:
        return f"[{', '.join(parts)}]"

    def walk(self, start: str, steps: OfItem, alias: str) -> str:
        return (
            "(with recursive walk(item, place) as ("
            f"select i.item, [b.n, i.n] from unnest({start}) with ordinality b(items, n),"
            " unnest(b.items) with ordinality i(item, n)"
            " union all select i.item, list_concat(walk.place, [b.n, i.n])"
            f" from walk, unnest({steps('walk.item')}) with ordinality b(items, n),"
            " unnest(b.items) with ordinality i(item, n))"
            f" select item, row_number() over (order by place) as n from walk) {alias}"
        )


def _member(name: str) -> str:
    return f".{name}" if _PLAIN.fullmatch(name) else '."' + name.replace('"', '\\"') + '"'
