"""Search parameters of a type by code, and the stable number each has in the index tables."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from yba.fhir.errors import Unavailable
from yba.fhir.r4.search_parameters import PARAMETERS, Parameter

__all__ = ["INDEXED_KINDS", "Parameter", "nearest", "of_type", "param_number"]

INDEXED_KINDS = frozenset({"token", "reference", "string", "date", "number", "quantity", "uri"})
ANY_TYPE = "Resource"
"""The type whose parameters all types have."""
# Answered from columns of record.resource, never from index rows.
COLUMN_CODES = frozenset({"_id", "_lastUpdated"})
# Answered from the words of the whole resource.
TEXT_CODES = frozenset({"_text", "_content"})


@dataclass(frozen=True, slots=True)
class Added:
    """A parameter a user's SearchParameter adds to a base type; ``indexing``: older rows are still being read."""

    id: str
    base: str
    parameter: Parameter
    indexing: bool
    limits: Any = None  # search.limits.Limits, which reads questions


@dataclass(frozen=True, slots=True)
class Registry:
    """What users added, as of one generation, and by which version of the code the oldest index rows were made."""

    generation: str
    version: int
    by_base: Mapping[str, Sequence[Added]] = field(default_factory=dict)

    def of(self, type_name: str) -> list[Added]:
        """What was added to a type, or to all types."""
        if not self.by_base:
            return []
        return [
            one for base in ("Resource", "DomainResource", type_name) for one in self.by_base.get(base, ())
        ]


_REGISTRY: ContextVar[Registry | None] = ContextVar("registry", default=None)


def use(registry: Registry) -> None:
    """Read parameters by this registry from here on, in this thread: said by whoever begins a search or a write."""
    if _REGISTRY.get() is not registry:
        _REGISTRY.set(registry)


def generation() -> str | None:
    """What caches of things that depend on added parameters must have as a key; None where nothing is added."""
    registry = _REGISTRY.get()
    return registry.generation if registry is not None and registry.by_base else None


def needs_version(version: int, name: str) -> None:
    """Raise Unavailable while index rows from before a version of the code are still being made anew."""
    if made_before(version):
        raise being_indexed(name)


def made_before(version: int) -> bool:
    """Whether some index rows are of before a version of the code."""
    registry = _REGISTRY.get()
    return registry is not None and registry.version < version


def limits_of(type_name: str, parameter: Parameter) -> Any:
    """What a user's parameter allows to be asked (``search.limits.Limits``); None of a published one."""
    registry = _REGISTRY.get()
    if not parameter.number or registry is None:
        return None
    return next(
        (one.limits for one in registry.of(type_name) if one.parameter.number == parameter.number), None
    )


def being_indexed(name: str) -> Unavailable:
    """An answer now would miss resources."""
    return Unavailable(
        "search.being-indexed",
        f"'{name}' is still being indexed: an answer now would not be whole. See how far it is with GET $reindex "
        "and ask again.",
        parameter=name,
    )


def param_number(type_name: str, code: str) -> int:
    """The number of a parameter in the index tables. Raises Unavailable while it is being indexed."""
    registry = _REGISTRY.get()
    if registry is not None and registry.by_base and code not in builtin(type_name):
        for one in registry.of(type_name):
            if one.parameter.code == code:
                if one.indexing:
                    raise being_indexed(code)
                return one.parameter.number
    return hashed(type_name, code)


@lru_cache(maxsize=4096)
def hashed(type_name: str, code: str) -> int:
    """The number of a published parameter: a signed 32-bit hash of its name, the same for ever.

    A test holds that no two parameters share one.
    """
    number = zlib.crc32(f"{type_name}.{code}".encode())
    return number - (1 << 32) if number >= 1 << 31 else number


def beside(number: int) -> int:
    """The second number of a parameter, for rows that are found by another rule (``:of-type``)."""
    other = (number ^ 0x2545F491) & 0xFFFFFFFF
    return other - (1 << 32) if other >= 1 << 31 else other


_HIDDEN: ContextVar[Mapping[str, frozenset[str]] | None] = ContextVar("hidden", default=None)


@contextmanager
def without(hidden: Mapping[str, frozenset[str]]) -> Iterator[None]:
    """Search as if types had not these parameters: they would tell of elements that are masked for who asks."""
    before = _HIDDEN.set(hidden or None)
    try:
        yield
    finally:
        _HIDDEN.reset(before)


def hidden_of(type_name: str) -> frozenset[str]:
    """The parameters a type is without for who asks."""
    return (_HIDDEN.get() or {}).get(type_name, frozenset())


def of_type(type_name: str) -> Mapping[str, Parameter]:
    """Every parameter a type can be searched by: the published ones and those that users added.

    An added one may read any element, so a type that is masked in part has none of them.
    """
    registry = _REGISTRY.get()
    known = builtin(type_name)
    hidden = hidden_of(type_name)
    if hidden:
        return {code: parameter for code, parameter in known.items() if code not in hidden}
    if registry is None or not registry.by_base:
        return known
    added = {one.parameter.code: one.parameter for one in registry.of(type_name)}
    return {**added, **known} if added else known


@lru_cache(maxsize=256)
def builtin(type_name: str) -> Mapping[str, Parameter]:
    """Every published parameter of a type, the common ones included, that has an expression."""
    found: dict[str, Parameter] = {}
    for base in ("Resource", "DomainResource", type_name):
        found |= {
            code: parameter
            for code, parameter in PARAMETERS.get(base, {}).items()
            if parameter.expression or code in COLUMN_CODES or code in TEXT_CODES
        }
    return found


def nearest(type_name: str, code: str) -> list[str]:
    """Known parameter names that resemble a wrong one."""
    return get_close_matches(code, list(of_type(type_name)), n=3, cutoff=0.5)
