"""The exchange: calls placed, what is heard of sets, a line that breaks and comes back."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator

import pytest

from tests.gateways.ami_double import SECRET, Manager, manager
from yba.care.telephone import Heard, NotCalled
from yba.gateways.telephone import ami
from yba.gateways.telephone.ami import Account, Asterisk, heard_of
from yba.site.telephone import TelephoneProblem, account


@pytest.fixture
def exchange() -> Iterator[Manager]:
    with manager() as found:
        yield found


def asterisk(exchange: Manager, heard: queue.SimpleQueue[Heard] | None = None, **more: object) -> Asterisk:
    given = {
        "host": "127.0.0.1",
        "port": exchange.port,
        "user": "yba",
        "secret": SECRET,
        "seconds": 5.0,
    } | more
    return Asterisk(Account(**given), (heard or queue.SimpleQueue()).put)  # type: ignore[arg-type]  # said by the test


def test_a_call_rings_the_set_and_then_dials_the_number(exchange):
    exchange.between = "Event: Newchannel\r\nChannel: PJSIP/101-00000001\r\nUniqueid: 1.1\r\n\r\n"
    asterisk(exchange, prefix="9", caller="Benh vien <0234>").call("101", "0912345678")
    assert [one["Action"] for one in exchange.asked] == ["Login", "Originate", "Logoff"]
    assert exchange.asked[0]["Events"] == "off"
    assert {key: one for key, one in exchange.asked[1].items() if key not in ("Action", "ActionID")} == {
        "Channel": "PJSIP/101", "Context": "from-internal", "Exten": "90912345678", "Priority": "1",
        "Timeout": "30000", "Async": "true", "CallerID": "Benh vien <0234>",
    }  # fmt: skip
    assert len({one["ActionID"] for one in exchange.asked}) == 3


def test_what_the_exchange_refuses_is_said(exchange):
    exchange.refuse = "Extension does not exist."
    with pytest.raises(NotCalled, match=r"Extension does not exist\."):
        asterisk(exchange).call("101", "0912345678")


def test_a_wrong_secret_another_server_and_silence_are_no_calls(exchange):
    with pytest.raises(NotCalled, match="Authentication failed"):
        asterisk(exchange, secret="wrong").call("101", "0912345678")
    exchange.silent = True
    with pytest.raises(NotCalled, match="no answer to Login"):
        asterisk(exchange, seconds=0.3).call("101", "0912345678")
    exchange.banner = b"220 mail.example ESMTP\r\n"
    with pytest.raises(NotCalled, match="no Asterisk manager"):
        asterisk(exchange).call("101", "0912345678")


@pytest.mark.parametrize(
    ("extension", "number"),
    [
        ("101", "0912\r\nAction: Command"),
        ("101\r\nApplication: System", "0912345678"),
        ("101", "0912345678;rm"),
        ("", "0912345678"),
        ("101", ""),
        ("../1", "0912345678"),
    ],
)
def test_no_value_becomes_another_command(exchange, extension, number):
    with pytest.raises(NotCalled):
        asterisk(exchange).call(extension, number)
    assert exchange.asked == []


RINGS = {
    "Event": "Newstate", "Channel": "PJSIP/101-00000012", "ChannelStateDesc": "Ringing", "CallerIDNum": "101",
    "ConnectedLineNum": "0912345678", "Uniqueid": "1700.2", "Linkedid": "1700.1",
}  # fmt: skip


def test_what_is_heard_of_a_set_and_again_after_the_line_broke(exchange, monkeypatch):
    monkeypatch.setattr(ami, "BACK_OFF", (0.05,))
    heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
    found = asterisk(exchange, heard)
    found.stay_awake()
    found.stay_awake()
    assert exchange.logged_in.acquire(timeout=20)
    exchange.happens(**RINGS)
    assert heard.get(timeout=20) == Heard("1700.1", "101", "0912345678", "ringing")
    exchange.drop()
    assert exchange.logged_in.acquire(timeout=20), "it comes back by itself"
    exchange.happens(**RINGS | {"ChannelStateDesc": "Up"})
    exchange.happens(Event="Hangup", Channel="PJSIP/101-00000012", Uniqueid="1700.2", Linkedid="1700.1")
    assert [heard.get(timeout=20).state for _ in range(2)] == ["answered", "ended"]
    assert sum(one["Action"] == "Login" for one in exchange.asked) == 2
    assert exchange.asked[0]["Events"] == "call"
    found.close()


def test_a_silent_line_is_asked_whether_anybody_is_there(exchange):
    heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
    found = asterisk(exchange, heard, quiet=0.1)
    found.stay_awake()
    assert exchange.logged_in.acquire(timeout=20)
    for _ in range(200):
        if any(one["Action"] == "Ping" for one in exchange.asked):
            break
        assert heard.empty()
        time.sleep(0.05)
    assert any(one["Action"] == "Ping" for one in exchange.asked)
    exchange.happens(**RINGS)
    assert heard.get(timeout=20).number == "0912345678"
    found.close()


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (RINGS, Heard("1700.1", "101", "0912345678", "ringing")),
        (RINGS | {"ConnectedLineNum": "<unknown>"}, None),
        (RINGS | {"ConnectedLineNum": ""}, None),
        (RINGS | {"Channel": "Local/s@from-queue-0001;1"}, None),
        (RINGS | {"ChannelStateDesc": "Down"}, None),
        (
            {
                "Event": "DialBegin", "Channel": "PJSIP/trunk-00000011", "CallerIDNum": "+84912345678", "Linkedid": "1",
                "DestChannel": "PJSIP/102-00000013", "DestLinkedid": "1700.1", "DestUniqueid": "1700.3",
            },
            Heard("1700.1", "102", "+84912345678", "ringing"),
        ),
        ({"Event": "Cdr", "Channel": "PJSIP/101-1"}, None),
    ],
)  # fmt: skip
def test_which_events_are_calls_at_a_set(event, expected):
    found = heard_of({key.lower(): value for key, value in event.items()})
    assert found == expected


def test_each_set_is_of_the_facility_that_the_operator_s_file_names_it_for(exchange, tmp_path):
    sets = {"bv": ("101-119", "letan"), "tyt": ("201",)}
    found = asterisk(exchange, sets=sets)
    asked = ("101", "119", "120", "0101", "letan", "201", "x")
    assert [found.facility_of(one) for one in asked] == ["bv", "bv", "", "", "bv", "tyt", ""]
    (tmp_path / "secret").write_text("x" * 20)
    (tmp_path / "secret").chmod(0o600)
    file = tmp_path / "telephone.yaml"
    file.write_text("{host: 10.1.2.4, user: yba, secret_file: secret, sets: {bv: [101-119, 130]}}")
    assert account(file).sets == {"bv": ("101-119", "130")}
    for wrong in (
        "{host: h, user: u, secret_file: secret}",
        "{host: h, user: u, secret_file: secret, sets: {bv: [1-a]}}",
    ):
        file.write_text(wrong)
        with pytest.raises(TelephoneProblem):
            account(file)
