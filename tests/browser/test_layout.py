"""How the pages stand in the window: nothing wider than it, no word cut off, nothing that moves when results land."""

from __future__ import annotations

import json
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunApp, RunningApp, Simulator
from tests.browser.test_pages import AGENTS, row

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

PAGES = {
    "": "Overview",
    "routes": "Routes",
    "routes?cells=latency": "Routes",
    "switch": "Switch",
    "fallbacks": "Fallbacks",
    "history": "History",
    "history?show=routes": "History",
    "detection": "Detection",
}
# Narrow and wide desks, and a tablet upright.
WINDOWS = ((1280, 800), (1440, 900), (1920, 1080), (820, 1180))
DELAY_S = 5.0
SETTLED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# What hangs out of the window without scrolling within itself.
HANGING_OUT = """() => {
    const main = document.querySelector('[data-testid=stMain]');
    const contained = element => {
        for (let above = element.parentElement; above && above !== main; above = above.parentElement)
            if (getComputedStyle(above).overflowX !== 'visible') return true;
        return false;
    };
    return [...main.querySelectorAll('*')]
        .filter(element => element.innerText && element.getBoundingClientRect().width > 0
            && element.getBoundingClientRect().right > innerWidth + 1 && !contained(element))
        .map(element => element.innerText);
}"""
CUT_OFF = """() => [...document.querySelectorAll(
        '[data-testid=stMain] button *, [data-testid=stMain] [class*=adge], [data-testid=stMain] a *')]
    .filter(element => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1
        && getComputedStyle(element).overflowX !== 'visible' && element.innerText.trim())
    .map(element => element.innerText)"""
WATCH = """() => {
    window.moved = [];
    const places = () => Object.fromEntries([...document.querySelectorAll('[class*=st-key-row_]')].map(row => {
        const box = row.getBoundingClientRect();
        return [[...row.classList].find(name => name.startsWith('st-key-row_')), `${box.top} ${box.height}`];
    }));
    const first = places();
    const look = () => {
        const now = places();
        for (const name of Object.keys(first))
            if (now[name] !== first[name]) window.moved.push(`${name}: ${first[name]} -> ${now[name]}`);
        requestAnimationFrame(look);
    };
    look();
}"""


@pytest.fixture(scope="module")
def incident(run_shared_app: RunApp) -> RunningApp:
    return run_shared_app({"SWITCHYARD_SIMULATE": "incident"})


def slow_down(simulator: Simulator) -> None:
    """Let every model take its time, so that the rows are there before their results."""
    dialects = ("anthropic_messages", "openai_responses", "openai_chat", "gemini_generate")
    rules = [{"fault": "delay", "delay_s": DELAY_S, "dialect": dialect} for dialect in dialects]
    with urllib.request.urlopen(f"{simulator.origin}/_simulator/faults", data=json.dumps(rules).encode()) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_every_window_and_cuts_no_word_off(incident: RunningApp, page: Page, path: str) -> None:
    page.goto(f"{incident.url}/{path}")
    expect(page.get_by_role("heading", name=PAGES[path], level=1)).to_be_visible()
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0)
    for width, height in WINDOWS:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(SETTLED)

        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), width
        assert page.evaluate(HANGING_OUT) == [], width
        assert page.evaluate(CUT_OFF) == [], width


def test_the_matrix_scrolls_within_itself_where_the_window_is_narrow(incident: RunningApp, page: Page) -> None:
    page.set_viewport_size({"width": 820, "height": 1180})
    page.goto(f"{incident.url}/routes")
    last = page.locator(".st-key-open_pi_gpt-5-5")
    expect(last).to_have_count(1)

    last.scroll_into_view_if_needed()

    expect(last).to_be_in_viewport()
    expect(page.get_by_role("heading", name="Routes", level=1)).to_be_visible()


def test_rows_stay_where_they_are_when_their_first_results_land(
    simulator: Simulator, run_app: RunApp, page: Page
) -> None:
    slow_down(simulator)
    app = run_app(simulator.environment)
    page.goto(app.url)
    expect(row(page, "codex")).to_contain_text("no check is kept yet")
    page.evaluate(SETTLED)
    page.evaluate(WATCH)

    for agent in AGENTS:
        if agent not in ("hermes", "cursor"):
            expect(row(page, agent)).to_contain_text("Healthy")
    expect(page.get_by_text("Last check")).to_be_visible()

    assert page.evaluate("window.moved") == []


def test_rows_stay_where_they_are_during_a_sweep_that_somebody_asks_for(incident: RunningApp, page: Page) -> None:
    page.goto(incident.url)
    expect(row(page, "hermes")).to_contain_text("Down")
    expect(page.get_by_text("Last check")).to_be_visible()
    page.evaluate(SETTLED)
    page.evaluate(WATCH)

    page.get_by_role("button", name="Probe now").click()

    expect(row(page, "codex")).to_contain_text("just now")
    expect(page.get_by_text("Last check just now")).to_be_visible()
    assert page.evaluate("window.moved") == []
