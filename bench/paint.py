"""How long a person waits for the Overview of a dashboard whose history is large, in a real Chromium."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from bench.sessions import dashboard, free_port
from scripts.chromium import find_chromium
from scripts.run import ADDRESS

PAINT_GOAL_S = 1.5
_OPENINGS = 5
_SETTLED_MS = 60_000


def first_paint_s(state: Path) -> float | None:
    """Return the median seconds from the address to the first agent's row, warm; None without a Chromium."""
    path = find_chromium()
    if path is None:
        return None
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as profile,
        dashboard(port, state.parent, state=state),
        sync_playwright() as playwright,
    ):
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        context = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=arguments)
        page = context.new_page()
        taken: list[float] = []
        for _ in range(_OPENINGS + 1):
            page.goto("about:blank")
            began = time.perf_counter()
            page.goto(f"http://{ADDRESS}:{port}")
            page.locator(".st-key-row_hermes").get_by_text("Hermes", exact=True).wait_for(timeout=_SETTLED_MS)
            taken.append(time.perf_counter() - began)
        context.close()
    # The first one is cold: the process has only just begun.
    return statistics.median(taken[1:])
