"""Behind a corporate proxy: what is probed goes through it, and it sees hosts alone, never a token."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trustme

from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.model.secret import Secret
from core.ports import FailureKind, HostCheck, HttpAnswer, HttpFailure, HttpRequest

HOST = "adb-1.switchyard.example"
AUTHORITY = trustme.CA()
_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


class Proxy:
    """A proxy that leads every host to one workspace, or refuses them all."""

    def __init__(self, workspace_port: int, refuses: bool) -> None:
        self.heads: list[str] = []
        self._workspace_port = workspace_port
        self._refuses = refuses

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back: asyncio.StreamWriter | None = None
        try:
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if self._refuses:
                writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
            else:
                there, back = await asyncio.open_connection("127.0.0.1", self._workspace_port)
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                await asyncio.gather(_pass_on(reader, back), _pass_on(there, writer))
        except (asyncio.IncompleteReadError, OSError):
            # Whoever asked has gone.
            pass
        finally:
            for line in filter(None, (writer, back)):
                line.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def _workspace(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
    writer.close()


@asynccontextmanager
async def behind_a_proxy(*, refuses: bool = False, secure: bool = False) -> AsyncIterator[tuple[Proxy, str]]:
    """Run a workspace and a proxy in front of it; give the proxy and its URL."""
    of_workspace, of_proxy = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    AUTHORITY.issue_cert(HOST).configure_cert(of_workspace)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(of_proxy)
    async with await asyncio.start_server(_workspace, "127.0.0.1", 0, ssl=of_workspace) as workspace:
        proxy = Proxy(workspace.sockets[0].getsockname()[1], refuses)
        way = of_proxy if secure else None
        async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0, ssl=way) as server:
            scheme, port = "https" if secure else "http", server.sockets[0].getsockname()[1]
            yield proxy, f"{scheme}://ada:a%20word@127.0.0.1:{port}"


async def asked(host: str = HOST) -> tuple[HttpAnswer | HttpFailure, HostCheck]:
    """Send a request with a token and check the host, as the environment says."""
    network = Network(ssl_context=trusting())
    async with open_sender(network, lambda _: None) as sender:
        request = HttpRequest(method="GET", url=f"https://{host}/x", token=Secret("dapi-made-up"), total_s=5)
        answer = await sender.send(request)
    return answer, await SocketHostChecker(network).check(f"https://{host}")


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await scenario()

    asyncio.run(bounded())


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_what_is_probed_goes_through_the_proxy_which_never_sees_the_token(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with behind_a_proxy() as (proxy, url):
            monkeypatch.setenv(variable, url)
            answer, check = await asked()
        assert isinstance(answer, HttpAnswer) and (answer.status, answer.body) == (200, b"ok")
        assert check.failure is None and None not in (check.dns_ms, check.tcp_ms, check.tls_ms)
        word = base64.b64encode(b"ada:a word").decode()
        assert len(proxy.heads) == 2
        for head in proxy.heads:
            assert head.startswith(f"CONNECT {HOST}:443 HTTP/1.1\r\n")
            assert f"proxy-authorization: basic {word}\r\n".lower() in head.lower()
            assert "dapi" not in head

    run(scenario)


def test_a_proxy_may_be_spoken_to_over_tls_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with behind_a_proxy(secure=True) as (_, url):
            monkeypatch.setenv("HTTPS_PROXY", url)
            answer, check = await asked()
        assert isinstance(answer, HttpAnswer) and answer.status == 200
        assert check.failure is None and check.tls_ms is not None

    run(scenario)


@pytest.mark.parametrize("spared", [HOST, ".switchyard.example", "*"])
def test_a_host_that_no_proxy_names_is_asked_without_one(spared: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with behind_a_proxy() as (proxy, url):
            monkeypatch.setenv("HTTPS_PROXY", url)
            monkeypatch.setenv("NO_PROXY", spared)
            answer, check = await asked()
        assert isinstance(answer, HttpFailure) and answer.kind is FailureKind.DNS
        assert check.failure is not None and check.failure.kind is FailureKind.DNS
        assert proxy.heads == []

    run(scenario)


def test_a_proxy_that_refuses_is_named_as_what_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with behind_a_proxy(refuses=True) as (_, url):
            monkeypatch.setenv("HTTPS_PROXY", url)
            answer, check = await asked()
        for failure in (answer, check.failure):
            assert isinstance(failure, HttpFailure) and failure.kind is FailureKind.CONNECT
            assert failure.detail.startswith("the proxy did not let it through")
            assert "word" not in failure.detail

    run(scenario)


def test_a_proxy_that_is_not_there_is_named_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with behind_a_proxy() as (_, url):
            pass
        monkeypatch.setenv("HTTPS_PROXY", url)
        answer, check = await asked()
        assert isinstance(answer, HttpFailure) and answer.kind is FailureKind.CONNECT
        assert check.failure is not None and check.failure.kind is FailureKind.CONNECT
        assert check.failure.detail.startswith("the connection to the proxy was not accepted")

    run(scenario)


@pytest.mark.parametrize("origin", ["https://127.0.0.1:8443", "http://adb-1.switchyard.example", "https://localhost"])
def test_this_machine_and_plain_http_have_no_proxy(origin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")

    assert Network().proxy_of(f"https://{HOST}") is not None
    assert Network().proxy_of(origin) is None


def test_the_simulated_workspace_has_none_either_and_no_password_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://ada:a-password@proxy.example:3128")
    network = Network()

    assert Network(resolve_map={}).proxy_of(f"https://{HOST}") is None
    assert "a-password" not in repr(network) + repr(network.proxy_of(f"https://{HOST}"))
