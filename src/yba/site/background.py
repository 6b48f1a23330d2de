"""The process beside the web that does long work: exports, imports, telling subscribers, sealing the audit."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from yba.fhir.audit.alerts import Rules

TIDY_SECONDS = 600.0


def _tidy(files: Path, stop: threading.Event) -> None:
    """Take away the files of jobs that nobody may fetch any more."""
    from yba.fhir.bulk import export

    while not stop.wait(TIDY_SECONDS):
        with contextlib.suppress(OSError):
            export.sweep(files, datetime.now(UTC))


def _rules(path: Path) -> Rules:
    """The rules of alerts: the facility's own, and those of the house where these can't be read."""
    from yba.fhir.audit import alerts

    try:
        return alerts.rules_of(path)
    except (OSError, alerts.WrongRules):
        logging.getLogger(__name__).exception("background: the rules of the house are used for alerts")
        return alerts.packaged()


def main() -> None:
    """Work until asked to stop; what is under way goes on from its last kept place when the house starts again."""
    if os.environ.get("YBA_CHILD"):
        from yba.site.lifetime import die_with_parent

        die_with_parent()
    from yba.fhir import background, jobs
    from yba.fhir.audit import alerts, sealing
    from yba.fhir.store import reindex, version_labels
    from yba.fhir.subscriptions.delivery import Sender
    from yba.site import audit_keys
    from yba.site.accounts.still import still
    from yba.site.environment import environment

    env = environment()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    def connect() -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            env.conninfo, autocommit=True, application_name="yba-background", connect_timeout=5
        )
        connection.execute("SET TIME ZONE 'UTC'")
        return connection

    files = env.files_folder
    files.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with connect() as connection:
            reindex.due(connection, datetime.now(UTC))  # rows that an older release has indexed
            version_labels.due(connection, datetime.now(UTC))
    except psycopg.Error:
        logging.getLogger(__name__).exception(
            "background: whether anything must be indexed anew is not known"
        )
    may_act = still(connect, demo=env.demo)
    sender = Sender(connect, base_url=env.base_url, endpoints=env.subscription_endpoints, still=may_act)
    telling = threading.Thread(target=sender.work, args=(stop,), name="subscriptions")
    telling.start()
    sealing_audit = threading.Thread(
        target=partial(
            sealing.work,
            connect,
            audit_keys.signer(env),
            stop,
            kept=audit_keys.heads(env),
            watch=partial(alerts.watch, rules=_rules(env.data / "audit-rules.yaml")),
        ),
        name="audit-sealing",
    )
    sealing_audit.start()
    threading.Thread(target=_tidy, args=(files, stop), name="tidy", daemon=True).start()
    jobs.work(connect, background.handlers(files, env.import_sources), stop, may_act)
    telling.join(5)
    sealing_audit.join(5)


if __name__ == "__main__":
    main()
