"""The site with a clock that begins at a moment of a morning and runs faster: ``BENCH_CLOCK`` says from when, and how.

Only the record's clock is another: sessions and sign-in go by the true one.
"""

from __future__ import annotations

import os
from datetime import datetime

from yba.fhir import record
from yba.fhir.record import handle

_true = handle.now
_BEGUN, _MORNING, _TIMES = os.environ["BENCH_CLOCK"].split("|")


def now() -> datetime:
    """The moment of the morning."""
    begun, morning = datetime.fromisoformat(_BEGUN), datetime.fromisoformat(_MORNING)
    return morning + (_true() - begun) * float(_TIMES)


handle.now = record.now = now  # before any page takes it by name

from yba.site.wsgi import application as application  # noqa: E402  # after the clock is set
