"""First help: lead the invented cases through its questions; print emergencies missed and over-triage.

0 when no emergency came out lower (also when the first list is passed over unread) and over-triage is below 35 %.
"""

from __future__ import annotations

import argparse


def arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    check = acts.add_parser("check", help="hold the rules against the cases of vignettes.yaml")
    check.add_argument(
        "--all", action="store_true", help="print every case that came out otherwise than expected"
    )


def run(given: argparse.Namespace) -> int:
    """0 when the rules hold, 1 when not."""
    from yba.areas.firsthelp import checking
    from yba.areas.firsthelp.data import book

    found = checking.report(book(), checking.vignettes())
    about = book().about
    print(f"Data version {about.version}, reviewed {about.reviewed}, next review by {about.review_due}.")
    print(f"{len(found.outcomes)} cases, {len(found.emergencies)} of them emergencies.")
    print(f"Under-triaged emergencies: {len(found.missed)}")
    print(
        f"Over-triage: {found.over_share:.1%} ({len(found.over)} of {len(found.others)} that are no emergency)"
    )
    print(f"Under-triage below emergency: {len(found.under)} of {len(found.others)}")
    understood = sum(one.understood for one in found.outcomes)
    print(f"Words understood: {understood} of {len(found.outcomes)}")
    shown = [*found.missed, *(found.under + found.over if given.all else [])]
    for one in shown:
        case = one.vignette
        print(f"  {case.level} -> {one.level.code} (in haste {one.in_haste.code}), {case.who}: {case.case}")
    for problem in found.problems:
        print(f"yba: {problem}.")
    return 1 if found.problems else 0
