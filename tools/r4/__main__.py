"""`python -m tools.r4` writes src/yba/fhir/r4; `--check` says whether it is fresh."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.r4 import definitions, fetch
from tools.r4.generate import modules

OUTPUT = fetch.ROOT / "src" / "yba" / "fhir" / "r4"
_RUFF = ["ruff", "--isolated", "format", "--quiet", "--line-length", "110", "--target-version", "py311"]


def write(folder: Path) -> None:
    """Write every generated module into the folder, formatted."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in modules(definitions.read(fetch.archive())).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", *_RUFF[1:], "--no-cache", str(folder)], check=True)


def stale(fresh: Path, kept: Path) -> list[str]:
    """What differs, a line a file."""
    wanted, found = _files(fresh), _files(kept)
    lines = [f"missing: {name}" for name in wanted.keys() - found.keys()]
    lines += [f"left over: {name}" for name in found.keys() - wanted.keys()]
    lines += [f"changed: {name}" for name in wanted.keys() & found.keys() if wanted[name] != found[name]]
    return sorted(lines)


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes()
            for kind in ("*.py", "*.json") for path in folder.rglob(kind)}  # fmt: skip


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m tools.r4", description=__doc__)
    arguments.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 when the output is stale"
    )
    asked = arguments.parse_args()
    try:
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / "r4"
            write(fresh)
            differences = stale(fresh, OUTPUT)
            if asked.check:
                print("\n".join(differences) if differences else "tools.r4: src/yba/fhir/r4 is fresh")
                return 1 if differences else 0
            OUTPUT.mkdir(parents=True, exist_ok=True)
            for name in _files(OUTPUT):
                if not (fresh / name).exists():
                    (OUTPUT / name).unlink()
            for name in _files(fresh):
                (OUTPUT / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(fresh / name, OUTPUT / name)
            print(f"tools.r4: {len(_files(fresh))} files written, {len(differences)} changed")
    except fetch.Unfetched as problem:
        print(f"tools.r4: {problem}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
