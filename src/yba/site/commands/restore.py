"""Bring a backup back into an empty database; the server must not run."""

from __future__ import annotations

import argparse
from pathlib import Path

from yba.site import database, dumping
from yba.site.environment import environment


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--force", action="store_true", help="empty the database first; what is there is lost"
    )


def run(given: argparse.Namespace) -> int:
    if not given.file.is_file():
        print(f"yba: {given.file} is not there.")
        return 1
    with database.running(environment()) as conninfo:
        dumping.restore(conninfo, given.file.resolve(), force=given.force)
    print(f"Restored from {given.file}.")
    return 0
