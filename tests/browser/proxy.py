"""A proxy as in front of Databricks Apps: another origin, a rewritten Host, the person's forwarded headers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from anyio.from_thread import start_blocking_portal

from tests.fakes.serving import serving


@contextmanager
def forwarding_proxy(target_port: int, headers: Mapping[str, str]) -> Iterator[int]:
    """Run the proxy on a thread of its own and return its port."""
    with dropping_proxy(target_port, headers) as (port, _):
        yield port


@contextmanager
def dropping_proxy(target_port: int, headers: Mapping[str, str]) -> Iterator[tuple[int, Callable[[], None]]]:
    """Run the proxy, and return its port and what cuts all its connections, as a network that comes and goes does."""
    proxy = _Proxy(target_port, headers)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(serving(proxy.serve)) as served:
        yield served.port, lambda: portal.call(served.cut)


class _Proxy:
    def __init__(self, target_port: int, headers: Mapping[str, str]) -> None:
        self._port = target_port
        self._headers = headers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request on; each connection carries one, unless it becomes a WebSocket."""
        head = await reader.readuntil(b"\r\n\r\n")
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            upstream_writer.write(self._rewritten(head))
            await asyncio.gather(_pipe(reader, upstream_writer), _pipe(upstream_reader, writer))
        finally:
            upstream_writer.transport.abort()

    def _rewritten(self, head: bytes) -> bytes:
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        upgrade = any(line.lower().startswith("upgrade:") for line in lines)
        dropped = ("host:",) if upgrade else ("host:", "connection:")
        kept = [line for line in lines if not line.lower().startswith(dropped)]
        kept += [f"Host: 127.0.0.1:{self._port}"] + ([] if upgrade else ["Connection: close"])
        kept += [f"{name}: {value}" for name, value in self._headers.items()]
        return "\r\n".join([first, *kept, "", ""]).encode("latin-1")


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        # The other half has gone; closing below tells this one.
        pass
    finally:
        writer.close()
