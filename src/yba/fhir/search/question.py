"""One search parameter as it is asked, what the request gives to read it by, and the refusals of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from yba.fhir.condition import Condition
from yba.fhir.errors import Invalid, TooCostly, Unsupported
from yba.fhir.search.clause import Clause, of_access
from yba.fhir.search.parameters import Parameter, param_number


class Terminology(Protocol):
    """What search asks of code systems and value sets; None: not known (``yba.fhir.terminology``)."""

    def codes(self, value_set: str) -> list[tuple[str, str]] | None: ...
    def concept(self, system: str, code: str) -> object | None: ...
    def descendants(self, system: str, code: str) -> list[str]: ...
    def ancestors(self, system: str, code: str) -> list[str]: ...


Access = Callable[[str], Condition]
"""The condition the rows of a type must pass to be seen."""

LINKS = 40
_VISITS = 1_000


def no_access(type_name: str) -> Condition:
    """What is given where nobody says who asks: nothing may be seen through a link."""
    from yba.fhir.condition import NOTHING

    return Condition(NOTHING)


@dataclass(slots=True)
class Asking:
    """What a whole search is read by: the moment, the record's own address, who may see what.

    ``links`` counts the steps of chains that were taken; ``restricted`` says that a door was met that not all rows
    pass. ``contained`` gives pairs of types, of resources that contain one of the other; ``inside`` are the types the
    rows that are asked about may be contained in, ``depth`` is how many links lead to them. ``every_type``: what is
    asked is asked of all types alike; ``of_one_person`` names what has no meaning unless a person is asked for.
    """

    now: datetime
    base_url: str | None = None
    access: Access = no_access
    links: int = field(default=0)
    restricted: bool = field(default=False)
    visits: int = field(default=0)
    terminology: Callable[[], Terminology] | None = None
    contained: Callable[[], frozenset[tuple[str, str]]] = frozenset
    inside: frozenset[str] = frozenset()
    every_type: bool = False
    of_one_person: str | None = None
    depth: int = 0

    def holders(self, type_name: str, target: str) -> frozenset[str]:
        """In what types of resources a reference of a type, itself perhaps contained, may find a contained target."""
        held = self.contained()
        return frozenset(one for one in self.inside | {type_name} if (one, target) in held)

    @contextmanager
    def within(self, holders: frozenset[str]) -> Iterator[None]:
        """Conditions that are made inside are a link further, and may be asked of rows contained in these types."""
        before, self.inside = self.inside, holders
        self.depth += 1
        try:
            yield
        finally:
            self.inside = before
            self.depth -= 1

    def door(self, type_name: str, *, among_few: bool = False, person: str | None = None) -> Clause | None:
        """The condition on rows of a type; ``among_few``: the search leaves few of them anyway; ``person``: one's."""
        found = of_access(self.access(type_name), among_few=among_few, person=person)
        self.restricted = self.restricted or found is not None
        return found

    def link(self, name: str) -> None:
        """Count one step of a chain. Raises TooCostly above 40 in one search."""
        self.links += 1
        if self.links > LINKS:
            raise _too_many_links(name)

    def visit(self, name: str) -> None:
        """Count a type that is tried for the rest of a chain. Raises TooCostly before the tries get out of hand."""
        self.visits += 1
        if self.visits > _VISITS:
            raise _too_many_links(name)


def _too_many_links(name: str) -> TooCostly:
    return TooCostly(
        "search.too-many-links",
        f"A search may follow {LINKS} links; '{name[:100]}' goes beyond. A reference that may point to many "
        "types counts once for each: name the type, as in 'subject:Patient.name'.",
        parameter=name,
    )


@dataclass(frozen=True, slots=True)
class Question:
    """``name[:modifier]=value``; ``now`` and ``base_url`` are what the request gives to read it by."""

    type: str
    parameter: Parameter
    modifier: str | None
    value: str
    now: datetime
    base_url: str | None
    asking: Asking | None = None

    @property
    def number(self) -> int:
        return param_number(self.type, self.parameter.code)

    @property
    def terminology(self) -> Terminology:
        """What knows codes and value sets. Raises Unsupported where none was given."""
        if self.asking is None or self.asking.terminology is None:
            raise unsupported_modifier(self)
        return self.asking.terminology()

    @property
    def name(self) -> str:
        return self.parameter.code + (f":{self.modifier}" if self.modifier else "")


def invalid(question: Question, text: str, wanted: str) -> Invalid:
    """The value cannot be read as what the parameter takes."""
    return Invalid(
        "search.value",
        f"The search parameter '{question.name}' takes {wanted}, not '{text[:100]}'.",
        parameter=question.parameter.code,
        value=text,
    )


def unsupported_modifier(question: Question) -> Unsupported:
    """The modifier is none this kind of parameter answers yet."""
    return Unsupported(
        "search.modifier",
        f"The modifier ':{question.modifier}' is not supported on '{question.parameter.code}', "
        f"a {question.parameter.kind} parameter.",
        parameter=question.parameter.code,
        modifier=question.modifier,
    )
