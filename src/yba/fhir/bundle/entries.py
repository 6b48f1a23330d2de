"""Entries of a bundle as they are asked for, read and checked one by one. FHIR R4, http.html#transaction."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model import codec
from yba.fhir.r4 import MODULES
from yba.fhir.r4.bundle import BundleEntry, BundleEntryRequest
from yba.fhir.r4.datatypes import Resource
from yba.fhir.store.rows import Stored

if TYPE_CHECKING:
    from yba.fhir.record import Parameter

ORDER = {"DELETE": 0, "POST": 1, "PUT": 2, "PATCH": 2, "GET": 3, "HEAD": 3}
"""In which order a transaction is carried out. Source: http.html#trules."""
_URL = re.compile(
    r"^(?:https?://[^?#]+?/|/)?(?P<type>[A-Z][A-Za-z]+)(?:/(?P<id>[A-Za-z0-9\-.]{1,64}))?/?(?:\?(?P<query>.*))?$",
    re.DOTALL,
)
# A search by POST or an operation: not a write of the entry's resource, but a call with it as the body.
_CALL = re.compile(r"(?:^|/)(?:\$[A-Za-z0-9\-]+|_search)(?:\?|$)")
_TAG = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')
_OF_THE_ANSWER = frozenset({"_format", "_pretty", "_summary", "_elements"})


@dataclass(slots=True)
class Step:
    """One entry on its way: what was asked, and what was found out about it."""

    number: int
    method: str
    url: str
    full_url: str | None
    type: str = ""
    id: str | None = None
    query: list[Parameter] = field(default_factory=list)
    resource: Resource | None = None
    body: bytes | None = None
    calls: bool = False  # a read, a search or an operation: answered as if it had been asked by itself
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_none_exist: list[Parameter] = field(default_factory=list)
    # found out on the way
    existing: Stored | None = None  # what a conditional create found
    identifier: str | None = None  # the id a POST or PUT is stored under
    doomed: list[str] = field(default_factory=list)  # the ids a DELETE takes away

    @property
    def path(self) -> str:
        return f"Bundle.entry[{self.number}]"

    @property
    def condition(self) -> list[Parameter]:
        """The criteria under which the entry makes something or names it."""
        if self.calls:
            return []
        return self.if_none_exist if self.method == "POST" else self.query


def read(number: int, entry: BundleEntry) -> Step:
    """Read one entry. Raises Invalid, Unsupported."""
    path = f"Bundle.entry[{number}].request"
    request = entry.request
    if request is None or request.method is None or request.url is None:
        raise Invalid("bundle.request-missing", "Each entry needs request.method and request.url.", path=path)
    if request.method not in ORDER:
        raise Unsupported(
            "bundle.method", f"{request.method} inside a bundle is not offered.", path=f"{path}.method"
        )
    step = Step(number=number, method=request.method, url=request.url, full_url=entry.fullUrl)
    step.calls = step.method in ("GET", "HEAD") or (
        step.method == "POST" and _CALL.search(request.url) is not None
    )
    _read_conditions(step, request, path)
    if step.calls:
        if step.method == "POST" and entry.resource is not None:
            step.resource, step.body = codec.decode_with_bytes(bytes(entry.resource), None)
        return step
    _read_url(step, path)
    if step.method == "DELETE":
        return step
    if entry.resource is None:
        raise Invalid(
            "bundle.resource-missing",
            f"A {step.method} entry needs a resource.",
            path=f"Bundle.entry[{number}]",
        )
    step.resource, step.body = codec.decode_with_bytes(bytes(entry.resource), None)
    if step.method != "PATCH":
        _check_resource(step, step.resource, path)
    return step


def _read_url(step: Step, path: str) -> None:
    found = _URL.match(step.url)
    if found is None or found["type"] not in MODULES:
        raise Invalid(
            "bundle.url",
            f"'{step.url[:200]}' is not of the form Type, Type/id or Type?condition.",
            path=f"{path}.url",
        )
    step.type, step.id = found["type"], found["id"]
    asked = parse_qsl(found["query"] or "", keep_blank_values=True)
    step.query = [pair for pair in asked if pair[0] not in _OF_THE_ANSWER]
    if step.method == "POST":
        if step.id is not None:
            raise Invalid("bundle.post-id", "POST goes to a type, not to an id.", path=f"{path}.url")
        step.query = []
    elif step.id is None and not step.query:
        raise Invalid(
            f"bundle.{step.method.lower()}-id",
            f"{step.method} needs an id or a condition.",
            path=f"{path}.url",
        )
    elif step.id is not None and step.query:
        raise Invalid(
            "bundle.url", f"{step.method} takes an id or a condition, not both.", path=f"{path}.url"
        )


def _read_conditions(step: Step, request: BundleEntryRequest, path: str) -> None:
    if request.ifMatch is not None:
        found = _TAG.fullmatch(request.ifMatch)
        # The version alone is what many send; the specification's example has W/"1".
        step.if_match = found[1] if found else request.ifMatch.strip()
    step.if_none_match = request.ifNoneMatch
    step.if_modified_since = request.ifModifiedSince
    if request.ifNoneExist is not None:
        text = request.ifNoneExist.partition("?")[2] or request.ifNoneExist
        step.if_none_exist = parse_qsl(text, keep_blank_values=True)
        if not step.if_none_exist:
            raise Invalid(
                "bundle.if-none-exist", "ifNoneExist takes search parameters, like 'identifier=x'.",
                path=f"{path}.ifNoneExist",
            )  # fmt: skip
        if step.method != "POST":
            raise Invalid("bundle.if-none-exist", "ifNoneExist is for POST.", path=f"{path}.ifNoneExist")


def _check_resource(step: Step, resource: Resource, path: str) -> None:
    name = type(resource).__name__
    if name != step.type:
        raise Invalid(
            "bundle.type-differs",
            f"The entry's resource is a {name}, its request.url says {step.type}.",
            path=f"{path}.url",
        )
    if step.method == "PUT" and step.id is not None and resource.id not in (None, step.id):
        raise Invalid(
            "bundle.id-differs",
            f"The resource's id '{resource.id}' is not that of request.url '{step.id}'.",
            path=f"{path}.url",
        )


def refuse_overlaps(steps: list[Step]) -> None:
    """No two entries may change the same resource, nor have one fullUrl. Source: http.html#trules."""
    seen: dict[tuple[str, str], int] = {}
    for step in steps:
        if step.method not in ("PUT", "PATCH", "DELETE"):
            continue
        own = step.identifier or step.id
        ids = step.doomed or ([own] if own is not None else [])
        for identifier in ids:
            before = seen.setdefault((step.type, identifier), step.number)
            if before != step.number:
                raise Invalid(
                    "bundle.overlap",
                    f"{step.type}/{identifier} is changed twice, by entries {before} and {step.number}.",
                    path=step.path,
                )
    full_urls: set[str] = set()
    for step in steps:
        if step.full_url is not None and step.resource is not None:
            if step.full_url in full_urls:
                raise Invalid("bundle.full-url", f"fullUrl {step.full_url} stands twice.", path=step.path)
            full_urls.add(step.full_url)


def refuse_twins(steps: list[Step]) -> None:
    """No two entries may make the same thing under one condition: none would have matched for either."""
    seen: dict[tuple[str, tuple[Parameter, ...]], int] = {}
    for step in steps:
        if step.method not in ("POST", "PUT") or not step.condition or step.existing is not None:
            continue
        made = (step.type, tuple(sorted(step.condition)))
        if made in seen:
            raise Invalid(
                "bundle.overlap",
                f"Entries {seen[made]} and {step.number} make one {step.type} under the same condition.",
                path=step.path,
            )
        seen[made] = step.number
