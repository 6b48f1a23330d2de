"""Search parameters of a type by code, and the stable number each has in the index tables."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache

from yba.fhir.r4.search_parameters import PARAMETERS, Parameter

__all__ = ["INDEXED_KINDS", "Parameter", "nearest", "of_type", "param_number"]

INDEXED_KINDS = frozenset({"token", "reference", "string", "date", "number", "quantity", "uri"})
# Answered from columns of record.resource, never from index rows.
COLUMN_CODES = frozenset({"_id", "_lastUpdated"})
# Answered from the words of the whole resource.
TEXT_CODES = frozenset({"_text", "_content"})


@lru_cache(maxsize=4096)
def param_number(type_name: str, code: str) -> int:
    """The number of a parameter in the index tables: a signed 32-bit hash of its name, the same for ever.

    A test holds that no two parameters share one.
    """
    number = zlib.crc32(f"{type_name}.{code}".encode())
    return number - (1 << 32) if number >= 1 << 31 else number


def beside(number: int) -> int:
    """The second number of a parameter, for rows that are found by another rule (``:of-type``)."""
    other = (number ^ 0x2545F491) & 0xFFFFFFFF
    return other - (1 << 32) if other >= 1 << 31 else other


def of_type(type_name: str) -> Mapping[str, Parameter]:
    """Every parameter a type can be searched by: the published ones and those that users added."""
    return builtin(type_name)


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
