"""Throw the demo's data away and load the demo province anew; the server must not run."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import psycopg

from yba.site import audit_keys, dumping, setup
from yba.site.database import DatabaseProblem, Embedded, check_outside
from yba.site.environment import environment
from yba.site.holding import Hold


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(given: argparse.Namespace) -> int:
    env = environment()
    if not env.demo:
        raise DatabaseProblem("YBA_ENV=production: there is no demo here to reset.")
    where = env.database_url.rsplit("@")[-1] if env.database_url else str(env.data)
    if not given.yes and input(f"Everything in {where} will be lost. Type 'yes' to go on: ").strip() != "yes":
        print("Nothing was changed.")
        return 1
    with Hold(env.data):
        embedded = None if env.database_url else Embedded(env)
        try:
            if embedded is not None:
                embedded.start()
            elif env.database_url:
                check_outside(env.database_url)
            with psycopg.connect(env.conninfo, autocommit=True) as connection:
                dumping.empty(connection)
            audit_keys.heads(env).set_aside(datetime.now(UTC))
            setup.prepare(env, demo=True, say=print)
        finally:
            if embedded is not None:
                embedded.stop()
    print("The demo is as new.")
    return 0
