"""A tab that comes back belongs to who comes back: role, drafts and verdicts do not go on to another person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.browser.proxy import forwarding_proxy
from tests.browser.test_databricks_apps import platform_environment
from tests.dashboard import RunApp, free_port, run_shared_app
from tests.fakes.waiting import eventually
from tests.tab import Tab, open_tab

__all__ = ["run_shared_app"]

ADA, OLLY, VIC = "ada@example.com", "olly@example.com", "vic@example.com"
SWITCH, PREVIEW = "switch_button_hermes", "preview_switch"
DRAWER = "agent=hermes&model=databricks-claude-opus-4-6"
PRIVATE = "one-probe token · reach"


@dataclass
class Platform:
    """The dashboard behind the sign-in of Databricks Apps; whoever connects next is `signed_in`."""

    url: str
    signed_in: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def tab(self, email: str | None, *, resume: str = "", user: str = "7001@4455667788990011") -> Iterator[Tab]:
        self.signed_in.clear()
        self.signed_in |= {"X-Forwarded-User": user} | ({"X-Forwarded-Email": email} if email else {})
        with open_tab(self.url, resume=resume) as tab:
            yield tab


@pytest.fixture(scope="module")
def platform(run_shared_app: RunApp) -> Iterator[Platform]:
    port, people = free_port(), {"SWITCHYARD_ADMINS": ADA, "SWITCHYARD_OPERATORS": OLLY}
    environment = {**platform_environment(port), **people, "SWITCHYARD_SIMULATE": "healthy"}
    run_shared_app(environment, command=["streamlit", "run", "app.py"], port=port)
    headers: dict[str, str] = {}
    with forwarding_proxy(port, headers) as proxy_port:
        platform = Platform(f"http://127.0.0.1:{proxy_port}", headers)
        with platform.tab(ADA) as tab:
            eventually(lambda: "All routes healthy" in tab.open().text)
        yield platform


def left_with_a_draft(tab: Tab) -> str:
    """Open the switch dialog, and return the session's name as a lost connection leaves it."""
    tab.open().click(SWITCH)
    assert PREVIEW in tab.buttons
    return tab.session_id


def test_the_same_person_comes_back_to_the_draft(platform: Platform) -> None:
    with platform.tab(ADA) as tab:
        left = left_with_a_draft(tab)

    with platform.tab(ADA, resume=left) as tab:
        tab.open()
        assert tab.session_id == left
        assert PREVIEW in tab.buttons


@pytest.mark.parametrize(("email", "role"), [(OLLY, "Operator"), (VIC, "Viewer")])
def test_another_person_comes_back_to_nothing(platform: Platform, email: str, role: str) -> None:
    with platform.tab(ADA) as tab:
        left = left_with_a_draft(tab)

    with platform.tab(email, resume=left) as tab:
        tab.open()
        assert tab.session_id != left
        assert f"You are `{email}`" in tab.text and f"{role}:" in tab.text
        assert PREVIEW not in tab.buttons


def test_while_a_tab_is_open_nobody_else_takes_it_over(platform: Platform) -> None:
    with platform.tab(ADA) as adas:
        left = left_with_a_draft(adas)
        with platform.tab(VIC, resume=left) as tab:
            assert tab.open().session_id != left
            assert PREVIEW not in tab.buttons
        assert PREVIEW in adas.again().buttons


def test_people_without_an_address_are_told_apart_too(platform: Platform) -> None:
    with platform.tab(None, user="7001@4455667788990011") as tab:
        left = tab.open("routes").session_id

    with platform.tab(None, resume=left, user="7002@4455667788990011") as tab:
        tab.open()
        assert tab.session_id != left
        assert "You are `7002@4455667788990011`" in tab.text


def test_what_a_typed_token_is_answered_stays_with_who_typed_it(platform: Platform) -> None:
    with platform.tab(OLLY) as tab:
        tab.open("routes", DRAWER).fill("drawer_credential", "A token for this probe")
        tab.fill("drawer_token", "dapi-of-somebody").click("probe_cell")
        eventually(lambda: PRIVATE in tab.again().drawn)
        left = tab.session_id

    for person in (ADA, VIC):
        with platform.tab(person, resume=left) as tab:
            assert PRIVATE not in tab.open("routes", DRAWER).drawn
            assert "stored token" in tab.drawn
    with platform.tab(OLLY) as tab:
        assert PRIVATE in tab.open("routes", DRAWER).drawn
