"""Hosts that admins trust, on every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from core.adapters.database import Database, DatabasePlace
from core.model.trust import TrustedHost
from tests.contract.conftest import opened

HOST = TrustedHost(
    origin="https://gateway.example.com",
    private=False,
    reason="our own gateway – № 1",
    actor="ada@example.com",
    at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def test_a_trusted_host_comes_back_as_it_was_also_to_another_process(database: Database, place: DatabasePlace) -> None:
    database.trusted_hosts.put(HOST)
    other = opened(place)
    assert list(other.trusted_hosts.all()) == [HOST]
    other.close()


def test_a_host_is_trusted_once_and_the_newer_word_counts(database: Database) -> None:
    later = replace(HOST, private=True, reason="it moved inside")
    second = replace(HOST, origin="https://a.example.com:8443")
    for host in (HOST, second, later):
        database.trusted_hosts.put(host)
    assert list(database.trusted_hosts.all()) == [second, later]


def test_a_host_that_is_forgotten_is_gone_and_the_others_stay(database: Database) -> None:
    second = replace(HOST, origin="https://a.example.com")
    database.trusted_hosts.put(HOST)
    database.trusted_hosts.put(second)
    database.trusted_hosts.remove(HOST.origin)
    database.trusted_hosts.remove("https://nobody.example.com")
    assert list(database.trusted_hosts.all()) == [second]
