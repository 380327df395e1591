"""A server on loopback that leaves no connection behind, whatever its handler was at when it ended."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Serving:
    """What is served right now."""

    def __init__(self, handler: Handler) -> None:
        self.port = 0
        self._handler = handler
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection; a browser opens some to spare, on which nothing ever comes."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._connections[task] = writer

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._handler(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            # The other side has gone; there is nobody left to tell.
            pass
        finally:
            writer.close()

    async def cut(self) -> None:
        """End all connections as a network that goes away does."""
        connections, self._connections = self._connections, {}
        for task, writer in connections.items():
            task.cancel()
            # Not close(): it waits for what has not been read, and a task cancelled before it began closes nothing.
            writer.transport.abort()
        await asyncio.gather(*connections, return_exceptions=True)
        await _turns()


@asynccontextmanager
async def serving(handler: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Serving]:
    """Serve until the end of the block."""
    served = Serving(handler)
    server = await asyncio.start_server(served.accept, "127.0.0.1", 0, ssl=tls)
    served.port = int(server.sockets[0].getsockname()[1])
    try:
        yield served
    finally:
        # Before close(): asyncio gives up what it has accepted, socket and all, when the server is closed by then.
        for listening in server.sockets:
            asyncio.get_running_loop().remove_reader(listening.fileno())
        await _turns()
        server.close()
        await served.cut()


async def _turns() -> None:
    """Let the loop hand on what it has accepted, and close the sockets of what has ended: few turns, and its last."""
    for _ in range(4):
        await asyncio.sleep(0)
