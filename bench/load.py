"""Two hundred viewers who ask the API at the same moment, again and again, beside twenty tabs and while sweeps run."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.sessions import SESSIONS, Session, dashboard, free_port, resident_mb
from scripts.run import ADDRESS

VIEWERS = 200
# All of them ask at the same moment, so often: far more than monitors do that ask every 15 s.
EVERY_S = 2.0
_SWEEP_EVERY_S = 3.0
_SETTLING_S = 8.0
# All of a burst within the time that its viewers leave between two.
_MOST_CALL_MS, _MOST_REFRESH_MS, _MOST_MB = 1000, 30, 320
_DOCUMENTS = ("status", "health", "metrics", "badge/hermes.svg")


@dataclass(frozen=True, kw_only=True)
class LoadFigures:
    """What the viewers met: latencies of their calls and of the tabs' refreshes in ms, errors of both, and sweeps."""

    calls: int
    failed: int
    median_ms: float
    p95_ms: float
    worst_ms: float
    refresh_median_ms: float
    refresh_p95_ms: float
    refresh_errors: int
    sweeps: int
    resident_mb: float


@dataclass
class _Viewers:
    """The viewers, each with a connection of its own."""

    url: str
    latencies_ms: list[float] = field(default_factory=list)
    failed: int = 0

    async def ask_until(self, until: float) -> None:
        """Let all ask at once, and again, until then (monotonic seconds)."""
        connector = aiohttp.TCPConnector(limit=VIEWERS, limit_per_host=VIEWERS)
        async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=30)) as client:
            turn = 0
            while time.monotonic() < until:
                due = time.monotonic() + EVERY_S
                await asyncio.gather(*(self._ask(client, _DOCUMENTS[(n + turn) % 4]) for n in range(VIEWERS)))
                turn += 1
                await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _ask(self, client: aiohttp.ClientSession, name: str) -> None:
        began = time.monotonic()
        try:
            async with client.get(f"{self.url}/api/{name}") as answer:
                await answer.read()
                self.failed += answer.status != 200
        except (aiohttp.ClientError, TimeoutError):
            self.failed += 1
        self.latencies_ms.append((time.monotonic() - began) * 1000)


def measure_load(seconds: float = 30.0) -> LoadFigures:
    """Return the figures of one run; the server is a process of its own with an empty state folder."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        process = stack.enter_context(dashboard(port, folder))
        return asyncio.run(_measured(f"http://{ADDRESS}:{port}", process.pid, seconds))


async def _measured(url: str, pid: int, seconds: float) -> LoadFigures:
    stream = url.replace("http://", "ws://") + "/_stcore/stream"
    tabs, viewers = [Session(url=stream) for _ in range(SESSIONS)], _Viewers(url)
    async with aiohttp.ClientSession() as client:
        until = time.monotonic() + _SETTLING_S + seconds
        watching = [asyncio.create_task(tab.watch(client, until)) for tab in tabs]
        await asyncio.sleep(_SETTLING_S)
        for tab in tabs:
            tab.latencies_ms.clear()
        before = await _sweeps(client, url)
        sweeping = asyncio.create_task(Session(url=stream).click_until(client, until, "probe_now", _SWEEP_EVERY_S))
        await asyncio.gather(viewers.ask_until(until), sweeping, *watching)
        sweeps = await _sweeps(client, url) - before
    refreshes = sorted(ms for tab in tabs for ms in tab.latencies_ms)
    calls = sorted(viewers.latencies_ms)
    return LoadFigures(
        calls=len(calls),
        failed=viewers.failed,
        median_ms=statistics.median(calls),
        p95_ms=calls[int(len(calls) * 0.95)],
        worst_ms=calls[-1],
        refresh_median_ms=statistics.median(refreshes),
        refresh_p95_ms=refreshes[int(len(refreshes) * 0.95)],
        refresh_errors=sum(tab.errors for tab in tabs),
        sweeps=sweeps,
        resident_mb=resident_mb(pid),
    )


def load_table(figures: LoadFigures) -> list[str]:
    """Return the figures beside their goals, and what missed them."""
    rows = (
        ("calls that failed", figures.failed, 0, ""),
        ("median of a call", figures.median_ms, None, " ms"),
        ("95th percentile of a call", figures.p95_ms, _MOST_CALL_MS, " ms"),
        ("slowest call", figures.worst_ms, None, " ms"),
        ("median of a tab's refresh", figures.refresh_median_ms, _MOST_REFRESH_MS, " ms"),
        ("95th percentile of a refresh", figures.refresh_p95_ms, None, " ms"),
        ("errors shown in tabs", figures.refresh_errors, 0, ""),
        ("sweeps meanwhile", figures.sweeps, None, ""),
        ("memory", figures.resident_mb, _MOST_MB, " MB"),
    )
    head = [f"| {VIEWERS} viewers, {figures.calls} calls, {SESSIONS} tabs | measured | goal |", "|---|---|---|"]
    lines = [
        f"| {what} | {measured:.0f}{unit} | {'–' if most is None else f'{most}{unit}'} |"
        for what, measured, most, unit in rows
    ]
    missed = [
        f"- missed: {what} {measured:.0f}{unit}, allowed {most}{unit}"
        for what, measured, most, unit in rows
        if most is not None and measured > most
    ]
    return [*head, *lines, *([""] if missed else []), *missed]


async def _sweeps(client: aiohttp.ClientSession, url: str) -> int:
    """Return how many sweeps have ended since the server started."""
    async with client.get(f"{url}/api/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(
        int(float(line.split()[1])) for line in lines if line.startswith("switchyard_sweep_duration_seconds_count")
    )


if __name__ == "__main__":
    print(measure_load(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
