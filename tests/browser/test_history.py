"""The History page in a real browser: what is set outlives a reload, what is taken away is whole and without tokens."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunningApp
from tests.browser.test_pages import row

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]

MODEL = "databricks-claude-opus-4-7"
TOKEN = re.compile(r"dapi[0-9a-f]{8}|Bearer (?!\*)")


def open_history(page: Page, app: RunningApp, query: str = "") -> None:
    """Open the page once both incidents of the scene are there."""
    page.goto(f"{app.url}/history{query}")
    expect(page.get_by_role("button", name="Details")).to_have_count(2, timeout=40_000)


def test_the_bars_can_be_heard_and_reached_by_keyboard(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    words = re.compile(r"Codex: Last check: 1 healthy; newest|Codex: Last \d+ checks: \d+ healthy; newest")

    expect(row(page, "codex").get_by_role("img", name=words)).to_be_visible()
    reached = row(page, "codex").get_by_role("button", name=words)
    reached.focus()
    expect(reached).to_be_focused()


def test_the_overview_leads_to_an_incident_and_its_report_names_no_token(
    incident: RunningApp, page: Page, tmp_path: Path
) -> None:
    page.goto(incident.url)
    line = page.locator(".st-key-open_incidents")
    expect(line).to_contain_text(f"Model: {MODEL} is not on the chat route", timeout=40_000)
    line.get_by_role("link", name="Details").first.click()

    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("Report for a ticket")
    expect(page).to_have_url(re.compile(r"/history\?incident=inc-"))
    with page.expect_download() as download:
        drawer.get_by_role("button", name="Download the report").click()
    download.value.save_as(tmp_path / "report.md")

    report = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert report.startswith("# Incident inc-")
    assert "## Timeline" in report
    assert not TOKEN.search(report)


def test_range_and_filters_outlive_a_reload(incident: RunningApp, page: Page) -> None:
    open_history(page, incident)
    page.get_by_role("radio", name="7 d").click()
    expect(page).to_have_url(re.compile("range=7d"))
    page.get_by_label("Search").fill("opus-4-7")
    page.get_by_label("Search").press("Enter")
    expect(page).to_have_url(re.compile("q=opus-4-7"))

    page.reload()

    expect(page.get_by_label("Search")).to_have_value("opus-4-7")
    expect(page.get_by_role("radio", name="7 d")).to_be_checked()
    expect(page.get_by_role("button", name="Details")).to_have_count(1)
    expect(page.get_by_test_id("stMain")).to_contain_text(MODEL)


def test_what_is_shown_is_taken_away_as_csv_and_json(incident: RunningApp, page: Page, tmp_path: Path) -> None:
    open_history(page, incident)
    for name in ("CSV", "JSON"):
        with page.expect_download() as download:
            page.get_by_role("button", name=f"Export as {name}").click()
        download.value.save_as(tmp_path / name)

    text, document = (tmp_path / "CSV").read_text(encoding="utf-8"), json.loads((tmp_path / "JSON").read_text())
    rows = list(csv.DictReader(text.splitlines()))
    assert len([found for found in rows if found["kind"] == "incident"]) == len(document["incidents"]) == 2
    assert {found["simulated"] for found in rows if found["kind"] == "transition"} == {"True"}
    assert not TOKEN.search(text)
