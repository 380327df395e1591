"""Redaction mode in a real browser: what it is sent names nothing of the workspace, and a switch still means it."""

from __future__ import annotations

import getpass
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocket, expect

from core.simulator.scenes import scene_named
from tests.browser.conftest import RunApp, RunningApp
from tests.browser.test_pages import row
from tests.browser.test_switch import FALLBACK, SLOW, WORKING, hermes_file, pick

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SCENE = scene_named("incident")
NAMES = (SCENE.workspace_host, SCENE.workspace_id, SCENE.person.user_name, SCENE.account_id)
FAILED = "agent=hermes&model=databricks-claude-opus-4-7&slot=primary&identity=dashboard&depth=reach"
HEADINGS = {
    "Routes": "Routes",
    "Switch": "Targets",
    "Fallbacks": "Drill",
    "History": "Transitions",
    "Detection": "Self-check",
}


@pytest.fixture(scope="module")
def incident(run_shared_app: RunApp) -> RunningApp:
    return run_shared_app({"SWITCHYARD_SIMULATE": "incident"})


def named_in(page: Page) -> list[str]:
    """Return what the browser holds of the names, in whatever part of the page."""
    content = page.content().replace("\u2060", "")
    return [name for name in NAMES if name in content]


@pytest.fixture
def sockets(page: Page) -> list[WebSocket]:
    """Return the connections of the tab, oldest first."""
    found: list[WebSocket] = []

    def keep(socket: WebSocket) -> None:
        found.append(socket)

    page.on("websocket", keep)
    return found


def refreshed(sockets: list[WebSocket]) -> None:
    """Wait until a part of the page has refreshed by itself, which goes past the frame."""
    for _ in range(2):
        sockets[-1].wait_for_event("framereceived", timeout=SLOW)


def opened(page: Page, app: RunningApp, path: str = "/") -> None:
    page.goto(app.url + path)
    expect(page.get_by_test_id("stMain")).to_contain_text("are aliases")


def test_no_page_names_the_workspace_and_the_mode_goes_along(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    expect(row(page, "hermes").get_by_text("Down · simulated")).to_be_visible(timeout=SLOW)
    assert set(named_in(page)) == {SCENE.workspace_host, SCENE.workspace_id, SCENE.person.user_name}

    page.get_by_role("button", name="Presenting").click()
    page.get_by_text("Redaction mode").click()
    expect(page.get_by_test_id("stMain")).to_contain_text("are aliases")
    expect(page.get_by_test_id("stMain")).to_contain_text("host-1.azure.example/serving-endpoints")
    assert named_in(page) == []
    page.keyboard.press("Escape")
    for link, heading in HEADINGS.items():
        page.get_by_test_id("stSidebarNav").get_by_role("link", name=link).click()
        expect(page.get_by_role("heading", name=heading, exact=True).first).to_be_visible(timeout=SLOW)
        expect(page).to_have_url(re.compile("masked=1"))
        assert named_in(page) == []

    page.reload()
    expect(page.get_by_text("host-1.azure.example").first).to_be_visible()
    assert named_in(page) == []


@pytest.mark.parametrize(
    "path",
    [
        f"/routes?{FAILED}&masked=1",
        "/history?show=routes&masked=1",
        "/history?show=audit&masked=1",
        "/?masked=1&projector=1",
    ],
)
def test_nor_does_a_page_that_is_opened_by_its_address(incident: RunningApp, page: Page, path: str) -> None:
    opened(page, incident, path)
    assert named_in(page) == []


def test_what_refreshes_by_itself_stays_masked(incident: RunningApp, page: Page, sockets: list[WebSocket]) -> None:
    opened(page, incident, f"/routes?{FAILED}&masked=1")
    expect(page.get_by_role("dialog")).to_contain_text("The address of exactly this evidence")
    refreshed(sockets)
    expect(page.get_by_role("dialog")).to_contain_text("host-1.azure.example/serving-endpoints")
    assert named_in(page) == []


def test_the_projector_is_there_without_the_demo(incident: RunningApp, page: Page) -> None:
    page.goto(f"{incident.url}/?projector=1&masked=1")
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    page.get_by_role("button", name="Presenting").click()
    page.get_by_text("Projector mode").click()
    expect(page.get_by_test_id("stSidebar")).to_contain_text("You are")
    expect(page).to_have_url(re.compile(r"\?masked=1$"))


def test_one_mode_is_left_without_the_other_after_the_page_has_run_again(incident: RunningApp, page: Page) -> None:
    opened(page, incident, "/?projector=1&masked=1")
    # What stands behind a button that nobody has pressed yet is not in the browser while the page runs again.
    page.get_by_role("button", name="Probe now").click()
    expect(page.get_by_text("Last check just now")).to_be_visible()

    page.get_by_role("button", name="Presenting").click()
    for mode in ("Projector mode", "Redaction mode"):
        expect(page.get_by_role("switch", name=mode)).to_be_checked()
    page.get_by_text("Projector mode").click()

    expect(page.get_by_test_id("stSidebar")).to_contain_text("You are")
    expect(page).to_have_url(re.compile(r"\?masked=1$"))
    assert named_in(page) == []


def test_a_file_is_masked_and_says_so(incident: RunningApp, page: Page, tmp_path: Path) -> None:
    opened(page, incident, "/?masked=1")
    page.get_by_test_id("stMain").get_by_role("button", name="Summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON, masked").click()
    download.value.save_as(tmp_path / "status.json")
    text = (tmp_path / "status.json").read_text(encoding="utf-8")
    assert download.value.suggested_filename == "switchyard-status-masked.json"
    assert '"masked": true' in text and [name for name in NAMES if name in text] == []


def test_a_switch_writes_the_real_workspace_and_names_the_real_person(incident: RunningApp, page: Page) -> None:
    opened(page, incident, "/?masked=1")
    path = hermes_file(incident)
    row(page, "hermes").get_by_role("button", name="Switch …").click()
    dialog = page.get_by_role("dialog")
    pick(dialog, "Model", WORKING)
    pick(dialog, "Fallback", FALLBACK)
    dialog.get_by_text("Read it from the environment variable DATABRICKS_TOKEN").click()
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog).to_contain_text("Ready to apply.", timeout=SLOW)
    assert named_in(page) == []
    dialog.get_by_label("Reason").fill("shown to an audience")
    dialog.get_by_role("button", name="Apply and verify").click()
    expect(dialog).to_contain_text("Applied and confirmed.", timeout=SLOW)
    assert named_in(page) == []

    written = path.read_text(encoding="utf-8")
    assert WORKING in written and SCENE.host in written and "host-1" not in written
    opened(page, incident, "/history?show=audit&masked=1")
    with page.expect_download() as download:
        page.get_by_role("button", name="All events as CSV, masked").click()
    assert download.value.suggested_filename.endswith("-masked.csv")
    page.goto(f"{incident.url}/history?show=audit")
    with page.expect_download() as download:
        page.get_by_role("button", name="All events as CSV", exact=True).click()
    kept = Path(download.value.path()).read_text(encoding="utf-8")
    assert getpass.getuser() in kept and "person-" not in kept
