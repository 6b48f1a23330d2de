"""Base copies of the embedded database, and the way back to any second after one: point-in-time recovery."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import psycopg.conninfo

from yba.site import archiving
from yba.site.database import DatabaseProblem, Embedded, give, programs
from yba.site.environment import Environment
from yba.site.holding import Hold

Say = Callable[[str], None]
_LABEL = "yba.json"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Base:
    """A base copy: from the moment it was finished on, every second can be restored."""

    folder: Path
    finished: datetime


def archive_of(env: Environment) -> Path:
    """The archive. Raises DatabaseProblem where there is none."""
    if env.database_url:
        raise DatabaseProblem(
            "YBA_DATABASE_URL names another server: its own tools keep its journal. "
            "docs/howto/back-up-and-restore.md says what to set up there."
        )
    if env.archive is None:
        raise DatabaseProblem(
            "There is no archive. Name a folder on another disk in YBA_ARCHIVE, start the server with it, "
            "and take a base copy with: yba backup --base"
        )
    return env.archive


def bases(archive: Path) -> list[Base]:
    """The base copies that are whole, oldest first."""
    found = []
    for label in sorted(archiving.bases_folder(archive).glob(f"*/{_LABEL}")):
        if not label.parent.name.endswith(".part"):
            said = json.loads(label.read_text())
            found.append(Base(label.parent, datetime.fromisoformat(said["finished"])))
    return sorted(found, key=lambda one: one.finished)


def take(env: Environment, conninfo: str) -> Base:
    """Copy the running database beside its journal, and check every file of the copy. Writes go on meanwhile."""
    archive = archive_of(env)
    with psycopg.connect(conninfo, autocommit=True) as connection:
        row = connection.execute("select current_setting('archive_mode')").fetchone()
        if row is None or row[0] != "on":
            raise DatabaseProblem(
                "The server that runs does not archive its journal. Start it again with YBA_ARCHIVE set."
            )
    folder = archiving.bases_folder(archive)
    folder.mkdir(parents=True, exist_ok=True)
    began = datetime.now(UTC)
    place = folder / began.strftime(_STAMP)
    draft = place.with_name(place.name + ".part")
    shutil.rmtree(draft, ignore_errors=True)
    parts = psycopg.conninfo.conninfo_to_dict(conninfo)
    _run("pg_basebackup", "--host", str(parts["host"]), "--username", str(parts["user"]), "--pgdata", str(draft),
         "--checkpoint=fast", "--wal-method=stream", "--manifest-checksums=SHA256", "--no-password")  # fmt: skip
    _verify(draft)
    finished = datetime.now(UTC)
    (draft / _LABEL).write_text(json.dumps({"finished": finished.isoformat()}))
    draft.rename(place)
    return Base(place, finished)


def _verify(copy: Path) -> None:
    """Read every file of a copy back against its manifest. Raises DatabaseProblem for one that differs."""
    for file in json.loads((copy / "backup_manifest").read_text())["Files"]:
        with (copy / file["Path"]).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != file["Checksum"]:
                raise DatabaseProblem(
                    f"{copy / file['Path']} was not written as it was read. Is the disk well?"
                )


def prune(archive: Path, keep: int) -> int:
    """Remove all but the newest base copies, and the journal that none of them needs; how many copies went."""
    kept = bases(archive)[-keep:]
    gone = [one for one in bases(archive) if one not in kept]
    for one in gone:
        shutil.rmtree(one.folder)
    first = min((_first_file(one.folder) for one in kept), default=None)
    if first is not None:
        for file in archiving.journal_folder(archive).glob("*.gz"):
            # the timeline is the first eight letters; histories of timelines are small and stay
            if len(file.name) >= 24 and "history" not in file.name and file.name[8:24] < first[8:24]:
                file.unlink()
    return len(gone)


def _first_file(base: Path) -> str:
    """The journal file a base copy begins with."""
    for line in (base / "backup_label").read_text().splitlines():
        if line.startswith("START WAL LOCATION"):
            return line.rpartition("file ")[2].rstrip(")")
    raise DatabaseProblem(f"{base} has no beginning; take a new base copy.")


def restore(env: Environment, at: datetime, *, say: Say) -> datetime | None:
    """Bring the database to what was committed up to a moment; the last commit it holds.

    What is there now is moved aside, never removed. Raises DatabaseProblem, with everything as it was, when the
    moment cannot be reached.
    """
    archive = archive_of(env)
    if at > datetime.now(UTC):
        raise DatabaseProblem(f"{at.isoformat()} is still to come.")
    known = [one for one in bases(archive) if one.finished <= at]
    if not known:
        raise DatabaseProblem(f"No base copy in {archive} was finished by {at.isoformat()}.")
    with Hold(env.data):
        aside = _put_aside(env)
        try:
            say(f"Copying {known[-1].folder.name} ...")
            return _recover(env, known[-1], at, aside, say)
        except BaseException:
            shutil.rmtree(env.database_folder, ignore_errors=True)
            if aside is not None:
                aside.rename(env.database_folder)
            raise


def _put_aside(env: Environment) -> Path | None:
    folder = env.database_folder
    if not folder.exists():
        return None
    from yba.site.database import stop_orphan

    stop_orphan(folder)
    aside = folder.with_name(f"{folder.name}.before-{datetime.now(UTC):{_STAMP}}")
    folder.rename(aside)
    return aside


def _recover(env: Environment, base: Base, at: datetime, aside: Path | None, say: Say) -> datetime | None:
    """Replay the journal over a copy of the base: up to the moment, or to its end when nothing follows."""
    target = {"recovery_target_time": at.astimezone(UTC).isoformat(), "recovery_target_action": "promote"}
    for wanted in (target, {}):
        _copy(env, base)
        fetch = archiving.fetching(archive_of(env), aside)
        # no archiving until it is known that this is what was wanted
        server = Embedded(replace(env, archive=None), options={"restore_command": fetch, **wanted})
        before = server.log.stat().st_size if server.log.exists() else 0
        try:
            server.start(alone=True)
            return _promoted(env, server)
        except DatabaseProblem:
            said = server.log.read_bytes()[before:].decode(errors="replace")
            if not wanted or "ended before configured recovery target" not in said:
                raise
            say(f"The journal holds no commit after {at.isoformat()}: all of it is restored.")
        finally:
            server.stop()
    raise AssertionError


def _copy(env: Environment, base: Base) -> None:
    folder = env.database_folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(base.folder, folder, symlinks=True)
    (folder / _LABEL).unlink()
    (folder / "recovery.signal").touch()
    folder.chmod(0o700)
    give(folder)


def _promoted(env: Environment, server: Embedded) -> datetime | None:
    """Wait for the end of the replay; the time of the last commit in it.

    A server that ends by itself (the journal ends before the moment) closes its connections at any point of this:
    that is the same answer as finding it ended.
    """
    early = DatabaseProblem(f"The replay ended early; see {server.log}.")
    try:
        with psycopg.connect(env.conninfo, autocommit=True) as connection:
            while True:
                row = connection.execute(
                    "select pg_is_in_recovery(), pg_last_xact_replay_timestamp(), pg_sleep(0.1)"
                ).fetchone()
                assert row is not None
                if not row[0]:
                    last: datetime | None = row[1]
                    return last
                if server.process is None or server.process.poll() is not None:
                    raise early
    except psycopg.OperationalError as gone:
        if server.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(30)
        raise early from gone


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own programs
        [str(programs() / program), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C"},
    )
    if done.returncode:
        raise DatabaseProblem(f"{program} failed: {done.stderr.strip()}")
