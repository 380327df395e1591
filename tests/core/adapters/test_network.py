"""In simulation no name leads outside, and a CA bundle that cannot be used is said in one sentence."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from pathlib import Path

import pytest
import trustme

from core.adapters.network import AddressRefused, MapResolver, Network, connection_pool, trusted_certificates
from core.detect.trust import Trust, objection_to_connecting
from core.errors import ConfigurationError

NETWORK = Network(resolve_map={("ws.example", 443): ("127.0.0.1", 8443)})


def test_a_name_in_the_map_leads_where_the_map_says() -> None:
    assert asyncio.run(NETWORK.resolve("WS.example", 443)) == [("127.0.0.1", 8443)]


@pytest.mark.parametrize(("host", "port"), [("other.example", 443), ("ws.example", 80), ("example.com", 443)])
def test_with_a_map_no_other_name_exists(host: str, port: int) -> None:
    with pytest.raises(socket.gaierror, match="simulated"):
        asyncio.run(NETWORK.resolve(host, port))


@pytest.mark.parametrize("network", [NETWORK, Network()], ids=["with a map", "without"])
def test_loopback_is_always_itself(network: Network) -> None:
    assert asyncio.run(network.resolve("127.0.0.1", 8099)) == [("127.0.0.1", 8099)]


def test_aiohttp_gets_addresses_in_its_own_form() -> None:
    (found,) = asyncio.run(MapResolver(NETWORK).resolve("ws.example", 443))
    assert (found["hostname"], found["host"], found["port"]) == ("ws.example", "127.0.0.1", 8443)
    assert found["family"] is socket.AF_INET
    (found,) = asyncio.run(MapResolver(Network(resolve_map={("six.example", 1): ("::1", 2)})).resolve("six.example", 1))
    assert found["family"] is socket.AF_INET6


def test_connections_stay_warm_and_are_bounded() -> None:
    async def made() -> tuple[int, object]:
        async with connection_pool(NETWORK, limit=7) as pool:
            return pool.limit, await MapResolver(NETWORK).close()

    assert asyncio.run(made()) == (7, None)


def test_without_a_bundle_public_certificates_are_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert trusted_certificates().cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_the_corporate_bundle_replaces_them(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    bundle = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv(name, str(bundle))
    context = trusted_certificates()
    assert context.cert_store_stats()["x509_ca"] == 1
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("content", [None, "", "not a certificate"], ids=["missing", "empty", "not PEM"])
def test_a_bundle_that_cannot_be_used_is_refused_by_name(
    content: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    with pytest.raises(ConfigurationError) as raised:
        trusted_certificates()
    assert (raised.value.code, "SSL_CERT_FILE" in raised.value.remedy) == ("ca_bundle_unusable", True)


def leading_to(*addresses: str) -> Network:
    """Return a network where every name leads to these addresses, and nobody is trusted."""

    async def look_up(host: str, port: int) -> list[tuple[str, int]]:
        return [(address, port) for address in addresses]

    def rule(host: str, port: int, address: str) -> str | None:
        return objection_to_connecting(host, port, address, Trust())

    return Network(look_up=look_up, address_rule=rule)


def test_an_address_where_nothing_may_go_is_left_out_and_the_others_are_used() -> None:
    network = leading_to("10.0.0.1", "93.184.215.14", "169.254.169.254")
    assert asyncio.run(network.resolve("a.example.com", 443)) == [("93.184.215.14", 443)]


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "::1", "169.254.169.254", "fe80::1", "0.0.0.0"])
def test_a_name_that_leads_nowhere_else_is_refused_with_the_address(address: str) -> None:
    with pytest.raises(AddressRefused, match=re.escape(f"a.example.com leads to {address}")):
        asyncio.run(leading_to(address).resolve("a.example.com", 443))


def test_metadata_services_are_refused_whatever_the_rule() -> None:
    network = Network(look_up=leading_to("169.254.169.254").look_up)
    for host in ("169.254.169.254", "hooks.example.com"):
        with pytest.raises(AddressRefused):
            asyncio.run(network.resolve(host, 80))
