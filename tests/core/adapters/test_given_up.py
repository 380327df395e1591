"""What is open when a loop ends stays open: a sender leaves nothing behind, whatever the other side was at."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.ports import HttpRequest

AUTHORITY = trustme.CA()
NAME = "silent.example.com"


class Silent:
    """A server that takes one request, and never says another word, not even goodbye."""

    def __init__(self, listening: socket.socket, tls: ssl.SSLContext | None) -> None:
        self.port = int(listening.getsockname()[1])
        self.asked, self.may_end = threading.Event(), threading.Event()
        self._listening, self._tls = listening, tls

    def serve(self) -> None:
        """Serve until it may end."""
        taken, _ = self._listening.accept()
        with taken if self._tls is None else self._tls.wrap_socket(taken, server_side=True) as connection:
            assert connection.recv(65536)
            self.asked.set()
            self.may_end.wait()


@contextmanager
def silent(tls: ssl.SSLContext | None) -> Iterator[Silent]:
    """Run the server on a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Silent(listening, tls)
        thread = threading.Thread(target=server.serve)
        thread.start()
        try:
            yield server
        finally:
            server.may_end.set()
            thread.join()


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(NAME).configure_cert(context)
    return context


@pytest.mark.parametrize("secure", [True, False], ids=["over TLS", "plain"])
def test_a_request_that_is_given_up_leaves_no_connection_open(secure: bool) -> None:
    client_tls = ssl.create_default_context()
    AUTHORITY.configure_trust(client_tls)

    async def given_up(server: Silent) -> None:
        network = Network(resolve_map={(NAME, 443): ("127.0.0.1", server.port)}, ssl_context=client_tls)
        url = f"https://{NAME}/" if secure else f"http://127.0.0.1:{server.port}/"
        async with open_sender(network, lambda _: None) as sender:
            sending = asyncio.create_task(sender.send(HttpRequest(method="GET", url=url, total_s=30.0)))
            assert await asyncio.to_thread(server.asked.wait, 10)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with silent(server_tls() if secure else None) as server:
            asyncio.run(given_up(server))
            gc.collect()

    assert [str(warning.message) for warning in caught] == []
