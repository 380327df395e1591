"""Roles as the running dashboard gives them, in tabs and over /api: in Databricks Apps, on loopback, open to all."""

from __future__ import annotations

import getpass
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.browser.test_databricks_apps import FORWARDED, platform_environment
from tests.dashboard import RunApp, RunningApp, free_port, run_shared_app
from tests.fakes.waiting import eventually
from tests.tab import Tab, open_tab

__all__ = ["run_shared_app"]

ME = getpass.getuser()
LISTED = {"SWITCHYARD_ADMINS": "ada@example.com", "SWITCHYARD_OPERATORS": "olly@example.com"}
API = ("status", "health", "metrics", "badge/hermes.svg")
SWEEP, SWITCH, PREVIEW, APPLY = "probe_now", "switch_button_hermes", "preview_switch", "apply_switch"


def signed_in(email: str | None) -> dict[str, str]:
    """Return the headers that the sign-in of Databricks Apps gives, or that somebody makes up."""
    rest = {name: value for name, value in FORWARDED.items() if name != "X-Forwarded-Email"}
    return rest | ({"X-Forwarded-Email": email} if email else {})


FORGED = {
    "no names": {},
    "an admin's": signed_in("ada@example.com"),
    "an operator's": signed_in("olly@example.com"),
    "a viewer's": signed_in("vic@example.com"),
}


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard, its database and the files that its agents read."""

    app: RunningApp

    @property
    def folder(self) -> Path:
        return self.app.state_dir / "simulated" / "healthy"

    def told(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder / 'switchyard.db'}?mode=ro", uri=True)) as kept:
            return kept.execute(sql).fetchall()

    def events(self) -> list[tuple[str, ...]]:
        """Return who did what in which role from where, and how it went, oldest first."""
        return self.told("SELECT actor, role, address, action, outcome FROM audit_events ORDER BY sequence")

    def written(self) -> tuple[object, ...]:
        """Return what a change would have moved: the agents' files, and the changes that were not refused."""
        files = {path: path.read_bytes() for path in sorted((self.folder / "home").rglob("*")) if path.is_file()}
        return files, self.told("SELECT change_id, state FROM changes WHERE state <> 'blocked'")


def running(run_shared_app: RunApp, environment: Mapping[str, str], port: int, command: list[str]) -> Dashboard:
    dashboard = Dashboard(run_shared_app({**LISTED, "SWITCHYARD_SIMULATE": "healthy", **environment}, command, port))
    with open_tab(dashboard.app.url) as tab:
        eventually(lambda: "All routes healthy" in tab.open().text)
    return dashboard


@pytest.fixture(scope="module")
def inside(run_shared_app: RunApp) -> Dashboard:
    port = free_port()
    return running(run_shared_app, platform_environment(port), port, ["streamlit", "run", "app.py"])


def started_at(run_shared_app: RunApp, address: str) -> Dashboard:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", address]
    return running(run_shared_app, {}, port, [*command, "--server.port", str(port)])


@pytest.fixture(scope="module")
def loopback(run_shared_app: RunApp) -> Dashboard:
    return started_at(run_shared_app, "127.0.0.1")


@pytest.fixture(scope="module")
def open_port(run_shared_app: RunApp) -> Dashboard:
    return started_at(run_shared_app, "0.0.0.0")


def clicks(tab: Tab) -> None:
    """Send the clicks that probe and change, whether or not they can be made."""
    tab.open().click(SWEEP)
    tab.open().click(SWITCH)
    if PREVIEW in tab.buttons:
        tab.fill("switch_slot_primary", "databricks-claude-haiku-4-5").click(PREVIEW)
        eventually(lambda: APPLY in tab.again().buttons)
        tab.fill("switch_reason", "for a test").click(APPLY)


def of(dashboard: Dashboard, actor: str, before: int) -> set[tuple[str, ...]]:
    """Return role, action and outcome of what somebody was recorded with since then."""
    return {(event[1], *event[3:]) for event in dashboard.events()[before:] if event[0] == actor}


# Inside Databricks Apps the sign-in says who it is, and the lists decide.


@pytest.mark.parametrize(
    ("email", "role", "may_probe", "may_change"),
    [
        ("vic@example.com", "Viewer", False, False),
        ("olly@example.com", "Operator", True, False),
        ("ada@example.com", "Admin", True, True),
    ],
)
def test_each_role_sees_what_it_may(
    inside: Dashboard, email: str, role: str, may_probe: bool, may_change: bool
) -> None:
    with open_tab(inside.app.url, signed_in(email)) as tab:
        tab.open()
        assert f"You are `{email}`" in tab.text and f"{role}: You are a" in tab.text
        assert (tab.buttons[SWEEP].disabled, tab.buttons[SWITCH].disabled) == (not may_probe, not may_change)


@pytest.mark.parametrize(
    ("email", "name", "recorded"),
    [
        pytest.param(None, "Riley Quinn", set(), id="a viewer without an address"),
        pytest.param("vic@example.com", "vic@example.com", set(), id="a viewer"),
        pytest.param(
            "olly@example.com", "olly@example.com", {("operator", "probe.sweep", "started")}, id="an operator"
        ),
    ],
)
def test_clicks_that_cannot_be_made_do_nothing(
    inside: Dashboard, email: str | None, name: str, recorded: set[tuple[str, ...]]
) -> None:
    before, written = len(inside.events()), inside.written()
    with open_tab(inside.app.url, signed_in(email)) as tab:
        clicks(tab)
        tab.again()
    eventually(lambda: of(inside, name, before) == recorded)
    assert inside.written() == written


def test_the_same_clicks_of_an_admin_change_what_hermes_runs(inside: Dashboard) -> None:
    before, written = len(inside.events()), inside.written()
    with open_tab(inside.app.url, signed_in("ada@example.com")) as tab:
        clicks(tab)
        eventually(lambda: ("admin", "change.apply", "applied") in of(inside, "ada@example.com", before))
    assert inside.written() != written
    assert {event[2] for event in inside.events()} == {FORWARDED["X-Real-Ip"]}


@pytest.mark.parametrize("name", API)
def test_inside_apps_programs_read_with_a_name_only(inside: Dashboard, name: str) -> None:
    for email, status in ((None, 403), ("vic@example.com", 200), ("ada@example.com", 200)):
        headers = {"X-Forwarded-Email": email} if email else {}
        assert httpx.get(f"{inside.app.url}/api/{name}", headers=headers).status_code == status


# Outside of them nobody looks at what anybody forwards.


@pytest.mark.parametrize(
    "forged",
    [{}, signed_in("ada@example.com"), signed_in("vic@example.com")],
    ids=["no names", "an admin's", "another's"],
)
def test_on_loopback_forged_names_change_nothing(loopback: Dashboard, forged: Mapping[str, str]) -> None:
    before = len(loopback.events())
    with open_tab(loopback.app.url, forged) as tab:
        tab.open()
        assert f"You are `{ME}`" in tab.text and f"Admin: {ME} is this machine's user" in tab.text
        assert "example.com" not in tab.text
        tab.click(SWEEP)
    eventually(lambda: of(loopback, ME, before) == {("admin", "probe.sweep", "started")})
    assert {(event[0], event[2]) for event in loopback.events()} == {(ME, "127.0.0.1")}


@pytest.mark.parametrize(
    "forged",
    [{}, signed_in("ada@example.com"), signed_in("olly@example.com")],
    ids=["no names", "an admin's", "another's"],
)
def test_on_an_open_port_forged_names_gain_nothing(open_port: Dashboard, forged: Mapping[str, str]) -> None:
    before, written = len(open_port.events()), open_port.written()
    with open_tab(open_port.app.url, forged) as tab:
        tab.open()
        assert f"You are `{ME}`" in tab.text and "Viewer: You are a viewer because this dashboard can be" in tab.text
        assert tab.buttons[SWEEP].disabled and tab.buttons[SWITCH].disabled
        clicks(tab)
        tab.again()
    assert (len(open_port.events()), open_port.written()) == (before, written)


@pytest.mark.parametrize("name", API)
def test_outside_apps_programs_read_by_the_name_of_the_machine(
    loopback: Dashboard, open_port: Dashboard, name: str
) -> None:
    for headers in ({}, signed_in("ada@example.com")):
        assert httpx.get(f"{loopback.app.url}/api/{name}", headers=headers).status_code == 200
        assert httpx.get(f"{open_port.app.url}/api/{name}", headers=headers).status_code == 200
        rebound = {**headers, "Host": "rebound.example"}
        assert httpx.get(f"{loopback.app.url}/api/{name}", headers=rebound).status_code == 403


def test_no_program_acts_whoever_it_says_it_is(inside: Dashboard, loopback: Dashboard, open_port: Dashboard) -> None:
    for dashboard in (inside, loopback, open_port):
        before = dashboard.events(), dashboard.written()
        with httpx.Client(base_url=dashboard.app.url, headers=signed_in("ada@example.com")) as client:
            for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                for name in (*API, "probe", "changes"):
                    assert client.request(method, f"/api/{name}").status_code == 405
        assert (dashboard.events(), dashboard.written()) == before
