"""Guard the server that the pages run on: how much a request may bring, and what each answer tells the browser.

Streamlit decides neither for its own paths, and a proxy in front is not there everywhere.
"""

from __future__ import annotations

from importlib.util import find_spec
from weakref import WeakKeyDictionary

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# No page takes a file. What a body may hold is far more than anything asks for.
MOST_BODY_BYTES = 64 * 1024
# A request line and its headers; the same as uvicorn allows on its parser written in Python.
MOST_HEAD_BYTES = 64 * 1024
_BOUNDED = "has_bounded_heads"
_HEADERS = {
    # A foreign site that frames the dashboard on loopback could have the machine's user click its buttons unawares:
    # the browser sends that frame's requests as the dashboard's own, so neither CORS nor XSRF protection is asked.
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    # An address names agents, models and incidents.
    "Referrer-Policy": "no-referrer",
}


class _TooLarge(Exception):
    """A body brought more than it may."""


class WebGuard:
    """ASGI middleware in front of everything, Streamlit's own paths too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on as far as it is small, and give its answer the headers that it has not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def guarded_send(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            _check_length(Headers(scope=scope).get("content-length"))
            await self._app(scope, _bounded(receive), guarded_send)
        except _TooLarge:
            if begun:
                raise
            # Whatever of it is still on its way is not read: the connection ends with the answer.
            refused = PlainTextResponse("The request is too large.", 413, {"Connection": "close"})
            await refused(scope, receive, guarded_send)


def _check_length(told: str | None) -> None:
    if told is not None and (not (told.isascii() and told.isdigit()) or int(told) > MOST_BODY_BYTES):
        raise _TooLarge


def _bounded(receive: Receive) -> Receive:
    """Count a body as it arrives, because its length need not be told, nor told truly."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MOST_BODY_BYTES:
            raise _TooLarge
        return message

    return bounded


def guarding() -> list[Middleware]:
    """Return the guard for the app, and bound what the server's parser keeps."""
    bound_heads()
    return [Middleware(WebGuard)]


def bound_heads() -> None:
    """Bound request line, headers and trailers on every connection of this process; twice does no harm.

    uvicorn bounds them on its parser written in Python, but prefers the one in C, which kept a header of 60 MB and was
    busy for 8 s with an address of 30 MB (measured, uvicorn 0.54). Streamlit makes the server and has no setting for
    either, so the class is changed in place.
    """
    if find_spec("httptools") is None:
        return
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol as Protocol

    if getattr(Protocol, _BOUNDED, False):
        return
    feed, begin, take_body = Protocol.data_received, Protocol.on_message_begin, Protocol.on_body
    kept = WeakKeyDictionary[Protocol, int]()

    def data_received(self: Protocol, data: bytes) -> None:
        kept[self] = kept.get(self, 0) + len(data)
        feed(self, data)
        if kept.get(self, 0) > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_message_begin(self: Protocol) -> None:
        kept[self] = 0
        begin(self)

    def on_body(self: Protocol, body: bytes) -> None:
        kept[self] = max(0, kept.get(self, 0) - len(body))
        take_body(self, body)

    for method in (data_received, on_message_begin, on_body):
        setattr(Protocol, method.__name__, method)
    setattr(Protocol, _BOUNDED, True)
