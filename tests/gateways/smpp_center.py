"""A message centre to test against: smppy's SMPP server in a process of its own, with reports of delivery.

It prints one JSON line for everything that comes in, and texts whoever is bound what it reads as JSON lines on its
standard input (``from``, ``to``, ``body`` in hex, ``ucs2``, ``header``: the body begins with a user data header).
Numbers decide: ...000 is refused as no address, ...111 is taken and never arrives, ...222 is too busy, ...333 makes it
silent from then on; all others arrive.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from typing import Any

from smpp.pdu.operations import DeliverSM, SubmitSMResp
from smpp.pdu.pdu_encoding import PDUEncoder
from smpp.pdu.pdu_types import (
    AddrTon,
    CommandId,
    CommandStatus,
    DataCoding,
    DataCodingDefault,
    EsmClass,
    EsmClassGsmFeatures,
    EsmClassMode,
    EsmClassType,
)
from smppy import Application
from smppy.server import SmppProtocol


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)


class Center(Application):
    async def handle_bound_client(self, client: Any) -> Any:
        good = (client.system_id, client.password) == ("yba", "secret8")
        say(came="bind", good=good)
        return client if good else None

    async def handle_unbound_client(self, client: Any) -> None:
        say(came="unbind")

    async def handle_sms_received(self, client: Any, source_number: str, dest_number: str, text: str) -> None:
        """Not reached: the line below answers with ids of its own."""


class Line(SmppProtocol):
    count = 0
    bound: Any = None
    silent = False
    buffer = b""

    def data_received(self, data: bytes) -> None:
        """One task a message: smppy itself takes a packet for one, which two messages may share."""
        self.buffer += data
        while len(self.buffer) >= 4 and len(self.buffer) >= (size := int.from_bytes(self.buffer[:4], "big")):
            message, self.buffer = self.buffer[:size], self.buffer[size:]
            super().data_received(message)

    async def handle_data_received(self, data: bytes) -> None:
        pdu = PDUEncoder().decode(io.BytesIO(data))
        Line.bound = self
        if self.silent:
            return
        if pdu.command_id == CommandId.submit_sm:
            await self.submitted(pdu)
        elif pdu.command_id == CommandId.deliver_sm_resp:
            say(came="deliver_sm_resp", status=str(pdu.status))
        else:
            if pdu.command_id == CommandId.enquire_link:
                say(came="enquire_link")
            await super().handle_data_received(data)

    async def submitted(self, pdu: Any) -> None:
        said, to = pdu.params, str(pdu.params["destination_addr"])
        body = said["short_message"]
        body = body if isinstance(body, bytes) else body.encode()
        say(
            came="submit_sm", to=to, source=str(said["source_addr"]), body=body.hex(),
            ton=str(said["source_addr_ton"]), receipt=str(said["registered_delivery"].receipt),
            validity=str(said["validity_period"]), features=[str(one) for one in said["esm_class"].gsm_features],
        )  # fmt: skip
        if to.endswith("333"):
            Line.silent = True
            return
        wrong = {"000": CommandStatus.ESME_RINVDSTADR, "222": CommandStatus.ESME_RTHROTTLED}.get(to[-3:])
        Line.count += 1
        number = f"mc{Line.count}"
        status = wrong or CommandStatus.ESME_ROK
        self._send_response(
            SubmitSMResp(sequence_number=pdu.sequence_number, status=status, message_id=number)
        )
        if wrong is None:
            await asyncio.sleep(0.05)
            self.report(number, to, "UNDELIV" if to.endswith("111") else "DELIVRD")

    def text(self, said: dict[str, Any]) -> None:
        features = [EsmClassGsmFeatures.UDHI_INDICATOR_SET] if said.get("header") else []
        coding = DataCodingDefault.UCS2 if said.get("ucs2") else DataCodingDefault.SMSC_DEFAULT_ALPHABET
        self._send_PDU(
            DeliverSM(
                sequence_number=self.next_sequence_number(), source_addr_ton=AddrTon.INTERNATIONAL,
                source_addr=said["from"], destination_addr=said["to"],
                esm_class=EsmClass(EsmClassMode.DEFAULT, EsmClassType.DEFAULT, features),
                data_coding=DataCoding(scheme_data=coding), short_message=bytes.fromhex(said["body"]),
            )
        )  # fmt: skip

    def report(self, number: str, to: str, state: str) -> None:
        text = (
            f"id:{number} sub:001 dlvrd:001 submit date:2611240930 done date:2611240931 stat:{state} "
            f"err:{'000' if state == 'DELIVRD' else '001'} text:BV"
        )
        self._send_PDU(
            DeliverSM(
                sequence_number=self.next_sequence_number(), source_addr=to, destination_addr="YBA",
                esm_class=EsmClass(EsmClassMode.DEFAULT, EsmClassType.SMSC_DELIVERY_RECEIPT),
                data_coding=DataCoding(scheme_data=DataCodingDefault.SMSC_DEFAULT_ALPHABET),
                short_message=text.encode(),
            )
        )  # fmt: skip


def read() -> None:
    came = os.read(sys.stdin.fileno(), 65_536)
    if not came:
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    for line in came.decode().splitlines():
        Line.bound.text(json.loads(line))


async def main() -> None:
    app = Center("center")
    server = await asyncio.get_running_loop().create_server(lambda: Line(app), "127.0.0.1", 0)
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), read)
    say(came="listening", port=server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
