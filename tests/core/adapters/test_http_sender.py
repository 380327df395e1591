"""On real sockets, because the transport hides the kind of a failure behind one exception and mocks would hide that."""

from __future__ import annotations

import asyncio
import base64
import ssl
import struct
import traceback
from collections.abc import Callable
from socket import SO_LINGER, SOL_SOCKET, socket

import httpx
import pytest
import trustme

from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import HttpxSender, open_sender
from core.adapters.network import Network
from core.model.secret import Secret
from core.ports import FailureKind, HostCheck, HttpAnswer, HttpFailure, HttpRequest
from tests.fakes.serving import Handler, serving

AUTHORITY = trustme.CA()


def anything_goes(_url: str) -> str | None:
    return None


def client_context(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def server_context(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


def answering(raw: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    return handler


async def never(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await reader.read()


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    connection: socket = writer.get_extra_info("socket")
    connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def send(
    handler: Handler, request_of: Callable[[int], HttpRequest], *, tls: ssl.SSLContext | None = None
) -> HttpAnswer | HttpFailure:
    async def whole() -> HttpAnswer | HttpFailure:
        async with serving(handler, tls=tls) as served:
            resolve = {("named.example.com", 443): ("127.0.0.1", served.port)}
            net = Network(resolve_map=resolve, ssl_context=client_context())
            async with open_sender(net, anything_goes) as sender:
                return await sender.send(request_of(served.port))

    return asyncio.run(whole())


def get(port: int, *, total_s: float = 3.0, max_bytes: int = 1000, token: Secret | None = None) -> HttpRequest:
    url = f"http://127.0.0.1:{port}/"
    return HttpRequest(method="GET", url=url, total_s=total_s, max_bytes=max_bytes, token=token)


OK = b"HTTP/1.1 200 OK\r\nX-Request-Id: r1\r\nContent-Length: 2\r\n\r\nhi"


def test_an_answer_comes_with_status_lower_case_headers_and_body() -> None:
    answer = send(answering(OK), get)
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.headers["x-request-id"], answer.body, answer.truncated) == (200, "r1", b"hi", False)


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        pytest.param(reset, FailureKind.LOST, id="a reset is a lost connection"),
        pytest.param(answering(b""), FailureKind.LOST, id="closing without an answer is a lost connection"),
        pytest.param(
            answering(b"220 mail.example.com ESMTP\r\n"), FailureKind.LOST, id="another protocol is no answer"
        ),
        pytest.param(
            answering(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), FailureKind.LOST, id="half a body is lost"
        ),
    ],
)
def test_a_broken_exchange_is_named(handler: Handler, kind: FailureKind) -> None:
    failure = send(handler, get)
    assert isinstance(failure, HttpFailure)
    assert failure.kind is kind


def test_a_hung_server_is_a_timeout_within_the_total() -> None:
    failure = send(never, lambda port: get(port, total_s=0.2))
    assert isinstance(failure, HttpFailure)
    assert failure.kind is FailureKind.TIMEOUT
    assert failure.elapsed_ms < 2000


def test_a_slow_drip_does_not_outlive_the_total() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        # One read for all pauses: a second one beside it would fail at once, and nothing would be slow.
        gone = asyncio.ensure_future(reader.read(1))
        while not gone.done():
            writer.write(b".")
            await writer.drain()
            await asyncio.wait([gone], timeout=0.05)

    failure = send(drip, lambda port: get(port, total_s=0.3))
    assert isinstance(failure, HttpFailure)
    assert failure.kind is FailureKind.TIMEOUT


def test_a_refused_connection_is_named() -> None:
    failure = send(answering(OK), lambda _port: get(free_port()))
    assert isinstance(failure, HttpFailure)
    assert failure.kind is FailureKind.CONNECT


def test_a_name_outside_the_resolve_map_does_not_exist() -> None:
    url = "https://elsewhere.example.com/"
    failure = send(answering(OK), lambda _port: HttpRequest(method="GET", url=url, total_s=3.0))
    assert isinstance(failure, HttpFailure)
    assert failure.kind is FailureKind.DNS


def test_a_named_host_is_reached_through_the_resolve_map_over_tls() -> None:
    url = "https://named.example.com/"
    answer = send(
        answering(OK),
        lambda _port: HttpRequest(method="GET", url=url, total_s=3.0),
        tls=server_context("named.example.com"),
    )
    assert isinstance(answer, HttpAnswer)


def test_a_certificate_for_another_name_fails_the_handshake() -> None:
    failure = send(
        answering(OK),
        lambda _port: HttpRequest(method="GET", url="https://named.example.com/", total_s=3.0),
        tls=server_context("other.example.com"),
    )
    assert isinstance(failure, HttpFailure)
    assert failure.kind is FailureKind.TLS
    assert "mismatch" in failure.detail.lower()


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    raw = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    answer = send(answering(raw), get)
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.headers["location"]) == (302, "http://127.0.0.1:9/")


def test_a_body_is_cut_at_the_limit_and_says_so() -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000
    answer = send(answering(raw), lambda port: get(port, max_bytes=100))
    assert isinstance(answer, HttpAnswer)
    assert (len(answer.body), answer.truncated) == (100, True)


def test_a_bearer_is_not_sent_where_the_rule_objects() -> None:
    seen: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(OK)

    async def whole() -> HttpAnswer | HttpFailure:
        async with serving(record) as served, open_sender(Network(), lambda _url: "not a trusted host") as sender:
            return await sender.send(get(served.port, token=Secret("canary-token")))

    failure = asyncio.run(whole())
    assert isinstance(failure, HttpFailure)
    assert (failure.kind, failure.detail, seen) == (FailureKind.REFUSED, "not a trusted host", [])


ECHOES = {
    "in the body": OK.replace(b"Content-Length: 2\r\n\r\nhi", b"Content-Length: 12\r\n\r\ncanary-token"),
    "in a header": OK.replace(b"r1", b"canary-token"),
    "escaped in the body": OK.replace(b"Content-Length: 2\r\n\r\nhi", b"Content-Length: 17\r\n\r\ncanary\\u002dtoken"),
    "as Basic credentials": OK.replace(b"r1", b"Basic " + base64.b64encode(b"token:canary-token")),
    "where the body is cut": OK.replace(b"2\r\n\r\nhi", b"2000\r\n\r\n" + b"x" * 990 + b"canary-token" + b"x" * 998),
}


@pytest.mark.parametrize("raw", ECHOES.values(), ids=ECHOES)
def test_a_server_that_repeats_the_token_is_not_repeated(raw: bytes) -> None:
    answer = send(answering(raw), lambda port: get(port, token=Secret("canary-token")))
    assert isinstance(answer, HttpAnswer)
    assert "canary-tok" not in repr(answer)
    assert "tok" not in repr(answer).replace("first_token_ms", "")


def test_an_answer_without_the_token_comes_as_it_is() -> None:
    body = bytes(range(256))
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 256\r\n\r\n" + body
    answer = send(answering(raw), lambda port: get(port, token=Secret("canary-token")))
    assert isinstance(answer, HttpAnswer)
    assert answer.body == body


def test_no_frame_of_the_sender_holds_the_token_in_a_form_that_shows() -> None:
    shown: list[str] = []

    class Breaking(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise RuntimeError("a fault of ours")

    async def whole() -> None:
        try:
            sender = HttpxSender(Network(), anything_goes, Breaking(), Breaking())
            await sender.send(get(9, token=Secret("canary-token")))
        except RuntimeError as exc:
            shown.extend(traceback.TracebackException.from_exception(exc, capture_locals=True).format())

    asyncio.run(whole())
    assert "a fault of ours" in "".join(shown)
    assert "Bearer canary" not in "".join(shown)


def test_a_cookie_of_one_answer_is_not_sent_with_the_next_request() -> None:
    seen: list[bytes] = []

    async def cookie(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            seen.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: session=abc; Path=/\r\nContent-Length: 0\r\n\r\n")

    async def whole() -> None:
        async with serving(cookie) as served, open_sender(Network(), anything_goes) as sender:
            await sender.send(get(served.port))
            await sender.send(get(served.port))

    asyncio.run(whole())
    assert len(seen) == 2
    assert all(b"session=abc" not in head for head in seen)


def check(origin_of: Callable[[int], str], *, tls: ssl.SSLContext | None = None) -> HostCheck:
    async def whole() -> HostCheck:
        async with serving(never, tls=tls) as served:
            resolve = {("named.example.com", 443): ("127.0.0.1", served.port)}
            network = Network(resolve_map=resolve, ssl_context=client_context())
            return await SocketHostChecker(network, anything_goes).check(origin_of(served.port))

    return asyncio.run(whole())


def test_a_host_check_times_name_connection_and_handshake() -> None:
    found = check(lambda _port: "https://named.example.com", tls=server_context("named.example.com"))
    assert found.failure is None
    assert None not in (found.dns_ms, found.tcp_ms, found.tls_ms)


def test_a_plain_host_has_no_handshake() -> None:
    found = check(lambda port: f"http://127.0.0.1:{port}")
    assert (found.failure, found.tls_ms) == (None, None)


@pytest.mark.parametrize(
    ("origin", "kind"),
    [
        pytest.param("https://elsewhere.example.com", FailureKind.DNS, id="unknown name"),
        pytest.param("http://127.0.0.1:1", FailureKind.CONNECT, id="closed port"),
        pytest.param("https://named.example.com", FailureKind.TLS, id="certificate for another name"),
    ],
)
def test_a_host_check_stops_at_the_first_failed_step(origin: str, kind: FailureKind) -> None:
    found = check(lambda _port: origin, tls=server_context("other.example.com"))
    assert found.failure is not None
    assert found.failure.kind is kind
