"""The Routes page in a real browser: the matrix, its addresses, and probes that people start."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import RunApp, RunningApp, Simulator
from tests.browser.test_pages import row

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

PERMALINK = "agent=hermes&model=databricks-claude-opus-4-7&slot=primary&identity=stored&depth=reach"
HUNG = "claude-haiku-4-5"
LONG = 40_000
INCIDENT = re.compile("Down.*Down.*primary", re.DOTALL)


def cell(page: Page, agent: str, model: str) -> Locator:
    """Return a cell that has a verdict or is in use."""
    return page.locator(f".st-key-cell_{agent}_{model}")


def bare_cell(page: Page, agent: str, model: str) -> Locator:
    """Return a cell that has neither."""
    return page.locator(f".st-key-open_{agent}_{model}")


def test_the_matrix_shows_the_incident(incident: RunningApp, page: Page) -> None:
    page.goto(f"{incident.url}/routes")

    expect(cell(page, "hermes", "claude-opus-4-7")).to_contain_text(INCIDENT, timeout=LONG)
    expect(cell(page, "hermes", "claude-opus-4-6")).to_contain_text(re.compile("Healthy.*Down.*fallback", re.DOTALL))
    expect(cell(page, "claude", "claude-opus-4-6")).to_contain_text("Healthy")
    expect(bare_cell(page, "codex", "claude-opus-4-6")).to_contain_text("Other dialect")
    expect(bare_cell(page, "copilot", "claude-haiku-4-5")).to_contain_text("Not probed")


def test_a_deep_link_restores_the_filters(incident: RunningApp, page: Page) -> None:
    page.goto(f"{incident.url}/routes?agents=hermes&health=down&q=opus&health=nonsense")

    expect(cell(page, "hermes", "claude-opus-4-7")).to_contain_text("Down")
    expect(page.locator("[class*=st-key-cell_]")).to_have_count(2)
    expect(page.get_by_label("Search")).to_have_value("opus")

    page.get_by_label("Search").fill("")
    page.get_by_label("Search").press("Enter")

    expect(page).not_to_have_url(re.compile(r"[?&]q="))
    expect(page).to_have_url(re.compile(r"agents=hermes"))


def test_a_permalink_opens_its_evidence_on_a_cold_start(run_app: RunApp, page: Page) -> None:
    fresh = run_app({"SWITCHYARD_SIMULATE": "incident"})

    page.goto(f"{fresh.url}/routes?{PERMALINK}")

    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("Hermes with")
    for words in ("Down · simulated", "not started", "unproven", "stored token", "$DATABRICKS_TOKEN", PERMALINK):
        expect(drawer).to_contain_text(words)
    expect(page.get_by_test_id("stSidebar")).to_contain_text("You are")
    drawer.get_by_text("Request and answer").click()
    expect(drawer).to_contain_text("Authorization: Bearer ***")

    drawer.get_by_role("button", name="Close").click()

    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("identity="))


def test_a_cell_opens_its_drawer_and_another_verdict_has_another_address(incident: RunningApp, page: Page) -> None:
    page.goto(f"{incident.url}/routes?agents=hermes")
    # Either verdict may land first; the dashboard's own is the upper one once both are there.
    expect(cell(page, "hermes", "claude-opus-4-7")).to_contain_text(INCIDENT, timeout=LONG)
    cell(page, "hermes", "claude-opus-4-7").get_by_role("button").first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("dashboard's credential")
    expect(page).to_have_url(re.compile("identity=dashboard"))

    drawer.get_by_role("radio", name=re.compile("stored token")).click()

    expect(page).to_have_url(re.compile("identity=stored"))
    expect(page).to_have_url(re.compile("agents=hermes"))


def test_the_overview_leads_to_the_evidence(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    expect(row(page, "hermes")).to_contain_text("Down · simulated")
    row(page, "hermes").get_by_role("button", name="Checks", exact=True).click()

    page.get_by_role("link", name=re.compile("Evidence: primary · stored token")).click()

    expect(page.get_by_role("dialog")).to_contain_text("Down · simulated")
    expect(page).to_have_url(re.compile(r"/routes\?.*identity=stored"))


def test_the_cost_is_shown_before_a_sweep_that_a_hung_route_cannot_hold_up(
    simulator: Simulator, run_app: RunApp, page: Page
) -> None:
    app = run_app({**simulator.environment, "SWITCHYARD_CONFIRM_DELAY_S": "0"})
    page.goto(f"{app.url}/routes?agents=copilot&models=claude-opus-4-6&models={HUNG}")
    expect(cell(page, "copilot", "claude-sonnet-4-6")).to_contain_text("Healthy")
    for model in (HUNG, "claude-opus-4-6"):
        expect(bare_cell(page, "copilot", model)).to_contain_text("Not probed")
    bar = page.locator(".st-key-probe_bar")
    expect(bar).to_contain_text("2 requests · at most 32 output tokens · at most 28 s")
    _hang(simulator, HUNG)

    bar.get_by_role("button", name="Probe selected (2)").click()

    expect(cell(page, "copilot", "claude-opus-4-6")).to_contain_text("Healthy")
    expect(bar).to_contain_text("Probing: 1 of 2 routes")
    page.get_by_label("Search").fill("sonnet")
    page.get_by_label("Search").press("Enter")
    expect(page.locator("[class*=st-key-cell_]")).to_have_count(1)
    expect(bar).to_contain_text("Probing: 1 of 2 routes")
    page.get_by_label("Search").fill("")
    page.get_by_label("Search").press("Enter")
    expect(cell(page, "copilot", HUNG)).to_contain_text("Degraded", timeout=LONG)
    expect(bar).to_contain_text("2 routes probed")


def test_a_token_for_one_probe_gets_a_word_of_its_own_and_is_gone(incident: RunningApp, page: Page) -> None:
    token = "dapi-of-somebody-who-looks"
    page.goto(f"{incident.url}/routes?agent=codex&model=gpt-5-5")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("Healthy · simulated", timeout=LONG)
    expect(drawer.get_by_role("button", name="Probe this route")).to_be_visible()
    _choose(page, drawer.get_by_role("combobox", name=re.compile("Credential")), "A token for this probe")
    field = drawer.get_by_label("Token", exact=True)
    field.fill(token)

    drawer.get_by_role("button", name="Probe this route").click()

    expect(drawer).to_contain_text("one-probe token", timeout=LONG)
    expect(field).to_have_value("")
    assert token not in page.url
    assert token not in page.content()
    log = (incident.state_dir.parent / "app.log").read_text(encoding="utf-8")
    assert token not in log


def _choose(page: Page, box: Locator, option: str) -> None:
    """Open a list and pick from it, as a person would: scroll to it first, for Streamlit closes lists on a scroll."""
    box.scroll_into_view_if_needed()
    # The scroll event of a programmatic scroll comes with the next frame.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    box.click()
    page.get_by_role("option", name=option).click()


def _hang(simulator: Simulator, model: str) -> None:
    body = json.dumps({"fault": "hang", "model": f"databricks-{model}", "dialect": "openai_chat"}).encode()
    with urllib.request.urlopen(f"{simulator.origin}/_simulator/faults", data=body) as answer:
        assert answer.status == 200
