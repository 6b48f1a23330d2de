"""The gateways of this installation: what the operator's file says, built once a process; who holds a number.

The file is named by YBA_GATEWAYS (docs/howto/connect-an-sms-gateway.md). Secrets are not in it: it names files that
only their owner can read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from yba.care import asked
from yba.care.messages import incoming, outbox, port, tasks
from yba.gateways import push
from yba.gateways.mail.smtp import MailGateway
from yba.gateways.sms.brandname import Form, HttpGateway, Incoming
from yba.gateways.sms.smpp import Line, SmppGateway
from yba.gateways.voice import VoiceGateway
from yba.gateways.zalo import ZaloApp, ZaloGateway
from yba.site import secret_files

VAPID: Final = "push-key.pem"
#: Of the operator's file, what `yba.site.video` reads.
ELSEWHERE: Final = ("video", "turn")


_READER: Final = """
select account.id, account.language
  from accounts_phone phone join accounts_account account on account.id = phone.account_id
 where phone.number = %s and account.is_active"""


class GatewayProblem(ValueError):
    """The operator's file can't be used; the sentence says what and where."""


def gateway_of(channel: str) -> port.Gateway | None:
    """The gateway of a channel (`yba.care.messages.port`); in a demo without one, texts are shown on a page."""
    found = _all().get(channel)
    if found is None and channel == "sms" and settings.YBA_DEMO:
        return port.Demo()
    return found


def reader_of(phone: str) -> tuple[int | None, str]:
    """The account that proved a number, and the language it reads."""
    for account, language in asked.values(_READER, [phone]):
        return account, language
    return None, ""


@cache
def _all() -> dict[str, port.Gateway]:
    """Every gateway the file names."""
    path = settings.YBA_MESSAGE_CHANNEL
    return gateways(Path(path)) if path else {}


def gateways(path: Path) -> dict[str, port.Gateway]:
    """The gateways of a file. Raises GatewayProblem."""
    try:
        said = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, yaml.YAMLError) as problem:
        raise GatewayProblem(f"yba: {path} can't be read: {problem}") from None
    said = {name: one for name, one in said.items() if name not in ELSEWHERE}
    unknown = set(said) - set(_MAKERS)
    if unknown:
        raise GatewayProblem(
            f"yba: {path} names {', '.join(sorted(unknown))}; known are {', '.join(_MAKERS)}."
        )
    found = {}
    for channel, one in said.items():
        try:
            found[channel] = _MAKERS[channel](dict(one), path.parent)
        except (KeyError, TypeError, ValueError) as problem:
            raise GatewayProblem(f"yba: {path}, {channel}: {type(problem).__name__} {problem}") from None
    return found


def _secret(given: dict[str, Any], folder: Path, name: str) -> str:
    """The content of a file named by ``<name>_file``, beside the operator's file or at an absolute path."""
    file = given.pop(f"{name}_file", "")
    return secret_files.read(folder / file).decode().strip() if file else ""


def _sms(given: dict[str, Any], folder: Path) -> port.Gateway:
    way = given.pop("by")
    if way == "smpp":
        line = Line(password=_secret(given, folder, "password"), **given)
        return SmppGateway(line, _reported("sms"), _heard)
    if way == "http":
        return _http(given, folder)
    raise ValueError(f"by is {way!r}; it can be smpp or http")


def _http(given: dict[str, Any], folder: Path, *, fold: bool = True) -> HttpGateway:
    secret, price = _secret(given, folder, "secret"), given.pop("price", 0)
    places = tuple(given.pop("places", ()))
    incoming = _incoming(given.pop("incoming", None), folder)
    return HttpGateway(Form(**given), secret, price, (given["url"], *places), fold, incoming)


def _incoming(given: dict[str, Any] | None, folder: Path) -> Incoming | None:
    """How people's texts come in by HTTP; None where the file says nothing of it."""
    if given is None:
        return None
    said = dict(given)
    made = Incoming(secret=_secret(said, folder, "secret"), **said)
    if made.signature and not made.secret:
        raise ValueError("incoming.signature needs incoming.secret_file")
    return made


def _voice(given: dict[str, Any], folder: Path) -> port.Gateway:
    return VoiceGateway(_http(given, folder, fold=False))


def _zalo(given: dict[str, Any], folder: Path) -> port.Gateway:
    tokens = folder / given.pop("tokens_file")
    secret_files.read(tokens)  # its rights are looked at before it is used
    templates: Mapping[str, Any] = given.pop("templates")
    known = {name: str(number) for name, number in templates.items()}
    app = ZaloApp(secret=_secret(given, folder, "secret"), tokens=tokens, templates=known, **given)
    return ZaloGateway(app, timezone.now)


def _push(given: dict[str, Any], folder: Path) -> port.Gateway:
    given["services"] = tuple(given.get("services", push.SERVICES))
    return push.PushGateway(push_key(), url="/tin-nhan/", **given)


def _email(given: dict[str, Any], folder: Path) -> port.Gateway:
    return MailGateway(password=_secret(given, folder, "password"), **given)


_MAKERS: Final = {"sms": _sms, "zalo": _zalo, "push": _push, "email": _email, "voice": _voice}


def push_key() -> bytes:
    """The key this house signs pushes with; made at first use, readable by its owner alone."""
    return secret_files.kept(settings.YBA_DATA, VAPID, push.new_key)


def push_public_key() -> str:
    """What browsers subscribe with; empty where push is not connected."""
    return push.public_key(push_key()) if gateway_of("push") is not None else ""


def allowed_push(endpoint: str) -> bool:
    """Whether a browser's push service is one this house would call."""
    found = gateway_of("push")
    return isinstance(found, push.PushGateway) and bool(push.place_of(endpoint, found.services))


def _reported(channel: str) -> Any:
    def report(number: str, delivered: bool, error: str) -> None:
        """A report, in the thread that reads the line: it has its own connection to the database."""
        close_old_connections()
        try:
            outbox.note_report(
                channel, number, delivered=delivered, error=error, now=timezone.now(), later=tasks.later
            )
        finally:
            close_old_connections()

    return report


def _heard(part: incoming.Part) -> None:
    """A person's text, in the thread that reads the line; kept before the centre is told that it came."""
    close_old_connections()
    try:
        incoming.note_part(part, now=timezone.now(), later=tasks.hear_later)
    finally:
        close_old_connections()
