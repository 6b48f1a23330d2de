"""Bring a backup back into an empty database, or (--at) the database as it was at a moment; the server must not run."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from yba.site import database, dumping
from yba.site.environment import environment
from yba.ui.words import HANOI


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE")
    parser.add_argument(
        "--force", action="store_true", help="empty the database first; what is there is lost"
    )
    parser.add_argument(
        "--at",
        type=_moment,
        metavar="TIME",
        help="from YBA_ARCHIVE, as it was at a moment, like 2026-11-22T10:00:00+07:00; what is there is moved aside",
    )


def run(given: argparse.Namespace) -> int:
    if given.at is not None:
        return _at(given)
    if given.file is None:
        print("yba: name the FILE to restore, or a moment with --at.")
        return 1
    if not given.file.is_file():
        print(f"yba: {given.file} is not there.")
        return 1
    env = environment()
    with database.running(env) as conninfo:
        dumping.restore(conninfo, given.file.resolve(), force=given.force)
        if not env.demo:
            dumping.refuse_demo(conninfo)
    print(f"Restored from {given.file}.")
    return 0


def _at(given: argparse.Namespace) -> int:
    if given.file is not None or given.force:
        print("yba: --at restores from YBA_ARCHIVE; it takes no FILE and no --force.")
        return 1
    from yba.site import recovery

    env = environment()
    last = recovery.restore(env, given.at, say=print)
    until = "the base copy" if last is None else f"{last.astimezone(HANOI):%Y-%m-%d %H:%M:%S.%f %z}"
    print(
        f"Restored as of {given.at.astimezone(HANOI):%Y-%m-%d %H:%M:%S %z}; the last commit in it: {until}."
    )
    aside = sorted(env.data.glob(f"{env.database_folder.name}.before-*"))
    if aside:
        print(f"What was there before lies in {aside[-1]}; remove it when all is well.")
    return 0


def _moment(text: str) -> datetime:
    """A moment of ISO 8601; without a zone in Vietnam's."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-11-22T10:00:00+07:00") from None
    return found if found.tzinfo else found.replace(tzinfo=HANOI)
