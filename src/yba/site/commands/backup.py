"""Write the whole database into one file, or (--base) a base copy into YBA_ARCHIVE; works while the server runs."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path

from yba.site import database, dumping
from yba.site.environment import Environment, environment
from yba.ui.words import HANOI


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: yba-<time>.backup here")
    parser.add_argument(
        "--base", action="store_true", help="copy the database beside its journal, for: yba restore --at TIME"
    )
    parser.add_argument(
        "--keep", type=int, metavar="N", help="with --base: keep the newest N copies and the journal since"
    )


def run(given: argparse.Namespace) -> int:
    if given.base:
        return _base(environment(), given.keep)
    now = datetime.now(HANOI)
    path = (given.file or Path(f"yba-{now:%Y%m%d-%H%M%S}.backup")).resolve()
    if path.exists():
        print(f"yba: {path} exists already; name another file.")
        return 1
    with database.running(environment()) as conninfo:
        dumping.backup(conninfo, path)
    print(f"{path}: {path.stat().st_size:,} bytes, read back and whole.")
    return 0


def _base(env: Environment, keep: int | None) -> int:
    from yba.site import recovery

    archive = recovery.archive_of(env)
    if keep is not None and keep < 1:
        print("yba: --keep takes a number from 1.")
        return 1
    with database.running(env) as conninfo:
        found = recovery.take(env, conninfo)
    print(
        f"{found.folder}: whole. Every second from {found.finished.astimezone():%Y-%m-%d %H:%M:%S} on can be restored."
    )
    if keep is not None:
        gone = recovery.prune(archive, keep)
        print(f"{gone} older copies removed, with the journal only they needed.")
    return 0
