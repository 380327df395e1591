"""Send one request with the httpx API on the aiohttp transport, and turn every way it can end into a value.

Why this transport: plain httpx' own pool burns a core past some 32 connections (performance.md). Its trap: every
connection failure surfaces as ConnectTimeout, so the kind is read from the cause (measured there too).
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from time import perf_counter

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from core.adapters.network import AddressRefused, Network, connection_pool
from core.adapters.unpacking import can_unpack, unpacked
from core.catalog.redact import without
from core.model.secret import Secret
from core.ports import FailureKind, HttpAnswer, HttpFailure, HttpRequest

CONNECT_TIMEOUT_S = 3.0
USER_AGENT = "switchyard/0.1 (route probe)"

# How long and how far an answer is read on after its proof, for the end of the connection's use of it.
_LAST_WORDS_S = 0.1
_LAST_WORDS_BYTES = 4096
_BREAKS = (httpx.HTTPError, aiohttp.ClientError, OSError, zlib.error)

BearerRule = Callable[[str], str | None]


class HttpxSender:
    """Fulfil the HttpSender port. Bearer tokens leave only towards URLs that the rule has no objection to.

    It speaks to the transport itself: what httpx' client adds (cookies, redirects, authentication flows, merged
    defaults) must not happen to a probe, and costs a third of the CPU of one (measured, docs/performance.md).
    """

    def __init__(
        self,
        network: Network,
        bearer_rule: BearerRule,
        transport: httpx.AsyncBaseTransport,
        proxied: httpx.AsyncBaseTransport,
    ) -> None:
        self._network = network
        self._bearer_rule = bearer_rule
        self._transport = transport
        self._proxied = proxied

    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        """Send one request; see the port."""
        if request.token is not None and (objection := self._bearer_rule(request.url)):
            return HttpFailure(kind=FailureKind.REFUSED, detail=objection, elapsed_ms=0.0)
        started = perf_counter()
        try:
            async with asyncio.timeout(request.total_s):
                return await self._exchange(request, started)
        except (*_BREAKS, httpx.InvalidURL, UnicodeError) as exc:
            kind, detail = classify(exc)
            return HttpFailure(kind=kind, detail=detail, elapsed_ms=_ms_since(started))

    async def _exchange(self, request: HttpRequest, started: float) -> HttpAnswer:
        url, literal = _parsed(request.url)
        response = await self._transport_to(url, literal).handle_async_request(_on_the_wire(request, url))
        try:
            received = _Received(response, request, started)
            await received.read()
            return received.answer()
        finally:
            await response.aclose()

    def _transport_to(self, url: httpx.URL, literal: bool) -> httpx.AsyncBaseTransport:
        """Return the way to this URL; raises AddressRefused for an address in it, which no resolver will see."""
        port = url.port or (443 if url.scheme == "https" else 80)
        if literal and (objection := self._network.address_rule(url.host, port, url.host)):
            raise AddressRefused(objection)
        is_proxied = url.scheme == "https" and self._network.is_proxied(url.host, port)
        return self._proxied if is_proxied else self._transport


def _on_the_wire(request: HttpRequest, url: httpx.URL) -> httpx.Request:
    """Return the request with its token in it; its repr has none, so no traceback with its locals shows one."""
    # Identity encoding: a small answer must not unfold into a large one after the size limit was checked.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **request.headers}
    if request.token is not None:
        headers["Authorization"] = f"Bearer {request.token.reveal()}"
        headers |= {name: request.token.reveal() for name in request.token_headers}
    timeouts = {"connect": min(CONNECT_TIMEOUT_S, request.total_s), "read": request.total_s}
    return httpx.Request(request.method, url, headers=headers, content=request.body, extensions={"timeout": timeouts})


@lru_cache(maxsize=2048)
def _parsed(text: str) -> tuple[httpx.URL, bool]:
    """Return the URL that a sweep asks for again and again, parsed once, and whether its host is an address."""
    url = httpx.URL(text)
    try:
        ipaddress.ip_address(url.host)
    except ValueError:
        return url, False
    return url, True


class _Received:
    """One answer as it comes in, through the request's reader if it has one and the answer is not a refusal."""

    def __init__(self, response: httpx.Response, request: HttpRequest, started: float) -> None:
        self._response = response
        self._request = request
        self._started = started
        self._first_byte_ms = _ms_since(started)
        self._first_token_ms: float | None = None
        self._elapsed_ms: float | None = None
        self._body = bytearray()
        self._truncated = False
        self._stopped = False
        self._reader = request.reader() if request.reader and response.is_success else None
        self._headers = {name.lower(): value for name, value in response.headers.items()}

    async def read(self) -> None:
        """Read until the end, the size limit or the proof."""
        chunks = self._chunks()
        try:
            async for chunk in chunks:
                self._body += chunk
                if self._is_proved_by(chunk):
                    await self._let_end(chunks)
                    return
                if len(self._body) > self._request.max_bytes:
                    self._truncated = True
                    return
        except _BREAKS as exc:
            # A stream that breaks off after its first words is an answer, and says more than a lost connection.
            if self._reader is None or not self._body or classify(exc)[0] is not FailureKind.LOST:
                raise
            self._truncated = True

    def _chunks(self) -> AsyncIterator[bytes]:
        """Return the body as it comes, past httpx' decoders, which cost a tenth of a probe and know no limit."""
        stream = self._response.stream
        raw = aiter(stream) if isinstance(stream, httpx.AsyncByteStream) else self._response.aiter_raw()
        return unpacked(raw) if can_unpack(self._headers.get("content-encoding", "")) else raw

    def _is_proved_by(self, chunk: bytes) -> bool:
        if self._reader is None:
            return False
        self._reader.feed(chunk)
        if self._first_token_ms is None and self._reader.has_token:
            self._first_token_ms = _ms_since(self._started)
        return self._reader.is_done

    async def _let_end(self, chunks: AsyncIterator[bytes]) -> None:
        """Leave, but give an answer that is over the moment to say so: only then the connection stays usable."""
        self._elapsed_ms = _ms_since(self._started)
        self._stopped = True
        with contextlib.suppress(*_BREAKS):
            async with asyncio.timeout(_LAST_WORDS_S):
                left = _LAST_WORDS_BYTES
                async for chunk in chunks:
                    left -= len(chunk)
                    if left < 0:
                        return
                self._stopped = False

    def answer(self) -> HttpAnswer:
        """Return what came, without the token that asked for it: a server may repeat what it was sent."""
        headers, body = self._headers, bytes(self._body)
        if self._request.token is not None:
            headers, body = _without_token(headers, body, self._request.token)
        return HttpAnswer(
            status=self._response.status_code,
            headers=headers,
            # Cut after that: half a token would not be found.
            body=body[: self._request.max_bytes],
            truncated=self._truncated,
            elapsed_ms=_ms_since(self._started) if self._elapsed_ms is None else self._elapsed_ms,
            first_byte_ms=self._first_byte_ms,
            first_token_ms=self._first_token_ms,
            stopped=self._stopped,
        )


def _without_token(headers: dict[str, str], body: bytes, token: Secret) -> tuple[dict[str, str], bytes]:
    text = body.decode("latin-1")
    # One look at everything: there is hardly ever anything to take out, and each look has its price.
    whole = "\n".join((*headers.values(), text))
    if without(whole, token) == whole:
        return headers, body
    return {name: without(value, token) for name, value in headers.items()}, without(text, token).encode("latin-1")


@asynccontextmanager
async def open_sender(
    network: Network, bearer_rule: BearerRule, *, connections: int = 64
) -> AsyncIterator[HttpxSender]:
    """Open a sender whose warm connections belong to the running loop, and close them at the end."""
    async with connection_pool(network, limit=connections) as pool:
        # A session cookie set for one identity must never travel with a request of another one.
        session = aiohttp.ClientSession(connector=pool, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)
        # Both ways share the connections; whether one goes through the proxy is said with each request.
        direct = AiohttpTransport(verify=network.ssl_context, client=session)
        proxy = httpx.Proxy(network.proxies.url, headers=network.proxies.headers) if network.proxies.url else None
        proxied = AiohttpTransport(verify=network.ssl_context, client=session, proxy=proxy)
        async with direct:
            yield HttpxSender(network, bearer_rule, direct, proxied)


def classify(exc: BaseException) -> tuple[FailureKind, str]:
    """Return the kind of a failed exchange and a clause for people, read from the innermost cause."""
    chain = _causes(exc)
    for kinds, kind, text in _RULES:
        for link in chain:
            if isinstance(link, kinds):
                return kind, f"{text}{_reason(link)}" if text else str(link)
    return FailureKind.LOST, "the connection broke"


_RULES: tuple[tuple[tuple[type[BaseException], ...], FailureKind, str], ...] = (
    # Its own text says to which address the name leads.
    ((AddressRefused,), FailureKind.REFUSED, ""),
    ((aiohttp.ClientHttpProxyError,), FailureKind.CONNECT, "the proxy did not connect"),
    ((aiohttp.ClientProxyConnectionError,), FailureKind.CONNECT, "the proxy did not accept the connection"),
    ((aiohttp.ClientConnectorDNSError,), FailureKind.DNS, "the name does not resolve"),
    ((ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError), FailureKind.TLS, "the TLS handshake failed"),
    ((aiohttp.ConnectionTimeoutError,), FailureKind.TIMEOUT, "no connection in time"),
    ((TimeoutError, httpx.TimeoutException), FailureKind.TIMEOUT, "no answer in time"),
    ((aiohttp.ClientConnectorError, ConnectionRefusedError), FailureKind.CONNECT, "the connection was not accepted"),
    ((httpx.InvalidURL, httpx.UnsupportedProtocol, aiohttp.InvalidURL), FailureKind.REFUSED, "the URL is not usable"),
    ((aiohttp.ServerDisconnectedError,), FailureKind.LOST, "the connection was closed without an answer"),
    ((aiohttp.ClientPayloadError,), FailureKind.LOST, "the answer broke off"),
    ((zlib.error,), FailureKind.LOST, "the answer cannot be unpacked"),
    ((aiohttp.ClientResponseError,), FailureKind.LOST, "what came back is not HTTP"),
)


def _causes(exc: BaseException) -> list[BaseException]:
    """Return the chain of causes, innermost first, without httpx' own wrapper where there is something below it."""
    chain: list[BaseException] = []
    link: BaseException | None = exc
    while link is not None and len(chain) < 8:
        chain.append(link)
        link = link.__cause__
    inner = [item for item in chain if not isinstance(item, httpx.HTTPError)]
    return list(reversed(inner)) or chain


def _reason(link: BaseException) -> str:
    verify = getattr(link, "verify_message", None) or getattr(
        getattr(link, "certificate_error", None), "verify_message", None
    )
    if verify:
        return f": {verify}"
    if isinstance(link, aiohttp.ClientHttpProxyError):
        return f": it answered {link.status}"
    if isinstance(link, OSError) and link.strerror and not isinstance(link, aiohttp.ClientSSLError | ssl.SSLError):
        return f": {link.strerror.lower()}"
    return ""


def _ms_since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 1)
