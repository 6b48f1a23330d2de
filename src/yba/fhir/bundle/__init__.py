"""Transactions and batches: many interactions in one request.

A transaction is all or nothing, in the order DELETE, POST, PUT, GET, its references resolved among its entries;
a batch is each by itself. Source: FHIR R4, http.html#transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from msgspec import Raw

from yba.fhir.errors import Invalid, PreconditionFailed, RecordError, Unsupported
from yba.fhir.model import codec
from yba.fhir.model.dates import instant
from yba.fhir.outcome import outcome_of
from yba.fhir.r4.bundle import Bundle, BundleEntry, BundleEntryResponse
from yba.fhir.r4.compartments import COMPARTMENTS
from yba.fhir.r4.datatypes import Resource
from yba.fhir.store import identity
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.record import Parameter, Record

Fetch = Callable[["Record", str], tuple[str, bytes]]
"""Answers a GET inside a bundle: record and relative URL in, HTTP status line and body out (given by ``rest``)."""

_ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "GET": 3, "HEAD": 3}
_URL = re.compile(
    r"^(?:https?://[^?#]+?/)?(?P<type>[A-Z][A-Za-z]+)(?:/(?P<id>[A-Za-z0-9\-.]{1,64}))?(?:\?(?P<query>.*))?$"
)
# A JSON member whose whole value names another entry; the text of `value`, `id` and narrative is never touched.
_LINK = re.compile(
    rb'"(?!value"|id"|div"|fullUrl"|versionId")([A-Za-z]+)":"((?:urn:(?:uuid|oid):|https?://|[A-Z])[^"\\]+)"'
)
_RESTFUL = re.compile(r"/([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})$")
_CONDITIONAL = re.compile(r"^([A-Z][A-Za-z]+)\?(.+)$")
_COMPARTMENT_TYPES = frozenset(COMPARTMENTS["Patient"])


@dataclass(slots=True)
class _Step:
    """One entry on its way: what was asked, and the id it will have."""

    number: int
    method: str
    type: str
    id: str | None
    query: list[Parameter]
    url: str
    full_url: str | None
    body: bytes | None
    if_match: str | None
    if_none_exist: list[Parameter]
    existing: Stored | None = None
    identifier: str | None = None  # the id a POST will be stored under

    @property
    def path(self) -> str:
        return f"Bundle.entry[{self.number}]"


def run(record: Record, bundle: Bundle, fetch: Fetch | None = None, *, returns: str | None = None) -> Bundle:
    """Carry out a transaction or batch bundle and answer with its response bundle.

    Raises Invalid for any other kind of bundle, and for a transaction the error of its first failing entry,
    with the entry in the path; then nothing of it is stored.
    """
    if bundle.type == "batch":
        return Bundle(
            type="batch-response",
            entry=[_batch_entry(record, number, entry, fetch) for number, entry in enumerate(bundle.entry)],
        )
    if bundle.type != "transaction":
        raise Invalid(
            "bundle.type",
            f"A Bundle of type '{bundle.type}' is not carried out. Send 'transaction' or 'batch', "
            "or store it at /Bundle.",
            path="Bundle.type",
        )
    with record.atomic():
        return Bundle(type="transaction-response", entry=_transaction(record, bundle, fetch))


def _batch_entry(record: Record, number: int, entry: BundleEntry, fetch: Fetch | None) -> BundleEntry:
    try:
        with record.atomic():
            step = _step(number, entry)
            _settle(record, step, {})
            return _carry_out(record, step, fetch)
    except RecordError as error:
        return BundleEntry(
            response=BundleEntryResponse(status=str(error.status), outcome=codec.to_raw(outcome_of(error)))
        )


def _transaction(record: Record, bundle: Bundle, fetch: Fetch | None) -> list[BundleEntry]:
    steps = []
    for number, entry in enumerate(bundle.entry):
        with _at(f"Bundle.entry[{number}]"):
            steps.append(_step(number, entry))
    _refuse_overlaps(steps)
    answers: dict[int, BundleEntry] = {}
    in_order = sorted(steps, key=lambda one: (_ORDER[one.method], one.type, one.id or "", one.number))
    for step in in_order:  # first of all, so that no condition matches what the transaction deletes
        if step.method == "DELETE":
            with _at(step.path):
                answers[step.number] = _delete(record, step)
    names = _names(record, steps)
    _refuse_overlaps(steps)  # again: now conditions have their ids
    _refuse_twins(steps)
    for step in in_order:
        if step.method == "DELETE":
            continue
        with _at(step.path):
            if step.body is not None:
                step.body = _linked(record, step.body, names)
            answers[step.number] = _carry_out(record, step, fetch)
    return [answers[step.number] for step in steps]


class _at:
    """Puts the entry's place in front of the path of an error that leaves the block."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RecordError) and not (error.path or "").startswith("Bundle.entry"):
            error.path = f"{self._path}.resource ({error.path})" if error.path else self._path


def _step(number: int, entry: BundleEntry) -> _Step:
    """Read one entry. Raises Invalid, Unsupported."""
    path = f"Bundle.entry[{number}].request"
    if entry.request is None or entry.request.method is None or entry.request.url is None:
        raise Invalid("bundle.request-missing", "Each entry needs request.method and request.url.", path=path)
    method, url = entry.request.method, entry.request.url
    if method not in _ORDER:
        raise Unsupported(
            "bundle.method", f"{method} inside a bundle is not offered yet.", path=f"{path}.method"
        )
    found = _URL.match(url)
    if found is None and method not in ("GET", "HEAD"):
        raise Invalid(
            "bundle.url", f"'{url}' is not of the form Type, Type/id or Type?condition.", path=f"{path}.url"
        )
    type_name = found["type"] if found else ""
    body = None
    if method in ("POST", "PUT"):
        if entry.resource is None:
            raise Invalid(
                "bundle.resource-missing",
                f"A {method} entry needs a resource.",
                path=f"Bundle.entry[{number}]",
            )
        resource, body = codec.decode_with_bytes(bytes(entry.resource), None)
        _check_url(resource, method, type_name, found["id"] if found else None, path)
    return _Step(
        number=number,
        method=method,
        type=type_name,
        id=found["id"] if found else None,
        query=parse_qsl(found["query"] or "", keep_blank_values=True) if found else [],
        url=url,
        full_url=entry.fullUrl,
        body=body,
        if_match=_version(entry.request.ifMatch),
        if_none_exist=parse_qsl(entry.request.ifNoneExist or "", keep_blank_values=True),
    )


def _check_url(resource: Resource, method: str, type_name: str, identifier: str | None, path: str) -> None:
    if type(resource).__name__ != type_name:
        raise Invalid(
            "bundle.type-differs",
            f"The entry's resource is a {type(resource).__name__}, its request.url says {type_name}.",
            path=f"{path}.url",
        )
    if method == "POST" and identifier is not None:
        raise Invalid("bundle.post-id", "POST goes to a type, not to an id.", path=f"{path}.url")
    if method == "PUT" and identifier is not None and resource.id not in (None, identifier):
        raise Invalid(
            "bundle.id-differs",
            f"The resource's id '{resource.id}' is not that of request.url '{identifier}'.",
            path=f"{path}.url",
        )


def _version(if_match: str | None) -> str | None:
    return if_match.removeprefix("W/").strip('"') if if_match else None


def _refuse_overlaps(steps: list[_Step]) -> None:
    """No two entries may speak of the same resource. Source: http.html#trules."""
    seen: dict[str, int] = {}
    for step in steps:
        if step.method in ("PUT", "DELETE") and step.id is not None:
            name = f"{step.type}/{step.id}"
            if name in seen:
                raise Invalid(
                    "bundle.overlap",
                    f"{name} is changed twice, by entries {seen[name]} and {step.number}.",
                    path=step.path,
                )
            seen[name] = step.number
    full_urls: set[str] = set()
    for step in steps:
        if step.full_url is not None and step.method != "GET":
            if step.full_url in full_urls:
                raise Invalid("bundle.full-url", f"fullUrl {step.full_url} stands twice.", path=step.path)
            full_urls.add(step.full_url)


def _refuse_twins(steps: list[_Step]) -> None:
    """No two entries may make the same thing under one condition: none would have matched for either."""
    seen: dict[tuple[str, tuple[Parameter, ...]], int] = {}
    for step in steps:
        condition = step.if_none_exist if step.method == "POST" else step.query
        if step.method not in ("POST", "PUT") or not condition or step.existing is not None:
            continue
        made = (step.type, tuple(sorted(condition)))
        if made in seen:
            raise Invalid(
                "bundle.overlap",
                f"Entries {seen[made]} and {step.number} make one {step.type} under the same condition.",
                path=step.path,
            )
        seen[made] = step.number


def _names(record: Record, steps: list[_Step]) -> dict[str, str]:
    """What each entry will be called: fullUrl (and its relative form) -> Type/id. Patients first."""
    names: dict[str, str] = {}
    for step in sorted(steps, key=lambda one: (one.type != "Patient", one.number)):
        if step.method not in ("POST", "PUT"):
            continue
        with _at(step.path):
            _settle(record, step, names)
        if step.full_url is not None:
            target = f"{step.type}/{step.identifier}"
            names[step.full_url] = target
            relative = _RESTFUL.search(step.full_url)
            if relative and step.method == "POST":
                names[relative[1]] = target
    return names


def _settle(record: Record, step: _Step, names: dict[str, str]) -> None:
    """Decide under which id a POST or PUT will be stored; look up its condition."""
    if step.method == "POST":
        if step.if_none_exist:
            step.existing = record.match(step.type, step.if_none_exist)
        step.identifier = step.existing.id if step.existing else record.new_id(_shard(step, names))
    elif step.method == "PUT":
        if step.id is None:
            match = record.match(step.type, step.query) if step.query else None
            if not step.query:
                raise Invalid(
                    "bundle.put-id", "PUT needs an id or a condition.", path=f"{step.path}.request.url"
                )
            step.id = match.id if match else record.new_id(_shard(step, names))
        step.identifier = step.id


def _shard(step: _Step, names: dict[str, str]) -> int | None:
    """The shard of the patient an entry speaks of, where it is in a patient's compartment."""
    if step.type not in _COMPARTMENT_TYPES or step.body is None or step.type == "Patient":
        return None
    for found in _LINK.finditer(step.body):
        target = found[2].decode()
        target = names.get(target, target)
        if target.startswith("Patient/"):
            return identity.shard_of(target.removeprefix("Patient/"))
    return None


def _linked(record: Record, body: bytes, names: dict[str, str]) -> bytes:
    """The body with links to other entries, and conditional references, replaced by what they name."""

    def replaced(found: re.Match[bytes]) -> bytes:
        key, value = found[1].decode(), found[2].decode()
        base, hash_mark, fragment = value.partition("#")
        target = names.get(base)
        if target is None and key == "reference":
            if base.startswith("urn:"):
                raise Invalid(
                    "bundle.unresolved", f"No entry of the bundle has the fullUrl '{base}'.", path="reference"
                )
            condition = _CONDITIONAL.match(value)
            if condition is not None:
                target = _conditional(record, condition[1], condition[2])
                names[value] = target
                return f'"{key}":"{target}"'.encode()
        if target is None or (key != "reference" and not base.startswith("urn:")):
            return found[0]
        return f'"{key}":"{target}{hash_mark}{fragment}"'.encode()

    return _LINK.sub(replaced, body)


def _conditional(record: Record, type_name: str, query: str) -> str:
    match = record.match(type_name, parse_qsl(query, keep_blank_values=True))
    if match is None:
        raise PreconditionFailed(
            "bundle.condition-unmatched",
            f"The conditional reference '{type_name}?{query}' matches nothing.",
            path="reference",
        )
    return f"{type_name}/{match.id}"


def _carry_out(record: Record, step: _Step, fetch: Fetch | None) -> BundleEntry:
    if step.method == "DELETE":
        return _delete(record, step)
    if step.method in ("GET", "HEAD"):
        if fetch is None:
            raise Unsupported("bundle.get", "Reads inside a bundle are offered over HTTP.", path=step.path)
        status, body = fetch(record, step.url)
        return BundleEntry(resource=Raw(body), response=BundleEntryResponse(status=status))
    if step.existing is not None:
        return _answer(step.existing, "200 OK")
    assert step.body is not None
    resource = codec.decode(step.body, step.type)
    if step.method == "POST":
        stored, _ = record.create_stored(resource, identifier=step.identifier)
        return _answer(stored, "201 Created")
    resource.id = step.identifier
    stored, made = record.update_stored(resource, if_match=step.if_match)
    return _answer(stored, "201 Created" if made else "200 OK")


def _delete(record: Record, step: _Step) -> BundleEntry:
    if step.id is None:
        raise Unsupported(
            "bundle.delete", "DELETE inside a bundle needs an id.", path=f"{step.path}.request.url"
        )
    record.delete(step.type, step.id, if_match=step.if_match)
    return BundleEntry(response=BundleEntryResponse(status="204 No Content"))


def _answer(stored: Stored, status: str) -> BundleEntry:
    return BundleEntry(
        resource=Raw(cast("bytes", stored.content)),
        response=BundleEntryResponse(
            status=status,
            location=f"{stored.type}/{stored.id}/_history/{stored.version}",
            etag=f'W/"{stored.version}"',
            lastModified=instant(stored.updated),
        ),
    )
