"""A server of somebody who wants tokens: it answers everything, and keeps every byte that it was sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tests.fakes.serving import serving

Answer = Callable[[str], bytes]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


def redirecting(origin: str) -> Answer:
    """Answer everything by leading to another origin, with method and body kept."""

    def answer(path: str) -> bytes:
        head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {origin}{path}\r\n"
        return f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()

    return answer


@dataclass
class Attacker:
    """What came in: connections, and all that was sent over them."""

    answer: Answer = lambda path: OK
    port: int = 0
    connections: int = 0
    received: list[bytes] = field(default_factory=list)

    def got(self, token: str) -> bool:
        """Say whether this token came in."""
        return any(token.encode() in data for data in self.received)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request and answer it."""
        self.connections += 1
        with suppress(ssl.SSLError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.received.append(head)
            writer.write(self.answer(head.split(b" ", 2)[1].decode("latin-1")))
            await writer.drain()
            self.received.append(await reader.read(65536))
        writer.transport.abort()


@asynccontextmanager
async def attacking(answer: Answer | None = None, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Attacker]:
    """Run an attacker's server until the end of the block."""
    attacker = Attacker() if answer is None else Attacker(answer=answer)
    async with serving(attacker.serve, tls=tls) as served:
        attacker.port = served.port
        yield attacker
