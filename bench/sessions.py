"""Twenty headless sessions and one real tab that look at the Overview for a minute, each refreshing every second.

A session is a WebSocket that does what the browser's part of Streamlit does: it asks for the page once, and then for
every fragment that named a refresh interval, each time that interval is over.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from playwright.sync_api import sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from scripts.chromium import find_chromium
from scripts.run import ADDRESS, ROOT

SESSIONS = 20
_SETTLING_S = 8.0
_DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class SessionFigures:
    """What the minute took: latency of a fragment in ms, CPU of the server in shares of one core, memory in MB."""

    median_ms: float
    p95_ms: float
    refreshes: int
    cpu_share: float
    resident_mb: float
    errors: int


@dataclass
class Session:
    """One headless session."""

    url: str
    latencies_ms: list[float] = field(default_factory=list)
    errors: int = 0
    fragments: dict[str, float] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)
    page: str = ""

    async def watch(self, client: aiohttp.ClientSession, until: float) -> None:
        """Open the page and refresh its fragments until then (monotonic seconds)."""
        async with client.ws_connect(self.url, protocols=("streamlit",), max_msg_size=0) as socket:
            await socket.send_bytes(_rerun(""))
            await self._finished(socket)
            due: dict[str, float] = {}
            while time.monotonic() < until:
                for fragment, every_s in self.fragments.items():
                    due.setdefault(fragment, time.monotonic() + every_s)
                due = {name: at for name, at in due.items() if name in self.fragments}
                if not due:
                    raise RuntimeError("the page refreshes nothing")
                fragment = min(due, key=lambda name: due[name])
                await asyncio.sleep(max(0.0, due[fragment] - time.monotonic()))
                due[fragment] += self.fragments[fragment]
                began = time.monotonic()
                await socket.send_bytes(_rerun(self.page, fragment))
                whole = await self._finished(socket)
                if not whole:
                    self.latencies_ms.append((time.monotonic() - began) * 1000)

    async def click_until(self, client: aiohttp.ClientSession, until: float, key: str, every_s: float) -> None:
        """Open the page and click on the button of this key again and again, until then (monotonic seconds)."""
        async with client.ws_connect(self.url, protocols=("streamlit",), max_msg_size=0) as socket:
            await socket.send_bytes(_rerun(""))
            await self._finished(socket)
            while time.monotonic() < until:
                await socket.send_bytes(_rerun(self.page, pressed=self.buttons[key]))
                await self._finished(socket)
                await asyncio.sleep(every_s)

    async def _finished(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Read until the run has ended; say whether the whole page was run, not a fragment alone."""
        fresh: dict[str, float] = {}
        async for received in socket:
            message = ForwardMsg()
            message.ParseFromString(received.data)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.page = message.new_session.page_script_hash
            elif kind == "auto_rerun":
                fresh[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            elif kind == "delta":
                self._take(message.delta.new_element)
            elif kind == "script_finished" and message.script_finished in _DONE:
                whole = message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
                self.fragments = {**({} if whole else self.fragments), **fresh}
                return whole
        raise RuntimeError("the server closed the session")

    def _take(self, element: Element) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors += 1
        elif kind == "button":
            # What the page calls it stands behind a hash of what it is.
            self.buttons[element.button.id.split("-", 2)[2]] = element.button.id


def _rerun(page: str, fragment: str = "", pressed: str = "") -> bytes:
    message = BackMsg()
    message.rerun_script.query_string = ""
    message.rerun_script.page_script_hash = page
    if pressed:
        message.rerun_script.widget_states.widgets.add(id=pressed, trigger_value=True)
    if fragment:
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = True
    return bytes(message.SerializeToString())


def measure_sessions(seconds: float = 60.0, sessions: int = SESSIONS) -> SessionFigures:
    """Return the figures of one run; the server is a process of its own with an empty state folder."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        process = stack.enter_context(dashboard(port, folder))
        stack.enter_context(_tab(f"http://{ADDRESS}:{port}", folder / "profile"))
        measuring = _measured(f"ws://{ADDRESS}:{port}/_stcore/stream", process.pid, seconds, sessions)
        # In a thread of its own: Playwright's loop runs in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(asyncio.run, measuring).result()


async def _measured(url: str, pid: int, seconds: float, sessions: int) -> SessionFigures:
    watching = [Session(url=url) for _ in range(sessions)]
    async with aiohttp.ClientSession() as client:
        until = time.monotonic() + _SETTLING_S + seconds
        tasks = [asyncio.create_task(session.watch(client, until)) for session in watching]
        await asyncio.sleep(_SETTLING_S)
        for session in watching:
            session.latencies_ms.clear()
        began, cpu_s = time.monotonic(), _cpu_s(pid)
        await asyncio.gather(*tasks)
        share = (_cpu_s(pid) - cpu_s) / (time.monotonic() - began)
    latencies = sorted(ms for session in watching for ms in session.latencies_ms)
    return SessionFigures(
        median_ms=statistics.median(latencies),
        p95_ms=latencies[int(len(latencies) * 0.95)],
        refreshes=len(latencies),
        cpu_share=share,
        resident_mb=resident_mb(pid),
        errors=sum(session.errors for session in watching),
    )


@contextmanager
def dashboard(port: int, folder: Path, *, state: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run the dashboard on the simulated workspace, with what is in `state` already, and wait until it answers."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", ADDRESS]
    command += ["--server.headless", "true", "--server.port", str(port)]
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG")}
    environment = kept | {"HOME": str(folder), "SWITCHYARD_STATE_DIR": str(state or folder / "state")}
    with open(folder / "app.log", "wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_up(f"http://{ADDRESS}:{port}/_stcore/health", process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError("the dashboard did not start")


@contextmanager
def _tab(url: str, profile: Path) -> Iterator[None]:
    """Keep one real tab open on the Overview; without a Chromium there is none."""
    path = find_chromium()
    if path is None or shutil.which(path) is None:
        print("no Chromium: measured without the real tab", file=sys.stderr)
        yield
        return
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        context = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=arguments)
        page = context.new_page()
        page.goto(url)
        page.get_by_role("heading", name="Overview").wait_for(timeout=60_000)
        yield
        context.close()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def _cpu_s(pid: int) -> float:
    """Return the CPU seconds of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / _MB


if __name__ == "__main__":
    print(measure_sessions(float(sys.argv[1]) if len(sys.argv) > 1 else 60.0))
