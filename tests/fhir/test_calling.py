"""Where the record may call: checked names, checked numbers, checked redirects, and an end to every call."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.servers import Asked, Reply, Server
from yba.fhir.addresses import allowed, may_reach
from yba.fhir.calling import NotAllowed, called

NAME = "kho.example.vn"


class Site:
    """A server whose answers are those of the path; it keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.server = Server(self._answer)
        self.port, self.url = self.server.port, self.server.url

    def _answer(self, asked: Asked) -> Reply:
        self.asked.append(asked[:3])
        return Reply(*self.answers.get(asked.path, (404, {}, b"")))


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.server.close()


def got(url: str, *places: str, **how: Any) -> tuple[int, bytes]:
    with called(url, places, timeout=5, **how) as answer:
        return answer.status, answer.read()


def leading(*numbers: str) -> Callable[[str, int], list[str]]:
    """A resolver whose answers come one after the other, the last for ever after."""
    left = list(numbers)

    def resolve(host: str, port: int) -> list[str]:
        return [left.pop(0) if len(left) > 1 else left[0]]

    return resolve


@pytest.mark.parametrize(
    ("number", "reached"),
    [
        ("203.119.8.111", True), ("2001:4860:4860::8888", True),
        ("127.0.0.1", False), ("127.9.9.9", False), ("0.0.0.0", False), ("::1", False), ("::", False),
        ("10.0.0.1", False), ("172.16.0.1", False), ("192.168.1.1", False), ("100.64.0.1", False),
        ("169.254.169.254", False), ("fe80::1", False), ("fe80::1%eth0", False), ("fd00:ec2::254", False),
        ("192.0.0.192", False), ("100.100.100.200", False), ("168.63.129.16", False),
        ("224.0.0.1", False), ("ff02::1", False), ("255.255.255.255", False), ("240.0.0.1", False),
        ("::ffff:127.0.0.1", False), ("::ffff:10.0.0.1", False), ("::ffff:203.119.8.111", True),
        ("::127.0.0.1", False), ("64:ff9b::7f00:1", False), ("64:ff9b::a9fe:a9fe", False),
        ("2002:7f00:1::1", False), ("fec0::1", False), ("nothing", False),
    ],
)  # fmt: skip
def test_numbers_inside_are_not_reached_by_a_name(number: str, reached: bool) -> None:
    assert may_reach(NAME, number, [f"https://{NAME}/"]) is reached


@pytest.mark.parametrize(
    ("host", "number", "places", "reached"),
    [
        (NAME, "10.1.2.3", ["10.1.0.0/16"], True),
        (NAME, "10.2.2.3", ["10.1.0.0/16"], False),
        (NAME, "::ffff:10.1.2.3", ["10.1.0.0/16"], True),
        (NAME, "10.1.2.3", ["http://10.1.2.3/"], False),
        (NAME, "fd00::7", ["fd00::/8"], True),
        ("10.1.2.3", "10.1.2.3", ["http://10.1.2.3/"], True),
        ("[::1]", "::1", ["http://[::1]/"], True),
        ("localhost", "127.0.0.1", ["http://localhost/"], True),
        ("localhost", "10.1.2.3", ["http://localhost/"], False),
        ("localhost.example.vn", "127.0.0.1", ["http://localhost.example.vn/"], False),
    ],
)
def test_the_operator_names_what_is_inside(host: str, number: str, places: list[str], reached: bool) -> None:
    assert may_reach(host, number, places) is reached


def test_a_network_in_the_list_is_no_beginning_of_an_address() -> None:
    assert not allowed("http://10.1.0.0/16", ["10.1.0.0/16"])
    assert not allowed("http://[::1", ["http://[::1"])


def test_an_answer_is_given_whatever_its_status(site: Site) -> None:
    site.answers["/a?b=c"] = (200, {}, b"whole")
    assert got(f"{site.url}/a?b=c", site.url) == (200, b"whole")
    assert got(f"{site.url}/none", site.url) == (404, b"")
    assert site.asked[0][2]["Host"] == f"127.0.0.1:{site.port}"


def test_a_redirect_is_followed_to_an_allowed_address_alone(site: Site) -> None:
    site.answers |= {
        "/in/file": (200, {}, b"whole"),
        "/in/moved": (302, {"Location": "file"}, b""),
        "/in/out": (302, {"Location": "/secret"}, b""),
        "/in/home": (307, {"Location": "file:///etc/hostname"}, b""),
        "/in/cloud": (301, {"Location": "http://169.254.169.254/latest/meta-data/"}, b""),
        "/secret": (200, {}, b"secret"),
    }
    place = f"{site.url}/in/"
    assert got(f"{site.url}/in/moved", place, redirects=1) == (200, b"whole")
    for name, led in (
        ("out", f"{site.url}/secret"),
        ("home", "file:///etc/hostname"),
        ("cloud", "http://169"),
    ):
        with pytest.raises(NotAllowed, match=f"no call to {led}"):
            got(f"{site.url}/in/{name}", place, redirects=3)
    assert "/secret" not in [path for _, path, _ in site.asked]


def test_redirects_end(site: Site) -> None:
    site.answers["/round"] = (302, {"Location": "/round"}, b"")
    assert got(f"{site.url}/round", site.url, redirects=3) == (302, b"")
    assert len(site.asked) == 4
    assert got(f"{site.url}/round", site.url) == (302, b"")
    assert len(site.asked) == 5


def test_a_redirect_to_a_name_that_leads_inside_is_not_followed(site: Site) -> None:
    there = f"http://{NAME}:{site.port}"
    site.answers |= {"/moved": (302, {"Location": f"{there}/x"}, b""), "/x": (200, {}, b"secret")}
    with pytest.raises(NotAllowed, match=r"leads to 127\.0\.0\.1, into a network"):
        got(f"{site.url}/moved", site.url, there, redirects=1, resolve=leading("127.0.0.1"))
    assert [path for _, path, _ in site.asked] == ["/moved"]


def test_a_name_that_turns_inside_between_two_calls_is_refused_at_the_second(site: Site) -> None:
    """DNS re-binding: what was checked is what is connected to; each call checks anew."""
    site.answers["/x"] = (200, {}, b"whole")
    there, network = f"http://{NAME}:{site.port}/", "127.0.0.1/32"
    turning = leading("127.0.0.1", "127.0.0.2")
    assert got(f"{there}x", there, network, resolve=turning) == (200, b"whole")
    assert site.asked[0][2]["Host"] == f"{NAME}:{site.port}"
    with pytest.raises(NotAllowed, match=r"leads to 127\.0\.0\.2"):
        got(f"{there}x", there, network, resolve=turning)


def test_a_call_resolves_its_name_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.answers["/x"] = (200, {}, b"whole")
    there = f"http://{NAME}:{site.port}/"
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    found = socket.getaddrinfo

    def system(host: str, *more: Any, **how: Any) -> Any:
        assert host != NAME, "the name was resolved again"
        return found(host, *more, **how)

    monkeypatch.setattr(socket, "getaddrinfo", system)
    assert got(f"{there}x", there, "127.0.0.0/8", resolve=resolve) == (200, b"whole")
    assert asked == [NAME]


def test_among_several_numbers_only_those_outside_are_tried(site: Site) -> None:
    def both(host: str, port: int) -> list[str]:
        return ["10.0.0.1", "127.0.0.1", "127.0.0.2"]

    site.answers["/x"] = (200, {}, b"whole")
    there = f"http://{NAME}:{site.port}/"
    assert got(f"{there}x", there, "127.0.0.1", resolve=both) == (200, b"whole")


def test_no_header_of_a_caller_moves_the_end_of_a_message(site: Site) -> None:
    site.answers["/x"] = (200, {}, b"")
    headers = [
        ("Host", "elsewhere"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
        ("X-Key", "k"),
    ]
    assert got(f"{site.url}/x", site.url, method="POST", body=b"body", headers=headers) == (200, b"")
    ((_, _, sent),) = site.asked
    assert sent == {
        "Host": f"127.0.0.1:{site.port}", "User-Agent": "yba", "Connection": "close", "X-Key": "k",
        "Content-Length": "4",
    }  # fmt: skip


def test_an_answer_that_drips_is_given_up() -> None:
    """Each letter comes within the timeout of a step; the call as a whole is hung up on before the line ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    ended: list[str] = []

    def drip() -> None:
        taken, _ = listening.accept()
        with taken:
            for letter in b"HTTP/1.1 200 OK" + b" " * 1200:
                try:
                    taken.send(bytes([letter]))
                except OSError:
                    ended.append("hung up on")
                    return
                time.sleep(0.05)
        ended.append("whole")

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    with pytest.raises((OSError, http.client.HTTPException)):
        got(url, url, within=0.4)
    dripping.join()
    assert ended == ["hung up on"]
    listening.close()
