"""The operations the record offers: a module a subject, each with its ``OPERATIONS``."""

from __future__ import annotations

from yba.fhir.rest.operations import (
    everything,
    export,
    importing,
    jobs,
    lastn,
    match,
    meta,
    reindex,
    terminology_codes,
    terminology_expand,
    terminology_translate,
)
from yba.fhir.rest.operations.call import Call, Operation

__all__ = ["OPERATIONS", "Call", "Operation"]

OPERATIONS: tuple[Operation, ...] = (
    *everything.OPERATIONS,
    *export.OPERATIONS,
    *importing.OPERATIONS,
    *jobs.OPERATIONS,
    *reindex.OPERATIONS,
    *lastn.OPERATIONS,
    *match.OPERATIONS,
    *meta.OPERATIONS,
    *terminology_codes.OPERATIONS,
    *terminology_expand.OPERATIONS,
    *terminology_translate.OPERATIONS,
)
