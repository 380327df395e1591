"""Bound what the databricks-sdk reads, and keep its token out of it.

The SDK takes bodies whole, unpacks them whatever their size, waits for every byte anew and follows redirects. What it
asks while it makes its configuration and fetches OAuth tokens goes over sessions of its own that nobody can reach;
whoever waits for those stops waiting (`beside`).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Response, Timeout
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from core.adapters.beside import beside
from core.catalog.redact import without
from core.model.secret import Secret

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

LARGEST_ANSWER = 4 * 1024 * 1024
# Of an error only its beginning is ever shown.
LARGEST_ERROR = 64 * 1024
TOTAL_S = 30.0
_PIECE = 64 * 1024


class AnswerTooLarge(ValueError):
    """An answer that is larger than any of the calls we make can have."""


class _Asking(threading.local):
    """The sockets over which a thread asks, so that whoever stops waiting for it can end them."""

    sockets: list[socket.socket] | None = None


_ASKING = _Asking()


class _Endable(HTTPConnection):
    """A connection that says over which socket it asks."""

    def request(self, *args: Any, **kwargs: Any) -> None:
        """Send a request; see urllib3."""
        super().request(*args, **kwargs)
        if _ASKING.sockets is not None and self.sock is not None:
            _ASKING.sockets.append(self.sock)


class _EndableTls(_Endable, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Endable


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _EndableTls


class BoundedAdapter(HTTPAdapter):
    """Read every answer here, up to a size and within a time, from the connection to the last byte."""

    def __init__(self, *, total_s: float = TOTAL_S) -> None:
        super().__init__(pool_maxsize=20)
        self._total_s = total_s

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of connections; see requests."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: PreparedRequest, stream: bool = False, *args: Any, **kwargs: Any) -> Response:
        """Send a request; raises requests.Timeout or AnswerTooLarge past the bounds.

        One that is asked for as a stream is cut instead: who reads a file piece by piece has a bound of its own.
        """
        until, sockets = time.monotonic() + self._total_s, list[socket.socket]()

        def whole() -> Response:
            _ASKING.sockets = sockets
            response = HTTPAdapter.send(self, request, True, *args, **kwargs)
            try:
                body = _body_of(response, until, cut=stream or not response.ok)
            except HTTPError as exc:
                # As requests does where it reads the body itself.
                raise ChunkedEncodingError(exc) from exc
            finally:
                response.close()
            return _kept(response, body, _token_of(request.headers))

        # A server that drips its headers is waited for byte by byte, in a loop of the standard library's.
        asked: Future[Response] = beside(whole, name="switchyard-sdk")
        try:
            return asked.result(self._total_s)
        except TimeoutError as exc:
            # Otherwise its thread would go on for as long as the server likes.
            for used in sockets:
                with contextlib.suppress(OSError):
                    used.shutdown(socket.SHUT_RDWR)
            raise Timeout("no whole answer in time") from exc


def bounded(client: WorkspaceClient, *, total_s: float = TOTAL_S) -> WorkspaceClient:
    """Return the client with its answers bounded and redirects refused."""
    # There is no way to hand the SDK a session; a test notices when this one is not its own any more.
    session = client.api_client._api_client._session
    adapter = BoundedAdapter(total_s=total_s)
    for prefix in ("https://", "http://"):
        session.mount(prefix, adapter)
    session.max_redirects = 0
    return client


def _body_of(response: Response, until: float, *, cut: bool) -> bytes:
    body = bytearray()
    largest = LARGEST_ANSWER if response.ok else LARGEST_ERROR
    while piece := response.raw.read1(_PIECE, decode_content=True):
        body += piece
        if len(body) > largest:
            if cut:
                return bytes(body[:largest])
            raise AnswerTooLarge(f"an answer of more than {LARGEST_ANSWER // 1024**2} MB")
        if time.monotonic() > until:
            raise Timeout("no whole answer in time")
    return bytes(body)


def _kept(response: Response, body: bytes, token: Secret | None) -> Response:
    """Return the response as if requests had read this body."""
    if token is not None:
        body = without(body.decode("latin-1"), token).encode("latin-1")
        response.reason = without(response.reason or "", token)
        for name, value in list(response.headers.items()):
            response.headers[name] = without(value, token)
    response._content = body
    response._content_consumed = True
    return response


def _token_of(headers: Mapping[str, str | bytes]) -> Secret | None:
    header = headers.get("Authorization", "")
    token = (header.decode("latin-1") if isinstance(header, bytes) else header).partition(" ")[2]
    return Secret(token) if token else None
