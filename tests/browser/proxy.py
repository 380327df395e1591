"""A proxy as in front of Databricks Apps: another origin, a rewritten Host, the person's forwarded headers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress


@contextmanager
def forwarding_proxy(target_port: int, headers: Mapping[str, str]) -> Iterator[int]:
    """Run the proxy on a thread of its own and return its port."""
    with dropping_proxy(target_port, headers) as (port, _):
        yield port


@contextmanager
def dropping_proxy(target_port: int, headers: Mapping[str, str]) -> Iterator[tuple[int, Callable[[], None]]]:
    """Run the proxy, and return its port and what cuts all its connections, as a network that comes and goes does."""
    loop = asyncio.new_event_loop()
    proxy = _Proxy(target_port, headers)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(proxy.serve, "127.0.0.1", 0), loop)
    server = starting.result(timeout=10)
    try:
        yield (
            int(server.sockets[0].getsockname()[1]),
            lambda: asyncio.run_coroutine_threadsafe(_cut(), loop).result(timeout=10),
        )
    finally:
        asyncio.run_coroutine_threadsafe(_close(server), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    await _cut()


async def _cut() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class _Proxy:
    def __init__(self, target_port: int, headers: Mapping[str, str]) -> None:
        self._port = target_port
        self._headers = headers

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one request on; each connection carries one, unless it becomes a WebSocket."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
            return
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        upstream_writer.write(self._rewritten(head))
        with suppress(asyncio.CancelledError):
            await asyncio.gather(_pipe(reader, upstream_writer), _pipe(upstream_reader, writer))

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
