"""Write the whole database into one file; works while the server runs."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from yba.site import database, dumping
from yba.site.environment import environment


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="default: yba-<time>.backup here")


def run(given: argparse.Namespace) -> int:
    now = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
    path = (given.file or Path(f"yba-{now:%Y%m%d-%H%M%S}.backup")).resolve()
    if path.exists():
        print(f"yba: {path} exists already; name another file.")
        return 1
    with database.running(environment()) as conninfo:
        dumping.backup(conninfo, path)
    print(f"{path}: {path.stat().st_size:,} bytes, read back and whole.")
    return 0
