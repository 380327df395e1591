"""Resolve, connect and shake hands with a host once per sweep, timing each step; what all its routes share."""

from __future__ import annotations

import asyncio
import ssl
from time import perf_counter
from urllib.parse import urlsplit

from core.adapters.http_sender import CONNECT_TIMEOUT_S
from core.adapters.network import Address, Network
from core.ports import FailureKind, HostCheck, HttpFailure

_HANDSHAKE_TIMEOUT_S = 5.0


class SocketHostChecker:
    """Fulfil the HostChecker port with plain sockets."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def check(self, origin: str) -> HostCheck:
        """Check one origin; see the port."""
        parts = urlsplit(origin)
        host = parts.hostname or ""
        secure = parts.scheme == "https"
        started = perf_counter()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                addresses = await self._network.resolve(host, parts.port or (443 if secure else 80))
        except (OSError, UnicodeError) as exc:
            return HostCheck(failure=_failure(FailureKind.DNS, "the name does not resolve", exc, started))
        dns_ms = _ms_since(started)
        return await self._connect(addresses, host if secure else None, dns_ms)

    async def _connect(self, addresses: list[Address], tls_name: str | None, dns_ms: float) -> HostCheck:
        started = perf_counter()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                writer = await _open_first(addresses)
        except OSError as exc:
            failure = _failure(FailureKind.CONNECT, "the connection was not accepted", exc, started)
            return HostCheck(dns_ms=dns_ms, failure=failure)
        tcp_ms = _ms_since(started)
        try:
            if tls_name is None:
                return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms)
            return await self._shake_hands(writer, tls_name, dns_ms, tcp_ms)
        finally:
            writer.transport.abort()

    async def _shake_hands(self, writer: asyncio.StreamWriter, name: str, dns_ms: float, tcp_ms: float) -> HostCheck:
        started = perf_counter()
        try:
            async with asyncio.timeout(_HANDSHAKE_TIMEOUT_S):
                await writer.start_tls(self._network.ssl_context, server_hostname=name)
        except OSError as exc:
            failure = _failure(FailureKind.TLS, "the TLS handshake failed", exc, started)
            return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms, failure=failure)
        return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms, tls_ms=_ms_since(started))


async def _open_first(addresses: list[Address]) -> asyncio.StreamWriter:
    """Connect to the first address that lets us in; raises the last one's error."""
    error: OSError = ConnectionError("no address")
    for host, port in addresses:
        try:
            _, writer = await asyncio.open_connection(host, port)
            return writer
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
