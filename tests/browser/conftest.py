"""The running dashboard in a Chromium that reports what it should not have seen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Playwright, expect, sync_playwright

from scripts.chromium import find_chromium
from tests.dashboard import (
    ROOT,
    START_S,
    RunApp,
    RunningApp,
    Simulator,
    clean_environ,
    free_port,
    incident,
    run_app,
    run_shared_app,
    run_simulator,
    stop_process,
    wait_until_up,
)

__all__ = [
    "GROUNDS",
    "ROOT",
    "START_S",
    "RunApp",
    "RunningApp",
    "Simulator",
    "clean_environ",
    "free_port",
    "incident",
    "run_app",
    "run_shared_app",
    "run_simulator",
    "stop_process",
    "wait_until_up",
]

# Streamlit looks for its server below the path of a deep link before it looks at the root (its own two 404s).
_STREAMLIT_SEARCHES = re.compile(r"/[a-z]+/_stcore/(health|host-config)$")
_ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# What the app's ground is in each theme, which a tab follows while it is open.
GROUNDS: dict[Literal["light", "dark"], str] = {"light": "rgb(255, 255, 255)", "dark": "rgb(16, 22, 28)"}

expect.set_options(timeout=30_000)


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    with run_simulator(tmp_path, "healthy") as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """Return a Chromium with an empty profile."""
    path = find_chromium()
    assert path, "no Chromium on PATH: run `make test`, which installs one or says how"
    context = playwright.chromium.launch_persistent_context(
        tmp_path_factory.mktemp("profile"),
        executable_path=path,
        headless=True,
        args=_ARGUMENTS,
        viewport={"width": 1440, "height": 1000},
    )
    yield context
    context.close()


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """Return a tab; afterwards no console error may have appeared and no request may have left this machine."""
    tab = browser.new_page()
    errors: list[str] = []
    left: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error" and not _STREAMLIT_SEARCHES.search(message.location.get("url", "")):
            errors.append(f"{message.text} ({message.location.get('url', '')})")

    def on_request(url: str) -> None:
        if not re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:|about:", url):
            left.append(url)

    tab.on("console", on_console)
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("request", lambda request: on_request(request.url))
    tab.on("websocket", lambda socket: on_request(socket.url))
    yield tab
    tab.close()
    assert errors == []
    assert left == []
