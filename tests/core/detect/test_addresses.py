"""Where a name may lead: never to metadata services, and not nearer than its host is trusted for."""

from __future__ import annotations

import pytest

from core.detect.addresses import Reach, objection_to_address
from core.detect.trust import Trust, make_trust, objection_to_connecting

PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
PRIVATE = {
    "ten": "10.1.2.3",
    "172": "172.16.0.1",
    "192": "192.168.1.1",
    "shared by carriers": "100.64.0.1",
    "unique local": "fd12:3456::1",
    "mapped": "::ffff:10.1.2.3",
    "6to4": "2002:0a01:0203::1",
    "NAT64": "64:ff9b::a01:203",
    "this network": "0.1.2.3",
}
LOOPBACK = ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
NEVER = {
    "metadata": "169.254.169.254",
    "metadata with a scope": "fe80::a9fe:a9fe%eth0",
    "link-local": "169.254.1.1",
    "link-local v6": "fe80::1",
    "metadata mapped": "::ffff:169.254.169.254",
    "metadata by NAT64": "64:ff9b::a9fe:a9fe",
    "metadata by 6to4": "2002:a9fe:a9fe::1",
    "metadata v6": "fd00:ec2::254",
    "metadata v6 of another cloud": "fd20:ce::254",
    "metadata of a third": "100.100.100.200",
    "wire server": "168.63.129.16",
    "metadata of a fourth": "192.0.0.192",
    "unspecified": "0.0.0.0",
    "unspecified v6": "::",
    "multicast": "224.0.0.1",
    "multicast v6": "ff02::1",
    "broadcast": "255.255.255.255",
    "nothing": "",
    "a name": "evil.example.com",
    "decimal": "2852039166",
}
NEAR = {Reach.ANY, Reach.PRIVATE}


@pytest.mark.parametrize("reach", [Reach.ANY, Reach.PRIVATE, Reach.PUBLIC])
@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_connected_to(address: str, reach: Reach) -> None:
    assert objection_to_address("h.example.com", address, reach) is None


@pytest.mark.parametrize("reach", Reach)
@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE.keys())
def test_a_private_address_only_for_a_host_that_may_be_private(address: str, reach: Reach) -> None:
    assert (objection_to_address("h.example.com", address, reach) is None) == (reach in NEAR)


@pytest.mark.parametrize("reach", Reach)
@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_only_for_its_own_names(address: str, reach: Reach) -> None:
    assert (objection_to_address("h.example.com", address, reach) is None) == (reach in (Reach.ANY, Reach.LOOPBACK))


@pytest.mark.parametrize("reach", Reach)
@pytest.mark.parametrize("address", NEVER.values(), ids=NEVER.keys())
def test_metadata_services_and_nobody_are_never_connected_to(address: str, reach: Reach) -> None:
    objection = objection_to_address("h.example.com", address, reach)
    assert objection
    assert objection.startswith("h.example.com leads to ")
    assert objection.endswith(".")


TRUST = make_trust(
    "https://workspace.corp.example.com",
    ["gw.corp.example.com=private", "gw.example.com", "odd.example.com:8443=private"],
)


@pytest.mark.parametrize(
    ("host", "port", "private_may", "loopback_may"),
    [
        ("adb-2718281828459045.5.azuredatabricks.net", 443, True, False),
        ("ADB-2718281828459045.5.azuredatabricks.net.", 443, True, False),
        ("workspace.corp.example.com", 443, True, False),
        ("gw.corp.example.com", 443, True, False),
        ("odd.example.com", 8443, True, False),
        ("odd.example.com", 443, False, False),
        ("gw.example.com", 443, False, False),
        ("stranger.example.com", 443, False, False),
        ("localhost", 9000, False, True),
        ("127.0.0.1", 9000, False, True),
        ("::1", 9000, False, True),
    ],
)
def test_how_near_a_host_may_be_is_said_by_its_trust(
    host: str, port: int, private_may: bool, loopback_may: bool
) -> None:
    may = {
        address: objection_to_connecting(host, port, address, TRUST) is None
        for address in ("10.1.2.3", "127.0.0.1", "169.254.169.254")
    }
    assert may == {"10.1.2.3": private_may, "127.0.0.1": loopback_may, "169.254.169.254": False}


def test_without_any_trust_a_name_leads_to_public_addresses_only() -> None:
    assert objection_to_connecting("a.example.com", 443, "10.0.0.1", Trust()) is not None
