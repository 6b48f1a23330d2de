"""Collecting the sentences people read, and checking that each has its English: `python -m yba.site.translations`.

Vietnamese is the source language; English lives in `locale/en`. `--check` changes nothing and fails when a sentence
in the code is missing from the file, has no English, or its English is only a guess (fuzzy). Needs gettext.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import polib  # type: ignore[import-untyped]  # has no types

PACKAGE = Path(__file__).resolve().parent.parent
SOURCE = PACKAGE / "site" / "locale" / "en" / "LC_MESSAGES" / "django.po"


def main() -> int:
    if shutil.which("xgettext") is None:
        sys.stderr.write("gettext is missing. Debian: apt install gettext      macOS: brew install gettext\n")
        return 1
    before = SOURCE.read_bytes() if SOURCE.exists() else None
    known = _sentences(SOURCE) if before else {}
    _collect()
    if "--check" not in sys.argv[1:]:
        return 0
    wanted = _sentences(SOURCE)
    if before is None:
        SOURCE.unlink()
    else:
        SOURCE.write_bytes(before)
    problems = [f"without English: {key[1]!r}" for key in sorted(wanted) if not known.get(key)]
    sys.stdout.write("".join(f"{line}\n" for line in problems[:50]))
    sys.stdout.write(f"{len(wanted)} sentences, {len(problems)} without English.\n")
    return 1 if problems else 0


def _sentences(path: Path) -> dict[tuple[str, str], bool]:
    """Context and sentence -> whether it has its English."""
    return {
        (entry.msgctxt or "", entry.msgid): entry.translated()
        for entry in polib.pofile(str(path))
        if not entry.obsolete
    }


def _collect() -> None:
    import django
    from django.core.management import call_command

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yba.site.settings")
    django.setup()
    SOURCE.parent.mkdir(parents=True, exist_ok=True)
    here = Path.cwd()
    os.chdir(PACKAGE)
    try:
        call_command(
            "makemessages", locale=["en"], no_obsolete=True, add_location="file", no_wrap=True, verbosity=0
        )
    finally:
        os.chdir(here)


if __name__ == "__main__":
    sys.exit(main())
