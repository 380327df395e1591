"""How long the first person waits: from the start of the dashboard to live results, for a page, for the next page.

Run it alone by `python -m bench.first_minute`, which keeps its table too.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Playwright, sync_playwright

from bench.report import write
from bench.sessions import dashboard, free_port
from scripts.chromium import find_chromium
from scripts.run import ADDRESS

PAGES = ("Routes", "Switch", "Fallbacks", "History", "Detection", "Overview")
_ROUNDS = 3
_WAIT_MS = 60_000
_ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
# Every agent has a verdict but Cursor, which never has one.
_LIVE = """
[...document.querySelectorAll('[class*=st-key-row_]')].filter(row => row.innerText.includes('Healthy')).length >= 7
"""
# Within the page, from the click to the frame that has the other page's heading.
_SWITCHED_MS = """name => new Promise((done, fail) => {
    const links = [...document.querySelectorAll('[data-testid=stSidebarNav] a')];
    const began = performance.now();
    links.find(link => link.innerText.trim().endsWith(name)).click();
    const look = () => {
        const took = performance.now() - began;
        if (document.querySelector('h1')?.innerText.trim() === name) done(took);
        else if (took > 60000) fail(`no page ${name}`);
        else requestAnimationFrame(look);
    };
    look();
})"""
# Until the page has run and nothing of it has changed for a while; says how long ago the click was at the last change.
_AT_REST_MS = """began => new Promise(done => {
    const app = document.querySelector('[data-testid=stApp]');
    let last = performance.now();
    const changes = new MutationObserver(() => { last = performance.now(); });
    changes.observe(document.body, {childList: true, subtree: true, characterData: true});
    const look = () => {
        if (app.dataset.testScriptState !== 'notRunning' || performance.now() - last < 150) {
            requestIdleCallback(look);
            return;
        }
        changes.disconnect();
        done(last - began);
    };
    look();
})"""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a figure is called, and what it may be in its unit."""

    name: str
    unit: str
    allowed: float | None = None


ANSWERS = Goal(name="start → the server answers", unit="s")
LIVE = Goal(name="start → live results of all agents on an open page", unit="s", allowed=5.0)
COLD_PAINT = Goal(name="first paint, cold (new process, new browser)", unit="s", allowed=2.5)
COLD_ROW = Goal(name="first agent's row, cold", unit="s", allowed=2.5)
WARM_PAINT = Goal(name="first paint, warm", unit="s", allowed=1.5)
WARM_ROW = Goal(name="first agent's row, warm", unit="s", allowed=1.5)
SWITCH = Goal(name="from page to page", unit="ms", allowed=300.0)
WHOLE = Goal(name="from page to page, until it is whole", unit="ms")
HURRIED = Goal(name="from page to page, clicked on before one was whole", unit="ms")
GOALS = (ANSWERS, LIVE, COLD_PAINT, COLD_ROW, WARM_PAINT, WARM_ROW, SWITCH, WHOLE, HURRIED)


@dataclass(frozen=True, kw_only=True)
class FirstMinute:
    """What was taken for each goal, in its unit."""

    taken: dict[str, list[float]] = field(default_factory=dict)

    def take(self, goal: Goal, value: float) -> None:
        self.taken.setdefault(goal.name, []).append(value)


def measure_first_minute(starts: int = 5) -> FirstMinute | None:
    """Return the figures of as many starts, each with an empty state and an empty browser; None without a Chromium."""
    path = find_chromium()
    if path is None:
        return None
    figures = FirstMinute()
    with sync_playwright() as playwright:
        for _ in range(starts):
            with tempfile.TemporaryDirectory() as folder, _browser(playwright, path, Path(folder)) as browser:
                _one_start(browser, Path(folder), figures)
    return figures


def first_minute_table(figures: FirstMinute | None) -> list[str]:
    """Return the table, and below it what missed its goal."""
    if figures is None:
        return ["No Chromium: not measured."]
    rows = ["| the first minute | median | slowest | goal |", "|---|---|---|---|"]
    missed: list[str] = []
    for goal in GOALS:
        taken = figures.taken[goal.name]
        median = statistics.median(taken)
        allowed = "–" if goal.allowed is None else _shown(goal.allowed, goal)
        rows.append(f"| {goal.name} | {_shown(median, goal)} | {_shown(max(taken), goal)} | {allowed} |")
        if goal.allowed is not None and median > goal.allowed:
            missed.append(f"- missed: {goal.name}: {_shown(median, goal)}, allowed {allowed}")
        elif goal.allowed is not None and max(taken) > goal.allowed:
            missed.append(f"- met by the median only: {goal.name}: up to {_shown(max(taken), goal)}, allowed {allowed}")
    return [*rows, "", *(missed or ["Every goal was met in this run."])]


def _shown(value: float, goal: Goal) -> str:
    return f"{value:.0f} ms" if goal.unit == "ms" else f"{value:.1f} s"


def _one_start(browser: BrowserContext, folder: Path, figures: FirstMinute) -> None:
    port, began = free_port(), time.perf_counter()
    with dashboard(port, folder):
        figures.take(ANSWERS, time.perf_counter() - began)
        page = browser.new_page()
        row_s = _opened(page, port)
        figures.take(COLD_ROW, row_s)
        figures.take(COLD_PAINT, _painted_s(page))
        page.wait_for_function(_LIVE, timeout=_WAIT_MS)
        figures.take(LIVE, time.perf_counter() - began)
        for _ in range(_ROUNDS):
            page.goto("about:blank")
            figures.take(WARM_ROW, _opened(page, port))
            figures.take(WARM_PAINT, _painted_s(page))
        _walk(page, figures)


def _opened(page: Page, port: int) -> float:
    """Open the Overview and return the seconds until the first agent's row is there."""
    began = time.perf_counter()
    page.goto(f"http://{ADDRESS}:{port}", wait_until="commit")
    page.locator(".st-key-row_hermes").get_by_text("Hermes", exact=True).wait_for(timeout=_WAIT_MS)
    return time.perf_counter() - began


def _painted_s(page: Page) -> float:
    return float(page.evaluate(_PAINTED)) / 1000


def _walk(page: Page, figures: FirstMinute) -> None:
    """Go around the pages; what a page brings at its first visit is fetched in the first round, which counts too."""
    page.evaluate(_AT_REST_MS, 0)
    for _ in range(_ROUNDS):
        for name in PAGES:
            began = page.evaluate("performance.now()")
            figures.take(SWITCH, float(page.evaluate(_SWITCHED_MS, name)))
            figures.take(WHOLE, float(page.evaluate(_AT_REST_MS, began)))
    for _ in range(_ROUNDS):
        for name in PAGES:
            figures.take(HURRIED, float(page.evaluate(_SWITCHED_MS, name)))


@contextmanager
def _browser(playwright: Playwright, path: str, folder: Path) -> Iterator[BrowserContext]:
    size = {"width": 1440, "height": 1000}
    context = playwright.chromium.launch_persistent_context(
        folder / "profile", executable_path=path, args=list(_ARGUMENTS), viewport=size
    )
    try:
        # The browser itself is there before anybody asks for the dashboard.
        context.new_page().goto("about:blank")
        yield context
    finally:
        context.close()


def main() -> None:
    """Measure, show, and keep."""
    table = first_minute_table(measure_first_minute())
    print("\n".join(table))
    write("first minute", table)


if __name__ == "__main__":
    main()
