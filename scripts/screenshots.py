"""Take the pictures of docs/screenshots from the running dashboard, in both themes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from scripts.chromium import find_chromium

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SCENE = "incident"
WIDTH, LEAST_HEIGHT = 1440, 900
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DIALOG_HEIGHT = 1150
EVIDENCE_HEIGHT = 1760
INCIDENT_HEIGHT = 1380
WAIT_MS = 45_000
FILL_MS = 240_000
QUICK = {"SWITCHYARD_SWEEP_INTERVAL_S": "1", "SWITCHYARD_FAITHFUL_INTERVAL_S": "5"}


def main() -> None:
    """Write all pictures; they replace the former ones."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as state, _chromium() as browser:
        # A minute of quick checks fills the history bars; what is shown is the usual pace, after a restart.
        with _dashboard(state, QUICK) as url:
            _wait_for_history(browser, url)
        with _dashboard(state, {}) as url:
            for theme in THEMES:
                _overview(browser, url, theme)
                _detection(browser, url, theme)
                _switch(browser, url, theme)
                _routes(browser, url, theme)
                _evidence(browser, url, theme)
                _history(browser, url, theme)


def _wait_for_history(browser: BrowserContext, url: str) -> None:
    page = _open(browser, url, "light")
    expect(page.locator(".st-key-row_hermes")).to_contain_text("50 checks", timeout=FILL_MS)
    page.close()


def _overview(browser: BrowserContext, url: str, theme: Literal["light", "dark"]) -> None:
    page = _open(browser, url, theme)
    _save(page, f"overview-{SCENE}-{theme}")


def _detection(browser: BrowserContext, url: str, theme: Literal["light", "dark"]) -> None:
    page = _open(browser, url, theme)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Detection").click()
    expect(page.get_by_role("heading", name="The same requests from a terminal")).to_be_visible(timeout=WAIT_MS)
    expect(page.get_by_test_id("stDataFrame").locator("canvas").first).to_be_visible(timeout=WAIT_MS)
    _save(page, f"detection-{theme}")


def _switch(browser: BrowserContext, url: str, theme: Literal["light", "dark"]) -> None:
    page = _open(browser, url, theme)
    page.locator(".st-key-row_hermes").get_by_role("button", name="Switch …").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=re.compile("^databricks-claude-opus-4-6 ")).click()
    dialog.get_by_role("combobox", name="Fallback").click()
    page.get_by_role("option", name=re.compile("^databricks-claude-sonnet-4-6 ")).click()
    dialog.get_by_text("Read it from the environment variable DATABRICKS_TOKEN").click()
    dialog.get_by_role("button", name="Preview").click()
    expect(dialog.get_by_text("Ready to apply.")).to_be_visible(timeout=WAIT_MS)
    page.set_viewport_size({"width": WIDTH, "height": DIALOG_HEIGHT})
    _save(page, f"switch-{theme}", grow=False)


def _routes(browser: BrowserContext, url: str, theme: Literal["light", "dark"]) -> None:
    page = _open(browser, url, theme)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Routes").click()
    expect(page.locator(".st-key-cell_hermes_claude-opus-4-7")).to_contain_text("Down", timeout=WAIT_MS)
    page.get_by_role("button", name="Probe all").click()
    expect(page.get_by_text("routes probed")).to_be_visible(timeout=WAIT_MS)
    _save(page, f"routes-{SCENE}-{theme}")


def _evidence(browser: BrowserContext, url: str, theme: Literal["light", "dark"]) -> None:
    page = _open(browser, url, theme)
    page.goto(f"{url}/routes?agent=hermes&model=databricks-claude-opus-4-7&slot=primary&identity=dashboard&depth=reach")
    expect(page.get_by_role("dialog").get_by_text("The address of exactly this evidence")).to_be_visible(
        timeout=WAIT_MS
    )
    page.set_viewport_size({"width": WIDTH, "height": EVIDENCE_HEIGHT})
    _save(page, f"evidence-{theme}", grow=False)


def _history(browser: BrowserContext, url: str, theme: Literal["light", "dark"]) -> None:
    page = _open(browser, url, theme)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="Transitions")).to_be_visible(timeout=WAIT_MS)
    page.get_by_role("button", name="Details").first.click()
    expect(page.get_by_role("dialog").get_by_text("The address of this incident")).to_be_visible(timeout=WAIT_MS)
    page.set_viewport_size({"width": WIDTH, "height": INCIDENT_HEIGHT})
    _save(page, f"history-{SCENE}-{theme}", grow=False)


def _open(browser: BrowserContext, url: str, theme: Literal["light", "dark"]) -> Page:
    page = browser.new_page()
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": WIDTH, "height": LEAST_HEIGHT})
    page.goto(url)
    expect(page.locator(".st-key-row_copilot")).to_contain_text("Healthy", timeout=WAIT_MS)
    expect(page.locator(".st-key-row_hermes")).to_contain_text("Down", timeout=WAIT_MS)
    # After a restart the last results are there before the first check has ended.
    expect(page.get_by_text("next check")).to_be_visible(timeout=WAIT_MS)
    return page


def _save(page: Page, name: str, *, grow: bool = True) -> None:
    if grow:
        # Streamlit scrolls within the page, so a full-page picture needs a window of that height.
        height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        page.set_viewport_size({"width": WIDTH, "height": max(LEAST_HEIGHT, int(height))})
    # Parts whose code the browser has yet to load are grey boxes until then.
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=WAIT_MS)
    page.evaluate("document.fonts.ready")
    page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
    page.close()
    print(f"docs/screenshots/{name}.png", flush=True)


@contextmanager
def _chromium() -> Iterator[BrowserContext]:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as profile:
        browser = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=find_chromium(),
            headless=True,
            args=["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            viewport={"width": WIDTH, "height": LEAST_HEIGHT},
        )
        yield browser
        browser.close()


@contextmanager
def _dashboard(state: str, settings: Mapping[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {"PATH": os.environ["PATH"], "HOME": state, "USER": "admin", "LOGNAME": "admin"}
    environment |= {"SWITCHYARD_SIMULATE": SCENE, "SWITCHYARD_STATE_DIR": state, **settings}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1"]
    command += ["--server.port", str(port), "--server.headless", "true"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        _wait(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=15)


def _wait(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    sys.exit("The dashboard did not start.")


if __name__ == "__main__":
    main()
