"""Addresses the operator allows the record to read from or send to: nothing else is ever called."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit


def allowed(address: str, beginnings: Sequence[str]) -> bool:
    """Whether an address begins with one of these, up to the end of a host or folder.

    ``https://a.vn`` allows nothing of ``https://a.vn.evil``.
    """
    parts = urlsplit(address)
    if "@" in parts.netloc or "\\" in address or ".." in unquote(unquote(parts.path)).split("/"):
        return False
    return any(
        address == one or address.startswith((one if one.endswith("/") else one + "/", one + "?"))
        for one in beginnings
        if one
    )
