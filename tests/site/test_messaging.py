"""The operator's file of gateways: the how-to's examples work, secrets are their owner's files, mistakes are said."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from yba.care.messages import port
from yba.gateways.mail.smtp import MailGateway
from yba.gateways.push import PushGateway
from yba.gateways.sms.brandname import HttpGateway
from yba.gateways.sms.smpp import SmppGateway
from yba.gateways.voice import VoiceGateway
from yba.gateways.zalo import ZaloGateway
from yba.site import messaging
from yba.site.accounts.models import Account
from yba.site.secret_files import SecretProblem

HOWTO = Path(__file__).resolve().parents[2] / "docs" / "howto" / "connect-an-sms-gateway.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", HOWTO.read_text("utf-8"), re.DOTALL)
SECRETS = ("smpp-password", "sms-secret", "sms-incoming-secret", "zalo-secret", "mail-password")


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.YBA_DATA = tmp_path / "data"
    for name in SECRETS:
        (tmp_path / name).write_text(f"secret of {name}\n")
    (tmp_path / "zalo-tokens.json").write_text(json.dumps({"refresh_token": "r1"}))
    for path in tmp_path.iterdir():
        if path.is_file():
            path.chmod(0o600)
    return tmp_path


def built(folder: Path, text: str) -> dict[str, port.Gateway]:
    file = folder / "gateways.yaml"
    file.write_text(text)
    return messaging.gateways(file)


def test_every_example_of_the_how_to_makes_its_gateways(folder):
    assert len(EXAMPLES) == 5
    smpp, http, texts, hears, others = (built(folder, one) for one in EXAMPLES)
    assert (getattr(texts["sms"], "number", ""), getattr(hears["sms"], "number", "")) == ("8088", "8088")
    incoming = hears["sms"].incoming
    assert (incoming.secret, incoming.signature) == ("secret of sms-incoming-secret", "X-Signature")
    line = smpp["sms"]
    assert isinstance(line, SmppGateway)
    assert (line.price, line._line.password, line._line.brand) == (350, "secret of smpp-password", "YBA")
    sms = http["sms"]
    assert isinstance(sms, HttpGateway)
    assert (sms.secret, sms.places) == ("secret of sms-secret", ("https://api.provider.vn/send",))
    assert sms.read_report({"SMSID": "1", "SendStatus": "5"}) == ("1", True, "")
    kinds = [type(others[one]) for one in ("zalo", "email", "push", "voice")]
    assert kinds == [ZaloGateway, MailGateway, PushGateway, VoiceGateway]


def test_the_push_key_is_made_once_and_is_its_owners_alone(folder):
    first = messaging.push_key()
    assert messaging.push_key() == first
    assert stat.S_IMODE((folder / "data" / "push-key.pem").stat().st_mode) == 0o600


def test_a_secret_others_can_read_is_refused(folder):
    (folder / "smpp-password").chmod(0o644)
    with pytest.raises(SecretProblem, match="can be read or changed by others"):
        built(folder, EXAMPLES[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fax: {}", "names fax; known are sms, zalo, push, email, voice"),
        ("sms: {by: pigeon}", "by is 'pigeon'; it can be smpp or http"),
        ("sms: {by: smpp, host: a}", "sms: TypeError"),
        ("sms: [", "can't be read"),
    ],
)
def test_a_mistake_is_said_with_its_place(folder, text, said):
    with pytest.raises(messaging.GatewayProblem, match=re.escape(said)):
        built(folder, text)


def test_only_a_demo_shows_texts_on_a_page(settings):
    settings.YBA_MESSAGE_CHANNEL = ""
    messaging._all.cache_clear()
    settings.YBA_DEMO = True
    assert isinstance(messaging.gateway_of("sms"), port.Demo)
    assert messaging.gateway_of("zalo") is None
    settings.YBA_DEMO = False
    assert messaging.gateway_of("sms") is None
    messaging._all.cache_clear()


@pytest.mark.django_db
def test_the_reader_of_a_number_is_the_account_that_proved_it():
    account = Account.objects.create_account("0905123456", role="citizen", language="en")
    assert messaging.reader_of("0905123456") == (account.pk, "en")
    assert messaging.reader_of("0905000000") == (None, "")
    account.is_active = False
    account.save()
    assert messaging.reader_of("0905123456") == (None, "")
