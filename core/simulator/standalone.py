"""Runs the simulated workspace by itself, until somebody stops it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType

from core.simulator.server import SimulatedWorkspace


def run_simulator(scene_name: str, port: int, out: Callable[[str], None]) -> None:
    """Serve a scene on a plain port (0: any free one) until SIGINT or SIGTERM, telling `out` how to use it.

    Raises ConfigurationError for an unknown scene or a port that is taken. Call it from the main thread.
    """
    stopped = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopped.set()

    with SimulatedWorkspace(scene_name, http_port=port) as workspace:
        former = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for line in _introduction(workspace):
                out(line)
            stopped.wait()
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)


def _introduction(workspace: SimulatedWorkspace) -> tuple[str, ...]:
    scene = workspace.scene
    names = ", ".join(scene.host_names)
    return (
        f"Simulated workspace, scene {scene.name}: {scene.title}.",
        f"Plain HTTP on {workspace.http_origin}; TLS on 127.0.0.1:{workspace.tls_port} for {names}.",
        # The token is a constant of the simulator and opens nothing anywhere else, so it may be shown.
        f"DATABRICKS_HOST={workspace.http_origin} DATABRICKS_TOKEN={scene.token.reveal()}",
        "Stop it with Ctrl-C.",
    )
