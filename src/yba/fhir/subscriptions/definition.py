"""What a Subscription asks for, read and checked. FHIR R4, subscription.html; backport, "backport-subscription"."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlsplit

from yba.fhir.calling import FRAMING
from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.model.dates import period_of
from yba.fhir.r4 import MODULES
from yba.fhir.r4.datatypes import Element, Extension
from yba.fhir.r4.subscription import Subscription
from yba.fhir.subscriptions.topics import TOPICS, Topic

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
PROFILE = BACKPORT + "backport-subscription"
SSE = "sse"
REST_HOOK = "rest-hook"
CONTENTS = ("empty", "id-only", "full-resource")
MOST_AT_ONCE = 100
_PAYLOADS = frozenset({"application/fhir+json", "application/json", "json"})

Params = list[tuple[str, str]]
Allowed = Callable[[str], bool]
"""Whether the operator lets notifications go to an address."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Search criteria on one type (backport: ``filter-criteria``)."""

    type: str
    params: Params


@dataclass(frozen=True, slots=True)
class Wanted:
    """A Subscription as delivery and matching read it.

    ``topic`` None: plain R4, with ``criteria``. ``content``: empty, id-only or full-resource. ``heartbeat`` and
    ``timeout`` in seconds.
    """

    id: str
    channel: str
    endpoint: str | None
    headers: tuple[tuple[str, str], ...]
    content: str
    topic: Topic | None = None
    criteria: Filter | None = None
    filters: tuple[Filter, ...] = field(default=())
    heartbeat: int | None = None
    timeout: int | None = None
    at_once: int = 1
    end: datetime | None = None

    @property
    def types(self) -> frozenset[str]:
        """The types it may be told of; "*" is any."""
        if self.topic is not None:
            return frozenset(trigger.type for trigger in self.topic.triggers)
        return frozenset({self.criteria.type}) if self.criteria is not None else frozenset()


def read(resource: Subscription, allowed: Allowed | None = None) -> Wanted:
    """Read and check one. Raises Invalid and Unsupported with the path; Invalid for an address that is not allowed."""
    channel = resource.channel
    kind = _kind(resource)
    endpoint = channel.endpoint
    if kind == REST_HOOK:
        _check_endpoint(endpoint, allowed)
    topic = TOPICS.get(resource.criteria or "") if (resource.criteria or "").startswith("http") else None
    if topic is None and (resource.criteria or "").startswith("http"):
        raise Invalid(
            "subscription.topic",
            f"There is no topic '{(resource.criteria or '')[:200]}'. There are: {', '.join(sorted(TOPICS))}.",
            path="Subscription.criteria",
        )
    return Wanted(
        id=resource.id or "",
        channel=kind,
        endpoint=endpoint,
        headers=tuple(_header(one) for one in channel.header if one is not None),
        content=_content(resource, topic),
        topic=topic,
        criteria=None if topic is not None else _criteria(resource.criteria or ""),
        filters=tuple(_filters(resource, topic)) if topic is not None else (),
        heartbeat=_number(channel.extension, "backport-heartbeat-period"),
        timeout=_number(channel.extension, "backport-timeout"),
        at_once=min(_number(channel.extension, "backport-max-count") or 1, MOST_AT_ONCE) if topic else 1,
        end=period_of(resource.end)[0] if resource.end is not None else None,
    )


def _kind(resource: Subscription) -> str:
    channel = resource.channel
    if channel.type == REST_HOOK:
        return REST_HOOK
    if channel.type is None:
        for one in _extensions(channel.type_ext, "backport-channel-type"):
            if one.valueCoding is not None and one.valueCoding.code == SSE:
                return SSE
    raise Unsupported(
        "subscription.channel",
        f"The channel '{channel.type}' is not offered; 'rest-hook' is, and server-sent events "
        "(extension backport-channel-type, code 'sse').",
        path="Subscription.channel.type",
    )


def _check_endpoint(endpoint: str | None, allowed: Allowed | None) -> None:
    parts = urlsplit(endpoint or "")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise Invalid(
            "subscription.endpoint", "A rest-hook needs an endpoint, an http or https address.",
            path="Subscription.channel.endpoint",
        )  # fmt: skip
    if allowed is not None and not allowed(endpoint or ""):
        raise Invalid(
            "subscription.endpoint-not-allowed",
            f"Notifications are not sent to '{(endpoint or '')[:200]}'. The operator allows addresses by "
            "YBA_SUBSCRIPTION_ENDPOINTS.",
            path="Subscription.channel.endpoint",
        )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    printable = text.isprintable() and text.isascii()
    if not colon or not name.strip() or " " in name.strip() or not printable:
        raise Invalid(
            "subscription.header", "A header is written 'Name: value' in plain letters.",
            path="Subscription.channel.header",
        )  # fmt: skip
    if name.strip().lower() in FRAMING:
        raise Invalid(
            "subscription.header", f"'{name.strip()}' is set by what sends the message.",
            path="Subscription.channel.header",
        )  # fmt: skip
    return name.strip(), value.strip()


def _content(resource: Subscription, topic: Topic | None) -> str:
    payload = resource.channel.payload
    if payload is not None and payload.partition(";")[0] not in _PAYLOADS:
        raise Unsupported(
            "subscription.payload", f"A payload is application/fhir+json, not '{payload[:50]}'.",
            path="Subscription.channel.payload",
        )  # fmt: skip
    if topic is None:
        return "full-resource" if payload is not None else "empty"
    found = [one.valueCode for one in _extensions(resource.channel.payload_ext, "backport-payload-content")]
    content = found[0] if found else "empty"
    if content not in CONTENTS:
        raise Invalid(
            "subscription.content", f"The content of a payload is one of {', '.join(CONTENTS)}.",
            path="Subscription.channel.payload.extension",
        )  # fmt: skip
    return content


def _criteria(text: str) -> Filter:
    kind, mark, query = text.partition("?")
    params = parse_qsl(query, keep_blank_values=True)
    if kind not in MODULES or (mark and not params):
        raise Invalid(
            "subscription.criteria",
            f"The criteria are a search like 'Observation?code=1234-5' or the address of a topic, not '{text[:200]}'.",
            path="Subscription.criteria",
        )
    if kind == "AuditEvent":
        raise Unsupported(
            "subscription.audit", "Nobody is told of AuditEvents. Search for them: 'AuditEvent?date=ge...'.",
            path="Subscription.criteria",
        )  # fmt: skip
    if any(name in ("_count", "_sort", "_cursor", "_include", "_revinclude", "_total") for name, _ in params):
        raise Invalid(
            "subscription.criteria", "The criteria say what matches, not how it is shown.",
            path="Subscription.criteria",
        )  # fmt: skip
    return Filter(kind, params)


def _filters(resource: Subscription, topic: Topic) -> Iterable[Filter]:
    types = {trigger.type for trigger in topic.triggers}
    for one in _extensions(resource.criteria_ext, "backport-filter-criteria"):
        found = _criteria(one.valueString or "")
        if "*" not in types and found.type not in types:
            raise Invalid(
                "subscription.filter",
                f"The topic is not about {found.type}.",
                path="Subscription.criteria.extension",
            )
        for name, _ in found.params:
            if name.partition(":")[0] not in topic.filters:
                raise Invalid(
                    "subscription.filter",
                    f"The topic can't be narrowed by '{name[:50]}', only by {', '.join(sorted(topic.filters))}.",
                    path="Subscription.criteria.extension",
                )
        yield found


def _extensions(holder: Element | None, name: str) -> list[Extension]:
    return [one for one in holder.extension if one.url == BACKPORT + name] if holder is not None else []


def _number(extensions: list[Extension], name: str) -> int | None:
    for one in extensions:
        if one.url == BACKPORT + name:
            return one.valueUnsignedInt if one.valueUnsignedInt is not None else one.valuePositiveInt
    return None
