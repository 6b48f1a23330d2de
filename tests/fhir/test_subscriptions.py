"""Subscriptions against a real receiver: in order, at least once, again after failures, and never what is hidden."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psycopg
import pytest

from tests.fhir.test_rest import BASE, Client, Noted
from tests.servers import Asked, Reply, Server
from yba import fhir
from yba.fhir import rest
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.model import codec
from yba.fhir.store.audit import Journal
from yba.fhir.store.rows import execute
from yba.fhir.subscriptions import stream
from yba.fhir.subscriptions.delivery import SHOWN_AFTER, Sender
from yba.fhir.subscriptions.topics import BASE as TOPIC

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"


class Receiver:
    """Keeps what it gets, and refuses when told to."""

    def __init__(self) -> None:
        self.got: list[Asked] = []
        self.refuse = 0
        self.server = Server(self._take)
        self.url = self.server.url

    def _take(self, asked: Asked) -> Reply:
        if self.refuse:
            self.refuse -= 1
            return Reply(503)
        self.got.append(asked)
        return Reply()

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(one.body) for one in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.close()


class House:
    """The application, its delivery, and a clock that can be put on."""

    def __init__(self, conninfo: str, endpoints: tuple[str, ...]) -> None:
        self.conninfo = conninfo
        self.later = timedelta()
        self.connection = self.connect()
        self.client = Client(self.connection)
        self.client.actors["other"] = Actor(user="other", role="system")
        self.client.application = rest.application(
            lambda: self.connection, self.client.actors.get, base_url=BASE, clock=self.clock,
            journal=cast("Journal", Noted()), subscription_endpoints=endpoints,
        )  # fmt: skip
        self.sender = Sender(self.connect, base_url=BASE, endpoints=endpoints, clock=self.clock)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo, autocommit=True)

    def clock(self) -> datetime:
        return datetime.now(UTC) + self.later

    def put(self, kind: str, identifier: str, **elements: Any) -> int:
        sent = {"resourceType": kind, "id": identifier, **elements}
        return self.client("PUT", f"/{kind}/{identifier}", sent).status

    def observe(self, identifier: str, status: str = "final", code: str = "8867-4") -> None:
        code_ = {"coding": [{"system": "http://loinc.org", "code": code}]}
        assert self.put("Observation", identifier, status=status, code=code_) in (200, 201)

    def subscription(self, identifier: str) -> Any:
        return self.client("GET", f"/Subscription/{identifier}").json


@pytest.fixture
def house(own_database: str, receiver: Receiver) -> House:
    return House(own_database, (receiver.url,))


def subscribe(house: House, endpoint: str, criteria: str, **channel: Any) -> Any:
    sent = {
        "resourceType": "Subscription", "id": "s", "status": "requested", "reason": "Theo dõi mạch",
        "criteria": criteria, "channel": {"type": "rest-hook", "endpoint": endpoint, **channel},
    }  # fmt: skip
    return house.client("PUT", "/Subscription/s", sent)


def by_topic(house: House, endpoint: str, topic: str, content: str, *filters: str, **channel: Any) -> Any:
    sent = {
        "resourceType": "Subscription", "id": "s", "status": "requested", "reason": "Theo dõi",
        "criteria": TOPIC + topic,
        "channel": {
            "type": "rest-hook", "endpoint": endpoint, "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": BACKPORT + "backport-payload-content", "valueCode": content}]},
            **channel,
        },
    }  # fmt: skip
    if filters:
        sent["_criteria"] = {
            "extension": [
                {"url": BACKPORT + "backport-filter-criteria", "valueString": one} for one in filters
            ]
        }
    return house.client("PUT", "/Subscription/s", sent)


def told(bundle: Any) -> dict[str, Any]:
    """The values of a notification's status, events as tuples of number and focus."""
    found: dict[str, Any] = {"events": []}
    for one in bundle["entry"][0]["resource"]["parameter"]:
        if one["name"] == "notification-event":
            parts = {part["name"]: part for part in one["part"]}
            reference = parts.get("focus", {}).get("valueReference", {}).get("reference", "")
            found["events"].append((parts["event-number"]["valueString"], reference.removeprefix(BASE + "/")))
        elif one["name"] in ("status", "type"):
            found[one["name"]] = one["valueCode"]
    return found


def test_a_plain_rest_hook_gets_each_match_as_it_was_written(house: House, receiver: Receiver) -> None:
    house.observe("before")
    made = subscribe(
        house, receiver.url + "/hook", "Observation?code=http://loinc.org|8867-4&status=final",
        payload="application/fhir+json", header=["Authorization: Bearer of-theirs"],
    )  # fmt: skip
    assert made.status == 201
    assert house.sender.step() == 0
    assert house.subscription("s")["status"] == "active"
    house.observe("a")
    house.observe("other", code="1-8")
    house.observe("draft", status="preliminary")
    house.observe("b")
    assert house.sender.step() == 2
    assert [(method, path) for method, path, _, _ in receiver.got] == [
        ("PUT", "/hook/Observation/a"),
        ("PUT", "/hook/Observation/b"),
    ]
    assert receiver.got[0][2]["Authorization"] == "Bearer of-theirs"
    assert receiver.got[0][2]["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert receiver.bodies[0] == house.client("GET", "/Observation/a").json
    assert house.sender.step() == 0
    assert execute(house.connection, "select count(*) from record.outbox").fetchone() == (0,)


def test_without_payload_only_a_call_is_made(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation")
    house.sender.step()
    house.observe("a")
    house.sender.step()
    assert [(method, path, body) for method, path, _, body in receiver.got] == [("POST", "/", b"")]


def test_versions_of_one_resource_arrive_in_order_through_failures(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation", payload="application/fhir+json")
    house.sender.step()
    for status in ("registered", "preliminary", "final"):
        house.observe("a", status=status)
    receiver.refuse = 2
    assert house.sender.step() == 0
    house.observe("a", status="amended")
    assert house.sender.step() == 0  # not before the wait is over
    house.later += timedelta(seconds=2)
    assert house.sender.step() == 0
    house.later += timedelta(seconds=3)
    assert house.sender.step() == 4
    assert [one["status"] for one in receiver.bodies] == ["registered", "preliminary", "final", "amended"]


def test_failing_is_shown_and_goes_away(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation")
    house.sender.step()
    house.observe("a")
    receiver.refuse = SHOWN_AFTER
    for _ in range(SHOWN_AFTER):
        house.sender.step()
        house.later += timedelta(minutes=6)
    shown = house.subscription("s")
    assert shown["status"] == "error"
    assert shown["error"] == f"POST {receiver.url} was answered with 503."
    status = house.client("GET", "/Subscription/s/$status").json["entry"][0]["resource"]["parameter"]
    assert {"name": "status", "valueCode": "error"} in status
    assert house.sender.step() == 1
    assert house.subscription("s")["status"] == "active"
    assert "error" not in house.subscription("s")


def test_a_topic_shakes_hands_then_tells_of_the_moment_something_becomes(
    house: House, receiver: Receiver
) -> None:
    made = by_topic(
        house, receiver.url, "result-available", "id-only", "Observation?code=http://loinc.org|8867-4"
    )
    assert made.status == 201
    house.sender.step()
    assert told(receiver.bodies[0]) == {"status": "requested", "type": "handshake", "events": []}
    house.observe("a", status="preliminary")
    house.observe("a", status="final")
    house.observe("a", status="final")
    house.observe("z", status="final", code="1-8")
    house.observe("a", status="amended")
    house.sender.step()
    assert [told(one) for one in receiver.bodies[1:]] == [
        {"status": "active", "type": "event-notification", "events": [("1", "Observation/a")]}
    ]
    entry = receiver.bodies[1]["entry"][1]
    assert entry == {
        "fullUrl": BASE + "/Observation/a",
        "request": {"method": "PUT", "url": "Observation/a"},
        "response": {"status": "200"},
    }
    for one in receiver.bodies:
        codec.decode(json.dumps(one).encode(), "Bundle")


def test_whole_resources_several_at_once_and_deletions(house: House, receiver: Receiver) -> None:
    by_topic(
        house, receiver.url, "record-change", "full-resource",
        extension=[{"url": BACKPORT + "backport-max-count", "valuePositiveInt": 10}],
    )  # fmt: skip
    house.sender.step()
    execute(house.connection, "delete from record.outbox")
    house.observe("a")
    assert house.client("DELETE", "/Observation/a").status == 204
    house.sender.step()
    last = receiver.bodies[-1]
    assert told(last)["events"] == [("1", "Observation/a"), ("2", "Observation/a")]
    assert [entry["request"]["method"] for entry in last["entry"][1:]] == ["PUT", "DELETE"]
    assert last["entry"][1]["resource"]["meta"]["versionId"] == "1"
    assert "resource" not in last["entry"][2]


def test_a_heartbeat_comes_when_nothing_else_does(house: House, receiver: Receiver) -> None:
    by_topic(
        house, receiver.url, "allergy-change", "empty",
        extension=[{"url": BACKPORT + "backport-heartbeat-period", "valueUnsignedInt": 60}],
    )  # fmt: skip
    house.sender.step()
    house.sender.step()
    assert len(receiver.got) == 1
    house.later += timedelta(seconds=61)
    house.sender.step()
    house.sender.step()
    assert [told(one)["type"] for one in receiver.bodies] == ["handshake", "heartbeat"]


def test_past_events_can_be_asked_for_by_their_owner_only(house: House, receiver: Receiver) -> None:
    by_topic(house, receiver.url, "result-available", "id-only")
    house.sender.step()
    for number in range(4):
        house.observe(f"o{number}")
    house.sender.step()
    asked = house.client("GET", "/Subscription/s/$events?eventsSinceNumber=2&eventsUntilNumber=3")
    assert told(asked.json) == {
        "status": "active", "type": "query-event", "events": [("2", "Observation/o1"), ("3", "Observation/o2")],
    }  # fmt: skip
    after = stream.after(house.connection, SYSTEM, "s", 3, base_url=BASE, now=house.clock())
    assert ([number for number, _ in after.told], after.reached) == ([4], 4)
    with pytest.raises(fhir.errors.NotFound):
        stream.after(
            house.connection, Actor(user="x", role="doctor"), "s", 0, base_url=BASE, now=house.clock()
        )


def test_one_is_told_only_what_one_may_see(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation", payload="application/fhir+json")
    office = Actor(user="d", role="records_office", facility="here")
    execute(
        house.connection,
        "update record.subscription set actor = %s::jsonb",
        (json.dumps({"user": office.user, "role": office.role, "facility": office.facility}),),
    )
    house.sender.step()
    for facility in ("here", "there"):
        meta = {"tag": [{"system": "https://yba.vn/fhir/facility", "code": facility}]}
        house.put("Observation", facility, meta=meta, status="final", code={"text": "Mạch"})
    house.sender.step()
    assert [one["id"] for one in receiver.bodies] == ["here"]


def test_each_version_is_held_against_the_criteria_as_it_was(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation?status=final&code=8867-4", payload="application/fhir+json")
    house.sender.step()
    for status in ("preliminary", "final", "amended", "final", "cancelled"):
        house.observe("a", status)
    house.observe("b")
    assert house.client("DELETE", "/Observation/b").status == 204
    house.sender.step()
    assert [(one["id"], one["meta"]["versionId"], one["status"]) for one in receiver.bodies] == [
        ("a", "2", "final"), ("a", "4", "final"), ("b", "1", "final"),
    ]  # fmt: skip
    assert house.client("GET", "/Observation/a").headers["ETag"] == 'W/"5"'
    assert house.client("GET", "/Observation?status=final&_summary=count").json["total"] == 0
    assert house.client("GET", "/Observation?status=cancelled&_summary=count").json["total"] == 1


def test_a_version_of_another_patient_is_not_told(house: House, receiver: Receiver) -> None:
    for name in ("p", "q"):
        house.put("Patient", name)
    subscribe(house, receiver.url, "Observation?patient=p", payload="application/fhir+json")
    house.sender.step()
    for name in ("p", "q"):
        house.put(
            "Observation", "a", status="final", code={"text": "x"}, subject={"reference": f"Patient/{name}"}
        )
    assert house.sender.step() == 0
    assert receiver.got == []


def test_a_change_of_a_failing_subscription_loses_nothing(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation", payload="application/fhir+json")
    house.sender.step()
    receiver.refuse = SHOWN_AFTER
    house.observe("a")
    for _ in range(SHOWN_AFTER):
        house.sender.step()
        house.later += timedelta(minutes=10)
    failing = house.subscription("s")
    assert failing["status"] == "error"
    assert house.put("Subscription", "s", **{**failing, "reason": "Lý do khác"}) == 200
    house.sender.step()
    assert [one["id"] for one in receiver.bodies] == ["a"]
    assert house.subscription("s")["status"] == "active"


def test_an_ended_or_switched_off_subscription_is_quiet(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation")
    house.sender.step()
    resource = house.subscription("s")
    house.put("Subscription", "s", **{**resource, "status": "off"})
    house.observe("a")
    assert house.sender.step() == 0
    end = (house.clock() + timedelta(hours=1)).isoformat(timespec="seconds")
    house.put("Subscription", "s", **{**resource, "status": "requested", "end": end})
    house.sender.step()
    house.later += timedelta(hours=2)
    house.observe("b")
    house.sender.step()
    assert house.subscription("s")["status"] == "off"
    assert receiver.got == []


@pytest.mark.parametrize(
    ("criteria", "channel", "key"),
    [
        ("Observations?code=x", {}, "subscription.criteria"),
        ("Observation?cod=x", {}, "search.unknown-parameter"),
        ("Observation?_count=5", {}, "subscription.criteria"),
        ("https://yba.vn/fhir/SubscriptionTopic/nothing", {}, "subscription.topic"),
        ("Observation", {"type": "email"}, "subscription.channel"),
        ("Observation", {"endpoint": "https://elsewhere.example/hook"}, "subscription.endpoint-not-allowed"),
        ("Observation", {"endpoint": "ftp://x"}, "subscription.endpoint"),
        ("Observation", {"payload": "text/csv"}, "subscription.payload"),
        ("Observation", {"header": ["no colon"]}, "subscription.header"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(
    house: House, receiver: Receiver, criteria: str, channel: dict[str, Any], key: str
) -> None:
    endpoint = channel.pop("endpoint", receiver.url)
    refused = subscribe(house, endpoint, criteria, **channel)
    assert refused.status >= 400
    assert refused.key == key
    assert execute(house.connection, "select count(*) from record.subscription").fetchone() == (0,)


def test_two_senders_at_once_never_tell_twice(house: House, receiver: Receiver) -> None:
    subscribe(house, receiver.url, "Observation", payload="application/fhir+json")
    house.sender.step()
    for number in range(30):
        house.observe(f"o{number:02}")
    senders = [Sender(house.connect, base_url=BASE, endpoints=(receiver.url,)) for _ in range(3)]
    threads = [threading.Thread(target=one.step) for one in senders]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    while house.sender.step():
        pass
    assert [one["id"] for one in receiver.bodies] == [f"o{number:02}" for number in range(30)]


def test_a_name_that_turns_inside_after_it_was_allowed_is_not_called(
    house: House, receiver: Receiver
) -> None:
    """DNS re-binding: the number is checked at each call, and the operator named no network."""
    endpoint = receiver.url.replace("127.0.0.1", "theo-doi.example.vn")
    house.client.application = rest.application(
        lambda: house.connection, house.client.actors.get, base_url=BASE, clock=house.clock,
        journal=cast("Journal", Noted()), subscription_endpoints=(endpoint,),
    )  # fmt: skip
    assert subscribe(house, endpoint, "Observation").status == 201
    house.observe("a")

    def step(*endpoints: str) -> str | None:
        house.later += timedelta(minutes=10)
        Sender(
            house.connect, base_url=BASE, endpoints=endpoints, clock=house.clock,
            resolve=lambda host, port: ["127.0.0.1"],
        ).step()  # fmt: skip
        row = execute(house.connection, "select error::varchar from record.subscription").fetchone()
        assert row is not None
        return row[0]  # type: ignore[no-any-return]  # a text

    error = step(endpoint)
    assert error is not None
    assert "theo-doi.example.vn leads to 127.0.0.1" in error
    assert receiver.got == []
    assert step(endpoint, "127.0.0.0/8") is None  # the operator named it
    assert [command for command, _, _, _ in receiver.got] == ["POST"]


@pytest.mark.parametrize("header", ["Host: elsewhere", "Content-Length: 1", "Transfer-Encoding: chunked"])
def test_headers_that_frame_a_message_are_not_a_subscribers(
    house: House, receiver: Receiver, header: str
) -> None:
    assert subscribe(house, receiver.url, "Observation", header=[header]).key == "subscription.header"
