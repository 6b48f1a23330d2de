"""A text a person sent, out of `deliver_sm`: whose, to which number, its bytes, which part of how many (SMPP 3.4).

A long text comes in parts: said in front of the words (user data header, 3GPP TS 23.040, 9.2.3.24.1 and .8) or beside
them (`sar_...`, SMPP 3.4, 5.3.2.22 to 24). The parts are put together as bytes, since a letter may be torn by the cut.
"""

from __future__ import annotations

from typing import Any, Final

from smpplib import consts, gsm

from yba.care.messages.incoming import Part

#: Bits 5 to 2 of esm_class: nothing special, a text of a person (SMPP 3.4, 5.2.12).
_KIND: Final = 0x3C
_HEADER: Final = 0x40
_ONE_BYTE, _TWO_BYTES = 0x00, 0x08
#: data_coding (SMPP 3.4, 5.2.19): how its bytes are letters; 4 and 2 are bytes that are none.
_CODINGS: Final = {0: "gsm", 1: "ascii", 3: "latin-1", 8: "utf-16-be"}
_GSM: Final = dict(enumerate(gsm.GSM_CHARACTER_TABLE[:128]))
_ESCAPE: Final = 0x1B
_ESCAPED: Final = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\", 0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip


def is_text(pdu: Any) -> bool:
    """Whether it is a person's text: not a receipt, an acknowledgement or a notification."""
    return int(pdu.esm_class or 0) & _KIND == 0


def part_of(pdu: Any) -> Part:
    """The text, or the part of one, that came. Bytes of an unknown coding are kept and say nothing."""
    body = bytes(pdu.message_payload or b"") or bytes(pdu.short_message or b"")
    reference, total, number = "", 1, 1
    if int(pdu.esm_class or 0) & _HEADER and body:
        header, body = body[1 : 1 + body[0]], body[1 + body[0] :]
        reference, total, number = _place(header)
    elif pdu.sar_total_segments:
        reference = f"s{int(pdu.sar_msg_ref_num or 0)}"
        total, number = int(pdu.sar_total_segments), int(pdu.sar_segment_seqnum or 1)
    coding = _coding(int(pdu.data_coding or 0))
    if coding == "gsm":  # no sign of this alphabet is torn by a cut
        body, coding = of_gsm(body).encode("utf-16-be"), "utf-16-be"
    own = pdu.receipted_message_id or pdu.user_message_reference or ""
    return Part(
        channel="sms", phone=_number(pdu.source_addr, pdu.source_addr_ton), to=_said(pdu.destination_addr),
        body=body, coding=coding, reference=reference, total=total, number=number,
        provider_id=_said(own),
    )  # fmt: skip


def _place(header: bytes) -> tuple[str, int, int]:
    """Reference, how many, which: of the first element that says so."""
    at = 0
    while at + 2 <= len(header):
        kind, size = header[at], header[at + 1]
        said = header[at + 2 : at + 2 + size]
        if kind == _ONE_BYTE and len(said) == 3:
            return f"h{said[0]}", said[1], said[2]
        if kind == _TWO_BYTES and len(said) == 4:
            return f"w{int.from_bytes(said[:2], 'big')}", said[2], said[3]
        at += 2 + size
    return "", 1, 1


def _coding(said: int) -> str:
    """The coding's name; a message class (0xF0 to 0xFF, 3GPP TS 23.038, 4) says 7 or 8 bits beside it."""
    if said & 0xF0 == 0xF0:
        return "bytes" if said & 0x04 else "gsm"
    return _CODINGS.get(said, "bytes")


def of_gsm(body: bytes) -> str:
    """The default alphabet, a septet a byte (3GPP TS 23.038, 6.2.1); what it does not know is a question mark."""
    found, escaped = [], False
    for one in body:
        if escaped:
            found.append(_ESCAPED.get(one, _GSM.get(one, "?")))
        elif one != _ESCAPE:
            found.append(_GSM.get(one, "?"))
        escaped = one == _ESCAPE and not escaped
    return "".join(found)


def _number(address: Any, kind: Any) -> str:
    """A telephone's number; one that says to be international has its plus."""
    said = _said(address)
    return f"+{said}" if said.isdigit() and int(kind or 0) == consts.SMPP_TON_INTL else said


def _said(value: Any) -> str:
    return value.decode("ascii", "replace").strip("\0 ") if isinstance(value, bytes) else str(value or "")
