"""What the audit weighs and takes: bytes a row, and rows a second written, sealed, verified and told.

``python -m bench.audit``: reads of many accounts over many charts, in batches as the journal writes them.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg

from bench.place import temporary
from yba import fhir
from yba.fhir.access import SYSTEM, Actor
from yba.fhir.access.actor import HERE
from yba.fhir.audit import keys
from yba.fhir.audit.opened import sittings
from yba.fhir.audit.sealing import seal
from yba.fhir.audit.verifying import verify
from yba.fhir.store import migrate
from yba.fhir.store.audit import Act, act_of, write_acts

BATCH = 1_000
TYPES = ("Patient", "Observation", "Encounter", "MedicationRequest")


def acts(count: int, seed: int) -> list[Act]:
    """Reads and pages of staff, one in ten a page of twenty persons."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        user = chance.randrange(2_000)
        actor = Actor(
            user=str(user), role="doctor", name="BS. Nguyễn Trần Minh Khôi", facility=f"benh-vien-{user % 40}",
            practitioner=f"bac-si-{user}", session=f"{user:016x}", address="10.20.30.40", purpose="TREAT",
        )  # fmt: skip
        said: dict[str, Any] = {"type": chance.choice(TYPES), "facility": actor.facility}
        if number % 10:
            person = f"y{chance.randrange(200_000):020d}"
            said |= {"id": f"z{chance.randrange(10**9):020d}", "version": 1, "patient": person}
        else:
            said |= {"patients": [f"y{chance.randrange(200_000):020d}" for _ in range(20)], "answered": 20,
                     "detail": "category=vital-signs&_sort=-date&_count=20"}  # fmt: skip
        made.append(act_of(actor, "read" if number % 10 else "search", datetime.now(UTC), HERE, **said))
    return made


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    """Print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with temporary() as (uri, _folder), psycopg.connect(uri, autocommit=True) as connection:
        migrate(connection)
        report(connection, rows)
    return 0


def report(connection: psycopg.Connection[tuple[object, ...]], rows: int) -> None:
    """Fill the audit and measure."""
    batches = [acts(BATCH, seed) for seed in range(rows // BATCH)]
    written = sum(timed(partial(write_acts, connection, batch)) for batch in batches)
    connection.execute("vacuum (analyze) record.audit")
    signer = keys.Signer(keys.fresh())
    sealed = timed(lambda: seal(connection, signer, datetime.now(UTC)))
    verified = timed(lambda: verify(connection, keys.Believed([signer.public])))
    person = next(one.patient for one in batches[0] if one.patient)
    record = fhir.open(connection, actor=SYSTEM)
    sittings(record, person or "")  # what is loaded at first use is not the question's
    told = timed(lambda: sittings(record, person or ""))
    sizes = connection.execute(
        "select pg_relation_size('record.audit'), pg_indexes_size('record.audit'),"
        " pg_total_relation_size('record.audit_seal')"
    ).fetchone()
    assert sizes is not None
    heap, indexes, seals = (int(str(one)) / rows for one in sizes)
    print(f"{rows:,} rows: {heap:.0f} bytes a row, {indexes:.0f} in indexes, {seals:.0f} in seals")
    print(
        f"written {rows / written:,.0f}/s, sealed {rows / sealed:,.0f}/s, verified {rows / verified:,.0f}/s"
    )
    print(f"who opened one book: {told * 1000:.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
