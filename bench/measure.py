"""Run contenders beside each other against one gateway, taking turns so that the machine's mood hits all of them."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.gateway import ANSWER_S, delay_of


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is asked: so many routes, so many at once, with the fixed delay or the heavy tail."""

    routes: int
    at_once: int
    tail: bool = False

    @property
    def timeout_s(self) -> float:
        """Return what one request may take."""
        return 5.0 if self.tail else 15.0

    @property
    def ideal_s(self) -> float:
        """Return what nobody can beat: full waves; with a tail, slow ones in their slots and the hung ones first."""
        if not self.tail:
            return math.ceil(self.routes / self.at_once) * ANSWER_S
        delays = [delay_of(number, tail=True) for number in range(self.routes)]
        flowing_s = sum(delay for delay in delays if delay is not None) / self.at_once
        return max(flowing_s, self.timeout_s if None in delays else 0.0)

    @property
    def name(self) -> str:
        """Return how tables call it."""
        return f"N={self.routes} c={self.at_once}{' tail' if self.tail else ''}"


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Medians of one contender in one shape; `first_s` is the wall with cold connections, `next_s` with warm ones."""

    shape: Shape
    contender: str
    wall_s: float
    first_s: float
    next_s: float
    cpu_ms: float
    grown_mb: float
    opened_next: int | None
    healthy: int


@contextmanager
def _running(module: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
        assert process.stdin
        process.stdin.close()
        process.wait(10)
    finally:
        process.kill()
        process.wait()


def _asked(process: subprocess.Popen[str]) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def measure(shape: Shape, contenders: Sequence[str], runs: int) -> list[Figures]:
    """Return the figures of each contender; at least two runs, so that the second finds warm connections."""
    with ExitStack() as stack:
        gateway = stack.enter_context(_running("bench.gateway", "tail" if shape.tail else "fixed"))
        assert gateway.stdout
        port = int(gateway.stdout.readline())
        arguments = (shape.routes, shape.at_once, shape.timeout_s, port)
        workers = {name: stack.enter_context(_running("bench.worker", name, *arguments)) for name in contenders}
        seen: dict[str, list[dict[str, float]]] = {name: [] for name in contenders}
        for _ in range(runs):
            for name, worker in workers.items():
                before = int(_asked(gateway))
                figures = json.loads(_asked(worker))
                seen[name].append({**figures, "opened": int(_asked(gateway)) - before})
        return [_figures(shape, name, sweeps) for name, sweeps in seen.items()]


def _figures(shape: Shape, name: str, sweeps: list[dict[str, float]]) -> Figures:
    return Figures(
        shape=shape,
        contender=name,
        wall_s=statistics.median(sweep["wall_s"] for sweep in sweeps),
        first_s=sweeps[0]["wall_s"],
        next_s=statistics.median(sweep["wall_s"] for sweep in sweeps[1:] or sweeps),
        cpu_ms=statistics.median(sweep["cpu_s"] for sweep in sweeps) * 1000 / shape.routes,
        grown_mb=max(sweep["grown_mb"] for sweep in sweeps),
        opened_next=int(sweeps[1]["opened"]) if len(sweeps) > 1 else None,
        healthy=int(min(sweep["healthy"] for sweep in sweeps)),
    )
