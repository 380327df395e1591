"""The servers of the tests themselves: what they leave open would fail some other test, much later."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from contextlib import ExitStack

import pytest

from tests.fakes.serving import Handler, serving


async def waits(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def floods(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


@pytest.mark.parametrize("handler", [waits, floods])
def test_no_connection_is_left_open_whatever_its_handler_was_at(handler: Handler) -> None:
    async def ended_after(turns: int) -> None:
        async with serving(handler) as served:
            clients.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            for _ in range(turns):
                await asyncio.sleep(0)

    with ExitStack() as clients, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for turns in range(5):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(ended_after(turns))
            loop.close()
        gc.collect()

    assert [str(warning.message) for warning in caught] == []
