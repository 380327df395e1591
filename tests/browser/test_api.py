"""What programs read of the real dashboard, on loopback and behind the sign-in of Databricks Apps."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

import pytest
from ruamel.yaml import YAML

from tests.browser.conftest import ROOT, START_S, RunApp, free_port
from tests.browser.proxy import forwarding_proxy
from tests.browser.test_databricks_apps import FORWARDED, platform_environment

pytestmark = pytest.mark.browser


def ask(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Return status and text of an answer, whatever its status."""
    request = urllib.request.Request(url, headers=dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def ask_until(url: str, wanted: str) -> str:
    """Return the first answer that holds this text."""
    deadline, pause = time.monotonic() + START_S, threading.Event()
    while time.monotonic() < deadline:
        text = ask(url)[1]
        if wanted in text:
            return text
        pause.wait(0.1)
    raise AssertionError(f"no {wanted!r} in {text[:500]}")


def test_the_outage_is_read_by_program_as_it_is_on_the_page(run_app: RunApp) -> None:
    app = run_app({"SWITCHYARD_SIMULATE": "incident"})

    told = json.loads(ask_until(f"{app.url}/api/status", '"health": "down"'))
    hermes = next(agent for agent in told["agents"] if agent["agent"] == "hermes")
    assert (hermes["health"], told["simulated"]) == ("down", True)
    metrics = ask_until(f"{app.url}/api/metrics", 'switchyard_agent_health{agent="hermes",health="down"} 1.0')
    assert "switchyard_sweep_duration_seconds_count" in metrics
    assert ">Down</text>" in ask(f"{app.url}/api/badge/hermes.svg")[1]
    assert ask(f"{app.url}/api/health")[0] == 200
    assert ask(f"{app.url}/api/status", {"Host": "rebound.example"})[0] == 403


def test_behind_the_sign_in_only_those_who_came_through_it_read(run_app: RunApp) -> None:
    document = YAML(typ="safe").load((ROOT / "app.yaml").read_text(encoding="utf-8"))
    port = free_port()
    environment = {**platform_environment(port), "SWITCHYARD_SIMULATE": "healthy"}
    app = run_app(environment, command=document["command"], port=port)

    assert ask(f"{app.url}/api/status")[0] == 403
    with forwarding_proxy(port, FORWARDED) as proxy_port:
        assert ask(f"http://localhost:{proxy_port}/api/status")[0] == 200
