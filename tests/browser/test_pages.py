"""The pages in a real browser, over the simulated workspace."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import GROUNDS, RunApp, RunningApp, free_port
from tests.fakes.cut_off import CutOff

pytestmark = pytest.mark.browser

AGENTS = {
    "hermes": "Hermes",
    "claude": "Claude Code",
    "codex": "Codex",
    "gemini": "Gemini CLI",
    "opencode": "OpenCode",
    "pi": "Pi",
    "copilot": "Copilot CLI",
    "cursor": "Cursor",
}


@pytest.fixture(scope="module")
def healthy(run_shared_app: RunApp) -> RunningApp:
    return run_shared_app({"SWITCHYARD_SIMULATE": "healthy"})


def row(page: Page, agent: str) -> Locator:
    """Return the row of an agent on the Overview."""
    return page.locator(f".st-key-row_{agent}")


def test_a_cold_deep_link_goes_through_the_frame(run_app: RunApp, page: Page) -> None:
    fresh = run_app({"SWITCHYARD_SIMULATE": "healthy"})

    page.goto(f"{fresh.url}/detection")

    expect(page.get_by_role("heading", name="Detection")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_contain_text("You are")
    expect(page.get_by_test_id("stSidebarNav")).to_contain_text("Overview")
    expect(page.get_by_text("This page opens from the dashboard only.")).to_have_count(0)


def test_make_run_with_nothing_set_gives_the_simulated_workspace_and_asks_nothing_of_a_network(
    run_app: RunApp, page: Page, tmp_path: Path
) -> None:
    cut, port = CutOff(log=tmp_path / "asked"), free_port()
    run = [sys.executable, "-m", "scripts.run"]
    page.goto(run_app({"PORT": str(port), **cut.environment}, command=run, port=port).url)

    expect(page.get_by_text("Simulated workspace – scene healthy")).to_be_visible()
    expect(row(page, "hermes")).to_contain_text("Healthy · simulated")
    assert cut.asked == []


def test_the_overview_shows_workspace_cloud_gateway_and_a_row_per_agent(healthy: RunningApp, page: Page) -> None:
    page.goto(healthy.url)

    main = page.get_by_test_id("stMain")
    expect(main).to_contain_text("azuredatabricks.net")
    expect(main).to_contain_text("Azure")
    expect(main).to_contain_text("/ai-gateway")
    for agent, label in AGENTS.items():
        expect(row(page, agent)).to_contain_text(label)
    for agent in AGENTS:
        expect(row(page, agent)).to_contain_text("Unknown" if agent == "cursor" else "Healthy")


def test_the_incident_is_explained_per_slot_and_credential(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)

    hermes = row(page, "hermes")
    expect(hermes.get_by_text("Down · simulated")).to_be_visible()
    for verdict in (
        r"primary · databricks-claude-opus-4-7 · stored token .*Down — Model: 404",
        r"fallback · databricks-claude-opus-4-6 · stored token .*Down — Auth: 403",
        r"primary · databricks-claude-opus-4-7 · dashboard's credential .*Down — Model: 404",
        r"fallback · databricks-claude-opus-4-6 · dashboard's credential .*Healthy",
    ):
        expect(hermes).to_contain_text(re.compile(verdict))
    for agent in ("claude", "codex", "gemini"):
        expect(row(page, agent)).to_contain_text("Healthy · simulated")


def test_probe_now_updates_without_replacing_the_page(healthy: RunningApp, page: Page) -> None:
    page.goto(healthy.url)
    hermes = row(page, "hermes")
    expect(hermes).to_contain_text("Healthy · simulated")
    # The mark stays only on an element that React keeps; whatever is unmounted comes back without it.
    page.evaluate(
        """() => {
            const main = document.querySelector('[data-testid=stMain]');
            const row = document.querySelector('.st-key-row_hermes');
            main.dataset.kept = row.dataset.kept = 'yes';
            window.emptied = false;
            new MutationObserver(() => {
                if (!document.querySelector('.st-key-row_hermes')) window.emptied = true;
            }).observe(document.body, {childList: true, subtree: true});
        }"""
    )

    page.get_by_role("button", name="Probe now").click()

    expect(hermes).to_contain_text("just now")
    expect(page.locator("[data-testid=stMain][data-kept=yes]")).to_have_count(1)
    expect(page.locator(".st-key-row_hermes[data-kept=yes]")).to_have_count(1)
    assert page.evaluate("window.emptied") is False


def test_the_checks_of_a_row_open_rung_by_rung_and_stay_open(healthy: RunningApp, page: Page) -> None:
    page.goto(healthy.url)
    expect(row(page, "codex")).to_contain_text("Healthy · simulated")

    row(page, "codex").get_by_role("button", name="Checks", exact=True).click()

    table = page.get_by_test_id("stPopoverBody").get_by_role("table")
    for rung in ("DNS", "TCP", "TLS", "HTTP", "Auth", "Route", "Model"):
        expect(table).to_contain_text(rung)
    page.wait_for_function("window.__seen = (window.__seen || 0) + 1, window.__seen > 120")
    expect(table).to_be_visible()


def test_settings_that_cannot_be_meant_are_a_page_not_a_crash(run_app: RunApp, page: Page) -> None:
    page.goto(run_app({"SWITCHYARD_SIMULATE": "no-such-scene"}).url)

    expect(page.get_by_role("heading", name="Switchyard cannot start")).to_be_visible()
    expect(page.get_by_test_id("stMain")).to_contain_text("SWITCHYARD_SIMULATE")
    expect(page.get_by_text("Traceback")).to_have_count(0)


@pytest.mark.parametrize("theme", GROUNDS)
def test_both_themes_follow_the_system(healthy: RunningApp, page: Page, theme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=theme)
    page.goto(healthy.url)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    expect(page.get_by_test_id("stApp")).to_have_css("background-color", GROUNDS[theme])
