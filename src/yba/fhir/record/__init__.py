"""The record's one handle: every read and write of a resource, by an actor, through the access door.

Read ``handle.py`` (what it offers), then ``reading.py``, ``searching.py``, ``writing.py``, ``bindings.py`` (required
concepts), ``many.py`` (writes of a transaction together), ``patches.py``, ``conditions.py`` (interactions that name a
resource by a search), ``linked.py`` (one person under several records), ``integrity.py`` (references that must lead
somewhere) and ``failures.py``.
"""

from yba.fhir.record.failures import BUSY, TAKEN
from yba.fhir.record.handle import (
    ANY_VERSION,
    Clock,
    Guard,
    Ids,
    Parameter,
    Record,
    Transaction,
    now,
    type_name_of,
)
from yba.fhir.record.linked import OnePerson, find_of, one_person
from yba.fhir.record.searching import FIND_LIMIT, PAGE, Page
from yba.fhir.record.writing import check_right, facility_of

__all__ = [
    "ANY_VERSION",
    "BUSY",
    "FIND_LIMIT",
    "PAGE",
    "TAKEN",
    "Clock",
    "Guard",
    "Ids",
    "OnePerson",
    "Page",
    "Parameter",
    "Record",
    "Transaction",
    "check_right",
    "facility_of",
    "find_of",
    "now",
    "one_person",
    "type_name_of",
]
