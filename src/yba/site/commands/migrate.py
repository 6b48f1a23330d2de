"""Bring the database to the state this version needs."""

from __future__ import annotations

import argparse

from yba.site import database, setup
from yba.site.environment import environment


def arguments(parser: argparse.ArgumentParser) -> None:
    """Takes none."""


def run(given: argparse.Namespace) -> int:
    env = environment()
    with database.running(env):
        setup.django()
        setup.migrate(env, say=print)
    print("The database is up to date.")
    return 0
