"""Bringing a database to the state this version needs: tables, the demo province, static files."""

from __future__ import annotations

import gc
import hashlib
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

from yba.site.database import DatabaseProblem
from yba.site.environment import Environment

Say = Callable[[str], None]


def django() -> None:
    """Make Django ready in a command; costs half a second, so only where it is needed."""
    import django as framework

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yba.site.settings")
    collecting = gc.isenabled()
    gc.disable()  # as in `yba.site.wsgi`
    try:
        framework.setup()
    finally:
        if collecting:
            gc.enable()


def prepare(env: Environment, *, demo: bool, say: Say) -> None:
    """Migrate, and load the demo province when it is asked for and not there yet."""
    django()
    migrate(env, say=say)
    compile_messages()
    from yba.site import demo as province

    if demo:
        province.load_once(say=say)
    problem = None if env.demo else province.refuse_in_production()
    if problem:
        raise DatabaseProblem(problem)


def migrate(env: Environment, *, say: Say) -> None:
    """Django's tables and the record's, both forward only."""
    import psycopg
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from yba.fhir.store import migrate as record_tables

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Preparing the tables ...")
        call_command("migrate", verbosity=0, interactive=False)
    with psycopg.connect(env.conninfo) as plain:
        for name in record_tables(plain):
            say(f"Record: {name}")
    connection.close()


def compile_messages() -> None:
    """Make the binary translations that are older than their source: `.mo` files are not kept in git."""
    from django.conf import settings

    if importlib.util.find_spec("polib") is None:
        return
    for folder in settings.LOCALE_PATHS:
        for source in Path(folder).glob("*/LC_MESSAGES/*.po"):
            compiled = source.with_suffix(".mo")
            if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
                import polib  # type: ignore[import-untyped]  # has no types

                polib.pofile(str(source)).save_as_mofile(str(compiled))


def collect_static() -> bool:
    """Collect static files, compressed and named by hash, when any has changed; True when they are there."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders

    mark = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            state = Path(storage.path(name)).stat()
            mark.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    stamp = Path(settings.YBA_STATIC) / "stamp"
    if stamp.exists() and stamp.read_text() == mark.hexdigest():
        return True
    _collect(Path(settings.YBA_STATIC))
    stamp.write_text(mark.hexdigest())
    return True


def _collect(folder: Path) -> None:
    from django.contrib.staticfiles.finders import get_finders
    from whitenoise.storage import (  # type: ignore[import-untyped]  # has no types
        CompressedManifestStaticFilesStorage,
    )

    folder.mkdir(parents=True, exist_ok=True)
    storage = CompressedManifestStaticFilesStorage(location=str(folder), base_url="/static/")
    paths = {}
    for finder in get_finders():
        for name, source in finder.list([]):
            if name not in paths:
                storage.delete(name)
                with source.open(name) as file:
                    storage.save(name, file)
                paths[name] = (storage, name)
    for _name, _target, problem in storage.post_process(paths):
        if isinstance(problem, Exception):
            raise problem


def accounts_table() -> str:
    """The demo accounts by role, as lines for the terminal."""
    from django.db import connections

    from yba.site import demo

    try:
        return demo.accounts_table()
    finally:
        connections.close_all()  # the one who watches asks the database nothing more
