"""Text messages by SMPP 3.4: one bound line a process, kept open for reports of delivery and for what people send.

A thread reads the line: answers to what was sent (`submit_sm_resp`), reports and people's texts (both `deliver_sm`,
told apart by esm_class). Every `quiet` seconds without a sign it asks whether the other side is there (`enquire_link`);
a line that does not answer is opened anew.
"""

from __future__ import annotations

import logging
import re
import secrets
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from smpplib import consts, exceptions, gsm
from smpplib.client import Client

from yba.care.messages import texts
from yba.care.messages.incoming import Part
from yba.care.messages.port import Failed, Parcel, Refused, Sent
from yba.gateways.sms import arriving
from yba.gateways.sms.brandname import international

log = logging.getLogger(__name__)
#: (the provider's id, whether it was delivered, what went wrong)
OnReport = Callable[[str, bool, str], None]
OnPart = Callable[[Part], None]
#: Errors that another try of the same number cannot mend (SMPP 3.4, 5.1.3).
_FINAL: Final = frozenset(
    {
        consts.SMPP_ESME_RINVDSTADR,
        consts.SMPP_ESME_RINVSRCADR,
        consts.SMPP_ESME_RINVDSTTON,
        consts.SMPP_ESME_RINVDSTNPI,
    }
)
#: Bits 5 to 2 of esm_class: this is the centre's report of delivery (SMPP 3.4, 5.2.12).
_RECEIPT: Final = 0x04
_DELIVERED: Final = frozenset({"DELIVRD", 2})
_UNDELIVERED: Final = frozenset({"EXPIRED", "DELETED", "UNDELIV", "REJECTD", 3, 4, 5, 8})
_ID = re.compile(r"\bid:([^\s]+)", re.IGNORECASE)
_STAT = re.compile(r"\bstat:(\w+)", re.IGNORECASE)
_ERR = re.compile(r"\berr:(\w+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """Where the provider's SMPP server is, and under whose name texts go out (at most 11 letters)."""

    host: str
    port: int
    system_id: str
    password: str
    brand: str
    tls: bool = False
    system_type: str = ""
    #: ``gsm``: the 7-bit alphabet's own codes; ``ascii``: some centres want plain ASCII under coding 0.
    alphabet: str = "gsm"
    quiet: float = 15.0
    answer_within: float = 20.0
    price: int = 0
    #: The number people text to; empty: nobody can.
    number: str = ""


class _Waiting:
    """One text on its way: the answer is put here by the thread that reads."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.message_id = ""
        self.status = 0


class _Client(Client):  # type: ignore[misc]  # smpplib has no types
    """Written to by those who send and by the one who reads: one whole message after the other."""

    def __init__(self, *args: Any, **more: Any) -> None:
        self._writing = threading.RLock()
        super().__init__(*args, **more)

    def next_sequence(self) -> int:
        with self._writing:
            return int(super().next_sequence())

    def send_pdu(self, p: Any) -> bool:
        with self._writing:
            return bool(super().send_pdu(p))


class SmppGateway:
    """A bound line, opened when it is first needed and again when it breaks."""

    def __init__(self, line: Line, on_report: OnReport, on_part: OnPart | None = None) -> None:
        self._line, self._on_report, self._on_part = line, on_report, on_part
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._waiting: dict[int, _Waiting] = {}

    @property
    def price(self) -> int:
        return self._line.price

    @property
    def number(self) -> str:
        """Where people text to."""
        return self._line.number

    def send(self, parcel: Parcel) -> Sent:
        """Hand every part over; the id of the last one stands for the whole: its report comes last."""
        parts = texts.split(texts.folded(parcel.text))
        reference = secrets.randbelow(256)
        message_id = ""
        for number, part in enumerate(parts, 1):
            header = bytes([5, 0, 3, reference, len(parts), number]) if len(parts) > 1 else b""
            message_id = self._submitted(parcel, header + self._encoded(part), bool(header))
        return Sent(provider_id=message_id, parts=len(parts))

    def stay_awake(self) -> None:
        """Keep the line open, so that reports arrive while nothing is sent."""
        try:
            with self._lock:
                self._open()
        except Failed as problem:
            log.warning("the SMPP line is down: %s", problem)

    def close(self) -> None:
        """Say goodbye and let go."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            try:
                client.send_pdu(_unbind(client))
            except (exceptions.ConnectionError, exceptions.PDUError, OSError):
                log.info("the SMPP line was gone already")
            _drop(client)

    # -- sending ------------------------------------------------------------------------------------------

    def _encoded(self, text: str) -> bytes:
        if self._line.alphabet == "ascii":
            return text.encode("ascii")
        found: bytes = gsm.gsm_encode(text)
        return found

    def _submitted(self, parcel: Parcel, body: bytes, has_header: bool) -> str:
        waiting = _Waiting()
        with self._lock:
            client = self._open()
            try:
                pdu = self._pdu(client, parcel, body, has_header)
                self._waiting[pdu.sequence] = waiting
                client.send_pdu(pdu)
            except (exceptions.ConnectionError, exceptions.PDUError, OSError) as problem:
                self._lost(client)
                raise Failed(f"the line broke: {type(problem).__name__}") from None
        answered = waiting.done.wait(self._line.answer_within)
        self._waiting.pop(pdu.sequence, None)
        if not answered:
            self._lost(client)
            raise Failed("no answer from the message centre")
        if waiting.status == consts.SMPP_ESME_ROK and waiting.message_id:
            return waiting.message_id
        said = consts.DESCRIPTIONS.get(waiting.status, "refused without a reason")
        if waiting.status in _FINAL:
            raise Refused(said)
        raise Failed(said)

    def _pdu(self, client: Client, parcel: Parcel, body: bytes, has_header: bool) -> Any:
        from smpplib import smpp

        brand = parcel.sender or self._line.brand
        alone = {"source_addr_ton": consts.SMPP_TON_ALNUM, "source_addr_npi": consts.SMPP_NPI_UNK}
        number = {"source_addr_ton": consts.SMPP_TON_INTL, "source_addr_npi": consts.SMPP_NPI_ISDN}
        return smpp.make_pdu(
            "submit_sm", client=client, **(number if brand.isdigit() else alone), source_addr=brand,
            dest_addr_ton=consts.SMPP_TON_INTL, dest_addr_npi=consts.SMPP_NPI_ISDN,
            destination_addr=international(parcel.to), short_message=body, data_coding=consts.SMPP_ENCODING_DEFAULT,
            esm_class=consts.SMPP_GSMFEAT_UDHI if has_header else consts.SMPP_MSGMODE_DEFAULT,
            registered_delivery=True, priority_flag=1 if parcel.urgent else 0,
            validity_period=_validity(parcel.seconds),
        )  # fmt: skip

    # -- the line -----------------------------------------------------------------------------------------

    def _open(self) -> Client:
        """The bound client; call with the lock held."""
        if self._client is not None:
            return self._client
        line = self._line
        context = ssl.create_default_context() if line.tls else None
        client = _Client(
            line.host, line.port, timeout=line.quiet, ssl_context=context, allow_unknown_opt_params=True
        )
        try:
            client.connect()
            client.bind_transceiver(
                system_id=line.system_id, password=line.password, system_type=line.system_type
            )
        except (exceptions.ConnectionError, exceptions.PDUError, OSError) as problem:
            _drop(client)
            raise Failed(f"cannot bind at {line.host}:{line.port}: {problem or 'no answer'}") from None
        client.set_message_sent_handler(self._answered)
        client.set_message_received_handler(self._received)
        client.set_error_pdu_handler(self._answered)
        self._client = client
        threading.Thread(target=self._listen, args=[client], name="smpp", daemon=True).start()
        return client

    def _listen(self, client: Any) -> None:
        """Read until the line ends. Silence asks; silence after asking ends it."""
        from smpplib import smpp

        asked_at: float | None = None
        while self._serves(client):
            try:
                client.read_once(auto_send_enquire_link=False)
                asked_at = None
            except TimeoutError:
                if asked_at is not None:
                    log.warning("the message centre does not answer for %.0f s", monotonic() - asked_at)
                    break
                asked_at = monotonic()
                try:
                    client.send_pdu(smpp.make_pdu("enquire_link", client=client))
                except (exceptions.ConnectionError, exceptions.PDUError, OSError):
                    break
            except Exception as problem:  # noqa: BLE001 - whatever was wrong with what came, the line is opened anew
                if self._serves(client):
                    log.warning("the SMPP line ended: %s", type(problem).__name__)
                break
        self._lost(client)

    def _serves(self, client: Any) -> bool:
        """Whether this is the line in use."""
        return self._client is client

    def _lost(self, client: Any) -> None:
        if self._serves(client):
            self._client = None
        _drop(client)

    def _answered(self, pdu: Any, **_more: Any) -> None:
        """An answer to `submit_sm`, good or bad: wake who waits for it."""
        waiting = self._waiting.get(pdu.sequence)
        if waiting is None or pdu.command not in ("submit_sm_resp", "generic_nack"):
            return
        waiting.status = int(pdu.status)
        raw = getattr(pdu, "message_id", None) or b""
        waiting.message_id = raw.decode("ascii", "replace") if isinstance(raw, bytes) else str(raw)
        waiting.done.set()

    def _received(self, pdu: Any, **_more: Any) -> int | None:
        """A report, or a person's text. What could not be noted is refused, so that the centre sends it again."""
        if pdu.command != "deliver_sm":
            return None
        found = report_of(pdu)
        try:
            if found is not None:
                self._on_report(*found)
            elif self._on_part is not None and arriving.is_text(pdu):
                self._on_part(arriving.part_of(pdu))
        except Exception:
            log.exception("what the message centre sent could not be noted")
            return int(consts.SMPP_ESME_RX_T_APPN)
        return None


def report_of(pdu: Any) -> tuple[str, bool, str] | None:
    """Id, whether it arrived, what went wrong; None for what is no final report (SMPP 3.4, 5.2.12 and appendix B)."""
    if int(pdu.esm_class or 0) & 0x3C != _RECEIPT:
        return None
    text = (pdu.short_message or b"").decode("latin-1")
    own = getattr(pdu, "receipted_message_id", None)
    if isinstance(own, bytes):
        own = own.decode("ascii", "replace")
    found = _ID.search(text)
    number = own or (found[1] if found else "")
    said = _STAT.search(text)
    state: Any = getattr(pdu, "message_state", None) or (said[1].upper() if said else "")
    if not number or state not in _DELIVERED | _UNDELIVERED:
        return None
    error = _ERR.search(text)
    return (
        number,
        state in _DELIVERED,
        "" if state in _DELIVERED else f"{state} err:{error[1] if error else '?'}",
    )


def _validity(seconds: int) -> str:
    """A relative time (SMPP 3.4, 7.1.1.2): the centre gives up when the message has lost its worth."""
    days, rest = divmod(min(seconds, 60 * 86_400), 86_400)
    hours, rest = divmod(rest, 3600)
    months, days = divmod(days, 30)
    return f"00{months:02}{days:02}{hours:02}{rest // 60:02}{rest % 60:02}000R"


def _unbind(client: Client) -> Any:
    from smpplib import smpp

    return smpp.make_pdu("unbind", client=client)


def _drop(client: Client) -> None:
    """Close without asking: the other side may be gone."""
    socket = client._socket
    client._socket = None
    client.state = consts.SMPP_CLIENT_STATE_CLOSED
    if socket is not None:
        socket.close()
