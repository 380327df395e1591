"""One contender in its own process: each line on stdin is one sweep, and its figures are one JSON line on stdout."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import sys
from time import perf_counter, process_time

from bench.contenders import CONTENDERS, Case

# ru_maxrss is in kilobytes on Linux and in bytes on macOS.
_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024


def peak_mb() -> float:
    """Return the highest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _PER_MB


def main(contender: str, case: Case) -> None:
    """Measure sweeps until stdin ends; the connections stay open between them."""
    gc.collect()
    gc.freeze()
    with asyncio.Runner() as runner:
        opened = CONTENDERS[contender](case)
        sweep = runner.run(opened.__aenter__())
        before_mb = peak_mb()
        for _ in sys.stdin:
            wall, cpu = perf_counter(), process_time()
            healthy = runner.run(sweep())
            figures = {
                "wall_s": perf_counter() - wall,
                "cpu_s": process_time() - cpu,
                "grown_mb": peak_mb() - before_mb,
                "healthy": healthy,
            }
            print(json.dumps(figures), flush=True)
        runner.run(opened.__aexit__(None, None, None))


if __name__ == "__main__":
    main(
        sys.argv[1],
        Case(routes=int(sys.argv[2]), at_once=int(sys.argv[3]), timeout_s=float(sys.argv[4]), port=int(sys.argv[5])),
    )
