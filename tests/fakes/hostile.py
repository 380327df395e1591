"""A server that answers as an attacker would: too much, too slowly, without an end, or nothing that makes sense."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import repeat

Pieces = Callable[[], Iterator[bytes]]

MEGABYTE = 1024 * 1024
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
_CLOSE = b"Connection: close\r\n\r\n"
_BLOCK = b"x" * 64 * 1024
_BOMB = 40 * MEGABYTE


def _body(body: bytes, *headers: bytes, status: bytes = _OK) -> Pieces:
    head = b"".join((status, *(header + b"\r\n" for header in headers), b"Content-Length: %d\r\n" % len(body), _CLOSE))
    return lambda: iter((head, body))


def _json(value: object) -> Pieces:
    return _body(json.dumps(value).encode())


def _after(head: bytes, piece: bytes, times: int | None = None) -> Pieces:
    """Return this head, then a piece so many times, or without an end."""

    def pieces() -> Iterator[bytes]:
        yield head
        yield from repeat(piece) if times is None else repeat(piece, times)

    return pieces


def _drip(head: bytes, byte: bytes) -> Pieces:
    """Return this head, then one byte after the other, without an end."""

    def pieces() -> Iterator[bytes]:
        yield head
        while True:
            time.sleep(0.02)
            yield byte

    return pieces


def _packed(body: bytes, encoding: bytes) -> Pieces:
    return _body(body, b"Content-Encoding: " + encoding)


def _bomb() -> bytes:
    packer, parts = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16), []
    parts = [packer.compress(b" " * MEGABYTE) for _ in range(_BOMB // MEGABYTE)]
    return b"".join((*parts, packer.flush()))


_GZIP = _bomb()
_ZLIB = zlib.compress(b" " * 8 * MEGABYTE, 9)
# Blocks that hold nothing: an answer that never begins.
_HOLLOW = gzip.compress(b"")[:10] + struct.pack("<BHH", 0, 0, 0xFFFF)
_CHUNKED = b"Transfer-Encoding: chunked\r\n" + _CLOSE
_CALL = {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def _choice(**message: object) -> dict[str, object]:
    return {"model": "m", "choices": [{"index": 0, "message": message, "delta": message, "finish_reason": "stop"}]}


ANSWERS: Mapping[str, Pieces] = {
    "a body of 10 MB": _after(_OK + b"Content-Length: %d\r\n" % (10 * MEGABYTE) + _CLOSE, _BLOCK, 160),
    "a body without an end": _after(_OK + _CLOSE, _BLOCK),
    "an error of 10 MB": _after(b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n" % (10 * MEGABYTE), _BLOCK, 160),
    "thousands of headers": _after(_OK, b"".join(b"X-%d: v\r\n" % number for number in range(20_000)), 1),
    "a header line of a megabyte": _after(_OK + b"X-Long: ", _BLOCK, 16),
    "a header line without an end": _after(_OK + b"X-Long: ", _BLOCK),
    "headers without an end": _after(_OK, b"X-Some: value\r\n" * 1000),
    "headers of the largest size": _body(b"{}", *[b"X-%d: " % number + b"v" * 8000 for number in range(100)]),
    "a status line of a megabyte": _after(b"HTTP/1.1 200 ", _BLOCK, 16),
    "a gzip bomb": _packed(_GZIP, b"gzip"),
    "a gzip bomb in an error": _body(_GZIP, b"Content-Encoding: gzip", status=b"HTTP/1.1 404 No\r\n"),
    "a deflate bomb": _packed(_ZLIB, b"deflate"),
    "a bomb in a bomb": _packed(gzip.compress(_GZIP), b"gzip, gzip"),
    "bombs in bombs": _packed(gzip.compress(_ZLIB), b"deflate, gzip, br, zstd, gzip"),
    "a brotli body": _packed(b"\x8b\x03\x80" * 5000, b"br"),
    "a zstd body": _packed(b"\x28\xb5\x2f\xfd" * 5000, b"zstd"),
    "a gzip body of nothing": _after(_OK + b"Content-Encoding: gzip\r\n" + _CLOSE + _HOLLOW, _HOLLOW[10:] * 1000),
    "no gzip at all": _packed(b"{}" * 100, b"gzip"),
    "gzip on the way": _after(_OK + b"Transfer-Encoding: gzip, chunked\r\n" + _CLOSE, b"10000\r\n" + _BLOCK + b"\r\n"),
    "a stream of comments": _after(_STREAM + _CLOSE, b": nothing\n" * 1000),
    "an event without an end": _after(_STREAM + _CLOSE + b"data: ", _BLOCK),
    "data of an event without an end": _after(_STREAM + _CLOSE, b"data: x\n" * 1000),
    "words without an end": _after(_STREAM + _CLOSE, b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n'),
    "carriage returns": _after(_STREAM + _CLOSE, b"\r" * 64 * 1024),
    "a body byte by byte": _drip(_OK + _CLOSE, b" "),
    "a stream byte by byte": _drip(_STREAM + _CLOSE, b":"),
    "headers byte by byte": _drip(_OK + b"X-Slow: ", b"v"),
    "continue without an end": _after(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "hints without an end": _after(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 100),
    "another protocol": _after(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", _BLOCK),
    "no chunks at all": _after(_OK + _CHUNKED, b"zz\r\nnothing\r\n", 2),
    "a chunk larger than everything": _after(_OK + _CHUNKED + b"f" * 40 + b"\r\n", _BLOCK),
    "a chunk of less than nothing": _after(_OK + _CHUNKED, b"-1\r\n", 1),
    "a chunk with an extension without an end": _after(_OK + _CHUNKED + b"1;", _BLOCK),
    "chunks of one byte": _after(_OK + _CHUNKED, b"1\r\nx\r\n" * 10_000),
    "trailers without an end": _after(_OK + _CHUNKED + b"0\r\n", b"X-After: value\r\n" * 1000),
    "a length of less than nothing": _body(b"{}", b"Content-Length: -1"),
    "a length larger than everything": _after(_OK + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", _BLOCK),
    "two lengths": _body(b"{}", b"Content-Length: 5"),
    "bytes that are no text": _body(bytes(range(256)) * 200),
    "NULs": _body(b"\0" * 60_000),
    "half characters": _json({"model": "\ud800", "error": {"message": "\udfff\ud800"}}),
    "lists in lists": _body(b"[" * 60_000),
    "objects in objects": _body(b'{"error":' * 7_000 + b"1" + b"}" * 7_000),
    "objects in objects that end well": _body(b'{"a":' * 900 + b"1" + b"}" * 900),
    "a number of 5000 digits": _body(b'{"usage": {"prompt_tokens": %s}, "error": %s}' % (b"9" * 5000, b"9" * 5000)),
    "a number of 4000 digits": _json({"code": int("9" * 4000), "status": int("9" * 4000), "error": "x"}),
    "no numbers": _body(b'{"usage": {"prompt_tokens": NaN, "completion_tokens": 1e999}, "code": -Infinity}'),
    "a million calls": _json(_choice(role="assistant", content=None, tool_calls=[_CALL] * 20_000)),
    "calls in a stream": _after(
        _STREAM + _CLOSE, b"data: %s\n\n" % json.dumps(_choice(tool_calls=[_CALL] * 300)).encode()
    ),
    "keys twice": _body(b'{"error": 1, "error": {}, "choices": [], "choices": {"a": 1}, "model": 7, "model": []}'),
    "keys of another kind": _json({"choices": {"0": 1}, "model": ["m"], "usage": "many", "error": [[[]]]}),
    "an address that turns text around": _body(
        b"", b"Location: https://\xe2\x80\xae.example", status=b"HTTP/1.1 302 No\r\n"
    ),
    "a pause without an end": _body(b"{}", b"Retry-After: " + b"9" * 300, status=b"HTTP/1.1 429 No\r\n"),
    "nothing": lambda: iter(()),
}


class HostileServer:
    """Answer each request by the name in its first path segment, or all of them with the one that is set."""

    def __init__(self) -> None:
        self.answer = ""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._names = list(ANSWERS)
        self._callers: set[socket.socket] = set()

    @property
    def origin(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def base(self, name: str) -> str:
        """Return the URL below which everything is answered in this way."""
        return f"{self.origin}/{self._names.index(name)}"

    def serve(self) -> None:
        """Take connections until closed."""
        with suppress(OSError):
            while True:
                threading.Thread(target=self._answer, args=(self._socket.accept()[0],), daemon=True).start()

    def close(self) -> None:
        """Take no more connections, and end those that last: whoever still reads would go on beside later tests."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for caller in tuple(self._callers):
            with suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)

    def _answer(self, caller: socket.socket) -> None:
        self._callers.add(caller)
        with caller, suppress(OSError):
            asked = caller.recv(64 * 1024)
            if not asked:
                # Somebody only looks whether anybody is there.
                return
            name = self.answer or self._names[int(asked.split(b" ")[1].split(b"/")[1])]
            for piece in ANSWERS[name]():
                caller.sendall(piece)
            caller.shutdown(socket.SHUT_WR)
            caller.settimeout(1)
            while caller.recv(64 * 1024):
                pass
        self._callers.discard(caller)


@contextmanager
def hostile_server() -> Iterator[HostileServer]:
    """Run the server on a thread of its own."""
    server = HostileServer()
    threading.Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.close()
