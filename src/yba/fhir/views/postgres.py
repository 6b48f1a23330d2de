"""The dialect of PostgreSQL 15 and newer: items are jsonb, lists are jsonb arrays."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from psycopg import sql

from yba.fhir.views.dialect import OfItem
from yba.fhir.views.value import Step


class Postgres:
    """A dialect for one compilation: it counts the names it gives."""

    name = "postgresql"
    empty = "'[]'::jsonb"

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def quoted(self, text: str) -> str:
        return sql.Literal(text).as_string(None).strip()

    # -- elements ------------------------------------------------------------------------------------------

    def member(self, item: str, name: str) -> str:
        return f"({item} -> {self.quoted(name)})"

    def member_text(self, item: str, name: str) -> str:
        return f"({item} ->> {self.quoted(name)})"

    def members(self, item: str, steps: Sequence[Step]) -> str:
        if len(steps) == 1 and steps[0][1]:
            return f"record.view_items({item} -> {self.quoted(steps[0][0])})"
        return self._path(item, "$", steps)

    def members_of_list(self, items: str, steps: Sequence[Step]) -> str:
        return self._path(items, "$[*]", steps)

    def _path(self, base: str, start: str, steps: Sequence[Step]) -> str:
        path = start + "".join(_step(name, repeats) for name, repeats in steps)
        return (
            f"coalesce(jsonb_path_query_array({base}, {self.quoted('lax ' + path + ' ? (@ != null)')}), '[]')"
        )

    def named(self, item: str, names: Sequence[str]) -> str:
        return "coalesce(" + ", ".join(self.member(item, name) for name in names) + ")"

    # -- one item ------------------------------------------------------------------------------------------

    def text(self, item: str) -> str:
        return f"({item} #>> '{{}}')"

    def boolean(self, text: str) -> str:
        return f"({text})::boolean"

    def truth(self, item: str) -> str:
        return f"record.view_truth({item})"

    def strict_truth(self, item: str, message: str) -> str:
        return f"record.view_strict_truth({item}, {self.quoted(message)})"

    def integer(self, text: str) -> str:
        return f"({text})::bigint"

    def decimal(self, text: str) -> str:
        return f"({text})::numeric"

    def item(self, native: str, form: str) -> str:
        if form == "decimal":
            return f"to_jsonb(trim_scale(({native})::numeric))"
        return f"to_jsonb({native}{'::text' if form == 'text' else ''})"

    def is_type(self, item: str, kind: str) -> str:
        return f"(jsonb_typeof({item}) = {self.quoted(kind)})"

    def ordered(self, text: str) -> str:
        return f'({text} collate "C")'

    # -- lists ---------------------------------------------------------------------------------------------

    def size(self, items: str) -> str:
        return f"jsonb_array_length({items})"

    def at(self, items: str, index: str) -> str:
        return f"({items} -> {index})"

    def last(self, items: str) -> str:
        return f"({items} -> -1)"

    def part(self, items: str, start: str, count: str | None) -> str:
        more = f" and {{n}} <= ({start}) + ({count})" if count is not None else ""
        return self._collected(items, "{i}", f"{{n}} > ({start}){more}")

    def one(self, items: str, message: str) -> str:
        return f"record.view_one({items}, {self.quoted(message)})"

    def one_of(self, items: str, compute: OfItem, several: str) -> str:
        alias = f"o{next(self._count)}"
        return (
            f"(select case jsonb_array_length({alias}.items) when 0 then null when 1 then"
            f" {compute(f'({alias}.items -> 0)')} else {several} end"
            f" from (select {items} as items offset 0) {alias})"
        )

    def where(self, items: str, condition: OfItem) -> str:
        return self._collected_by(items, lambda item: item, condition)

    def map(self, items: str, result: OfItem) -> str:
        return self._collected_by(items, result, None)

    def _collected_by(self, items: str, result: OfItem, condition: OfItem | None) -> str:
        alias = f"e{next(self._count)}"
        item = f"{alias}.item"
        given = result(item)
        keep = condition(item) if condition is not None else f"{given} is not null"
        return (
            f"(select coalesce(jsonb_agg({given} order by {alias}.n), '[]') from"
            f" jsonb_array_elements({items}) with ordinality {alias}(item, n) where {keep})"
        )

    def _collected(self, items: str, given: str, keep: str) -> str:
        alias = f"e{next(self._count)}"

        def placed(text: str) -> str:
            return text.replace("{i}", f"{alias}.item").replace("{n}", f"{alias}.n")

        return (
            f"(select coalesce(jsonb_agg({placed(given)} order by {alias}.n), '[]') from"
            f" jsonb_array_elements({items}) with ordinality {alias}(item, n) where {placed(keep)})"
        )

    def any(self, items: str, condition: OfItem) -> str:
        alias = f"e{next(self._count)}"
        return (
            f"exists (select from jsonb_array_elements({items}) {alias}(item)"
            f" where {condition(f'{alias}.item')})"
        )

    def flat_map(self, items: str, result: OfItem) -> str:
        alias = f"e{next(self._count)}"
        return (
            f"(select coalesce(jsonb_agg({alias}b.item order by {alias}.n, {alias}b.n), '[]') from"
            f" jsonb_array_elements({items}) with ordinality {alias}(item, n),"
            f" jsonb_array_elements({result(f'{alias}.item')}) with ordinality {alias}b(item, n))"
        )

    def of_one(self, item: str) -> str:
        return f"record.view_list({item})"

    def joined_lists(self, left: str, right: str) -> str:
        return f"({left} || {right})"

    def distinct(self, items: str) -> str:
        alias = f"e{next(self._count)}"
        return (
            f"(select coalesce(jsonb_agg({alias}.item order by {alias}.n), '[]') from (select item, min(n) as n"
            f" from jsonb_array_elements({items}) with ordinality d(item, n) group by item) {alias})"
        )

    def join(self, items: str, separator: str) -> str:
        alias = f"e{next(self._count)}"
        return (
            f"(select coalesce(string_agg({alias}.item, {separator} order by {alias}.n), '') from"
            f" jsonb_array_elements_text({items}) with ordinality {alias}(item, n))"
        )

    def split(self, text: str, separator: str) -> str:
        return f"coalesce(to_jsonb(string_to_array({text}, {separator})), '[]')"

    def same(self, left: str, right: str) -> str:
        return f"({left} = {right})"

    # -- texts and numbers ---------------------------------------------------------------------------------

    def matches(self, text: str, pattern: str) -> str:
        return f"({text} ~ {pattern})"

    def found_in(self, text: str, pattern: str) -> str:
        return f"substring({text} from {self.quoted(pattern)})"

    def replaced_pattern(self, text: str, pattern: str, by: str) -> str:
        return f"regexp_replace({text}, {pattern}, {by}, 'g')"

    def product(self, operator: str, left: str, right: str) -> str:
        if operator == "/":
            return f"({left}::numeric / nullif({right}::numeric, 0))"
        return f"({left} * {right})"

    def truncated(self, number: str) -> str:
        return f"trunc({number})::bigint"

    # -- rows ----------------------------------------------------------------------------------------------

    def document(self, item: str) -> str:
        return f"({item})::text"

    def list_document(self, items: str) -> str:
        return f"({items})::text"

    def digits(self, decimal: str) -> str:
        return f"trim_scale(({decimal})::numeric)::text"

    def place(self, branch: int, order: Sequence[str]) -> str:
        return "(" + " || ".join([f"array[{branch}]::bigint[]", *order]) + ")"

    def unnested(self, items: str, alias: str) -> str:
        return f"jsonb_array_elements({items}) with ordinality {alias}(item, n)"

    def lists(self, parts: Sequence[str]) -> str:
        return f"jsonb_build_array({', '.join(parts)})"

    def walk(self, start: str, steps: OfItem, alias: str) -> str:
        return (
            f"(with recursive walk(item, place) as ("
            f"select x.item, array[x.branch, x.n] from record.view_branches({start}) x"
            f" union all select x.item, walk.place || array[x.branch, x.n]"
            f" from walk, record.view_branches({steps('walk.item')}) x)"
            f" select item, row_number() over (order by place) as n from walk) {alias}"
        )


def _step(name: str, repeats: bool | None) -> str:
    member = '."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return member if repeats is False else member + "[*]"
