"""How names become addresses and who is believed to be whom; one value for every connection the product opens."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver, ResolveResult

from core.adapters.proxies import Proxy, named_proxies, proxy_for
from core.errors import ConfigurationError

Address = tuple[str, int]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The resolve map (as `curl --resolve` takes it), the certificates that are believed, and the ways out.

    With a map, names that are not in it do not exist: a simulated workspace never reaches for the real one.
    """

    resolve_map: Mapping[Address, Address] | None = None
    ssl_context: ssl.SSLContext = field(default_factory=trusted_certificates)
    proxies: Mapping[str, str] = field(default_factory=named_proxies, repr=False)

    def proxy_of(self, origin: str) -> Proxy | None:
        """Return the proxy for an origin or a URL; this machine, the simulated workspace and plain http have none."""
        if not self.proxies or self.resolve_map is not None:
            return None
        parts = urlsplit(origin)
        host = parts.hostname or ""
        if parts.scheme != "https" or _is_loopback_name(host):
            return None
        return proxy_for(self.proxies, host, parts.port or 443)

    async def resolve(self, host: str, port: int) -> list[Address]:
        """Return the addresses of a name; raises OSError when it has none."""
        if self.resolve_map is not None and not _is_loopback_name(host):
            mapped = self.resolve_map.get((host.lower(), port))
            if mapped is None:
                raise socket.gaierror(socket.EAI_NONAME, "name is not known in the simulated workspace")
            return [mapped]
        infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys((str(info[4][0]), int(info[4][1])) for info in infos))


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


def connector(network: Network, *, limit: int) -> aiohttp.TCPConnector:
    """Return a pool that keeps connections warm between sweeps; must be called inside the loop that will use it."""
    return aiohttp.TCPConnector(
        resolver=MapResolver(network), ssl=network.ssl_context, limit=limit, ttl_dns_cache=30, keepalive_timeout=330
    )


def _is_loopback_name(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"
