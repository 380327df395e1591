"""Decide which addresses a host may lead to; a resolver's word is not believed where a token follows it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from enum import StrEnum

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(StrEnum):
    """How near an address may be: this machine only, the private networks too, the public Internet only, or any."""

    LOOPBACK = "loopback"
    PRIVATE = "private"
    PUBLIC = "public"
    ANY = "any"


# Services that hand the machine's own credentials to whoever asks: AWS, Google, Alibaba, Azure, Oracle. The address
# that most of them share, 169.254.169.254, is link-local.
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
# Translated by a NAT64 gateway into the IPv4 address of its last 32 bits (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_BROADCAST = ipaddress.IPv4Address("255.255.255.255")


def objection_to_address(host: str, address: str, reach: Reach) -> str | None:
    """Return why a connection to this host may not go to this address, in one sentence; None when it may."""
    try:
        found = tuple(_meant(ipaddress.ip_address(address.partition("%")[0])))
    except ValueError:
        return f"{host} leads to something that is no address."
    if any(_is_never_meant(ip) for ip in found):
        return f"{host} leads to {address}, an address of metadata services or of nobody, where nothing is sent."
    is_loopback, is_public = any(ip.is_loopback for ip in found), all(ip.is_global for ip in found)
    if reach is Reach.LOOPBACK and not is_loopback:
        return f"{host} leads to {address}, which is not this machine."
    if reach in (Reach.PRIVATE, Reach.PUBLIC) and is_loopback:
        return f"{host} leads to {address}, which is this machine and not that host."
    if reach is Reach.PUBLIC and not is_public:
        return f"{host} leads to {address}, a private address, for which it is not trusted."
    return None


def _meant(ip: Ip) -> Iterator[Ip]:
    """Give the address and those inside it: one family's addresses are written in the other's in several ways."""
    yield ip
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        yield from (found for found in inner if found is not None)


def _is_never_meant(ip: Ip) -> bool:
    return ip in _METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip == _BROADCAST
