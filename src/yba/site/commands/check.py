"""Say what is wrong with this installation, where and how to mend it; --deploy judges it as one that faces the world.

Nothing is changed. The exit code is 1 when there is an error, 0 with warnings alone.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable

from yba.site.checking.finding import Finding
from yba.site.database import DatabaseProblem, running
from yba.site.environment import environment

#: What is right in a demo on somebody's own machine, and wrong before the world.
OF_DEPLOYMENT = (
    "mode.", "hosts.", "origin.", "django.", "demo.", "messages.", "scanner.", "backup.", "staff.", "officer.", "root",
    "database.superuser", "tokens.", "listen.",
)  # fmt: skip


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--deploy", action="store_true", help="judge it as one that faces the world")
    parser.add_argument("--language", choices=("vi", "en"), default=_language(), help="of the sentences")


def run(given: argparse.Namespace) -> int:
    from yba.site import setup

    env = environment()
    setup.django()
    setup.compile_messages()
    from django.utils import translation

    from yba.site import checking
    from yba.site.checking import facts

    try:
        with running(env) as conninfo:
            found = checking.judged(facts.gathered(env, conninfo))
    except DatabaseProblem as problem:
        print(f"yba: {problem}")
        found = checking.judged(facts.gathered(env, None))
    if not given.deploy:
        found = [one for one in found if not one.key.startswith(OF_DEPLOYMENT)]
    with translation.override(given.language):
        for line in lines(found):
            print(line)
    return 1 if any(one.level == "error" for one in found) else 0


def lines(found: Iterable[Finding]) -> list[str]:
    """The findings in the language of this moment, and how many they are."""
    from django.utils.translation import gettext as _
    from django.utils.translation import ngettext

    levels = {"error": _("LỖI"), "warning": _("Cảnh báo")}
    said, errors, warnings = [], 0, 0
    for one in found:
        errors += one.level == "error"
        warnings += one.level == "warning"
        said += [
            f"{levels[one.level]} [{one.key}] {one.where}",
            f"    {one.said(one.what)}",
            f"    → {one.said(one.mend)}",
        ]
    if not said:
        return [_("Không thấy gì sai.")]
    count = ngettext("%(n)s lỗi", "%(n)s lỗi", errors) % {"n": errors}
    more = ngettext("%(n)s cảnh báo", "%(n)s cảnh báo", warnings) % {"n": warnings}
    return [*said, f"{count}, {more}."]


def _language() -> str:
    said = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "en" if said.lower().startswith("en") else "vi"
