"""A request as interactions read it: a thin value over the WSGI environment, nothing parsed before it is asked for."""

from __future__ import annotations

import re
import secrets
import zlib
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, quote

from yba.fhir.errors import Invalid, Unsupported
from yba.fhir.record.conditions import MOST_DELETED
from yba.fhir.rest.services import Services

Pairs = list[tuple[str, str]]
_VERSION = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')
_LENGTH = re.compile(r"[0-9]{1,15}")
_NUMBER = re.compile(r"[A-Za-z0-9._:\-]{1,64}")
# A request's id where its sender gave none: of this process, counted.
_HOUSE = secrets.token_hex(6)
_counted = count(1)
_OF_THE_ANSWER = frozenset({"_format", "_pretty", "_summary", "_elements"})
_DRAINED = 4
FORM = "application/x-www-form-urlencoded"


class TooLarge(Invalid):
    """The body passes the limit."""

    status = 413
    issue = "too-long"


class UnknownCoding(Unsupported):
    """The body is packed in a way we do not read."""

    status = 415


class Request:
    """``path`` holds the segments under the base; ``base_url`` has no slash at its end; ``number`` is its X-Request-Id.

    Source: FHIR R4, http.html#custom.
    """

    __slots__ = (
        "_body", "base_url", "environ", "limit", "method", "most_deleted", "number", "path", "services",
    )  # fmt: skip

    def __init__(
        self,
        environ: dict[str, Any],
        *,
        base_url: str | None,
        limit: int,
        services: Services | None = None,
        most_deleted: int = MOST_DELETED,
    ) -> None:
        self.environ = environ
        self.services = services
        self.limit = limit
        self.most_deleted = most_deleted
        self.method: str = environ["REQUEST_METHOD"]
        path: str = environ.get("PATH_INFO", "")
        if path.startswith("/fhir") and not environ.get("SCRIPT_NAME", "").endswith("/fhir"):
            path = path[5:]
        self.path = [part for part in path.split("/") if part] if path not in ("", "/") else []
        self.base_url = base_url or _own_url(environ)
        self._body: bytes | None = None
        said: str = environ.get("HTTP_X_REQUEST_ID", "")
        self.number = said if _NUMBER.fullmatch(said) else f"{_HOUSE}-{next(_counted):x}"

    def header(self, name: str) -> str | None:
        """A header by its WSGI name, without ``HTTP_``."""
        value: str | None = self.environ.get("HTTP_" + name)
        return value

    @property
    def query(self) -> Pairs:
        """The parameters of the URL."""
        text = self.environ.get("QUERY_STRING")
        return pairs(text) if text else []

    @property
    def form(self) -> Pairs:
        """The parameters of a form body."""
        kind = self.environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        if kind == FORM:
            try:
                return pairs(self.body().decode())
            except UnicodeDecodeError:
                raise Invalid("rest.form", "The form is not UTF-8 text.") from None
        return []

    def body(self) -> bytes:
        """The body. Raises TooLarge without reading more than the limit, Invalid for a wrong length."""
        if self._body is None:
            self._body = self._read()
        return self._body

    def replace_body(self, body: bytes, kind: str) -> None:
        """Go on with the same content in another format."""
        self._body = body
        self.environ = {**self.environ, "CONTENT_TYPE": kind}

    def _read(self) -> bytes:
        said = self.environ.get("CONTENT_LENGTH") or None
        if said is not None and not _LENGTH.fullmatch(said):
            raise Invalid("rest.content-length", f"Content-Length '{said[:30]}' is not a number of bytes.")
        length = None if said is None else int(said)
        stream = self.environ["wsgi.input"]
        if length is not None and length > self.limit:
            # A client that sends all before it listens should hear why it is refused, if it is not far too much.
            rest = min(length, _DRAINED * self.limit)
            while rest > 0 and (part := stream.read(min(rest, 1 << 16))):
                rest -= len(part)
            raise self._too_large()
        data: bytes = stream.read(self.limit + 1 if length is None else length)
        if len(data) > self.limit:
            raise self._too_large()
        if length is not None and len(data) < length:
            raise Invalid(
                "rest.body-short", f"The body ended after {len(data)} of {length} bytes. Send it again."
            )
        coding = (self.header("CONTENT_ENCODING") or "identity").strip().lower()
        return data if coding == "identity" or not data else self._unpacked(data, coding)

    def _unpacked(self, data: bytes, coding: str) -> bytes:
        """A body sent with gzip (RFC 9110, 8.4); what it becomes is held to the limit, too."""
        if coding not in ("gzip", "x-gzip"):
            raise UnknownCoding(
                "rest.coding", f"A body may be sent as it is or with gzip, not '{coding[:30]}'."
            )
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            found = unpacking.decompress(data, self.limit + 1)
        except zlib.error:
            raise Invalid("rest.gzip", "The body is not what gzip writes.") from None
        if len(found) > self.limit:
            raise self._too_large()
        if not unpacking.eof or unpacking.unused_data:
            raise Invalid("rest.gzip", "The gzip of the body is cut off, or something follows it.")
        return found

    def _too_large(self) -> TooLarge:
        return TooLarge(
            "rest.too-large",
            f"The body is larger than {self.limit:,} bytes. Send a bundle in parts.",
            limit=self.limit,
        )

    def prefers(self, name: str) -> str | None:
        """The value of one preference of the Prefer header."""
        header = self.header("PREFER")
        if header is not None:
            for part in header.replace(";", ",").split(","):
                key, _, value = part.strip().partition("=")
                if key.lower() == name:
                    return value.strip('"')
        return None

    def condition(self) -> Pairs | None:
        """The criteria a URL of a type holds, where it names resources by a search; None where it holds none."""
        found = [pair for pair in self.query if pair[0] not in _OF_THE_ANSWER]
        return found or None

    def if_match(self) -> str | None:
        """The version id of If-Match, or ``*`` for any. Raises Invalid when it is no entity tag."""
        header = self.header("IF_MATCH")
        if header is None or header.strip() == "*":
            return header and "*"
        found = _VERSION.fullmatch(header)
        if found is None:
            raise Invalid("rest.if-match", f"If-Match takes W/\"version\", not '{header[:50]}'.")
        return found.group(1)


def pairs(text: str) -> Pairs:
    """The parameters of a query. Raises Invalid for what is no UTF-8, and for too many."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=1000, errors="strict")
    except UnicodeDecodeError:
        raise Invalid("rest.query", "The parameters are not UTF-8 text.") from None
    except ValueError:
        raise Invalid("rest.query", "There are more than 1,000 parameters.") from None


def _own_url(environ: dict[str, Any]) -> str:
    host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    if not re.fullmatch(r"[A-Za-z0-9.\-_:\[\]]+", host):
        raise Invalid("rest.host", "The Host header is not a host name.")
    return f"{environ.get('wsgi.url_scheme', 'http')}://{host}{quote(environ.get('SCRIPT_NAME') or '/fhir')}"
