"""Load FHIR files: JSON, NDJSON, bundles, each also gzipped, and folders of them.

A file that is refused is reported by name, line and path, and the rest goes on (the exit code is then 1).
Run it again after a stop: files and lines already loaded, known by their content, are skipped.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from yba.site.opening import database_ready, system_record


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file or a folder")


def run(given: argparse.Namespace) -> int:
    with database_ready():
        from django.db import connection
        from tqdm import tqdm

        from yba.fhir.load import files_in
        from yba.site import loading

        paths = files_in(given.paths)
        total = sum(path.stat().st_size for path in paths if path.exists())
        with tqdm(total=total, unit="B", unit_scale=True, desc="Loading", file=sys.stderr) as bar:
            report = loading.load(paths, record=system_record(), progress=bar.update)
        if report.resources:
            with connection.cursor() as cursor:
                cursor.execute("analyze")  # the planner knows nothing of what has just come
    for line in report.refused:
        print(line, file=sys.stderr)
    print(
        f"{report.resources} resources stored from {len(paths)} files; "
        f"{report.skipped} files were loaded before; {len(report.refused)} refused."
    )
    return 1 if report.refused else 0
