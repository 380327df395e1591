"""How names become addresses and who is believed to be whom; one value for every connection the product opens."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from weakref import WeakSet

import aiohttp
import certifi
from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult

from core.adapters.proxies import Proxies
from core.detect.addresses import Reach, objection_to_address
from core.errors import ConfigurationError

Address = tuple[str, int]
LookUp = Callable[[str, int], Awaitable[list[Address]]]
# Says why a connection to a host and port may not go to an address; None when it may.
AddressRule = Callable[[str, int, str], str | None]

# In so many turns of the loop the end of a stream reaches the socket that is closed for it (asyncio, Python 3.11).
_LAST_TURNS = 8
_BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


def trusted_certificates() -> ssl.SSLContext:
    """Return the certificates to believe: the corporate bundle where the environment names one, else certifi's.

    Raises ConfigurationError when that bundle cannot be used.
    """
    named = next((name for name in _BUNDLE_VARIABLES if os.environ.get(name)), None)
    try:
        return ssl.create_default_context(cafile=os.environ[named] if named else certifi.where())
    except OSError as exc:
        raise ConfigurationError(
            f"The CA bundle that {named} names cannot be used.",
            code="ca_bundle_unusable",
            remedy=f"Set {named} to a file of PEM certificates, or unset it.",
        ) from exc


class AddressRefused(OSError):
    """A name leads only to addresses where nothing of ours may go; the text says to which and why."""


def anywhere_meant(host: str, port: int, address: str) -> str | None:
    """Return why nothing is sent to an address, whatever the host: metadata services and what is nobody's."""
    return objection_to_address(host, address, Reach.ANY)


async def looked_up(host: str, port: int) -> list[Address]:
    """Return the addresses that this machine's resolver gives; raises OSError when there are none."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((str(info[4][0]), int(info[4][1])) for info in infos))


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The resolve map (as `curl --resolve` takes it), the proxy, and which certificates and addresses are believed.

    With a map, names that are not in it do not exist: a simulated workspace never reaches for the real one. Behind a
    proxy it is the proxy that resolves names, so their addresses cannot be looked at.
    """

    resolve_map: Mapping[Address, Address] | None = None
    ssl_context: ssl.SSLContext = field(default_factory=trusted_certificates)
    proxies: Proxies = field(default_factory=Proxies)
    address_rule: AddressRule = anywhere_meant
    look_up: LookUp = looked_up

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Return the addresses of a name that may be connected to.

        Raises OSError when it has none, AddressRefused when it may be connected to at none of them.
        """
        if self.resolve_map is not None and not _is_loopback_name(host):
            mapped = self.resolve_map.get((host.lower(), port))
            if mapped is None:
                raise socket.gaierror(socket.EAI_NONAME, "name is not known in the simulated workspace")
            return [mapped]
        rule = anywhere_meant if (host, port) == self.proxies.address else self.address_rule
        found = await self.look_up(host, port)
        objections = {address: rule(host, port, address[0]) for address in found}
        allowed = [address for address in found if objections[address] is None]
        if found and not allowed:
            raise AddressRefused(objections[found[0]])
        return allowed

    def is_proxied(self, host: str, port: int) -> bool:
        """Say whether an https host is asked through the proxy; this machine never is, nor what is simulated."""
        if self.resolve_map is not None or _is_loopback_name(host):
            return False
        return self.proxies.serves(host, port)


class MapResolver(AbstractResolver):
    """Let aiohttp resolve through a Network."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return aiohttp's form of the addresses."""
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=mapped_port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address, mapped_port in await self._network.resolve(host, port)
        ]

    async def close(self) -> None:
        """Hold nothing."""


@asynccontextmanager
async def connection_pool(network: Network, *, limit: int) -> AsyncIterator[aiohttp.BaseConnector]:
    """Keep connections warm between sweeps, and leave none open when the block ends."""
    opened = WeakSet[socket.socket]()

    def made(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, *_ = info
        opened.add(one := socket.socket(family, kind, protocol))
        return one

    try:
        async with aiohttp.TCPConnector(
            resolver=MapResolver(network),
            ssl=network.ssl_context,
            limit=limit,
            ttl_dns_cache=30,
            keepalive_timeout=330,
            socket_factory=made,
        ) as pool:
            yield pool
    finally:
        await _ended(opened)


async def _ended(opened: Iterable[socket.socket]) -> None:
    """End what aiohttp has let go of and TLS still waits with, up to 30 s, for the other side to say goodbye."""
    for one in opened:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
    for _ in range(_LAST_TURNS):
        await asyncio.sleep(0)


def _is_loopback_name(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
