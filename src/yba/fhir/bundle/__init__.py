"""Transactions and batches: many interactions in one request.

A transaction is all or nothing, in the order DELETE, POST, PUT and PATCH, GET, its references resolved among its
entries; a batch is each by itself. Source: FHIR R4, http.html#transaction. Read ``entries.py`` (what is asked),
``transaction.py``, ``linking.py`` (references between entries), ``answers.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yba.fhir.bundle import answers, linking, transaction
from yba.fhir.bundle.answers import Call, Called, Fetch
from yba.fhir.bundle.entries import Step, read
from yba.fhir.errors import Invalid, NotFound, RecordError
from yba.fhir.model import codec
from yba.fhir.r4.bundle import Bundle, BundleEntry

if TYPE_CHECKING:
    from yba.fhir.record import Record

__all__ = ["Call", "Called", "Fetch", "run"]


def run(record: Record, bundle: Bundle, fetch: Fetch | None = None, *, returns: str | None = None) -> Bundle:
    """Carry out a transaction or batch bundle and answer with its response bundle.

    ``returns``: minimal, representation (the default) or OperationOutcome, for what each entry is answered with.
    Raises Invalid for any other kind of bundle, and for a transaction the error of its first failing entry,
    with the entry in the path; then nothing of it is stored.
    """
    if bundle.type == "batch":
        full_urls = frozenset(entry.fullUrl for entry in bundle.entry if entry.fullUrl)
        return Bundle(
            type="batch-response",
            entry=[
                _batch_entry(record, number, entry, full_urls, fetch, returns)
                for number, entry in enumerate(bundle.entry)
            ],
        )
    if bundle.type != "transaction":
        raise Invalid(
            "bundle.type",
            f"A Bundle of type '{bundle.type}' is not carried out. Send 'transaction' or 'batch', "
            "or store it at /Bundle.",
            path="Bundle.type",
        )
    return Bundle(
        type="transaction-response",
        entry=record.attempt(lambda: transaction.run(record, bundle, fetch, returns), taken=True),
    )


def _batch_entry(
    record: Record,
    number: int,
    entry: BundleEntry,
    full_urls: frozenset[str],
    fetch: Fetch | None,
    returns: str | None,
) -> BundleEntry:
    try:
        with transaction.at(f"Bundle.entry[{number}]"):
            step = read(number, entry)
            return record.attempt(lambda: _one(record, step, full_urls, fetch, returns), taken=True)
    except RecordError as error:
        return answers.refused(error)


def _one(
    record: Record, step: Step, full_urls: frozenset[str], fetch: Fetch | None, returns: str | None
) -> BundleEntry:
    """Carry out an entry by itself."""
    if step.calls:
        return answers.called(record, step, fetch)
    if step.method == "DELETE":
        return _delete(record, step, returns)
    if step.method == "PATCH":
        return transaction.patch(record, step, returns)
    assert step.body is not None
    assert step.resource is not None
    _refuse_links(step, step.body, full_urls)
    if linking.has_condition(step.body):
        body = linking.linked(
            step.body,
            step.type,
            None,
            linking.Names(),
            transaction.Conditions(record, ruled=bool(record.guards)).reference,
        )
        step.resource = codec.decode(body, step.type)
    if step.method == "POST":
        stored, made = record.create_stored(step.resource, if_none_exist=step.if_none_exist or None)
    elif step.id is None:
        stored, made = record.update_where(step.resource, step.query, if_match=step.if_match)
    else:
        step.resource.id = step.id
        stored, made = record.update_stored(
            step.resource, if_match=step.if_match, only_new=step.if_none_match == "*"
        )
    return answers.written(stored, 201 if made else 200, returns)


def _refuse_links(step: Step, body: bytes, full_urls: frozenset[str]) -> None:
    """Entries of a batch don't know of each other. Source: http.html#batch."""
    for text in linking.references(body):
        if text.startswith("urn:") and text.partition("#")[0] in full_urls:
            raise Invalid(
                "bundle.batch-link",
                f"'{text}' names another entry, which a batch cannot do. Send a transaction.",
                path=step.path,
            )


def _delete(record: Record, step: Step, returns: str | None) -> BundleEntry:
    if step.id is None:
        record.delete_where(step.type, step.query, if_match=step.if_match)
        return answers.deleted(None, returns)
    try:
        return answers.deleted(record.delete(step.type, step.id, if_match=step.if_match), returns)
    except NotFound:
        if step.if_match is not None:
            raise
        return answers.deleted(None, returns)
