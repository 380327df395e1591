"""Resolve, connect and shake hands with a host once per sweep, timing each step; what all its routes share."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from time import perf_counter
from urllib.parse import urlsplit

from core.adapters.http_sender import CONNECT_TIMEOUT_S
from core.adapters.network import Address, Network
from core.adapters.proxies import Proxy
from core.ports import FailureKind, HostCheck, HttpFailure

_HANDSHAKE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """Where to, and through what."""

    host: str
    port: int
    is_secure: bool
    proxy: Proxy | None


class SocketHostChecker:
    """Fulfil the HostChecker port with plain sockets."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def check(self, origin: str) -> HostCheck:
        """Check one origin; see the port. A proxy's name is the one to resolve then, and it connects us."""
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        proxy = self._network.proxy_of(origin)
        started = perf_counter()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                first = (proxy.host, proxy.port) if proxy else (host, port)
                addresses = await self._network.resolve(*first)
        except (OSError, UnicodeError) as exc:
            whose = "the proxy's name" if proxy else "the name"
            return HostCheck(failure=_failure(FailureKind.DNS, f"{whose} does not resolve", exc, started))
        way = _Way(host=host, port=port, is_secure=parts.scheme == "https", proxy=proxy)
        return await self._connect(addresses, way, _ms_since(started))

    async def _connect(self, addresses: list[Address], way: _Way, dns_ms: float) -> HostCheck:
        started = perf_counter()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                reader, writer = await _open_first(addresses)
        except OSError as exc:
            whose = "the connection to the proxy" if way.proxy else "the connection"
            failure = _failure(FailureKind.CONNECT, f"{whose} was not accepted", exc, started)
            return HostCheck(dns_ms=dns_ms, failure=failure)
        try:
            if way.proxy is not None and (refusal := await self._tunnel(reader, writer, way, way.proxy)):
                failure = HttpFailure(kind=FailureKind.CONNECT, detail=refusal, elapsed_ms=_ms_since(started))
                return HostCheck(dns_ms=dns_ms, failure=failure)
            tcp_ms = _ms_since(started)
            if not way.is_secure:
                return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms)
            return await self._shake_hands(writer, way.host, dns_ms, tcp_ms)
        finally:
            writer.transport.abort()

    async def _tunnel(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: _Way, proxy: Proxy
    ) -> str | None:
        """Ask the proxy for the host; return why it is not let through, None when it is."""
        try:
            async with asyncio.timeout(_HANDSHAKE_TIMEOUT_S):
                if proxy.is_secure:
                    await writer.start_tls(self._network.ssl_context, server_hostname=proxy.host)
                writer.write(proxy.asking_for(way.host, way.port))
                answer = await reader.readuntil(b"\r\n\r\n")
        except TimeoutError:
            return "the proxy did not answer in time"
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return "the proxy did not let it through"
        status = answer.partition(b" ")[2][:3].decode("latin-1")
        return None if status == "200" else f"the proxy did not let it through: HTTP {status}"

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
