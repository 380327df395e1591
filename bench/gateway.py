"""A fake gateway in its own process: it answers every dialect after a delay that the model's number decides.

Run as `python -m bench.gateway fixed|tail`: the port goes to stdout, and then one count of connections per line read.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading

ANSWER_S = 0.3
SLOW_S = 1.0

_CHAT = {
    "choices": [{"message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}
_MESSAGES = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "OK"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
_RESPONSES = {
    "object": "response",
    "status": "completed",
    "output": [{"type": "message", "content": [{"type": "output_text", "text": "OK"}]}],
    "usage": {"input_tokens": 9, "output_tokens": 1},
}
_GEMINI = {
    "candidates": [{"content": {"parts": [{"text": "OK"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 1},
}
_BY_PATH = ((b"/messages", _MESSAGES), (b"/responses", _RESPONSES), (b"generateContent", _GEMINI), (b"", _CHAT))
_NUMBER = re.compile(rb"bench-(\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def delay_of(number: int, *, tail: bool) -> float | None:
    """Return how long a model takes, None for never: of a hundred, 90 answer, 9 are slow and 1 hangs."""
    place = number * 37 % 100
    if not tail or place < 90:
        return ANSWER_S
    return SLOW_S if place < 99 else None


def _http(body: object) -> bytes:
    text = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(text), text)


_ANSWERS = tuple((mark, _http(body)) for mark, body in _BY_PATH)


class Count:
    """How many connections carried at least one request."""

    connections = 0


class Exchange(asyncio.Protocol):
    """One connection, with one request at a time on it."""

    def __init__(self, count: Count, *, tail: bool) -> None:
        self._count = count
        self._tail = tail
        self._used = False
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not found or (length and len(body) < int(length.group(1))):
            return
        number = _NUMBER.search(self._buffer)
        self._buffer = b""
        if not self._used:
            self._used = True
            self._count.connections += 1
        delay = delay_of(int(number.group(1)) if number else 0, tail=self._tail)
        path = head.partition(b"\r\n")[0]
        if delay is not None:
            answer = next(answer for mark, answer in _ANSWERS if mark in path)
            asyncio.get_running_loop().call_later(delay, self._answer, answer)

    def _answer(self, answer: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(answer)


async def serve(*, tail: bool) -> None:
    """Serve until stdin ends."""
    count, loop, ended = Count(), asyncio.get_running_loop(), asyncio.Event()
    server = await loop.create_server(lambda: Exchange(count, tail=tail), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)

    def tell() -> None:
        for _ in sys.stdin:
            print(count.connections, flush=True)
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=tell, daemon=True).start()
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(tail=sys.argv[1] == "tail"))
