"""Upper and lower case of tokens: passed over, but where case is known to matter. FHIR R4, search.html#token.

"When in doubt, servers SHOULD treat tokens in a case-insensitive manner, on the grounds that including undesired data
has less safety implications than excluding desired behavior." So index rows hold codes folded, and what is asked is
folded alike; systems are compared as they are written. Decision 0006 says of which systems case is known to matter.
"""

from __future__ import annotations

from functools import lru_cache

from yba.fhir.condition import FACILITY_TAG
from yba.fhir.model import ucum
from yba.fhir.r4 import MODULES
from yba.fhir.search.clause import Clause
from yba.fhir.search.parameters import Parameter, beside, builtin, hashed, made_before
from yba.fhir.search.rows import key

SINCE = 3
"""The version of the index rows from which on codes are folded (``index.VERSION``)."""

CASE_SENSITIVE = frozenset({ucum.SYSTEM, FACILITY_TAG})
"""Systems with codes that differ in case alone: units (``Pa`` and ``pA``), and our own ids of facilities."""

# Their rows are read for what was written, too: by ``$meta``, and as the version of ``url|version``. They hold the
# code as it is, and, where it has capitals, a second row under ``beside(number)`` holds it folded.
KEPT = frozenset({"_tag", "_security", "version"})


def folded(system: str | None, code: str) -> str:
    """A code as index rows hold it."""
    return key(code) if system in CASE_SENSITIVE else key(code.casefold())


@lru_cache(maxsize=1)
def kept_numbers() -> frozenset[int]:
    """The numbers of the parameters in ``KEPT``, of all types."""
    return frozenset(hashed(one, code) for one in MODULES for code in KEPT & builtin(one).keys())


def keeps(parameter: Parameter) -> bool:
    """Whether rows of a published parameter hold codes as they are written."""
    return parameter.code in KEPT and not parameter.number


def wanted(parameter: Parameter, system: str | None, code: str) -> list[str]:
    """The codes of index rows that a question for one means; ``system`` None is any.

    Both, as it is written and folded, where rows of either kind may be meant: of any system, of parameters that keep
    the case, and while rows of before are still being made anew.
    """
    found = folded(system, code)
    if system is None or keeps(parameter) or made_before(SINCE):
        return list(dict.fromkeys([found, key(code)]))
    return [found]


def probed(number: int, probe: Clause) -> Clause:
    """A probe of the rows of a parameter that keeps the case, and of the folded ones beside them."""
    both = f"x.param in ({number:d}, {beside(number):d}) and "
    return Clause(probe.sql.replace(f"x.param = {number:d} and ", both, 1), probe.values)


def as_written(number: int, probe: Clause) -> Clause:
    """Such a probe, of the rows as they are written alone."""
    both = f"x.param in ({number:d}, {beside(number):d}) and "
    return Clause(probe.sql.replace(both, f"x.param = {number:d} and ", 1), probe.values)
