"""The telephone exchange of this installation: what the operator's file says, built once a process.

The file is named by YBA_TELEPHONE (docs/howto/connect-a-telephone-exchange.md).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from yba.care.telephone import Exchange, Heard
from yba.gateways.telephone.ami import Account, Asterisk
from yba.site import secret_files


class TelephoneProblem(ValueError):
    """The operator's file can't be used; the sentence says what and where."""


@cache
def exchange() -> Exchange | None:
    """The exchange (`yba.care.telephone`); None where no file names one."""
    path = settings.YBA_TELEPHONE
    return Asterisk(account(Path(path)), _heard) if path else None


def account(path: Path) -> Account:
    """Where the exchange answers, from a file. Raises TelephoneProblem."""
    try:
        said = dict(yaml.safe_load(path.read_text("utf-8")) or {})
        secret = secret_files.read(path.parent / said.pop("secret_file")).decode().strip()
        sets = {one: tuple(map(str, given)) for one, given in dict(said.pop("sets")).items()}
        return Account(secret=secret, sets=sets, **said)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as problem:
        raise TelephoneProblem(f"yba: {path}: {type(problem).__name__} {problem}") from None


def _heard(heard: Heard) -> None:
    """Noted in the thread that listens: it has its own connection to the database."""
    from yba.areas.booking.desk import telephone

    close_old_connections()
    try:
        telephone.note(heard, now=timezone.now())
    finally:
        close_old_connections()
