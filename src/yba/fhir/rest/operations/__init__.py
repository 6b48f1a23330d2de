"""The operations the record offers: a module a subject, each with its ``OPERATIONS``."""

from __future__ import annotations

from yba.fhir.rest.operations import (
    diff,
    document,
    everything,
    export,
    importing,
    jobs,
    lastn,
    match,
    meta,
    reindex,
    sdc,
    subscriptions,
    summary,
    terminology_codes,
    terminology_expand,
    terminology_translate,
    validate,
    views,
)
from yba.fhir.rest.operations.call import Call, Operation

__all__ = ["OPERATIONS", "Call", "Operation"]

OPERATIONS: tuple[Operation, ...] = (
    *diff.OPERATIONS,
    *document.OPERATIONS,
    *everything.OPERATIONS,
    *export.OPERATIONS,
    *importing.OPERATIONS,
    *jobs.OPERATIONS,
    *reindex.OPERATIONS,
    *sdc.OPERATIONS,
    *summary.OPERATIONS,
    *lastn.OPERATIONS,
    *match.OPERATIONS,
    *meta.OPERATIONS,
    *subscriptions.OPERATIONS,
    *terminology_codes.OPERATIONS,
    *terminology_expand.OPERATIONS,
    *terminology_translate.OPERATIONS,
    *validate.OPERATIONS,
    *views.OPERATIONS,
)
