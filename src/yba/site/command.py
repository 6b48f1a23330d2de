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
    "invite",
    "export",
    "backup",
    "restore",
    "import",
    "demo-reset",
    "messages",
    "fhirpath",
    "view",
    "validate",
    "check",
    "audit",
    "first-help",
)


def _module(word: str) -> ModuleType:
    return importlib.import_module(
        "yba.site.commands." + {"import": "import_list"}.get(word, word.replace("-", "_"))
    )


def parser(only: Sequence[str] = WORDS) -> argparse.ArgumentParser:
    """The words with their own help, from the first line of each module; ``only`` these are loaded."""
    top = argparse.ArgumentParser(prog="yba", description="Y Bạ: one health record per person.")
    words = top.add_subparsers(dest="word", required=True, metavar="WORD")
    for word in only:
        module = _module(word)
        about = (module.__doc__ or "").strip()
        one = words.add_parser(word, help=about.splitlines()[0], description=about)
        module.arguments(one)
        one.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one word; the number is the process's exit code. Only this word's module is loaded: some need no database."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    if asked and asked[0] in WORDS:
        prepare = getattr(_module(asked[0]), "prepared", None)
        given = parser(only=asked[:1]).parse_args(prepare(asked) if prepare else asked)
    else:
        given = parser().parse_args(asked)
    try:
        return int(given.run(given))
    except KeyboardInterrupt:
        print("yba: stopped.", file=sys.stderr)
        return 130
    except _told() as problem:
        print(f"yba: {problem}", file=sys.stderr)
        return 1


def _told() -> tuple[type[Exception], ...]:
    """Errors whose message is for the reader; looked up when one is raised, for they load the database's driver."""
    from yba.site.database import DatabaseProblem
    from yba.site.holding import AlreadyHeld

    return DatabaseProblem, AlreadyHeld


if __name__ == "__main__":
    sys.exit(main())
