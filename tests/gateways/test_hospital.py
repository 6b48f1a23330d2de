"""Hospital systems: SIU messages at a real MLLP server, read by a parser that is not the writer's; FHIR over HTTP."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import hl7
import pytest
from hl7.mllp import start_hl7_server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yba.care.hospital_systems import Failed, News, Refused
from yba.care.identifiers import BHYT, CCCD, CCCD_CLAIMED, REGISTRATION_CODE
from yba.fhir.r4.appointment import Appointment, AppointmentParticipant
from yba.fhir.r4.datatypes import (
    Address,
    CodeableConcept,
    Coding,
    ContactPoint,
    HumanName,
    Identifier,
    Reference,
)
from yba.fhir.r4.organization import Organization
from yba.fhir.r4.patient import Patient
from yba.gateways.hospital.fhir import FhirSystem, bundle
from yba.gateways.hospital.mllp import Place, exchanged
from yba.gateways.hospital.siu import Names, SiuSystem, acknowledged, written

NAMES = Names(application="HIS", facility="BVHG")


def taking_part(kind: str, key: str, name: str) -> AppointmentParticipant:
    return AppointmentParticipant(actor=Reference(reference=f"{kind}/{key}", display=name), status="accepted")


def news(kind: str = "booked", **more: Any) -> News:
    visit = Appointment(
        id="a-1", status="cancelled" if kind == "cancelled" else "booked", start="2026-11-24T09:30:00+07:00",
        end="2026-11-24T09:50:00+07:00", comment="Đau ngực | trái ^ phải", created="2026-11-23T08:00:00+07:00",
        identifier=[Identifier(system=REGISTRATION_CODE, value="K7M2X")],
        reasonCode=[CodeableConcept(text="Hồi hộp & ho ~ 1 tuần \\ hết")],
        specialty=[CodeableConcept(text="Tim mạch", coding=[Coding(code="tim-mach")])],
        cancelationReason=CodeableConcept(text="Người bệnh hủy") if kind == "cancelled" else None,
        participant=[
            taking_part("Patient", "p1", "Nguyễn Thị Hạnh"), taking_part("Practitioner", "bs", "BS. Trần Minh Khôi"),
            taking_part("Location", "p-204", "204"),
        ],
    )  # fmt: skip
    person = Patient(
        id="p1", name=[HumanName(family="Nguyễn", given=["Thị", "Hạnh"])], gender="female", birthDate="1958-09-05",
        telecom=[ContactPoint(system="phone", value="0905123456")],
        identifier=[Identifier(system=CCCD, value="046158000123"), Identifier(system=BHYT, value="HT3464612345678")],
        address=[Address(line=["12 Lê Lợi"], city="Phường Thuận Hóa", state="Thành phố Huế")],
    )  # fmt: skip
    return replace(
        News("7.1", kind, datetime(2026, 11, 23, 2, 0, tzinfo=UTC), visit, person, Organization(id="bv")),  # type: ignore[arg-type]  # said by the test
        **more,
    )


def text_of(message: Any, place: str) -> str:
    """A field of the message by its name (`PID.5.1`), unescaped: the first repetition."""
    segment, number, *component = place.split(".")
    found = message.segment(segment)(int(number))
    raw = str(found[0][int(component[0]) - 1]) if component else str(found)
    return str(message.unescape(raw))


class TestMessage:
    @pytest.mark.parametrize(
        ("kind", "event", "action", "status"),
        [
            ("booked", "S12", "A", "Booked"),
            ("moved", "S13", "U", "Booked"),
            ("cancelled", "S15", "D", "Cancelled"),
        ],
    )
    def test_another_parser_reads_what_was_said(self, kind, event, action, status):
        found = hl7.parse(written(news(kind), NAMES).decode())
        assert [str(one[0]) for one in found] == [
            "MSH", "SCH", "NTE", "PID", "PV1", "RGS", "AIS", "AIL", "AIP",
        ]  # fmt: skip
        assert str(found["MSH"][0][9]) == f"SIU^{event}^SIU_S12"
        assert (str(found["MSH"][0][10]), str(found["MSH"][0][12]), str(found["MSH"][0][18])) == (
            "7.1", "2.5.1", "UNICODE UTF-8",
        )  # fmt: skip
        said = {
            "MSH.5": "HIS", "MSH.6": "BVHG", "SCH.1.1": "a-1", "SCH.7.2": "Hồi hộp & ho ~ 1 tuần \\ hết", "SCH.9": "20",
            "SCH.11.4": "20261124093000+0700", "SCH.11.5": "20261124095000+0700", "SCH.25": status,
            "NTE.3": "Đau ngực | trái ^ phải", "PID.5.1": "Nguyễn", "PID.5.2": "Thị Hạnh", "PID.7": "19580905",
            "PID.8": "F", "PID.11.1": "12 Lê Lợi", "PID.11.4": "Thành phố Huế", "PID.13.1": "0905123456",
            "PV1.2": "O", "PV1.50.1": "K7M2X", "RGS.2": action, "AIS.3.1": "tim-mach", "AIS.4": "20261124093000+0700",
            "AIL.3.2": "204", "AIP.3.1": "bs", "AIP.3.2": "BS. Trần Minh Khôi",
        }  # fmt: skip
        assert {place: text_of(found, place) for place in said} == said
        assert str(found["PID"][0][3]) == "p1^^^YBA^PI~046158000123^^^VNM^NI~HT3464612345678^^^BHXH^HC"

    def test_a_number_nobody_compared_is_not_sent(self):
        one = news()
        one.patient.identifier = [Identifier(system=CCCD_CLAIMED, value="046158000123", use="temp")]
        assert "046158000123" not in written(one, NAMES).decode()
        assert "046158000123" not in json.dumps(bundle(one))

    @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60)
    @given(st.text(alphabet="aĐệ |^&~\\\r\n", max_size=30))
    def test_no_text_breaks_the_message(self, text):
        one = news()
        one.appointment.comment = f"x{text}x"
        found = hl7.parse(written(one, NAMES).decode())
        assert len(found) == 9
        assert text_of(found, "NTE.3") == f"x{text}x".replace("\r", " ").replace("\n", " ")


# -- a real MLLP server --------------------------------------------------------------------------------


@dataclass
class Server:
    port: int = 0
    messages: list[Any] = field(default_factory=list)
    answer: Callable[[Any], Any] = lambda message: message.create_ack("AA")
    ready: threading.Event = field(default_factory=threading.Event)
    stop: Any = None

    async def serve(self) -> None:
        self.stop = asyncio.Event()
        server = await start_hl7_server(self.handle, host="127.0.0.1", port=0, encoding="utf-8")
        self.port = server.sockets[0].getsockname()[1]
        self.loop = asyncio.get_running_loop()
        self.ready.set()
        async with server:
            await self.stop.wait()

    async def handle(self, reader: Any, writer: Any) -> None:
        while not writer.is_closing():
            try:
                message = await reader.readmessage()
            except asyncio.IncompleteReadError:
                break
            self.messages.append(message)
            answer = self.answer(message)
            if answer is None:
                break
            writer.writemessage(answer)
            await writer.drain()
        writer.close()


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=lambda: asyncio.run(found.serve()), daemon=True)
    thread.start()
    assert found.ready.wait(20)
    yield found
    found.loop.call_soon_threadsafe(found.stop.set)
    thread.join(20)


def system(server: Server, seconds: float = 10.0) -> SiuSystem:
    return SiuSystem(NAMES, Place("127.0.0.1", server.port, seconds=seconds))


class TestMllp:
    def test_a_message_is_taken_and_its_acknowledgement_read(self, server):
        assert system(server).tell(news()) == "AA"
        assert [str(one["MSH"][0][10]) for one in server.messages] == ["7.1"]
        assert text_of(server.messages[0], "PID.5.2") == "Thị Hạnh"

    def test_an_error_is_tried_again_a_rejection_is_not(self, server):
        server.answer = lambda message: message.create_ack("AE")
        with pytest.raises(Failed, match="AE") as problem:
            system(server).tell(news())
        assert not isinstance(problem.value, Refused)
        server.answer = lambda message: message.create_ack("AR")
        with pytest.raises(Refused, match="AR"):
            system(server).tell(news())

    def test_an_acknowledgement_of_another_message_is_none(self, server):
        def other(message: Any) -> Any:
            answer = message.create_ack("AA")
            answer["MSA"][0][2] = "8.1"
            return answer

        server.answer = other
        with pytest.raises(Failed, match="another message"):
            system(server).tell(news())

    def test_who_hangs_up_has_not_taken_it(self, server):
        server.answer = lambda message: None
        with pytest.raises(Failed, match="without an answer"):
            system(server).tell(news())

    def test_nobody_there(self):
        with pytest.raises(Failed, match="no answer from"):
            exchanged(Place("127.0.0.1", 9, seconds=1), b"x")

    def test_who_says_nothing_is_not_waited_for_long(self):
        with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Failed):
            exchanged(Place("127.0.0.1", silent.getsockname()[1], seconds=0.2), b"x")

    @pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request", b"MSH|^~\\&|x\rPID|1\r"])
    def test_what_is_no_acknowledgement_is_none(self, answer):
        with pytest.raises(Failed, match="no acknowledgement"):
            acknowledged(answer, "7.1")


# -- FHIR ----------------------------------------------------------------------------------------------


@dataclass
class Fhir:
    address: str = ""
    status: int = 200
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def fhir() -> Iterator[Fhir]:
    found = Fhir()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            rows = [{"response": {"status": "201", "location": f"X/{n}"}} for n in range(len(body["entry"]))]
            text = json.dumps({"resourceType": "Bundle", "entry": rows}).encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.address = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()


class TestFhir:
    def test_person_and_visit_travel_in_one_transaction_by_their_identifiers(self, fhir):
        own = FhirSystem(fhir.address + "/fhir", "secret")
        assert own.tell(news()) == "X/1"
        assert own.tell(news()) == "X/1"
        path, headers, said = fhir.asked[0]
        assert (path, headers["authorization"], headers["x-request-id"]) == ("/fhir", "Bearer secret", "7.1")
        assert fhir.asked[1][2] == said, "a second try says the same"
        assert [one["request"] for one in said["entry"]] == [
            {"method": "PUT", "url": "Patient?identifier=https%3A%2F%2Fyba.vn%2Ffhir%2Fsid%2Fpatient%7Cp1"},
            {
                "method": "PUT",
                "url": "Appointment?identifier=https%3A%2F%2Fyba.vn%2Ffhir%2Fsid%2Fappointment%7Ca-1",
            },
        ]
        person, visit = (one["resource"] for one in said["entry"])
        assert {one["value"] for one in person["identifier"]} == {"p1", "046158000123", "HT3464612345678"}
        assert visit["participant"][0]["actor"]["reference"] == said["entry"][0]["fullUrl"]
        assert visit["participant"][1]["actor"] == {
            "type": "Practitioner", "display": "BS. Trần Minh Khôi",
            "identifier": {"system": "https://yba.vn/fhir/sid/practitioner", "value": "bs"},
        }  # fmt: skip
        assert "K7M2X" in {one["value"] for one in visit["identifier"]}

    def test_what_is_sent_is_valid_fhir(self):
        from yba.fhir.model import codec

        for kind in ("booked", "moved", "cancelled"):
            codec.decode(json.dumps(bundle(news(kind))).encode())

    @pytest.mark.parametrize(("status", "refused"), [(422, True), (400, True), (409, False), (503, False)])
    def test_what_can_be_mended_by_time_is_tried_again(self, fhir, status, refused):
        fhir.status = status
        with pytest.raises(Failed, match=str(status)) as problem:
            FhirSystem(fhir.address).tell(news())
        assert isinstance(problem.value, Refused) == refused

    def test_a_redirect_to_elsewhere_is_not_followed(self, fhir):
        fhir.status = 307
        with pytest.raises(Failed, match="307"):
            FhirSystem(fhir.address).tell(news())
        assert len(fhir.asked) == 1
