"""The archive of the embedded database's journal (its write-ahead log): where it lies, how files go in and come out.

With it and a base copy the database can be brought back to any second. Source: PostgreSQL 18, "Continuous
Archiving and Point-in-Time Recovery".
"""

from __future__ import annotations

import shlex
from pathlib import Path

#: A journal file that is not full is archived after so long: what may be lost with the whole machine.
SECONDS = 60


def journal_folder(archive: Path) -> Path:
    """Where the files of the journal lie, each compressed."""
    return archive / "journal"


def bases_folder(archive: Path) -> Path:
    """Where the base copies lie, a folder each."""
    return archive / "base"


def options(archive: Path) -> dict[str, str]:
    """What a server is told that archives: the next file is let go only when this one lies there whole."""
    place = _quoted(journal_folder(archive)) + "/%f.gz"
    same = f"gzip -dc {place} | cmp -s - %p"
    put = f"gzip -1 -c %p > {place}.part && sync {place}.part && mv {place}.part {place}"
    return {
        "wal_level": "replica",
        "archive_mode": "on",
        "archive_timeout": str(SECONDS),
        "archive_command": f"if [ -f {place} ]; then {same}; else {put}; fi",
    }


def fetching(archive: Path, left: Path | None) -> str:
    """The command that brings a file back: from the archive, else from what the last server had not archived yet."""
    place = _quoted(journal_folder(archive)) + "/%f.gz"
    fetch = f"[ -f {place} ] && gzip -dc {place} > %p"
    return fetch if left is None else f"{{ {fetch}; }} || cp {_quoted(left)}/pg_wal/%f %p"


def _quoted(path: Path) -> str:
    """A path for a shell line in which a percent sign means something."""
    return shlex.quote(str(path)).replace("%", "%%")
