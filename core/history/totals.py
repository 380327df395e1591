"""Count what landed since this process started, for metrics; what a scrape makes of it is left to the adapter.

The numbers only ever grow. They are of this process alone: one that does not probe counts nothing.
"""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Diagnosis, ProbeResult

# Upper bounds in seconds; the class above the last one is open. Each holds the limit above which a route is Degraded.
LATENCY_BOUNDS_S = (0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 15.0, 30.0, 60.0)
TTFT_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 15.0, 30.0)
SWEEP_BOUNDS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0)

# People may ask for any listed model; a scrape must not grow with what they were curious about.
MOST_KINDS = 2000
OTHER_MODELS = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is counted together: slots and identities of one agent that ask the same model the same way."""

    agent: AgentId
    model: str
    dialect: Dialect
    depth: Depth


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How measured seconds are spread over classes; `counts` has one class more than `bounds_s`."""

    bounds_s: tuple[float, ...]
    counts: tuple[int, ...]
    sum_s: float = 0.0

    @property
    def samples(self) -> int:
        """Return how many were measured."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedTotals:
    """What asking one kind of route came to.

    `requests` and `tokens` are those behind its verdicts: a request that several routes share counts for each.
    """

    results: Mapping[Diagnosis, int]
    requests: int
    tokens_in: int
    tokens_out: int
    latency: Spread
    ttft: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """All totals at one moment; `swept_at` is when the last sweep ended."""

    asked: Mapping[Asked, AskedTotals] = field(default_factory=dict)
    sweeps: Spread = Spread(bounds_s=SWEEP_BOUNDS_S, counts=(0,) * (len(SWEEP_BOUNDS_S) + 1))
    swept_at: datetime | None = None


class Totals:
    """Take results in the monitor's loop and be read from any thread; taking one costs some microseconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[Asked, _Growing] = {}
        self._sweeps = _Histogram(SWEEP_BOUNDS_S)
        self._swept_at: datetime | None = None

    def take(self, result: ProbeResult) -> None:
        """Count one landed result."""
        with self._lock:
            self._of(result).take(result)

    def sweep(self, duration_s: float, at: datetime) -> None:
        """Count one finished sweep."""
        with self._lock:
            self._sweeps.observe(duration_s)
            self._swept_at = at

    def read(self) -> Counted:
        """Return the totals as they are now; later counting does not change what was returned."""
        with self._lock:
            asked = {kind: growing.frozen() for kind, growing in self._asked.items()}
            return Counted(asked=asked, sweeps=self._sweeps.frozen(), swept_at=self._swept_at)

    def _of(self, result: ProbeResult) -> _Growing:
        route = result.route
        kind = Asked(agent=route.agent, model=route.model, dialect=route.dialect, depth=result.depth)
        if kind not in self._asked and len(self._asked) >= MOST_KINDS:
            kind = Asked(agent=route.agent, model=OTHER_MODELS, dialect=route.dialect, depth=result.depth)
        return self._asked.setdefault(kind, _Growing())


class _Histogram:
    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0

    def observe(self, seconds: float) -> None:
        """Count one measurement; what is no time at all would spoil the sum for ever."""
        if not math.isfinite(seconds) or seconds < 0:
            return
        self._counts[bisect_left(self._bounds_s, seconds)] += 1
        self._sum_s += seconds

    def frozen(self) -> Spread:
        return Spread(bounds_s=self._bounds_s, counts=tuple(self._counts), sum_s=self._sum_s)


class _Growing:
    def __init__(self) -> None:
        self._results: Counter[Diagnosis] = Counter()
        self._requests = 0
        self._tokens_in = 0
        self._tokens_out = 0
        self._latency = _Histogram(LATENCY_BOUNDS_S)
        self._ttft = _Histogram(TTFT_BOUNDS_S)

    def take(self, result: ProbeResult) -> None:
        self._results[result.diagnosis] += 1
        self._requests += result.attempts
        self._tokens_in += result.tokens.input or 0
        self._tokens_out += result.tokens.output or 0
        if result.diagnosis is not Diagnosis.OK:
            # A refusal is quick; counted in, an outage would look like a fast model.
            return
        if result.latency_ms is not None:
            self._latency.observe(result.latency_ms / 1000)
        if result.ttft_ms is not None:
            self._ttft.observe(result.ttft_ms / 1000)

    def frozen(self) -> AskedTotals:
        return AskedTotals(
            results=dict(self._results),
            requests=self._requests,
            tokens_in=self._tokens_in,
            tokens_out=self._tokens_out,
            latency=self._latency.frozen(),
            ttft=self._ttft.frozen(),
        )
