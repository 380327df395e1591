"""The outage of a deployed app as an admin lives it: Down, switch on the app, Healthy, and every way it can end."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat
from playwright.sync_api import Locator, Page, expect

from core.adapters.database.times import time_text
from tests.browser.conftest import RunApp, RunningApp, Simulator, run_simulator
from tests.browser.test_pages import row

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PRIMARY, FALLBACK = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6"
FILE = "/Workspace/Users/robin.vale@switchyard.example/apps/coding-agents/app.yaml"
SLOW = 60_000


class Deployed:
    """A dashboard beside a simulated workspace with a deployed app whose Hermes is down."""

    def __init__(self, app: RunningApp, simulator: Simulator, page: Page) -> None:
        self.app = app
        self.simulator = simulator
        self.page = page
        self.sdk = WorkspaceClient(
            host=simulator.origin, token=simulator.environment["DATABRICKS_TOKEN"], auth_type="pat"
        )
        page.goto(app.url)
        self.expect_health(row(page, "hermes"), "Down")

    @staticmethod
    def expect_health(hermes: Locator, word: str) -> None:
        expect(hermes.locator(".stMarkdownBadge").first).to_contain_text(word, timeout=SLOW)

    def runs(self, variable: str = "HERMES_MODEL") -> str | None:
        """Return what the app's process really has in its environment."""
        with urllib.request.urlopen(f"{self.simulator.origin}/_simulator/apps") as answer:
            environment = json.load(answer)["apps"]["coda"]["environment"] or {}
        return environment.get(variable)

    def script(self, **script: object) -> None:
        """Say how the next deployment goes; one of `polls=0` is there when it is first asked about."""
        body = json.dumps({"app": "coda", **script}).encode()
        request = urllib.request.Request(f"{self.simulator.origin}/_simulator/apps", method="POST", data=body)
        urllib.request.urlopen(request).close()

    @property
    def content(self) -> bytes:
        with self.sdk.workspace.download(FILE) as stream:
            return stream.read()

    def edit(self, old: str, new: str) -> None:
        """Change the app.yaml as somebody else would."""
        content = self.content.replace(old.encode(), new.encode())
        self.sdk.workspace.upload(FILE, io.BytesIO(content), format=ImportFormat.AUTO, overwrite=True)

    def end_overrides_now(self) -> None:
        with closing(sqlite3.connect(self.app.state_dir / "switchyard.db")) as connection, connection:
            connection.execute("UPDATE overrides SET expires_at = ?", (time_text(datetime.now(UTC)),))

    def open_switch(self) -> Locator:
        """Open the dialog on the Switch page, for the app."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Switch").click()
        box = self.page.locator(".st-key-switch_hermes")
        box.get_by_role("button", name="Switch …").click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog.get_by_role("combobox", name="Where")).to_have_value("app:coda", timeout=SLOW)
        return dialog

    def pick(self, dialog: Locator, label: str, model: str) -> None:
        dialog.get_by_role("combobox", name=label).click()
        self.page.get_by_role("option", name=re.compile(f"^{re.escape(model)} ")).click()

    def preview(self, dialog: Locator, primary: str = PRIMARY, fallback: str = FALLBACK) -> None:
        self.pick(dialog, "Model", primary)
        self.pick(dialog, "Fallback", fallback)
        dialog.get_by_role("button", name="Preview").click()

    def apply(self, dialog: Locator, reason: str = "the primary is not served here") -> None:
        dialog.get_by_label("Reason", exact=True).fill(reason)
        dialog.get_by_role("button", name="Apply and verify").click()

    def close(self, dialog: Locator) -> None:
        dialog.get_by_role("button", name="Close", exact=True).last.click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def overview(self) -> Locator:
        """Return Hermes' row on the Overview."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Overview").click()
        return row(self.page, "hermes")


@pytest.fixture
def deployed(run_app: RunApp, tmp_path_factory: pytest.TempPathFactory, page: Page) -> Iterator[Deployed]:
    with run_simulator(tmp_path_factory.mktemp("simulator"), "deployed-incident") as simulator:
        environment = {**simulator.environment, "SWITCHYARD_CONFIRM_DELAY_S": "0"}
        yield Deployed(run_app(environment), simulator, page)


def test_down_switch_on_the_app_healthy_and_back(deployed: Deployed) -> None:
    before = deployed.content
    dialog = deployed.open_switch()
    expect(dialog).to_contain_text("models that cannot work here, and why")
    deployed.preview(dialog)
    expect(dialog).to_contain_text("Ready to apply.", timeout=SLOW)
    expect(dialog).to_contain_text("CHANGE")
    assert deployed.content == before

    deployed.apply(dialog)
    expect(dialog).to_contain_text("Starting the deployment", timeout=SLOW)
    expect(dialog).to_contain_text("Applied and confirmed.", timeout=SLOW)
    assert deployed.runs() == PRIMARY
    changed = deployed.content
    assert changed != before and changed.count(b"\n") == before.count(b"\n")
    deployed.close(dialog)
    deployed.expect_health(deployed.overview(), "Healthy")

    deployed.script(polls=0)
    deployed.page.get_by_role("button", name="Roll back").first.click()
    dialog = deployed.page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("shown to somebody")
    dialog.get_by_role("button", name="Roll back").click()
    expect(dialog).to_contain_text("The former values stand again.", timeout=SLOW)
    assert deployed.content == before
    deployed.close(dialog)
    deployed.expect_health(deployed.overview(), "Down")


def test_what_is_there_already_is_nothing_to_change(deployed: Deployed) -> None:
    deployed.script(polls=0)
    dialog = deployed.open_switch()
    deployed.preview(dialog)
    expect(dialog).to_contain_text("Ready to apply.", timeout=SLOW)
    deployed.apply(dialog)
    expect(dialog).to_contain_text("Applied and confirmed.", timeout=SLOW)
    deployed.close(dialog)
    dialog = deployed.open_switch()
    deployed.preview(dialog)
    expect(dialog).to_contain_text("Nothing to change.", timeout=SLOW)
    expect(dialog.get_by_role("button", name="Apply and verify")).to_have_count(0)


def test_a_value_that_was_changed_behind_the_dialog_is_a_conflict(deployed: Deployed) -> None:
    dialog = deployed.open_switch()
    deployed.preview(dialog)
    expect(dialog).to_contain_text("Ready to apply.", timeout=SLOW)
    deployed.edit("MAX_CONCURRENT_SESSIONS", "MAX_SESSIONS")
    theirs = deployed.content
    deployed.apply(dialog)
    expect(dialog).to_contain_text("Nothing was written: somebody else changed it", timeout=SLOW)
    assert deployed.content == theirs


def test_a_blocked_change_can_be_forced_with_a_reason_of_its_own(deployed: Deployed) -> None:
    dialog = deployed.open_switch()
    deployed.pick(dialog, "Fallback", FALLBACK)
    dialog.get_by_role("combobox", name="Model").fill("databricks-claude-of-tomorrow")
    deployed.page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("Blocked.", timeout=SLOW)
    dialog.get_by_text("Force it although it is blocked").click()
    dialog.get_by_label("Reason for forcing").fill("it is served from noon on")
    deployed.page.keyboard.press("Tab")
    deployed.script(polls=0)
    dialog.get_by_role("button", name="Force and apply").click()
    expect(dialog).to_contain_text("Forced although it could not be proved.", timeout=SLOW)
    assert deployed.runs() == "databricks-claude-of-tomorrow"


def test_a_deployment_that_fails_rolls_back_by_itself(deployed: Deployed) -> None:
    before, was = deployed.content, deployed.runs()
    dialog = deployed.open_switch()
    deployed.preview(dialog)
    expect(dialog).to_contain_text("Ready to apply.", timeout=SLOW)
    deployed.script(ending="failed", message="pip install ended with 1")
    deployed.apply(dialog)
    expect(dialog).to_contain_text("the former values were put back", timeout=SLOW)
    assert (deployed.content, deployed.runs()) == (before, was)


def test_an_override_counts_down_and_ends_by_itself(deployed: Deployed) -> None:
    before = deployed.content
    dialog = deployed.open_switch()
    deployed.preview(dialog)
    expect(dialog).to_contain_text("Ready to apply.", timeout=SLOW)
    dialog.get_by_role("radio", name="30 min").click()
    expect(dialog).to_contain_text("then the former value comes back by itself")
    deployed.script(polls=0)
    deployed.apply(dialog, "until the grant is there")
    expect(dialog).to_contain_text("Applied and confirmed.", timeout=SLOW)
    deployed.close(dialog)
    sidebar = deployed.page.get_by_test_id("stSidebar")
    expect(sidebar).to_contain_text(re.compile("Override of Hermes: ends in (29|30) min"), timeout=SLOW)

    # Time is not waited for: the end that somebody set is moved to now, where it is kept.
    deployed.script(polls=0)
    deployed.end_overrides_now()
    expect(sidebar).not_to_contain_text("Override of Hermes", timeout=SLOW)
    assert deployed.content == before
