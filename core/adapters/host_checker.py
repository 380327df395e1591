"""Resolve, connect and shake hands with a host once per sweep, timing each step; what all its routes share.

Behind a proxy the name that is resolved and connected to is the proxy's, and the proxy is asked to connect to the host.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlsplit

from core.adapters.http_sender import CONNECT_TIMEOUT_S, BearerRule
from core.adapters.network import Address, AddressRefused, Network
from core.adapters.tunnel import TunnelRefused, open_tunnel
from core.ports import FailureKind, HostCheck, HttpFailure

_HANDSHAKE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How a host is reached: whom to connect to first, and whom a proxy is asked for there."""

    first: Address
    wanted: Address
    secure: bool
    proxied: bool


class SocketHostChecker:
    """Fulfil the HostChecker port with plain sockets; where no token may go, nothing is connected to either."""

    def __init__(self, network: Network, bearer_rule: BearerRule) -> None:
        self._network = network
        self._bearer_rule = bearer_rule

    async def check(self, origin: str) -> HostCheck:
        """Check one origin; see the port."""
        if objection := self._bearer_rule(origin):
            return HostCheck(failure=HttpFailure(kind=FailureKind.REFUSED, detail=objection, elapsed_ms=0.0))
        way = self._way(origin)
        whose = "the proxy's name" if way.proxied else "the name"
        started = perf_counter()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                addresses = await self._network.resolve(*way.first)
        except AddressRefused as exc:
            refused = HttpFailure(kind=FailureKind.REFUSED, detail=str(exc), elapsed_ms=_ms_since(started))
            return HostCheck(failure=refused)
        except (OSError, UnicodeError) as exc:
            return HostCheck(failure=_failure(FailureKind.DNS, f"{whose} does not resolve", exc, started))
        return await self._connect(addresses, way, _ms_since(started))

    def _way(self, origin: str) -> _Way:
        parts = urlsplit(origin)
        secure = parts.scheme == "https"
        wanted = (parts.hostname or "", parts.port or (443 if secure else 80))
        proxied = secure and self._network.is_proxied(*wanted)
        first = (self._network.proxies.address if proxied else None) or wanted
        return _Way(first=first, wanted=wanted, secure=secure, proxied=proxied)

    async def _connect(self, addresses: list[Address], way: _Way, dns_ms: float) -> HostCheck:
        whose = "the connection to the proxy" if way.proxied else "the connection"
        started = perf_counter()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                writer = await self._opened(addresses, way)
        except OSError as exc:
            text = str(exc) if isinstance(exc, TunnelRefused) else f"{whose} was not accepted"
            failure = _failure(FailureKind.CONNECT, text, exc, started)
            return HostCheck(dns_ms=dns_ms, failure=failure)
        tcp_ms = _ms_since(started)
        try:
            if not way.secure:
                return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms)
            return await self._shake_hands(writer, way.wanted[0], dns_ms, tcp_ms)
        finally:
            writer.transport.abort()

    async def _opened(self, addresses: list[Address], way: _Way) -> asyncio.StreamWriter:
        reader, writer = await _open_first(addresses)
        if not way.proxied:
            return writer
        try:
            await open_tunnel(reader, writer, self._network.proxies, way.wanted, self._network.ssl_context)
        except BaseException:
            writer.transport.abort()
            raise
        return writer

    async def _shake_hands(self, writer: asyncio.StreamWriter, name: str, dns_ms: float, tcp_ms: float) -> HostCheck:
        started = perf_counter()
        try:
            async with asyncio.timeout(_HANDSHAKE_TIMEOUT_S):
                await writer.start_tls(self._network.ssl_context, server_hostname=name)
        except OSError as exc:
            failure = _failure(FailureKind.TLS, "the TLS handshake failed", exc, started)
            return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms, failure=failure)
        return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms, tls_ms=_ms_since(started))


async def _open_first(addresses: list[Address]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the first address that lets us in; raises the last one's error."""
    error: OSError = ConnectionError("no address")
    for host, port in addresses:
        try:
            return await asyncio.open_connection(host, port)
        except OSError as exc:
            error = exc
    raise error


def _failure(kind: FailureKind, text: str, exc: BaseException, started: float) -> HttpFailure:
    if isinstance(exc, TimeoutError):
        kind, text = (kind if kind is FailureKind.DNS else FailureKind.TIMEOUT), f"{text} in time"
    elif isinstance(exc, ssl.SSLCertVerificationError):
        text = f"{text}: {exc.verify_message}"
    elif isinstance(exc, OSError) and exc.strerror and kind is FailureKind.CONNECT:
        text = f"{text}: {exc.strerror.lower()}"
    return HttpFailure(kind=kind, detail=text, elapsed_ms=_ms_since(started))


def _ms_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 1)
