"""What may follow what in a line, where somebody who comes back stands, and the letters of rooms. Pure.

Who is next is `order`, how long it will take `waiting`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.utils.translation import gettext_lazy as _

from yba.care.line import order
from yba.care.refusal import Refusal, refuse

LETTERS: Final = "ABCDEGHKLMNPSTUVXY"

#: act -> (states it may start from, state it leads to); repeated acts find the ticket already there.
ACTS: Final[Mapping[str, tuple[frozenset[str], str]]] = {
    "call": (frozenset({"waiting", "called", "missed"}), "called"),
    "start": (frozenset({"called", "waiting", "missed"}), "in_room"),
    "finish": (frozenset({"in_room", "called", "waiting"}), "done"),
    "miss": (frozenset({"called"}), "missed"),
    "rejoin": (frozenset({"missed"}), "waiting"),
    "park": (frozenset({"waiting", "called", "missed"}), "parked"),
    "resume": (frozenset({"parked"}), "waiting"),
    "send": (frozenset({"waiting", "called", "in_room", "missed", "parked", "done"}), "waiting"),
    "cancel": (frozenset({"waiting", "called", "missed", "parked"}), "cancelled"),
}
#: Acts that can be taken back; the others have done something elsewhere (a visit begun, money given back).
UNDOABLE: Final = frozenset({"call", "start", "finish", "miss", "rejoin", "park", "resume", "send"})
#: ... and at the doctor these stand in the record too, so there they stay.
IN_THE_RECORD: Final = frozenset({"start", "finish"})


def may(act: str, status: str, *, code: str) -> Refusal | None:
    """Whether an act may follow; ``None`` is yes."""
    allowed, _leads = ACTS[act]
    if status in allowed:
        return None
    return refuse(f"line.{act}", SENTENCES[status], code=code)


SENTENCES: Final = {
    "waiting": _("Số %(code)s còn đang chờ, chưa được mời. Mời số này trước."),
    "called": _("Số %(code)s đang được mời."),
    "in_room": _("Số %(code)s đang khám. Kết thúc lượt khám trước."),
    "done": _("Số %(code)s đã khám xong."),
    "missed": _("Số %(code)s đã lỡ lượt. Đưa trở lại hàng chờ hoặc mời lại."),
    "parked": _("Số %(code)s đang tạm rời hàng. Đưa trở lại hàng chờ trước."),
    "cancelled": _("Số %(code)s đã hủy. Lấy số mới ở quầy tiếp đón."),
}


NOBODY: Final = _("Không còn ai chờ phòng này.")
NO_TICKET: Final = _("Không tìm thấy số này trong hàng chờ hôm nay.")
NO_QUEUE: Final = _("Cơ sở không có hàng chờ này. Chọn hàng chờ khác.")
PASSES: Final = _("Số %(code)s đã nhường đủ %(times)s lần. Mời số đó trước, hoặc ghi cấp cứu cho số này.")
REJOINED: Final = _("Số %(code)s đã lỡ lượt và trở lại %(times)s lần. Lấy số mới ở quầy tiếp đón.")
NOTHING_TO_UNDO: Final = _("Không còn gì để lấy lại với số %(code)s.")
NOT_UNDONE: Final = _("Việc này của số %(code)s đã vào hồ sơ khám, không lấy lại ở hàng chờ được.")


def place_of_return(
    waiting: Sequence[order.Waiting], *, called_at: datetime | None, now: datetime
) -> datetime:
    """Where somebody who missed the call stands again: behind a few when back soon, else at the end.

    ``waiting``: those who wait now, in their order. The answer is a place in the line (``queued_at``).
    """
    known = order.rule()
    soon = called_at is not None and now - called_at <= known.rejoin_within
    before = waiting[: known.rejoin_behind]
    if not soon or len(before) < known.rejoin_behind:
        return now
    return min(max(one.queued_at for one in before) + timedelta(microseconds=1), now)


def letter_of(room: str, rooms: Sequence[str]) -> str:
    """The letter of a room among its facility's rooms in their order; rooms that share a letter share numbers."""
    return LETTERS[rooms.index(room) % len(LETTERS)] if room in rooms else LETTERS[-1]
