"""Canary tokens go through every page, log, file and answer of a running dashboard, and are found nowhere."""

from __future__ import annotations

import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from core.simulator.server import SimulatedWorkspace
from tests.browser.conftest import RunApp, RunningApp, free_port
from tests.browser.proxy import forwarding_proxy
from tests.security.canaries import ALERTS, Canary, canary_workspace, files_below, lay_configs, leaks, let_repeat

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]
ROBIN = "robin.vale@switchyard.example"
SLOW = 40_000
_AT_DEBUG = (
    "import logging, sys; logging.basicConfig(level=logging.DEBUG, stream=sys.stdout); "
    "from streamlit.web.cli import main; sys.argv[0] = 'streamlit'; sys.exit(main())"
)
API = ("status", "health", "metrics", "badge/hermes.svg", "nothing")


@pytest.fixture(scope="module")
def workspace() -> Iterator[SimulatedWorkspace]:
    with canary_workspace() as running:
        yield running


class Inbox:
    """A webhook's other end, which keeps what it is sent and repeats the address in its refusals."""

    def __init__(self) -> None:
        self.said: list[bytes] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                inbox.said.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(400)
                self.end_headers()
                self.wfile.write(f"no such hook: {self.path} {Canary.HOOK.value}".encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hooks/{Canary.HOOK.value}"


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    box = Inbox()
    yield box
    box.server.shutdown()
    box.server.server_close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def dashboard(run_shared_app: RunApp, workspace: SimulatedWorkspace, inbox: Inbox, home: Path) -> RunningApp:
    """Run the dashboard as Databricks Apps does, at DEBUG in every logger, over a workspace that repeats tokens."""
    workspace.faults.clear()
    let_repeat(workspace)
    lay_configs(workspace, home)
    (home / "alerts.toml").write_text(ALERTS, encoding="utf-8")
    port = free_port()
    environment = {
        "HOME": str(home),
        "DATABRICKS_HOST": workspace.http_origin,
        "DATABRICKS_TOKEN": Canary.DASHBOARD.value,
        "DATABRICKS_APP_NAME": "switchyard",
        "DATABRICKS_APP_PORT": str(port),
        "DATABRICKS_CLIENT_ID": "5b0c1f7e-0000-4000-8000-0000000000aa",
        "SWITCHYARD_CONFIRM_DELAY_S": "0",
        "SWITCHYARD_DOWN_AFTER": "1",
        "SWITCHYARD_ADMINS": ROBIN,
        "SWITCHYARD_ALERTS": str(home / "alerts.toml"),
        "CANARY_HOOK": inbox.url,
        "CANARY_KEY": Canary.HOOK.value,
        "STREAMLIT_LOGGER_LEVEL": "debug",
        "STREAMLIT_SERVER_ENABLE_CORS": "false",
        "STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION": "false",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    options = ["--server.address", "127.0.0.1", "--server.headless", "true", "--server.port", str(port)]
    return run_shared_app(environment, command=[sys.executable, "-c", _AT_DEBUG, "run", "app.py", *options], port=port)


class Watched:
    """Everything that a tab receives, shows and keeps."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.seen: dict[str, bytes | str] = {}
        self._frames: list[bytes] = []
        page.on("websocket", lambda opened: opened.on("framereceived", self._frame))

    def _frame(self, payload: bytes | str) -> None:
        self._frames.append(payload if isinstance(payload, bytes) else payload.encode())

    def look(self, name: str) -> None:
        """Keep what can be seen now."""
        store = "JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie, document.title])"
        self.seen[f"page {name}"] = self.page.content() + self.page.inner_text("body")
        self.seen[f"store {name}"] = str(self.page.evaluate(store))
        self.seen[f"address {name}"] = self.page.url

    def download(self, button: Locator, name: str) -> None:
        """Keep what a button gives away."""
        with self.page.expect_download() as download:
            button.click()
        self.seen[f"download {name}"] = Path(download.value.path()).read_bytes()

    def all(self) -> dict[str, bytes | str]:
        """Return what was seen, and everything that was ever sent to the tab."""
        return {**self.seen, "the frames": b"\n".join(self._frames)}


def _probe(drawer: Locator, credential: str, depth: str, token: str = "") -> None:
    """Probe the opened route with a credential; wait for the job's end."""
    box = drawer.get_by_role("combobox", name=re.compile("Credential"))
    box.scroll_into_view_if_needed()
    drawer.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    box.click()
    drawer.page.get_by_role("option", name=credential).click()
    drawer.get_by_role("radio", name=depth).or_(drawer.get_by_role("button", name=depth, exact=True)).first.click()
    if token:
        drawer.get_by_label("Token", exact=True).fill(token)
    drawer.get_by_role("button", name=re.compile("Probe (this route|it all the same)")).click()
    expect(drawer).to_contain_text("probed", timeout=SLOW)


def test_the_dashboard_shows_logs_or_keeps_no_token(
    dashboard: RunningApp, page: Page, home: Path, inbox: Inbox
) -> None:
    port = int(dashboard.url.rpartition(":")[2])
    headers = {
        "X-Forwarded-Email": ROBIN,
        "X-Forwarded-Preferred-Username": "Robin Vale",
        "X-Forwarded-Access-Token": Canary.PERSON.value,
    }
    tab = Watched(page)
    with forwarding_proxy(port, headers) as proxy_port:
        url = f"http://localhost:{proxy_port}"
        _walk(tab, url)
        for path in API:
            tab.seen[f"/api/{path}"] = _fetched(f"{url}/api/{path}")
        page.goto("about:blank")
    seen = tab.all()
    assert any(b"[redacted]" in (part if isinstance(part, bytes) else part.encode()) for part in seen.values())
    assert leaks(seen) == []
    assert inbox.said
    assert leaks({"an alert": b"\n".join(inbox.said)}) == []
    kept = files_below(home, dashboard.state_dir.parent)
    own = {path for path in kept if leaks({path: kept[path]}, but=set(Canary) - {Canary.STORED, Canary.DEAD})}
    assert all(str(home) in path and "log" not in path for path in own)
    assert leaks({path: content for path, content in kept.items() if path not in own}) == []


def _walk(tab: Watched, url: str) -> None:
    page = tab.page
    page.goto(url)
    expect(page.get_by_test_id("stSidebar")).to_contain_text("Admin", timeout=SLOW)
    expect(page.locator(".st-key-open_incidents")).to_contain_text("Details", timeout=SLOW)
    tab.look("Overview")
    page.goto(f"{url}/routes?agent=hermes&model=claude-opus-4-7")
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("button", name=re.compile("Probe"))).to_be_visible(timeout=SLOW)
    _probe(drawer, "A token for this probe", "Reach", Canary.ONE_PROBE.value)
    tab.look("one-probe token")
    _probe(drawer, "My own token", "Faithful")
    tab.look("person's token")
    page.goto(f"{url}/switch")
    page.get_by_role("button", name="Switch …").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("Model", timeout=SLOW)
    tab.look("Switch")
    for name in ("detection", "fallbacks"):
        page.goto(f"{url}/{name}")
        expect(page.get_by_role("heading", name=name.capitalize())).to_be_visible(timeout=SLOW)
        page.wait_for_load_state("networkidle")
        tab.look(name)
    page.goto(f"{url}/history")
    for name in ("Export as CSV", "Export as JSON"):
        tab.download(page.get_by_role("button", name=name), name)
    page.get_by_role("button", name="Details").first.click()
    drawer = page.get_by_role("dialog")
    tab.download(drawer.get_by_role("button", name="Download the report"), "report")
    tab.look("incident")
    for section in ("routes", "changes", "alerts", "audit"):
        page.goto(f"{url}/history?show={section}")
        expect(page.get_by_role("heading", name="History")).to_be_visible(timeout=SLOW)
        page.wait_for_load_state("networkidle")
        tab.look(section)
    for name in ("All events as JSONL", "All events as CSV"):
        tab.download(page.get_by_role("button", name=name), name)


def _fetched(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.headers).encode() + bytes(answer.read())
    except urllib.error.HTTPError as refusal:
        return str(refusal.headers).encode() + refusal.read()
