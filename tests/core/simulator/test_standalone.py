"""The simulator as a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys

import httpx
import pytest

from core.errors import ConfigurationError
from core.settings import PROJECT_ROOT
from core.simulator.server import SimulatedWorkspace
from core.simulator.standalone import run_simulator

SCRIPT = (
    "import functools; from core.simulator.standalone import run_simulator; "
    "run_simulator('aws', 0, functools.partial(print, flush=True))"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_it_says_how_to_use_it_and_ends_cleanly(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            found = re.search(r"DATABRICKS_HOST=(\S+) DATABRICKS_TOKEN=(\S+)", "".join(lines))
            assert found is not None
            headers = {"Authorization": f"Bearer {found[2]}"}
            answer = httpx.get(f"{found[1]}/api/2.0/preview/scim/v2/Me", headers=headers, trust_env=False)
            assert answer.headers["x-switchyard-simulated"] == "aws"
            process.send_signal(number)
            _, complaints = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (process.returncode, complaints) == (0, "")


def test_taken_port_is_refused_before_anything_is_said() -> None:
    said: list[str] = []
    with SimulatedWorkspace("healthy") as workspace, pytest.raises(ConfigurationError):
        run_simulator("healthy", workspace.http_port, said.append)
    assert said == []


def test_unknown_scene_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        run_simulator("sunny", 0, print)
