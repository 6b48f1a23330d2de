"""A virus scanner in front of what comes in: ClamAV's daemon, where the operator has one (``YBA_SCANNER``).

Its INSTREAM command takes the bytes in parts and answers a line. Where a scanner is named and does not answer, nothing
comes in: an unscanned file is no better than an infected one.
"""

from __future__ import annotations

import logging
import socket
import struct
from typing import Final

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from yba.care.refusal import Refusal, refuse

PART: Final = 64 * 1024
SECONDS: Final = 20.0
MOST_ANSWER: Final = 4096

log = logging.getLogger(__name__)


def refusal(content: bytes) -> Refusal | None:
    """Why the scanner turns a file away; None when it finds nothing, or when this house has none."""
    address = getattr(settings, "YBA_SCANNER", "")
    if not address:
        return None
    try:
        said = asked(address, content)
    except (OSError, ValueError) as problem:
        log.error("uploads: the scanner at %s does not answer: %s", address, problem)
        return refuse("upload.scanner", _("Chưa kiểm tra được tệp. Thử gửi lại sau ít phút."))
    if said.endswith("OK"):
        return None
    log.warning("uploads: a file was turned away: %s", said[:200])
    return refuse("upload.infected", _("Tệp này có mã độc nên không nhận. Kiểm tra máy trước khi gửi lại."))


def asked(address: str, content: bytes) -> str:
    """The scanner's answer, as ``stream: OK`` or ``stream: Eicar-Test-Signature FOUND``. Raises OSError."""
    with _connected(address) as line:
        line.sendall(b"zINSTREAM\0")
        for start in range(0, len(content), PART):
            part = content[start : start + PART]
            line.sendall(struct.pack("!L", len(part)) + part)
        line.sendall(struct.pack("!L", 0))
        answer = b""
        while not answer.endswith(b"\0") and len(answer) < MOST_ANSWER and (more := line.recv(1024)):
            answer += more
    if not answer:
        raise OSError("an empty answer")
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")


def _connected(address: str) -> socket.socket:
    """``/run/clamav/clamd.ctl`` or ``host:3310``."""
    if address.startswith("/"):
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(SECONDS)
        line.connect(address)
        return line
    host, _colon, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), SECONDS)
