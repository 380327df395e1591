"""An outage from the first failing check to the alert that it is over, on an open page and after a restart."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import RunApp, Simulator, stop_process
from tests.browser.test_pages import row

pytestmark = pytest.mark.browser

KEY = "key-of-this-test"
# The next check comes within 2.4 s; from the first failing one to the screen it may take ten seconds.
DOWN_MS = 12_500
LONG_MS = 30_000


@contextmanager
def webhook() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """Take alerts on loopback; only what is signed with our key is taken."""
    taken: Queue[dict[str, Any]] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            signed = self.headers["X-Switchyard-Timestamp"].encode() + b"." + body
            expected = "sha256=" + hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
            if hmac.compare_digest(expected, self.headers["X-Switchyard-Signature"]):
                taken.put(json.loads(body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/hook", taken
        finally:
            server.shutdown()


def faults(simulator: Simulator, method: str, **rule: str) -> None:
    request = urllib.request.Request(
        f"{simulator.origin}/_simulator/faults", method=method, data=json.dumps(rule).encode() if rule else None
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def test_an_outage_is_seen_told_once_ended_by_two_passes_and_remembered(
    simulator: Simulator, run_app: RunApp, page: Page, tmp_path: Path
) -> None:
    with webhook() as (url, alerts):
        rules = tmp_path / "alerts.toml"
        rules.write_text(
            f'[channels.pager]\nkind = "webhook"\nurl = "{url}"\nsecret_env = "SWITCHYARD_ALERT_SIGNING_KEY"\n\n'
            '[[rules]]\nname = "on call"\nchannels = ["pager"]\n',
            encoding="utf-8",
        )
        environment = {
            **simulator.environment,
            "SWITCHYARD_ALERTS": str(rules),
            "SWITCHYARD_ALERT_SIGNING_KEY": KEY,
            "SWITCHYARD_SWEEP_INTERVAL_S": "2",
            "SWITCHYARD_CONFIRM_DELAY_S": "1",
            "SWITCHYARD_STATE_DIR": str(tmp_path / "state"),
        }
        app = run_app(environment)
        page.goto(app.url)
        expect(row(page, "gemini")).to_contain_text("Healthy", timeout=LONG_MS)

        faults(simulator, "POST", fault="endpoint_not_found", dialect="gemini_generate")
        expect(row(page, "gemini")).to_contain_text("Down", timeout=DOWN_MS)
        opened = alerts.get(timeout=20)

        faults(simulator, "DELETE")
        expect(row(page, "gemini")).to_contain_text("Healthy", timeout=LONG_MS)
        resolved = alerts.get(timeout=20)

        assert (opened["kind"], resolved["kind"]) == ("opened", "resolved")
        assert opened["incident"]["id"] == resolved["incident"]["id"]
        assert alerts.empty()

        # A tab that outlives its server complains of that in its console.
        page.goto("about:blank")
        stop_process(app.process)
        again = run_app(environment)
        page.goto(f"{again.url}/history")
        expect(page.get_by_text("Gemini CLI default").first).to_be_visible(timeout=LONG_MS)
        expect(page.get_by_role("button", name="Details")).to_have_count(1)
