"""A provider that takes one HTTP call a message: every provider's own names and signs of success are data.

Text messages of Vietnamese brand-name providers, and calls that read a text aloud, differ only in the names of fields:
`Form` is read from the operator's file (docs/howto/connect-an-sms-gateway.md).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from yba.care.messages import texts
from yba.care.messages.incoming import Heard
from yba.care.messages.port import Failed, Parcel, Refused, Sent
from yba.gateways.asking import Answer, asked


@dataclass(frozen=True, slots=True)
class Form:
    """How a provider is asked. In values: ``{phone}`` (84...), ``{local}`` (0...), ``{text}``, ``{id}``, ``{secret}``;
    of an answer to somebody's text ``{sender}`` (the number they wrote to) and ``{answers}`` (the id of their text).

    ``success``, ``refused``: patterns looked for in the body; ``number``: a pattern whose group is the message's id.
    """

    url: str
    fields: Mapping[str, str]
    success: str
    encoding: str = "json"
    headers: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    number: str = ""
    statuses: tuple[int, ...] = (200, 201, 202)
    #: Of a report by HTTP: the names of its fields, and patterns of the states that are final.
    report_id: str = ""
    report_state: str = ""
    report_delivered: str = ""
    report_failed: str = ""


@dataclass(frozen=True, slots=True)
class Incoming:
    """How a provider hands over what people send: the names of its fields, and how it proves that it is the provider.

    ``number``: where people text to. ``id`` names the message and is asked for: by it a second copy is known.
    ``at``: when it was sent (seconds since 1970, or ISO 8601 with its offset). ``signature``: the header that carries
    the HMAC-SHA256 of the body under the secret, in hex or base64; ``secret``: also where the address itself must not
    be all the proof. ``answer``: what the provider wants to hear.
    """

    number: str
    id: str
    phone: str
    text: str
    to: str = ""
    at: str = ""
    signature: str = ""
    secret: str = ""
    answer: str = "OK"


@dataclass(frozen=True, slots=True)
class HttpGateway:
    """Sends by such a form. ``places``: where calls may go (`yba.fhir.addresses`)."""

    form: Form
    secret: str
    price: int = 0
    places: tuple[str, ...] = ()
    fold: bool = True
    incoming: Incoming | None = None

    @property
    def number(self) -> str:
        """Where people text to."""
        return self.incoming.number if self.incoming is not None else ""

    def send(self, parcel: Parcel) -> Sent:
        """One call; the provider's own words decide."""
        text = texts.folded(parcel.text) if self.fold else parcel.text
        known = {
            "phone": international(parcel.to), "local": parcel.to, "text": text, "id": parcel.id, "secret": self.secret,
            "sender": parcel.sender, "answers": parcel.answers,
        }  # fmt: skip
        fields = {name: _filled(value, known) for name, value in self.form.fields.items()}
        headers = {name: _filled(value, known) for name, value in self.form.headers.items()}
        body, kind = _body(self.form.encoding, fields)
        answer = asked(
            self.form.url,
            self.places or (self.form.url,),
            body=body,
            headers={**headers, "Content-Type": kind},
        )
        return self._judged(answer, len(texts.split(text)) if self.fold else 1)

    def read_report(self, said: Mapping[str, str]) -> tuple[str, bool, str] | None:
        """Id, whether it arrived, what went wrong; None for what is no final report."""
        form = self.form
        number, state = said.get(form.report_id, ""), said.get(form.report_state, "")
        if not number or not state:
            return None
        if form.report_delivered and re.search(form.report_delivered, state):
            return number, True, ""
        if form.report_failed and re.search(form.report_failed, state):
            return number, False, state[:200]
        return None

    def proved(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether what came is signed as agreed; where nothing was agreed, the address is the proof."""
        said = self.incoming
        if said is None or not said.signature:
            return said is not None
        sum_ = hmac.new(said.secret.encode(), body, hashlib.sha256).digest()
        given = headers.get(said.signature, "").strip().removeprefix("sha256=")
        known = (sum_.hex(), base64.b64encode(sum_).decode())
        return any(hmac.compare_digest(given.encode(), one.encode()) for one in known)

    def read_incoming(self, said: Mapping[str, str]) -> Heard | None:
        """A person's text by the provider's names; None for what is none, or has no id of its own."""
        known = self.incoming
        if known is None or not said.get(known.id) or not said.get(known.phone):
            return None
        return Heard(
            channel="sms", phone=said[known.phone], to=said.get(known.to, "") or known.number,
            text=said.get(known.text, ""), provider_id=said[known.id], sent_at=_moment(said.get(known.at, "")),
        )  # fmt: skip

    def _judged(self, answer: Answer, parts: int) -> Sent:
        form = self.form
        if answer.status in form.statuses and re.search(form.success, answer.text):
            found = re.search(form.number, answer.text) if form.number else None
            return Sent(provider_id=found[1] if found else "", parts=parts)
        said = f"{answer.status}: {answer.text[:200]}".replace(self.secret or "\0", "***")
        if form.refused and re.search(form.refused, answer.text):
            raise Refused(said)
        raise Failed(said)


def _moment(text: str) -> datetime | None:
    """When a provider says something was sent; None where it says nothing that is a moment."""
    try:
        if re.fullmatch(r"\d{10}(\d{3})?", text):
            return datetime.fromtimestamp(int(text[:10]), UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def international(phone: str) -> str:
    """``84905123456`` of ``0905123456``; a number of another country stays as it is."""
    plain = phone.lstrip("+")
    return f"84{plain[1:]}" if plain.startswith("0") else plain


def _filled(value: str, known: Mapping[str, str]) -> str:
    """A value with its places filled; a brace of the text itself fills nothing."""
    return re.sub(r"\{(phone|local|text|id|secret|sender|answers)\}", lambda found: known[found[1]], value)


def _body(encoding: str, fields: Mapping[str, str]) -> tuple[bytes, str]:
    if encoding == "form":
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    return json.dumps(fields, ensure_ascii=False).encode(), "application/json; charset=utf-8"
