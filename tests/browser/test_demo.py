"""The demo as a presenter plays it: every step in both themes, by button and by key, and what a link may not do."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.demo.story import STEPS
from tests.browser.conftest import GROUNDS, RunApp, RunningApp, free_port
from tests.fakes.cut_off import CutOff

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PLAY_MS = 60_000
SEEN: dict[str, tuple[str, ...]] = {
    "healthy": ("All routes healthy",),
    "incident": ("1 agent down", "Model: 404 model not on this route"),
    "explained": ("Old path", "New path", "/serving-endpoints/chat/completions", "/ai-gateway/mlflow/v1"),
    "preflight": ("Ready to apply.", "model.base_url"),
    "applied": ("Applied and confirmed.", "Verifying"),
    "verified": ("All routes healthy",),
    "storm": ("Degraded", "429 throttled"),
    "override": ("Override", "ends in"),
    "expired": ("The time that was set for this override is over",),
    "rolled_back": ("The new choice did not work, so the former values were put back.", "Rolling back"),
}


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> CutOff:
    return CutOff(log=tmp_path_factory.mktemp("network") / "asked")


@pytest.fixture(scope="module")
def app(run_shared_app: RunApp, cut: CutOff) -> RunningApp:
    """Return the demo as `make demo` starts it, with the network cut."""
    port = free_port()
    environment = {"SWITCHYARD_SIMULATE": "demo", "SWITCHYARD_CONFIRM_DELAY_S": "0.2", "PORT": str(port)}
    command = [sys.executable, "-m", "scripts.run"]
    return run_shared_app({**environment, **cut.environment}, command=command, port=port)


def bar(page: Page) -> Locator:
    return page.locator(".st-key-demo_bar")


def button(page: Page, name: str) -> Locator:
    return bar(page).get_by_role("button", name=name)


def stands_at(page: Page, step_id: str) -> None:
    """Wait until the demo stands at a step."""
    step = next(step for step in STEPS if step.id == step_id)
    expect(bar(page)).to_contain_text(f"{STEPS.index(step) + 1} of {len(STEPS)} · {step.title}", timeout=PLAY_MS)
    expect(button(page, "Reset")).to_be_enabled(timeout=PLAY_MS)


def reset(page: Page) -> None:
    """Begin anew; where the demo stands at its first step already, only the work in between shows it."""
    button(page, "Reset").click()
    expect(bar(page)).to_contain_text("hourglass_top")
    expect(bar(page)).not_to_contain_text("hourglass_top", timeout=PLAY_MS)
    stands_at(page, "healthy")


def opened(page: Page, app: RunningApp, path: str = "/") -> None:
    page.goto(app.url + path)
    expect(button(page, "Reset")).to_be_enabled(timeout=PLAY_MS)


def pictured(page: Page, name: str, folder: Path) -> None:
    """Take the page in both themes; it follows the system while it is open."""
    for theme, ground in GROUNDS.items():
        page.emulate_media(color_scheme=theme)
        expect(page.get_by_test_id("stApp")).to_have_css("background-color", ground)
        page.screenshot(path=folder / f"{theme}-{name}.png", animations="disabled")


def test_every_step_from_the_first_to_the_last_in_both_themes_without_a_network(
    app: RunningApp, cut: CutOff, page: Page, tmp_path: Path
) -> None:
    opened(page, app)
    reset(page)
    ways: tuple[Callable[[], None], ...] = (
        lambda: button(page, "Next").click(),
        lambda: page.keyboard.press("n"),
    )
    for number, step in enumerate(STEPS):
        if number:
            ways[number % 2]()
        stands_at(page, step.id)
        expect(page).to_have_url(re.compile(rf"step={step.id}"))
        for text in SEEN[step.id]:
            expect(page.get_by_test_id("stMain")).to_contain_text(text, timeout=PLAY_MS)
        expect(bar(page)).to_contain_text("Simulated")
        pictured(page, f"{number + 1:02}-{step.id}", tmp_path)
    expect(button(page, "Next")).to_be_disabled()
    assert cut.asked == []


def test_back_by_key_and_a_jump_come_out_as_the_steps_do(app: RunningApp, page: Page) -> None:
    opened(page, app)
    bar(page).get_by_role("combobox").click()
    page.get_by_role("option", name="5. Apply, phase by phase").click()
    stands_at(page, "applied")
    expect(page.get_by_text("Applied and confirmed.")).to_be_visible()
    page.keyboard.press("b")
    stands_at(page, "preflight")
    expect(page.get_by_text("Ready to apply.")).to_be_visible()


def test_an_address_plays_nothing_before_somebody_says_so(app: RunningApp, page: Page) -> None:
    opened(page, app)
    reset(page)

    opened(page, app, "/?step=incident")
    asked = page.locator(".st-key-demo_asked_for")
    expect(asked).to_contain_text("2 · The incident")
    stands_at(page, "healthy")
    expect(page.get_by_test_id("stMain")).to_contain_text("All routes healthy")

    asked.get_by_role("button", name="Go to this step").click()
    stands_at(page, "incident")
    expect(asked).to_have_count(0)


def test_a_fault_is_put_in_force_and_removed(app: RunningApp, page: Page) -> None:
    opened(page, app)
    reset(page)
    bar(page).get_by_text("Faults").click()
    button(page, "Put in force").click()
    expect(bar(page)).to_contain_text("429, throttled on databricks-claude-opus-4-6")
    expect(bar(page)).to_contain_text("ends in")
    expect(page.locator(".st-key-row_hermes")).to_contain_text("Degraded", timeout=PLAY_MS)
    button(page, "Remove").click()
    expect(bar(page)).not_to_contain_text("ends in")


def test_the_projector_has_larger_type_and_no_sidebar_on_every_page_and_in_the_address(
    app: RunningApp, page: Page
) -> None:
    root_size = "parseFloat(getComputedStyle(document.documentElement).fontSize)"
    opened(page, app)
    usual = page.evaluate(root_size)
    button(page, "Projector").click()
    expect(button(page, "Leave projector")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_count(0)
    page.wait_for_function(f"usual => {root_size} > usual * 1.2", arg=usual)
    expect(page).to_have_url(re.compile("projector=1"))
    page.get_by_test_id("stTopNav").get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    expect(page).to_have_url(re.compile("projector=1"))

    page.reload()
    button(page, "Leave projector").click()
    expect(page.get_by_test_id("stSidebar")).to_be_visible()
    expect(page).not_to_have_url(re.compile("projector"))


def test_the_status_is_one_click_away_as_text_and_as_files(app: RunningApp, page: Page, tmp_path: Path) -> None:
    opened(page, app)
    reset(page)
    page.get_by_test_id("stMain").get_by_role("button", name="Summary").click()
    expect(page.get_by_test_id("stPopoverBody")).to_contain_text("# All routes healthy")
    for name, word in (("Markdown", "| Hermes | Healthy |"), ("JSON", '"schema": 1')):
        with page.expect_download() as download:
            page.get_by_role("button", name=name, exact=True).click()
        path = tmp_path / name
        download.value.save_as(path)
        assert word in path.read_text(encoding="utf-8")
