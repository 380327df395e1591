"""A workspace that goes away while somebody looks, and how often it was asked before."""

from __future__ import annotations

import json
import urllib.request
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunApp, Simulator, stop_process
from tests.browser.test_pages import row

pytestmark = pytest.mark.browser


def test_stopping_the_workspace_turns_green_into_unknown_without_a_reload(
    simulator: Simulator, run_app: RunApp, page: Page
) -> None:
    # Seconds instead of minutes between the checks, so that the test sees the next one.
    quick = {"SWITCHYARD_HOST_INTERVAL_S": "1", "SWITCHYARD_SWEEP_INTERVAL_S": "300"}
    app = run_app({**simulator.environment, **quick})
    page.goto(app.url)
    expect(row(page, "claude")).to_contain_text("Healthy")

    stop_process(simulator.process)

    expect(page.get_by_text("The dashboard is offline.")).to_be_visible(timeout=30_000)
    for agent in ("hermes", "claude", "codex"):
        expect(row(page, agent)).to_contain_text("Unknown")


def test_each_distinct_request_is_posted_once(simulator: Simulator, run_app: RunApp, page: Page) -> None:
    page.goto(run_app(simulator.environment).url)
    expect(row(page, "copilot")).to_contain_text("Healthy")

    with urllib.request.urlopen(f"{simulator.origin}/_simulator/requests") as answer:
        requests = json.load(answer)["requests"]

    posts = Counter(
        (request["path"], request["model"], request["token"], request["body_sha256"])
        for request in requests
        if request["method"] == "POST" and request["dialect"]
    )
    assert posts
    assert set(posts.values()) == {1}, posts
