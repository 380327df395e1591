"""A corporate proxy on loopback: it connects by CONNECT to where a map says, and remembers who was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.fakes.serving import serving

Address = tuple[str, int]


@dataclass
class ConnectProxy:
    """`places` maps host:port to where it really is; `status` is how it answers."""

    places: Mapping[str, Address]
    status: int = 200
    asked: list[str] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        target = head.split(b" ", 2)[1].decode()
        self.asked.append(target)
        place = self.places.get(target)
        if self.status == 200 and place is not None:
            await self._connected(reader, writer, place)
        else:
            writer.write(f"HTTP/1.1 {self.status if self.status != 200 else 502} No\r\n\r\n".encode())
            await writer.drain()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: Address) -> None:
        far_reader, far_writer = await asyncio.open_connection(*place)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pipe(reader, far_writer), _pipe(far_reader, writer))
        finally:
            far_writer.transport.abort()


@asynccontextmanager
async def connect_proxy(places: Mapping[str, Address], status: int = 200) -> AsyncIterator[ConnectProxy]:
    """Run a proxy until the end of the block."""
    proxy = ConnectProxy(places=places, status=status)
    async with serving(proxy.serve) as served:
        proxy.port = served.port
        yield proxy


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
