"""Addresses the operator allows the record to read from or send to: nothing else is ever called.

The operator's list holds beginnings of addresses (``https://a.vn/in/``) and networks (``10.1.0.0/16``). A name that
leads into this machine or its own network is called only where the list names that network, or where the address is
written with the number itself (``http://10.1.0.5/``): who owns a name may turn it towards any number at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote, urlsplit

IpAddress = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Numbers that Python counts as open to the world and that no stranger's name may lead to: protocol assignments
# (RFC 6890; some clouds answer there with credentials), the host of a cloud, local translation (RFC 8215), addresses
# of a site (RFC 3879), IPv4 addresses in the form nobody uses any more (RFC 4291, 2.5.5.1).
_INSIDE = tuple(
    ip_network(one) for one in ("192.0.0.0/24", "168.63.129.16/32", "64:ff9b:1::/48", "fec0::/10", "::/96")
)
_TRANSLATED = ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address in the last four bytes


def allowed(address: str, beginnings: Sequence[str]) -> bool:
    """Whether an address begins with one of these, up to the end of a host or folder.

    ``https://a.vn`` allows nothing of ``https://a.vn.evil``.
    """
    try:
        parts = urlsplit(address)
    except ValueError:  # brackets without an IPv6 address in them
        return False
    if "@" in parts.netloc or "\\" in address or ".." in unquote(unquote(parts.path)).split("/"):
        return False
    return any(
        address == one or address.startswith((one if one.endswith("/") else one + "/", one + "?"))
        for one in beginnings
        if one
    )


def may_reach(host: str, number: str, beginnings: Sequence[str]) -> bool:
    """Whether a host of an allowed address may be called at the number its name led to."""
    try:
        found = _bare(ip_address(number.partition("%")[0]))
    except ValueError:
        return False
    if _is_open(found):
        return True
    try:
        return _bare(ip_address(host.strip("[]"))) == found  # the list names the number itself
    except ValueError:
        pass
    if found.is_loopback and host.rstrip(".").lower() == "localhost":  # RFC 6761: it means nothing else
        return True
    return any(found in network for network in _networks(tuple(beginnings)))


def _is_open(number: IpAddress) -> bool:
    """Whether a number is one of the open network, not of this machine, its own network or its cloud."""
    return number.is_global and not number.is_multicast and not any(number in one for one in _INSIDE)


def _bare(number: IpAddress) -> IpAddress:
    """The IPv4 address an IPv6 address only wraps, else itself."""
    if isinstance(number, IPv4Address):
        return number
    if number in _TRANSLATED:
        return IPv4Address(int(number) & 0xFFFFFFFF)
    return number.ipv4_mapped or number.sixtofour or (number.teredo[1] if number.teredo else number)


@lru_cache(maxsize=16)
def _networks(beginnings: tuple[str, ...]) -> tuple[Network, ...]:
    found = []
    for one in beginnings:
        try:
            found.append(ip_network(one))
        except ValueError:
            continue  # the beginning of an address
    return tuple(found)
