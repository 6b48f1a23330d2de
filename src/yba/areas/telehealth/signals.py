"""What browsers tell each other to be connected: kept for minutes, handed to the one it is for, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from yba.areas.telehealth.models import Seat, Signal
from yba.ui.live import changed

#: A session description with all candidates of many networks stays well below.
LARGEST: Final = 32_768
#: A page that collects nothing is gone; what waits for it is not kept without end.
MOST_WAITING: Final = 400
KEPT: Final = timedelta(minutes=5)
KINDS: Final = frozenset({"description", "candidate", "want", "bye"})


def acceptable(body: Any) -> bool:
    """Whether this is a signal of ours: a kind we know, and no larger than it has to be."""
    return (
        isinstance(body, dict)
        and body.get("kind") in KINDS
        and set(body) <= {"kind", "data"}
        and len(json.dumps(body)) <= LARGEST
    )


def send(sender: Seat, to: Seat, *, epoch: str, body: dict[str, Any], at: datetime) -> bool:
    """Put a signal down for the page that sits on a seat now; False when too many wait there already."""
    if Signal.objects.filter(to=to).count() >= MOST_WAITING:
        Signal.objects.filter(to=to, at__lt=at - KEPT).delete()
        if Signal.objects.filter(to=to).count() >= MOST_WAITING:
            return False
    Signal.objects.create(to=to, sender=sender.key, sender_epoch=sender.epoch, epoch=epoch, body=body, at=at)
    changed(f"seat:{to.key}")
    return True


def waiting(seat: Seat, *, after: int) -> Sequence[Signal]:
    """What waits for the page that sits there now, in order; what it has had (up to ``after``) is forgotten."""
    if after:
        Signal.objects.filter(to=seat, id__lte=after).delete()
    return list(Signal.objects.filter(to=seat, epoch=seat.epoch, id__gt=after).order_by("id")[:MOST_WAITING])
