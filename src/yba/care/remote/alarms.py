"""The port of who reads alarm out of what somebody writes: a message is answered hours later, an emergency is not.

The site says who does (``YBA_ALARMS``: a function of a text). What is found makes the page tell to call 115 at once
and puts the message first in the team's list; nothing that is not found tells anybody that all is well.
"""

from __future__ import annotations

from django.conf import settings
from django.utils.module_loading import import_string

#: The number of emergency care in Việt Nam.
EMERGENCY: str = "115"


def alarms_in(text: str) -> tuple[str, ...]:
    """What of a text may be an emergency, in the reader's language; empty where nothing was understood."""
    path = getattr(settings, "YBA_ALARMS", "")
    if not path or not text.strip():
        return ()
    found: tuple[str, ...] = import_string(path)(text)
    return found
