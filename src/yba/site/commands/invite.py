"""Invite a member of staff: print the link that lets them choose a name, a password and a second factor, once."""

from __future__ import annotations

import argparse

from yba.site.accounts import roles
from yba.site.opening import database_ready


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", required=True, choices=roles.STAFF)
    parser.add_argument("--name", required=True, help="the name of who is invited")
    parser.add_argument("--phone", required=True, help="their number; the link is sent there, too")
    parser.add_argument("--facility", default="", metavar="ID", help="id of the facility's Organization")
    parser.add_argument("--programme", default="", metavar="ID", help="id of the programme's Organization")
    parser.add_argument("--practitioner", default="", metavar="ID", help="id of the doctor's Practitioner")


def run(given: argparse.Namespace) -> int:
    if given.role in roles.OF_A_FACILITY and not given.facility:
        print(f"yba: the role {given.role} needs --facility ID (the id of an Organization).")
        return 2
    if given.role == roles.PROGRAMME_OFFICER and not given.programme:
        print(f"yba: the role {given.role} needs --programme ID (the id of an Organization).")
        return 2
    from yba.site.accounts.rules import normal_phone

    phone = normal_phone(given.phone)
    if phone is None:
        print(f"yba: {given.phone!r} is no telephone number; for example 0912345678.")
        return 2
    with database_ready():
        from yba.site.accounts import staff

        link = staff.invite(
            name=given.name,
            phone=phone,
            role=given.role,
            facility=given.facility,
            programme=given.programme,
            practitioner=given.practitioner,
        )
    print(link)
    return 0
