"""A workspace that goes away while somebody looks, and how often it was asked before."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ROOT, RunApp, clean_environ, stop_process
from tests.browser.test_pages import row

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Simulator:
    """A simulated workspace in a process of its own."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def origin(self) -> str:
        return self.environment["DATABRICKS_HOST"]


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[Simulator]:
    command = [sys.executable, "-u", "-m", "core", "simulate", "--port", "0", "--scene", "healthy"]
    process = subprocess.Popen(command, cwd=ROOT, env=clean_environ(tmp_path, {}), stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as lines:
        line = next(text for text in lines if text.startswith(b"DATABRICKS_HOST="))
        pairs = (pair.partition("=") for pair in line.decode().split())
        yield Simulator(environment={name: value for name, _, value in pairs}, process=process)
        stop_process(process)


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
