"""Search values as they are written: commas, bars and dollars cut where no backslash stands before them.

FHIR R4, search.html#escaping.
"""

from __future__ import annotations

import re

_ESCAPED = re.compile(r"\\([\\,|$])")


def split(text: str, mark: str) -> list[str]:
    """Cut at marks that are not escaped; the parts keep their escapes."""
    if "\\" not in text:
        return text.split(mark)
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == "\\":
            at += 2
            continue
        if text[at] == mark:
            parts.append(text[start:at])
            start = at + 1
        at += 1
    parts.append(text[start:])
    return parts


def plain(text: str) -> str:
    """The value without its escapes."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


_PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[-+0-9])")


def prefixed(text: str) -> tuple[str, str]:
    """The comparison and the rest: ``ge2026-01`` is ``("ge", "2026-01")``; without one it is ``eq``."""
    found = _PREFIX.match(text)
    return (found.group(1), text[2:]) if found else ("eq", text)
