"""What differs between the databases a view is compiled for: how JSON is reached and lists are handled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from yba.fhir.views.value import Step

OfItem = Callable[[str], str]
"""From the SQL name of one item to an expression about it."""


class Dialect(Protocol):
    """Every text given and returned is SQL; an *item* is one JSON value, a *list* several.

    An absent item is null, an absent list empty.
    """

    name: str
    empty: str

    def quoted(self, text: str) -> str:
        """A text as a literal, whatever is in it."""

    def member(self, item: str, name: str) -> str: ...
    def member_text(self, item: str, name: str) -> str: ...
    def members(self, item: str, steps: Sequence[Step]) -> str:
        """The list of what is reached from an item step by step."""

    def members_of_list(self, items: str, steps: Sequence[Step]) -> str: ...
    def named(self, item: str, names: Sequence[str]) -> str:
        """The first that is there of several elements."""

    # one item
    def text(self, item: str) -> str: ...
    def boolean(self, text: str) -> str: ...
    def truth(self, item: str) -> str:
        """An item of unknown type as a condition: its value when boolean, else true."""

    def strict_truth(self, item: str, message: str) -> str:
        """An item of unknown type that must be boolean."""

    def integer(self, text: str) -> str: ...
    def decimal(self, text: str) -> str: ...
    def item(self, native: str, form: str) -> str: ...
    def is_type(self, item: str, kind: str) -> str:
        """Whether an item of unknown type is a JSON boolean, number, string or object."""

    # lists
    def size(self, items: str) -> str: ...
    def at(self, items: str, index: str) -> str: ...
    def last(self, items: str) -> str: ...
    def part(self, items: str, start: str, count: str | None) -> str: ...
    def one(self, items: str, message: str) -> str:
        """The only item; an error with the message when there are several."""

    def one_of(self, items: str, compute: OfItem, several: str) -> str:
        """``compute`` of the only item, null of none, ``several`` of more."""

    def where(self, items: str, condition: OfItem) -> str: ...
    def any(self, items: str, condition: OfItem) -> str: ...
    def map(self, items: str, result: OfItem) -> str:
        """A new item of each, without the null ones."""

    def flat_map(self, items: str, result: OfItem) -> str: ...
    def of_one(self, item: str) -> str: ...
    def joined_lists(self, left: str, right: str) -> str: ...
    def distinct(self, items: str) -> str: ...
    def ordered(self, text: str) -> str:
        """A text as it is ordered: by its bytes."""

    def join(self, items: str, separator: str) -> str: ...
    def split(self, text: str, separator: str) -> str: ...
    def same(self, left: str, right: str) -> str:
        """Whether two lists are equal, none of them empty."""

    # texts and numbers
    def matches(self, text: str, pattern: str) -> str: ...
    def found_in(self, text: str, pattern: str) -> str:
        """The first group of a constant pattern in a text; null when it does not match."""

    def replaced_pattern(self, text: str, pattern: str, by: str) -> str: ...
    def product(self, operator: str, left: str, right: str) -> str: ...
    def truncated(self, number: str) -> str: ...

    # rows
    def document(self, item: str) -> str:
        """JSON as it goes out, a text."""

    def list_document(self, items: str) -> str: ...
    def digits(self, decimal: str) -> str:
        """A computed decimal as text without idle noughts."""

    def place(self, branch: int, order: Sequence[str]) -> str:
        """A list to order a branch's rows by: its number, then numbers (``f.n``) and such lists (``u.place``)."""

    def unnested(self, items: str, alias: str) -> str:
        """A table ``alias`` of (item, n), n from 1."""

    def walk(self, start: str, steps: OfItem, alias: str) -> str:
        """A table ``alias`` of (item, n): everything reached again and again, each before what is below it.

        ``start`` is what ``lists`` gives, ``steps`` gives the same of an item.
        """

    def lists(self, parts: Sequence[str]) -> str:
        """Several lists, one after the other, told apart."""
