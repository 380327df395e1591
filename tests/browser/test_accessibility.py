"""Every page in both themes under the rules of axe-core, and the switch flow without a mouse."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import GROUNDS, RunApp, RunningApp
from tests.browser.test_routes import PERMALINK

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PAGES = {
    "": "Overview",
    "routes": "Routes",
    "routes?cells=latency": "Routes",
    "switch": "Switch",
    "fallbacks": "Fallbacks",
    "history": "History",
    "history?show=routes": "History",
    "history?show=audit": "History",
    "detection": "Detection",
}


@pytest.fixture(scope="module")
def incident(run_shared_app: RunApp) -> RunningApp:
    """Return an outage of our own, because it is ended here."""
    return run_shared_app({"SWITCHYARD_SIMULATE": "incident"})


def findings(page: Page) -> list[str]:
    """Return what axe-core objects to on the page as it stands, in both themes: a line for each rule."""
    found = []
    for theme, ground in GROUNDS.items():
        page.emulate_media(color_scheme=theme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", ground)
        violations = Axe().run(page).response["violations"]
        found += [f"{theme}: {one['impact']}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in violations]
    return found


def tab_to(page: Page, wanted: Locator, *, steps: int = 80) -> None:
    """Move the focus with the Tab key until it is on this element; fails when it never gets there."""
    for _ in range(steps):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{steps} times Tab do not lead to {wanted}")


def choose(page: Page, label: str, option: str) -> None:
    """Type into a choice that the Tab key leads to, and take what is left of its options."""
    tab_to(page, page.get_by_role("dialog").get_by_role("combobox", name=re.compile(label)))
    page.keyboard.type(option)
    expect(page.get_by_role("option").first).to_contain_text(option)
    page.keyboard.press("Enter")


@pytest.mark.parametrize("path", PAGES)
def test_axe_core_finds_nothing(incident: RunningApp, page: Page, path: str) -> None:
    page.goto(f"{incident.url}/{path}")
    expect(page.get_by_role("heading", name=PAGES[path], level=1)).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)

    assert findings(page) == []


def test_axe_core_finds_nothing_in_the_dialog_of_a_switch(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    page.locator(".st-key-row_hermes").get_by_role("button", name="Switch …").click()
    expect(page.get_by_role("dialog")).to_contain_text("The stored token is refused by the workspace")

    assert findings(page) == []


def test_axe_core_finds_nothing_in_the_evidence_of_a_route(incident: RunningApp, page: Page) -> None:
    page.goto(f"{incident.url}/routes?{PERMALINK}")
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("The address of exactly this evidence")
    drawer.get_by_text("Request and answer").click()
    expect(drawer).to_contain_text("Authorization: Bearer ***")

    assert findings(page) == []


def test_axe_core_finds_nothing_in_an_incident(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    page.locator(".st-key-open_incidents").get_by_role("link", name="Details").first.click()
    # The report comes last; before it the drawer scrolls and has nothing in it yet that takes the focus.
    expect(page.get_by_role("dialog").get_by_test_id("stCode").last).to_contain_text("# Incident inc-")

    assert findings(page) == []


def test_axe_core_finds_nothing_in_the_modes_of_a_presenter(incident: RunningApp, page: Page) -> None:
    page.goto(f"{incident.url}/?masked=1")
    page.get_by_role("button", name="Presenting").click()
    expect(page.get_by_role("switch", name="Redaction mode")).to_be_checked()

    assert findings(page) == []


@pytest.mark.parametrize(("path", "opening"), [("", "Summary"), ("detection", "Copy report"), ("switch", "Export")])
def test_axe_core_finds_nothing_in_what_can_be_taken_away(
    incident: RunningApp, page: Page, path: str, opening: str
) -> None:
    page.goto(f"{incident.url}/{path}")
    page.get_by_test_id("stMain").get_by_role("button", name=opening).first.click()
    expect(page.get_by_test_id("stPopoverBody").get_by_test_id("stCode").first).to_be_visible()

    assert findings(page) == []


def test_an_agent_is_switched_with_the_keyboard_alone(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    opening = page.locator(".st-key-row_hermes").get_by_role("button", name="Switch …")
    expect(opening).to_be_visible()
    tab_to(page, opening)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The stored token is refused by the workspace")

    choose(page, "Model", "databricks-claude-opus-4-6")
    choose(page, "Fallback", "databricks-claude-sonnet-4-6")
    tab_to(page, dialog.get_by_role("radio", checked=True).last)
    page.keyboard.press("ArrowDown")
    tab_to(page, dialog.get_by_role("button", name="Preview"))
    page.keyboard.press("Enter")
    expect(dialog).to_contain_text("Ready to apply.", timeout=45_000)
    tab_to(page, dialog.get_by_label("Reason"))
    page.keyboard.type("without a mouse")
    tab_to(page, dialog.get_by_role("button", name="Apply and verify"))
    page.keyboard.press("Enter")

    expect(dialog).to_contain_text("Applied and confirmed.", timeout=45_000)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
