"""The real dashboard, and a simulated workspace, each as a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
START_S = 30.0


@dataclass(frozen=True)
class RunningApp:
    """A dashboard that answers, and where it keeps its state."""

    url: str
    state_dir: Path
    process: subprocess.Popen[bytes]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environ(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """Return an environment like that of a fresh shell, with the venv's programs first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", **extra}


def wait_until_up(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers; fails when it ends instead or takes too long."""
    deadline, pause = time.monotonic() + START_S, threading.Event()
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            pause.wait(0.05)
    raise AssertionError(f"no answer from {url} within {START_S:.0f} s")


RunApp = Callable[..., RunningApp]


@contextmanager
def apps_in(new_home: Callable[[], Path]) -> Iterator[RunApp]:
    """Give a function that starts the dashboard with an environment; all that it started are stopped at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(environment: Mapping[str, str], command: Sequence[str] | None = None, port: int = 0) -> RunningApp:
        home = new_home()
        port = port or free_port()
        default = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "127.0.0.1"]
        default += ["--server.headless", "true", "--server.port", str(port)]
        extra = {"SWITCHYARD_STATE_DIR": str(home / "state"), **environment}
        with open(home / "app.log", "wb") as log:
            process = subprocess.Popen(
                list(command or default), cwd=ROOT, env=clean_environ(home, extra), stdout=log, stderr=log
            )
        started.append(process)
        url = f"http://127.0.0.1:{port}"
        wait_until_up(url, process)
        return RunningApp(url=url, state_dir=home / "state", process=process)

    try:
        yield start
    finally:
        for process in started:
            process.terminate()
        for process in started:
            stop_process(process)


@pytest.fixture
def run_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunApp]:
    """Start dashboards that one test has for itself; what goes on probing afterwards would slow the next one down."""
    with apps_in(lambda: tmp_path_factory.mktemp("home")) as start:
        yield start


@pytest.fixture(scope="module")
def run_shared_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunApp]:
    """Start dashboards that the tests of one file share."""
    with apps_in(lambda: tmp_path_factory.mktemp("home")) as start:
        yield start


@pytest.fixture(scope="session")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApp]:
    """Return a dashboard over the outage, which all files share that only look at it."""
    with apps_in(lambda: tmp_path_factory.mktemp("home")) as start:
        yield start({"SWITCHYARD_SIMULATE": "incident"})


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a process that this test run started."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@dataclass(frozen=True)
class Simulator:
    """A simulated workspace in a process of its own."""

    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def origin(self) -> str:
        return self.environment["DATABRICKS_HOST"]


@contextmanager
def run_simulator(home: Path, scene: str) -> Iterator[Simulator]:
    """Run a simulated workspace in a process of its own."""
    command = [sys.executable, "-u", "-m", "core", "simulate", "--port", "0", "--scene", scene]
    process = subprocess.Popen(command, cwd=ROOT, env=clean_environ(home, {}), stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as lines:
        line = next(text for text in lines if text.startswith(b"DATABRICKS_HOST="))
        pairs = (pair.partition("=") for pair in line.decode().split())
        try:
            yield Simulator(environment={name: value for name, _, value in pairs}, process=process)
        finally:
            stop_process(process)
