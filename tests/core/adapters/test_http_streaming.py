"""A streamed answer is left at its proof, and what is left of the connection serves the next request."""

from __future__ import annotations

import asyncio

import pytest

from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.model.agent import Dialect
from core.model.secret import Secret
from core.ports import FailureKind, HttpAnswer, HttpFailure, HttpRequest
from core.probe.stream import AnswerReader
from tests.core.adapters.test_http_sender import anything_goes, client_context
from tests.fakes.serving import Handler, serving

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
TOKEN = b'data: {"choices": [{"delta": {"content": "OK"}}]}\n\n'
DONE = b'data: {"choices": [{"delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
LAST = b"0\r\n\r\n"
PLAIN = Network(ssl_context=client_context())


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Server:
    """Serve one written answer to every request of a connection, and count the connections."""

    def __init__(self, *pieces: bytes, stays: bool = True) -> None:
        self._pieces = pieces
        self._stays = stays
        self.connections = 0
        self.heads: list[bytes] = []

    def handler(self) -> Handler:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            while True:
                try:
                    self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                    await reader.readexactly(2)
                except asyncio.IncompleteReadError:
                    return
                for piece in self._pieces:
                    writer.write(piece)
                    await writer.drain()
                if not self._stays:
                    writer.transport.abort()
                    return

        return handle


def ask(
    server: Server, times: int = 1, *, total_s: float = 5.0, token_headers: tuple[str, ...] = ()
) -> list[HttpAnswer | HttpFailure]:
    async def whole() -> list[HttpAnswer | HttpFailure]:
        async with serving(server.handler()) as served, open_sender(PLAIN, anything_goes) as sender:
            request = HttpRequest(
                method="POST",
                url=f"http://127.0.0.1:{served.port}/x",
                body=b"{}",
                token=Secret("t0ken"),
                token_headers=token_headers,
                total_s=total_s,
                reader=lambda: AnswerReader(Dialect.OPENAI_CHAT),
            )
            return [await sender.send(request) for _ in range(times)]

    return asyncio.run(whole())


def answered(outcome: HttpAnswer | HttpFailure) -> HttpAnswer:
    assert isinstance(outcome, HttpAnswer)
    return outcome


def test_first_token_is_timed() -> None:
    [outcome] = ask(Server(HEAD + chunk(TOKEN), chunk(DONE) + LAST))
    answer = answered(outcome)
    assert answer.first_token_ms is not None
    assert answer.first_byte_ms <= answer.first_token_ms <= answer.elapsed_ms


def test_a_whole_stream_leaves_its_connection_usable() -> None:
    server = Server(HEAD + chunk(TOKEN), chunk(DONE) + LAST)
    outcomes = ask(server, times=3)
    assert [answered(outcome).stopped for outcome in outcomes] == [False] * 3
    assert server.connections == 1


def test_a_stream_that_goes_on_after_its_end_is_left() -> None:
    [outcome] = ask(Server(HEAD + chunk(TOKEN + DONE)))
    answer = answered(outcome)
    assert (answer.stopped, answer.truncated) == (True, False)
    assert answer.body == TOKEN + DONE


def test_a_long_answer_is_left() -> None:
    [outcome] = ask(Server(HEAD, *[chunk(TOKEN * 50)] * 40))
    answer = answered(outcome)
    assert answer.stopped
    assert len(answer.body) <= 64 * 1024


def test_a_stream_that_breaks_off_is_an_answer() -> None:
    [outcome] = ask(Server(HEAD + chunk(TOKEN), stays=False))
    answer = answered(outcome)
    assert (answer.status, answer.truncated, answer.stopped) == (200, True, False)
    assert answer.body == TOKEN


def test_a_stream_that_breaks_off_before_its_first_byte_is_a_lost_connection() -> None:
    [outcome] = ask(Server(HEAD, stays=False))
    assert isinstance(outcome, HttpFailure)
    assert outcome.kind is FailureKind.LOST


def test_a_stream_that_hangs_is_out_of_time() -> None:
    [outcome] = ask(Server(HEAD + chunk(TOKEN)), total_s=0.2)
    assert isinstance(outcome, HttpFailure)
    assert outcome.kind is FailureKind.TIMEOUT


def test_a_refusal_is_read_whole() -> None:
    refusal = b"HTTP/1.1 400 Bad Request\r\ncontent-length: %d\r\n\r\n%s" % (len(DONE) + 1, DONE + b"x")
    [outcome] = ask(Server(refusal))
    answer = answered(outcome)
    assert (answer.status, answer.body, answer.first_token_ms) == (400, DONE + b"x", None)


@pytest.mark.parametrize("name", ["x-api-key", "x-goog-api-key"])
def test_the_token_goes_into_the_named_headers_too(name: str) -> None:
    server = Server(HEAD + chunk(DONE) + LAST)
    ask(server, token_headers=(name,))
    head = server.heads[0].lower()
    assert name.encode() + b": t0ken\r\n" in head
    assert b"authorization: bearer t0ken\r\n" in head
