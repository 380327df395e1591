"""Through a corporate proxy: what is asked through it and what is not, and what a verdict says when it refuses."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.adapters.proxies import Proxies, environment_proxies
from core.detect.trust import Trust, objection_to_connecting
from core.errors import ConfigurationError
from core.model.secret import Secret
from core.ports import FailureKind, HostCheck, HttpAnswer, HttpFailure, HttpRequest
from core.probe.ladder import verdict_on_host
from tests.core.adapters.test_http_sender import answering, anything_goes, client_context, server_context
from tests.fakes.connect_proxy import ConnectProxy, connect_proxy
from tests.fakes.serving import serving

HOST = "adb-2718281828459045.5.azuredatabricks.net"
OK = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
Result = TypeVar("Result")
Work = Callable[[Network, ConnectProxy], Awaitable[Result]]


def proxied(work: Work[Result], *, status: int = 200, spared: str = "", userinfo: str = "") -> Result:
    """Do some work where HOST is a TLS server on loopback that only the proxy knows the way to."""

    async def whole() -> Result:
        async with (
            serving(OK, tls=server_context(HOST)) as served,
            connect_proxy({f"{HOST}:443": ("127.0.0.1", served.port)}, status) as proxy,
        ):
            found = environment_proxies({"https": f"http://{userinfo}127.0.0.1:{proxy.port}", "no": spared})
            return await work(Network(ssl_context=client_context(), proxies=found), proxy)

    return asyncio.run(whole())


async def sent(network: Network, url: str = f"https://{HOST}/api") -> HttpAnswer | HttpFailure:
    async with open_sender(network, anything_goes) as sender:
        return await sender.send(HttpRequest(method="GET", url=url, token=Secret("a-token"), total_s=5.0))


async def checked(network: Network, origin: str = f"https://{HOST}") -> HostCheck:
    return await SocketHostChecker(network, anything_goes).check(origin)


def test_a_request_goes_through_the_proxy_which_sees_no_token() -> None:
    async def work(network: Network, proxy: ConnectProxy) -> None:
        answer = await sent(network)
        assert isinstance(answer, HttpAnswer), answer
        assert (answer.status, answer.body) == (200, b"ok")
        assert proxy.asked == [f"{HOST}:443"]
        assert all(b"a-token" not in head for head in proxy.heads)

    proxied(work)


def test_the_host_check_climbs_through_the_proxy_up_to_tls() -> None:
    async def work(network: Network, proxy: ConnectProxy) -> None:
        check = await checked(network)
        assert check.failure is None
        assert None not in (check.dns_ms, check.tcp_ms, check.tls_ms)
        assert proxy.asked == [f"{HOST}:443"]

    proxied(work)


def test_the_proxy_gets_its_own_credentials_and_only_it() -> None:
    told = re.compile(b"(?i)\r\nproxy-authorization: basic " + base64.b64encode(b"ada:p@ss"))

    async def work(network: Network, proxy: ConnectProxy) -> None:
        await sent(network)
        await checked(network)
        assert len(proxy.heads) == 2
        assert all(told.search(head) for head in proxy.heads)
        assert "p@ss" not in f"{network.proxies.words} {network!r}"

    proxied(work, userinfo="ada:p%40ss@")


@pytest.mark.parametrize(("status", "said"), [(407, "407"), (403, "403"), (502, "502")])
def test_a_proxy_that_refuses_is_named_by_request_and_check_alike(status: int, said: str) -> None:
    async def work(network: Network, proxy: ConnectProxy) -> None:
        failure, check = await sent(network), await checked(network)
        assert isinstance(failure, HttpFailure)
        assert check.failure is not None
        for one in (failure, check.failure):
            assert one.kind is FailureKind.CONNECT
            assert one.detail == f"the proxy did not connect: it answered {said}"

    proxied(work, status=status)


def test_a_proxy_that_is_not_there_is_told_from_a_host_that_is_not() -> None:
    async def work() -> None:
        network = Network(ssl_context=client_context(), proxies=environment_proxies({"https": "http://127.0.0.1:9"}))
        failure, check = await sent(network), await checked(network)
        assert isinstance(failure, HttpFailure)
        assert check.failure is not None
        assert "proxy" in failure.detail
        assert "proxy" in check.failure.detail

    asyncio.run(work())


@pytest.mark.parametrize("spared", [HOST, "azuredatabricks.net", ".azuredatabricks.net", "*"])
def test_who_is_named_in_no_proxy_is_asked_without_it(spared: str) -> None:
    async def work(network: Network, proxy: ConnectProxy) -> None:
        answer = await sent(network)
        assert isinstance(answer, HttpFailure)
        assert answer.kind is FailureKind.DNS
        assert proxy.asked == []

    proxied(work, spared=spared)


def test_this_machine_and_what_is_simulated_are_never_asked_through_it() -> None:
    found = environment_proxies({"https": "http://proxy.example.com:3128"})
    assert not Network(proxies=found).is_proxied("127.0.0.1", 443)
    assert not Network(proxies=found).is_proxied("localhost", 8443)
    assert not Network(proxies=found, resolve_map={}).is_proxied(HOST, 443)
    assert Network(proxies=found).is_proxied(HOST, 443)


def test_the_proxy_itself_may_be_in_a_private_network_and_no_name_behind_it_is_resolved_here() -> None:
    asked: list[str] = []

    async def look_up(host: str, port: int) -> list[tuple[str, int]]:
        asked.append(host)
        return [("127.0.0.1", 9)]

    def rule(host: str, port: int, address: str) -> str | None:
        return objection_to_connecting(host, port, address, Trust())

    async def work() -> HostCheck:
        found = environment_proxies({"https": "http://proxy.corp.example.com:3128"})
        network = Network(ssl_context=client_context(), proxies=found, address_rule=rule, look_up=look_up)
        return await checked(network)

    check = asyncio.run(work())
    assert asked == ["proxy.corp.example.com"]
    assert check.failure is not None and check.failure.kind is FailureKind.CONNECT


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({}, ""),
        ({"https": ""}, ""),
        ({"http": "http://other.example.com:1"}, ""),
        ({"https": "proxy.example.com:3128"}, "proxy.example.com:3128"),
        ({"https": "http://proxy.example.com"}, "proxy.example.com:80"),
        ({"https": "https://proxy.example.com"}, "proxy.example.com:443"),
        ({"all": "http://u:p@proxy.example.com:3128"}, "proxy.example.com:3128"),
        ({"https": "http://a.example.com:1", "all": "http://b.example.com:2"}, "a.example.com:1"),
    ],
)
def test_the_environment_says_which_proxy(environ: dict[str, str], words: str) -> None:
    assert environment_proxies(environ).words == words


@pytest.mark.parametrize("text", ["socks5://proxy.example.com:1080", "ftp://proxy.example.com", "http://", "http://["])
def test_a_proxy_that_cannot_be_used_ends_the_start_without_its_text(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        environment_proxies({"https": text})
    assert (caught.value.code, caught.value.message) == (
        "proxy_unusable",
        "HTTPS_PROXY names a proxy that cannot be used.",
    )


def test_the_environment_of_the_process_is_read_in_either_case(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert environment_proxies() == Proxies()
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    assert environment_proxies().words == "proxy.example.com:3128"


def test_where_no_token_may_go_nothing_is_connected_to_either() -> None:
    async def work(network: Network, proxy: ConnectProxy) -> None:
        check = await SocketHostChecker(network, lambda url: "Not trusted.").check(f"https://{HOST}")
        verdict = verdict_on_host(check)
        assert verdict is not None
        assert (verdict.refused_to_send, verdict.said) == (True, "Not trusted.")
        assert proxy.asked == []

    proxied(work)
