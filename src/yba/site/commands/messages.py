"""Show the newest messages of the outbox, such as one-time codes."""

from __future__ import annotations

import argparse

from yba.site.opening import database_ready


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--phone", default="", help="only to this number")
    parser.add_argument("--count", type=int, default=20)


def run(given: argparse.Namespace) -> int:
    with database_ready() as env:
        if not env.demo:
            print("yba: messages are shown only in demo mode.")
            return 1
        from yba.care.messages.models import Message

        rows = Message.objects.order_by("-pk")
        if given.phone:
            rows = rows.filter(to_phone=given.phone)
        for row in rows[: given.count]:
            print(f"{row.created_at:%Y-%m-%d %H:%M:%S}  {row.to_phone}  {row.status:9}  {row.text}")
    return 0
