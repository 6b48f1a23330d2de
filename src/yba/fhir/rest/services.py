"""What the application lends to interactions beside the record: fresh connections, and a folder for files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg


@dataclass(frozen=True, slots=True)
class Services:
    """``connect`` gives the calling thread's connection; ``files`` is where jobs leave what can be fetched later.

    Without ``files`` the operations that make files answer that they are not set up. ``import_sources``: beginnings
    of the addresses files may be imported from. ``oauth``: the authorization server's addresses, by the names of
    SMART's extension (``authorize``, ``token``, ``introspect``, ``revoke``, ``manage``). ``operations``: those
    (``Operation``) that areas offer beside the record's own.
    """

    connect: Callable[[], psycopg.Connection[Any]]
    files: Path | None = None
    import_sources: tuple[str, ...] = ()
    oauth: tuple[tuple[str, str], ...] = ()
    operations: tuple[Any, ...] = ()
