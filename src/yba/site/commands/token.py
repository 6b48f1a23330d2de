"""Print a new bearer token for /fhir; it is shown this once. The role `system` may do everything."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

from yba.site.accounts import roles
from yba.site.opening import database_ready


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", required=True, choices=roles.OF_TOKENS)
    parser.add_argument("--facility", default="", metavar="ID", help="id of the facility's Organization")
    parser.add_argument("--practitioner", default="", metavar="ID", help="id of the doctor's Practitioner")
    parser.add_argument(
        "--department",
        action="append",
        default=[],
        metavar="ID",
        help="id of a department's Organization; may be given again",
    )
    parser.add_argument("--programme", default="", metavar="ID", help="id of the programme's Organization")
    parser.add_argument(
        "--right",
        action="append",
        default=[],
        metavar="LABEL",
        help="a sensitive label it may see beside its role's; may be given again",
    )
    parser.add_argument("--person", default="", metavar="ID", help="id of the citizen's Patient")
    parser.add_argument(
        "--days", type=int, default=0, help="how long it lasts; without this, until it is revoked"
    )
    parser.add_argument("--label", default="", help="what it is for")


def run(given: argparse.Namespace) -> int:
    if given.days < 0:
        print("yba: --days takes a number of days from 1; without it the token lasts until it is revoked.")
        return 2
    if given.role in roles.OF_A_FACILITY and not given.facility:
        print(f"yba: the role {given.role} needs --facility ID (the id of an Organization).")
        return 2
    if given.role == "citizen" and not given.person:
        print("yba: the role citizen needs --person ID (the id of a Patient).")
        return 2
    if given.role == roles.PROGRAMME_OFFICER and not given.programme:
        print(f"yba: the role {given.role} needs --programme ID (the id of an Organization).")
        return 2
    with database_ready():
        from yba.site.accounts.actions import make_token

        text = make_token(
            role=given.role,
            facility=given.facility,
            practitioner=given.practitioner,
            person=given.person,
            departments=given.department,
            programme=given.programme,
            rights=given.right,
            label=given.label,
            life=timedelta(days=given.days) if given.days else None,
            now=datetime.now(UTC),
        )
    print(text)
    return 0
