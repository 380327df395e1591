"""Names and errors that are attacks are shown as what they are: nothing runs, nothing links, nothing is fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Dialog, Page, expect

from core.model.agent import Dialect
from core.simulator.faults import FaultRule
from core.simulator.scenes import Person, scene_named
from core.simulator.server import SimulatedWorkspace
from tests.browser.conftest import RunApp, RunningApp

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

SLOW = 40_000
IMAGE = "<img src=x onerror=window.__pwned=1>"
ATTACKS = (
    IMAGE,
    "<script>window.__pwned=1</script>",
    "\"'><svg onload=window.__pwned=1>",
    "[link](https://evil.example/a) ![image](https://evil.example/a.png)",
    "[link](javascript:window.__pwned=1)",
    "https://evil.example/bare www.evil.example someone@evil.example",
    "| cell | :red[colour] :material/home: $x^2$ `code` **bold** ~~gone~~ # Head",
    "<iframe srcdoc='<script>parent.__pwned=1</script>'></iframe><a href='https://evil.example'>a</a>",
    "${window.__pwned=1} {{window.__pwned=1}} &lt;script&gt; &#60;b&#62;",
)
# What no name may hold, but an error may.
UNSEEN = "turned \u202e around \u2066 and \u200b hidden \x00\x07\x1b[31m\u2028 end"
# Anything of an attack that has become a part of the page.
ALIVE = """() => [...document.querySelectorAll(
    "[onerror],[onload],[srcdoc],img[src='x'],[href*='evil.example'],[src*='evil.example'],[href^='javascript:']"
)].map(found => found.outerHTML).concat([...document.scripts].map(one => one.text).filter(text => /__pwned/.test(text)))
 .concat(window.__pwned === undefined ? [] : ["it ran"])"""


@pytest.fixture(scope="module")
def workspace() -> Iterator[SimulatedWorkspace]:
    """Run a workspace of which every text that somebody could choose is an attack."""
    scene = scene_named("healthy")
    person = Person(user_name=f"{IMAGE}@evil.example", display_name=ATTACKS[1], groups=("admins", ATTACKS[2]))
    all_of_it = " ".join(ATTACKS)
    said = {"error_code": ATTACKS[1], "message": f"{UNSEEN} {all_of_it}", "request_id": IMAGE}
    error = json.dumps(said, ensure_ascii=False)
    endpoints = [{"name": name, "task": "llm/v1/chat", "state": {"ready": "READY"}} for name in ATTACKS]
    app = {"name": f"coding-agents{IMAGE}", "description": all_of_it, "url": "javascript:window.__pwned=1"}
    headers = (("X-Request-Id", IMAGE), ("Server", ATTACKS[1]), ("Location", "https://evil.example/" + IMAGE))
    with SimulatedWorkspace(replace(scene, person=person)) as running:
        for dialect in (Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES):
            running.faults.add(FaultRule(fault="custom", status=400, dialect=dialect, body=error, headers=headers))
        running.faults.add(
            FaultRule(fault="custom", status=200, path="/api/2.0/apps", body=json.dumps({"apps": [app], **app})),
            FaultRule(fault="custom", status=403, path="/api/2.1/unity-catalog", body=error, headers=headers),
            FaultRule(
                fault="custom",
                status=200,
                path="/api/2.0/serving-endpoints",
                body=json.dumps({"endpoints": endpoints}),
                headers=headers,
            ),
        )
        yield running


@pytest.fixture(scope="module")
def dashboard(run_shared_app: RunApp, workspace: SimulatedWorkspace) -> RunningApp:
    environment = {
        "DATABRICKS_HOST": workspace.http_origin,
        "DATABRICKS_TOKEN": workspace.scene.token.reveal(),
        "SWITCHYARD_CONFIRM_DELAY_S": "0",
        "SWITCHYARD_DOWN_AFTER": "1",
        "HERMES_MODEL": IMAGE,
        "HERMES_FALLBACK_MODEL": ATTACKS[3],
    }
    return run_shared_app(environment)


class Guard:
    """Notices what an attack would do that has come alive."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.done: list[str] = []
        page.on("dialog", self._dialog)
        page.on("request", lambda request: self._asked(request.url))
        page.on("popup", lambda popup: self.done.append(f"opened {popup.url}"))

    def _dialog(self, dialog: Dialog) -> None:
        self.done.append(f"said {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        if "evil" in url or url.endswith("/x"):
            self.done.append(f"fetched {url}")

    def look(self, *, says: str = "") -> None:
        """Check what is on the page now, and that it says this as text."""
        self.page.wait_for_load_state("networkidle")
        assert self.page.evaluate(ALIVE) == []
        assert self.done == []
        assert not says or says in self.page.inner_text("body")


def test_nothing_that_the_other_side_says_comes_alive(dashboard: RunningApp, page: Page) -> None:
    guard, url = Guard(page), dashboard.url
    page.goto(url)
    expect(page.locator(".st-key-open_incidents")).to_contain_text("Details", timeout=SLOW)
    guard.look(says=IMAGE)

    page.goto(f"{url}/routes")
    cell = page.locator("[class*=st-key-cell_], [class*=st-key-open_]").get_by_role("button")
    expect(cell.first).to_be_visible(timeout=SLOW)
    guard.look(says=IMAGE)
    page.get_by_role("button", name=re.compile("Down")).first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer).to_contain_text("⟨U+202E⟩", timeout=SLOW)
    guard.look(says="<script>window.__pwned=1</script>")

    page.goto(f"{url}/switch")
    page.get_by_role("button", name="Switch …").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Model", timeout=SLOW)
    guard.look(says=IMAGE)
    page.get_by_role("dialog").get_by_role("combobox").first.click()
    guard.look()

    for path, heading in (("detection", "Detection"), ("fallbacks", "Fallbacks")):
        page.goto(f"{url}/{path}")
        expect(page.get_by_role("heading", name=heading)).to_be_visible(timeout=SLOW)
        guard.look(says=IMAGE)
    page.get_by_role("link", name="Detection").click()
    page.get_by_role("button", name="Copy report").click()
    guard.look()

    page.goto(f"{url}/history")
    page.get_by_role("button", name="Details").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Report for a ticket", timeout=SLOW)
    guard.look(says="window.__pwned=1")
    for section in ("routes", "audit", "changes"):
        page.goto(f"{url}/history?show={section}")
        expect(page.get_by_role("heading", name="History")).to_be_visible(timeout=SLOW)
        guard.look()


@pytest.mark.parametrize("path", ["api/status", "api/metrics", "api/badge/hermes.svg"])
def test_what_programs_read_is_no_page_either(dashboard: RunningApp, page: Page, path: str) -> None:
    guard = Guard(page)
    page.goto(f"{dashboard.url}/{path}")
    guard.look()
