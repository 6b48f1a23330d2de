"""The command line `yba`: parses, and hands each word to its module in `commands`."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

WORDS = (
    "serve",
    "migrate",
    "load",
    "token",
    "export",
    "backup",
    "restore",
    "import",
    "demo-reset",
    "messages",
)


def _module(word: str) -> ModuleType:
    return importlib.import_module(
        "yba.site.commands." + {"import": "import_list"}.get(word, word.replace("-", "_"))
    )


def parser() -> argparse.ArgumentParser:
    """Every word with its own help, from the first line of its module."""
    top = argparse.ArgumentParser(prog="yba", description="Y Bạ: one health record per person.")
    words = top.add_subparsers(dest="word", required=True, metavar="WORD")
    for word in WORDS:
        module = _module(word)
        about = (module.__doc__ or "").strip()
        one = words.add_parser(word, help=about.splitlines()[0], description=about)
        module.arguments(one)
        one.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one word; the number is the process's exit code."""
    from yba.site.database import DatabaseProblem
    from yba.site.holding import AlreadyHeld

    given = parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except (DatabaseProblem, AlreadyHeld) as problem:
        print(f"yba: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("yba: stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
