"""Gateways over HTTP against a server of the test: brand-name texts, Zalo, calls, push with its cipher opened."""

from __future__ import annotations

import base64
import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import http_ece
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.servers import Asked, Reply, Server
from yba.care.messages.port import Failed, Gone, Parcel, Refused
from yba.gateways import push, voice
from yba.gateways.sms.brandname import Form, HttpGateway
from yba.gateways.zalo import ZaloApp, ZaloGateway

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@dataclass
class Provider:
    """What was asked, and what is answered next: (status, body)."""

    address: str = ""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def provider() -> Iterator[Provider]:
    found = Provider()

    def answer(asked: Asked) -> Reply:
        found.asked.append((asked.path, {k.lower(): v for k, v in asked.headers.items()}, asked.body))
        status, said = found.answers.pop(0)
        return Reply(status, body=said.encode() if isinstance(said, str) else json.dumps(said).encode())

    server = Server(answer)
    found.address = server.url
    yield found
    server.close()


def parcel(text: str = "Phòng 204", **more: Any) -> Parcel:
    known: dict[str, Any] = {"id": "ab" * 16, "to": "0905123456", "kind": "booking.confirmed"}
    return Parcel(**(known | more), text=text)


def brand(provider: Provider, **more: Any) -> HttpGateway:
    form = Form(
        url=f"{provider.address}/send", success=r'"CodeResult":\s*"100"', refused=r'"CodeResult":\s*"99"',
        number=r'"SMSID":\s*"(\w+)"', headers={"X-Key": "{secret}"},
        fields={"Phone": "{phone}", "Content": "{text}", "Brandname": "YBA", "RequestId": "{id}"}, **more,
    )  # fmt: skip
    return HttpGateway(form, "s3cret", 350, (form.url,))


class TestBrandName:
    def test_its_fields_and_its_signs_of_success_are_data(self, provider):
        provider.answers = [(200, {"CodeResult": "100", "SMSID": "x77"})]
        sent = brand(provider).send(parcel("Mã {secret} của “Đức”"))
        assert (sent.provider_id, sent.parts, sent.delivered) == ("x77", 1, False)
        path, headers, body = provider.asked[0]
        assert (path, headers["x-key"]) == ("/send", "s3cret")
        assert json.loads(body) == {
            "Phone": "84905123456", "Content": 'Ma {secret} cua "Duc"', "Brandname": "YBA", "RequestId": "ab" * 16,
        }  # fmt: skip

    def test_as_a_form(self, provider):
        provider.answers = [(200, {"CodeResult": "100"})]
        brand(provider, encoding="form").send(parcel("A & B=1"))
        assert parse_qs(provider.asked[0][2].decode())["Content"] == ["A & B=1"]

    def test_what_it_refuses_for_good_is_told_apart_from_not_now(self, provider):
        provider.answers = [(200, {"CodeResult": "99"}), (503, "s3cret is busy")]
        with pytest.raises(Refused):
            brand(provider).send(parcel())
        with pytest.raises(Failed, match=r"^503: \*\*\* is busy$") as busy:
            brand(provider).send(parcel())
        assert not isinstance(busy.value, Refused)

    def test_a_success_by_status_alone_is_none(self, provider):
        provider.answers = [(200, "<html>login</html>")]
        with pytest.raises(Failed):
            brand(provider).send(parcel())

    def test_nobody_there_is_a_failed_try(self):
        form = Form(url="http://127.0.0.1:9/send", fields={}, success="ok")
        with pytest.raises(Failed, match="no answer"):
            HttpGateway(form, "", 0, (form.url,)).send(parcel())

    def test_reports_are_read_by_their_names(self, provider):
        gateway = brand(
            provider,
            report_id="SMSID",
            report_state="SendStatus",
            report_delivered="^5$",
            report_failed="^(4|6)$",
        )
        assert gateway.read_report({"SMSID": "x77", "SendStatus": "5"}) == ("x77", True, "")
        assert gateway.read_report({"SMSID": "x77", "SendStatus": "4"}) == ("x77", False, "4")
        assert gateway.read_report({"SMSID": "x77", "SendStatus": "2"}) is None
        assert gateway.read_report({}) is None


def test_a_call_reads_digits_one_by_one_and_says_it_twice(provider):
    provider.answers = [(200, "ok")]
    form = Form(url=f"{provider.address}/call", fields={"to": "{local}", "say": "{text}"}, success="ok")
    voice.VoiceGateway(HttpGateway(form, "", 900, (form.url,), fold=False)).send(parcel("Mã là 123456."))
    assert json.loads(provider.asked[0][2]) == {
        "to": "0905123456", "say": "Mã là 1, 2, 3, 4, 5, 6. Xin nhắc lại. Mã là 1, 2, 3, 4, 5, 6.",
    }  # fmt: skip


# -- Zalo -------------------------------------------------------------------------------------------------


@pytest.fixture
def zalo(provider: Provider, tmp_path: Path) -> ZaloGateway:
    tokens = tmp_path / "zalo.json"
    kept = {"access_token": "a1", "refresh_token": "r1", "until": (NOW + timedelta(hours=1)).isoformat()}
    tokens.write_text(json.dumps(kept))
    tokens.chmod(0o600)
    app = ZaloApp(
        "app7", "s3cret", tokens, {"booking_confirmed": "T1"}, 200, f"{provider.address}/message/template",
        f"{provider.address}/token",
    )  # fmt: skip
    return ZaloGateway(app, lambda: NOW)


def visit() -> Parcel:
    return parcel(template="booking_confirmed", values={"facility": "BV Hương Giang", "code": "K7M2X"})


class TestZalo:
    def test_it_sends_values_to_an_approved_template_with_its_own_id(self, provider, zalo):
        provider.answers = [(200, {"error": 0, "message": "Success", "data": {"msg_id": "m1"}})]
        assert zalo.send(visit()).provider_id == "m1"
        _path, headers, body = provider.asked[0]
        assert headers["access_token"] == "a1"
        assert json.loads(body) == {
            "phone": "84905123456", "template_id": "T1", "tracking_id": "ab" * 16,
            "template_data": {"facility": "BV Hương Giang", "code": "K7M2X"},
        }  # fmt: skip

    def test_a_token_that_is_over_is_renewed_and_both_new_ones_kept(self, provider, zalo):
        new = {"access_token": "a2", "refresh_token": "r2", "expires_in": "90000"}
        provider.answers = [
            (200, {"error": -124, "message": "invalid"}),
            (200, new),
            (200, {"error": 0, "data": {"msg_id": "m2"}}),
        ]
        assert zalo.send(visit()).provider_id == "m2"
        path, headers, body = provider.asked[1]
        assert (path, headers["secret_key"]) == ("/token", "s3cret")
        assert parse_qs(body.decode()) == {
            "refresh_token": ["r1"], "app_id": ["app7"], "grant_type": ["refresh_token"]
        }  # fmt: skip
        kept = json.loads(zalo.app.tokens.read_text())
        assert (kept["access_token"], kept["refresh_token"]) == ("a2", "r2")
        assert stat.S_IMODE(zalo.app.tokens.stat().st_mode) == 0o600
        assert provider.asked[2][1]["access_token"] == "a2"

    def test_two_workers_spend_one_refresh_token(self, provider, zalo):
        zalo.app.tokens.write_text(json.dumps({"refresh_token": "r1"}))
        provider.answers = [(200, {"access_token": "a2", "refresh_token": "r2", "expires_in": 3600})] + [
            (200, {"error": 0, "data": {"msg_id": f"m{n}"}}) for n in range(4)
        ]
        threads = [threading.Thread(target=zalo.send, args=[visit()]) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(path for path, _h, _b in provider.asked) == ["/message/template"] * 4 + ["/token"]

    def test_who_has_no_zalo_is_reached_another_way(self, provider, zalo):
        provider.answers = [(200, {"error": -118, "message": "Zalo account not existed"})]
        with pytest.raises(Refused, match="-118"):
            zalo.send(visit())
        with pytest.raises(Refused, match="no approved template"):
            zalo.send(parcel())

    def test_an_arrival_is_read_from_its_event(self, zalo):
        event = {"event_name": "user_received_message", "message.msg_id": "m1"}
        assert zalo.read_report(event) == ("m1", True, "")
        assert zalo.read_report({"event_name": "user_feedback", "message.msg_id": "m1"}) is None


# -- push -------------------------------------------------------------------------------------------------


class Browser:
    """A browser's keys, and the words it reads with them."""

    def __init__(self, endpoint: str) -> None:
        self.key, self.secret = ec.generate_private_key(ec.SECP256R1()), b"0123456789abcdef"
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        keys = {"p256dh": _b64(point), "auth": _b64(self.secret)}
        self.subscription = json.dumps({"endpoint": endpoint, "keys": keys})

    def reads(self, body: bytes) -> Any:
        return json.loads(
            http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        )


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class TestPush:
    def gateway(self, provider: Provider) -> push.PushGateway:
        return push.PushGateway(push.new_key(), "mailto:vanhanh@yba.vn", "/tin-nhan/", (provider.address,))

    def test_the_browser_alone_reads_that_there_is_a_message_and_the_house_signs(self, provider):
        browser, gateway = Browser(f"{provider.address}/push/1"), self.gateway(provider)
        provider.answers = [(201, "")]
        gateway.send(
            parcel("Có tin nhắn mới. Mở để xem.", to=browser.subscription, title="Y Bạ", seconds=7200)
        )
        path, headers, body = provider.asked[0]
        assert browser.reads(body) == {
            "title": "Y Bạ", "body": "Có tin nhắn mới. Mở để xem.", "url": "/tin-nhan/", "tag": "ab" * 16,
        }  # fmt: skip
        assert b"tin" not in body
        assert (path, headers["content-encoding"], headers["ttl"]) == ("/push/1", "aes128gcm", "7200")
        assert (headers["topic"], headers["urgency"]) == ("ab" * 16, "normal")
        scheme, _, said = headers["authorization"].partition(" ")
        token = dict(one.strip().split("=", 1) for one in said.split(","))
        assert (scheme, token["k"]) == ("vapid", push.public_key(gateway.private_key))
        raw = base64.urlsafe_b64decode(token["k"] + "=" * (-len(token["k"]) % 4))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        claims = jwt.decode(token["t"], public, algorithms=["ES256"], audience=provider.address)
        assert claims["sub"] == "mailto:vanhanh@yba.vn"

    @pytest.mark.parametrize("status", [404, 410])
    def test_a_browser_that_is_gone_is_told_so(self, provider, status):
        provider.answers = [(status, "")]
        with pytest.raises(Gone):
            self.gateway(provider).send(parcel(to=Browser(f"{provider.address}/push/1").subscription))

    def test_a_busy_service_is_tried_again(self, provider):
        provider.answers = [(429, "slow down")]
        with pytest.raises(Failed) as busy:
            self.gateway(provider).send(parcel(to=Browser(f"{provider.address}/push/1").subscription))
        assert not isinstance(busy.value, Refused)

    def test_no_address_but_a_push_services_is_called(self, provider):
        elsewhere = Browser(f"{provider.address}/push/1").subscription
        with pytest.raises(Gone, match="not one the operator allows"):
            push.PushGateway(push.new_key(), "mailto:a@yba.vn", "/").send(parcel(to=elsewhere))
        assert provider.asked == []

    @pytest.mark.parametrize(
        ("endpoint", "place"),
        [
            ("https://fcm.googleapis.com/fcm/send/x", "https://fcm.googleapis.com"),
            ("https://web.push.apple.com/x", "https://web.push.apple.com"),
            ("https://push.apple.com.evil.vn/x", ""),
            ("https://evilpush.apple.com/x", ""),
            ("http://fcm.googleapis.com/x", ""),
            ("https://fcm.googleapis.com:8443/x", ""),
            ("https://u@fcm.googleapis.com/x", ""),
        ],
    )
    def test_which_services_are_allowed(self, endpoint, place):
        assert push.place_of(endpoint, push.SERVICES) == place
