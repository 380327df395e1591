"""The first switch, as a person does it: Down, switch, Healthy, roll back, and the file is what it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_pages import row

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

WORKING = "databricks-claude-opus-4-6"
FALLBACK = "databricks-claude-sonnet-4-6"
SLOW = 45_000


@pytest.fixture(scope="module")
def incident(run_shared_app: RunApp) -> RunningApp:
    """Return an outage of our own, because it is ended here."""
    return run_shared_app({"SWITCHYARD_SIMULATE": "incident"})


def hermes_file(app: RunningApp) -> Path:
    (path,) = app.state_dir.rglob(".hermes/config.yaml")
    return path


def pick(dialog: Locator, label: str, option: str) -> None:
    box = dialog.get_by_role("combobox", name=re.compile(label))
    box.click()
    dialog.page.get_by_role("option", name=re.compile(f"^{re.escape(option)} ")).click()


def test_switch_and_roll_back(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    hermes = row(page, "hermes")
    expect(hermes.get_by_text("Down · simulated")).to_be_visible()
    path = hermes_file(incident)
    before = path.read_bytes()

    hermes.get_by_role("button", name="Switch …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The stored token is refused by the workspace")
    pick(dialog, "Model", WORKING)
    pick(dialog, "Fallback", FALLBACK)
    dialog.get_by_text("Read it from the environment variable DATABRICKS_TOKEN").click()
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("Ready to apply.", timeout=SLOW)
    assert path.read_bytes() == before
    dialog.get_by_label("Reason").fill("the primary is not served here")
    dialog.get_by_role("button", name="Apply and verify").click()
    expect(dialog).to_contain_text("Applied and confirmed.", timeout=SLOW)
    assert WORKING.encode() in path.read_bytes()
    dialog.get_by_role("button", name="Close", exact=True).last.click()
    expect(page.get_by_role("dialog")).to_have_count(0)

    expect(hermes.get_by_text("Healthy · simulated")).to_be_visible(timeout=SLOW)
    assert path.stat().st_mode & 0o777 == 0o600

    page.get_by_role("button", name="Roll back").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("shown to somebody")
    dialog.get_by_role("button", name="Roll back").click()
    expect(dialog).to_contain_text("The former values stand again.", timeout=SLOW)
    assert path.read_bytes() == before
