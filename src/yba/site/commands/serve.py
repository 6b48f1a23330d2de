"""Start everything: database, web, worker, live events; Ctrl-C stops it.

The data lives in YBA_DATA (default ./var), the address is http://127.0.0.1:8000 (YBA_HOST, YBA_PORT).
YBA_DATABASE_URL uses an outside PostgreSQL instead of the embedded one.
"""

from __future__ import annotations

import argparse
import time

from yba.site import setup
from yba.site.database import check_web
from yba.site.environment import environment
from yba.site.holding import Hold
from yba.site.serve import Stopped, Supervisor, port_problem, stop_on_signals


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--empty", action="store_true", help="do not load the demo province")


def run(given: argparse.Namespace) -> int:
    began, env = time.monotonic(), environment()
    address = env.origin or f"http://{env.host}:{env.port}"
    with Hold(env.data, address=address):
        problem = port_problem(env)
        if problem:
            print(f"yba: {problem}")
            return 1
        stop_on_signals()
        supervisor = Supervisor(env, say=_say)
        try:
            supervisor.start_database()
            setup.prepare(env, demo=env.demo and not given.empty, say=_say)
            check_web(env)
            accounts = setup.accounts_table() if env.demo else ""
            supervisor.start_children(collected=setup.collect_static())
            _welcome(address, time.monotonic() - began, accounts)
            supervisor.watch()
        except Stopped:
            _say("Stopping.")
        finally:
            supervisor.stop()
        _say("Stopped.")
    return 0


def _welcome(address: str, seconds: float, accounts: str) -> None:
    _say(f"\nY Bạ is ready in {seconds:.1f} s:  {address}\n")
    if accounts:
        _say(accounts)
        _say(f"\nOne-time codes for phones appear at {address}/demo/messages. Ctrl-C stops.\n")


def _say(text: str) -> None:
    print(text, flush=True)
