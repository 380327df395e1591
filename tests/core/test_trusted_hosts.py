"""Trusting a host with tokens: only admins, with a reason, on record before it counts, and revocable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from core.access.limits import MOST
from core.detect.trust import make_trust
from core.errors import ChangeError, ConfigurationError, StoreError, SwitchyardError
from core.gate import Gate
from core.model.access import Action, Role
from core.model.audit import AuditEvent
from core.model.change import Actor, Origin
from core.trusted_hosts import TrustedHosts, Trusting
from tests.fakes.audit import MemoryAudit
from tests.fakes.network import FakeClock
from tests.fakes.trust import MemoryTrust

URL = "https://gateway.example.com/v1/chat/completions"
HOST = "gateway.example.com"
REASON = "our own gateway"


def actor(role: Role = Role.ADMIN) -> Actor:
    return Actor(name="ada", origin=Origin.PAGE, role=role, why=f"You are {role}.", address="192.0.2.7")


class AuditThatFails(MemoryAudit):
    """An audit that cannot be written."""

    def append(self, event: AuditEvent) -> None:
        raise StoreError("The audit cannot be written.", code="store_unavailable", remedy="Look at it.")


@dataclass
class House:
    """Trusted hosts with what is behind them in memory."""

    audit: MemoryAudit = field(default_factory=MemoryAudit)
    store: MemoryTrust = field(default_factory=MemoryTrust)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.settings = make_trust("https://workspace.example.com", ["listed.example.com"])
        self.hosts = TrustedHosts(self.settings, self.store, self.audit, self.clock)

    def told(self) -> list[tuple[str, str, str, str]]:
        """Return the audit, oldest first."""
        events = [link.event for link in self.audit.links() if link.event]
        return [(event.action, event.target, event.outcome, event.reason) for event in events]


@pytest.fixture
def house() -> House:
    return House()


def test_a_host_receives_tokens_from_when_an_admin_trusts_it_until_it_is_revoked(house: House) -> None:
    assert house.hosts.objection(URL) is not None
    house.hosts.add(HOST, private=False, reason=REASON, actor=actor())
    assert house.hosts.objection(URL) is None
    assert house.hosts.objection("https://gateway.example.com:8443/") is not None
    house.hosts.revoke("https://gateway.example.com", reason="it is gone", actor=actor())
    assert house.hosts.objection(URL) is not None


def test_the_audit_has_both_with_their_reasons_and_what_was_before(house: House) -> None:
    house.hosts.add(HOST, private=True, reason=REASON, actor=actor())
    house.hosts.revoke("https://gateway.example.com", reason="it is gone", actor=actor())
    origin = "https://gateway.example.com"
    assert house.told() == [
        ("trust.add", origin, "started", REASON),
        ("trust.add", origin, "done", REASON),
        ("trust.revoke", origin, "started", "it is gone"),
        ("trust.revoke", origin, "done", "it is gone"),
    ]
    last = house.audit.links()[-1].event
    assert last is not None
    assert dict(last.before) == {"addresses": "private too", "reason": REASON}
    assert (last.actor, last.role, last.address, dict(last.after)) == ("ada", "admin", "192.0.2.7", {})


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_nobody_else_may_and_that_it_was_tried_is_recorded(house: House, role: Role) -> None:
    for attempt in (
        lambda: house.hosts.add(HOST, private=False, reason=REASON, actor=actor(role)),
        lambda: house.hosts.revoke("https://listed.example.com", reason=REASON, actor=actor(role)),
    ):
        with pytest.raises(ChangeError) as caught:
            attempt()
        assert (caught.value.code, caught.value.message) == ("not_allowed", f"You are {role}.")
    assert [(action, outcome) for action, _, outcome, _ in house.told()] == [
        ("trust.add", "not_allowed"),
        ("trust.revoke", "not_allowed"),
    ]
    assert house.store.kept == {}


def test_who_manages_a_target_may_not_trust_hosts(house: House) -> None:
    manager = Actor(name="bob", origin=Origin.PAGE, role=Role.OPERATOR, why="w", targets=frozenset({"app:coda"}))
    with pytest.raises(ChangeError):
        house.hosts.add(HOST, private=False, reason=REASON, actor=manager)


def test_what_cannot_be_recorded_is_not_trusted() -> None:
    house = House(audit=AuditThatFails())
    with pytest.raises(StoreError):
        house.hosts.add(HOST, private=False, reason=REASON, actor=actor())
    assert house.store.kept == {}
    assert house.hosts.objection(URL) is not None


def test_what_cannot_be_kept_is_not_trusted_and_that_is_recorded(house: House) -> None:
    house.store.away = True
    with pytest.raises(StoreError):
        house.hosts.add(HOST, private=False, reason=REASON, actor=actor())
    assert [outcome for _, _, outcome, _ in house.told()] == ["started", "store_unavailable"]
    assert house.hosts.objection(URL) is not None


@pytest.mark.parametrize(
    ("text", "reason", "code"),
    [
        ("", REASON, "host_malformed"),
        ("evil.com#.azuredatabricks.net", REASON, "host_malformed"),
        ("user@gateway.example.com", REASON, "host_userinfo"),
        ("http://gateway.example.com", REASON, "host_insecure"),
        ("gateway.example.com/path", REASON, "trusted_host_malformed"),
        ("10.0.0.1", REASON, "host_ip_literal"),
        ("2130706433", REASON, "host_ip_literal"),
        ("[2001:db8::1]", REASON, "host_ip_literal"),
        ("169.254.169.254", REASON, "host_ip_literal"),
        ("xn--zuredatabricks-9ih.net", REASON, "host_malformed"),
        ("gateway.example.com:22", REASON, "host_port"),
        ("gateway.example.com:99999", REASON, "host_port"),
        ("localhost", REASON, "trusted_host_malformed"),
        (HOST, "", "reason_invalid"),
        (HOST, "a\nb", "reason_invalid"),
        ("listed.example.com", REASON, "already_trusted"),
        ("acme.cloud.databricks.com", REASON, "already_trusted"),
        ("workspace.example.com", REASON, "already_trusted"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_reason(house: House, text: str, reason: str, code: str) -> None:
    with pytest.raises(SwitchyardError) as caught:
        house.hosts.add(text, private=False, reason=reason, actor=actor())
    assert caught.value.code == code
    assert caught.value.remedy
    assert house.store.kept == {}


def test_a_host_of_this_machine_is_trusted_with_its_port_in_both_schemes(house: House) -> None:
    house.hosts.add("localhost:9000", private=False, reason=REASON, actor=actor())
    assert sorted(house.store.kept) == ["http://localhost:9000", "https://localhost:9000"]
    assert house.hosts.objection("http://localhost:9000/v1") is None
    assert house.hosts.objection("http://localhost:9001/v1") is not None


def test_a_host_of_the_settings_cannot_be_revoked_here(house: House) -> None:
    with pytest.raises(ChangeError) as caught:
        house.hosts.revoke("https://listed.example.com", reason=REASON, actor=actor())
    assert caught.value.code == "not_trusted"
    assert house.hosts.objection("https://listed.example.com/") is None


def test_what_another_instance_trusts_counts_after_the_next_look(house: House) -> None:
    other = TrustedHosts(house.settings, house.store, house.audit, house.clock)
    other.add(HOST, private=True, reason=REASON, actor=actor())
    assert house.hosts.objection(URL) is not None
    house.hosts.reload()
    assert house.hosts.objection(URL) is None
    assert house.hosts.objection_to_connecting(HOST, 443, "10.0.0.1") is None


def test_while_the_store_is_away_what_was_known_last_counts_and_the_view_says_so(house: House) -> None:
    house.hosts.add(HOST, private=False, reason=REASON, actor=actor())
    house.store.away = True
    house.hosts.reload()
    assert house.hosts.objection(URL) is None
    assert house.hosts.view.problem == "The database does not answer."
    house.store.away = False
    house.hosts.reload()
    assert house.hosts.view.problem == ""


def test_what_was_refused_is_remembered_newest_first_with_its_count_and_without_its_path(house: House) -> None:
    for url in ("https://a.example.com/x?key=1", "https://b.example.com/", "https://a.example.com/y"):
        house.hosts.objection(url)
    house.hosts.objection_to_connecting("listed.example.com", 443, "10.0.0.1")
    refused = [(host.origin, host.count) for host in house.hosts.view.refused]
    assert refused == [("listed.example.com:443", 1), ("https://a.example.com", 2), ("https://b.example.com", 1)]


def test_a_flood_of_refusals_stays_small(house: House) -> None:
    for number in range(500):
        house.hosts.objection(f"https://host-{number}.example.com/")
    assert len(house.hosts.view.refused) == 50


def trusting(house: House, looked: list[None]) -> Trusting:
    gate = Gate(house.clock, house.audit.append)
    return Trusting(house.hosts, gate, house.clock, after=lambda: looked.append(None))


def test_every_route_is_looked_at_after_somebody_decided(house: House) -> None:
    looked: list[None] = []
    pages = trusting(house, looked)
    pages.add(HOST, private=False, reason=REASON, actor=actor())
    pages.revoke("https://gateway.example.com", reason=REASON, actor=actor())
    assert len(looked) == 2


def test_a_script_in_somebodys_session_is_bounded(house: House) -> None:
    pages = trusting(house, [])
    calls: list[Callable[[], None]] = [
        lambda: pages.add("nowhere", private=False, reason=REASON, actor=actor()),
        lambda: pages.revoke("nowhere", reason=REASON, actor=actor()),
    ]
    for number in range(MOST[Action.TRUST]):
        with pytest.raises((ConfigurationError, ChangeError)):
            calls[number % 2]()
    with pytest.raises(ChangeError) as caught:
        calls[0]()
    assert caught.value.code == "rate_limited"
