"""Rehearse the README on a clean machine: a new clone, another user with an empty home, no settings and no caches.

`python -m scripts.rehearsal` types both commands of the README, `python -m scripts.rehearsal run` only the first; each
phase is timed, and what was started is ended. As root the other user is `nobody`; anybody else rehearses as themselves.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import write

ROOT = Path(__file__).resolve().parent.parent
_USER = "nobody"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# How this machine reaches the package registries is not what is rehearsed.
_REGISTRIES = re.compile(
    r"PIP_(INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|CERT|CONSTRAINT)|SSL_CERT_FILE|\w+_proxy", re.IGNORECASE
)
_RUN_LIMIT_S = 600.0
_TEST_LIMIT_S = 1800.0
_ADDRESS = re.compile(r"Switchyard: (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One part of the way, and the seconds that it took."""

    name: str
    seconds: float


def readme_commands(text: str) -> list[str]:
    """Return the commands of the first block of the README, without what it says about them."""
    block = text.split("```")[1]
    return [line.partition("#")[0].strip() for line in block.strip().splitlines()]


def main(wanted: str) -> int:
    """Rehearse, show and keep; return 0 when every command did what the README says."""
    folder = Path(tempfile.mkdtemp(prefix="switchyard-rehearsal-"))
    try:
        phases = list(_rehearsed(folder, with_tests=wanted != "run"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    table = ["| phase | seconds |", "|---|---|", *(f"| {one.name} | {one.seconds:.1f} |" for one in phases)]
    print("\n".join(table))
    write("rehearsal", table)
    return 0


def _rehearsed(folder: Path, *, with_tests: bool) -> Iterator[Phase]:
    clone, home = folder / "switchyard", folder / "home"
    began = time.monotonic()
    subprocess.run(["git", "clone", "--quiet", f"file://{ROOT}", str(clone)], check=True)
    cloned = Phase(name="`git clone`", seconds=time.monotonic() - began)
    yield cloned
    home.mkdir()
    who = _handed_over(folder)
    run, test = readme_commands((clone / "README.md").read_text(encoding="utf-8"))
    phases = list(_dashboard(run, clone, home, who))
    yield from phases
    yield Phase(name="**to the first live result**", seconds=sum(one.seconds for one in (cloned, *phases)))
    if with_tests:
        began = time.monotonic()
        with typed(test, clone, home, who, sys.stdout.fileno()) as process:
            code = process.wait(_TEST_LIMIT_S)
        if code:
            sys.exit(f"{test} ended with {code}")
        yield Phase(name=f"`{test}`, what it needs besides and all that must hold", seconds=time.monotonic() - began)


def _handed_over(folder: Path) -> dict[str, Any]:
    """Give the folder to another user when we may, and return what makes a process theirs."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(_USER)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def typed(command: str, clone: Path, home: Path, who: dict[str, Any], output: int) -> Iterator[subprocess.Popen[str]]:
    """Run a command as a fresh shell of this user would; it and all that it started end with it."""
    kept = {name: value for name, value in os.environ.items() if _REGISTRIES.fullmatch(name)}
    environment = {**kept, "PATH": _PATH, "HOME": str(home), "LANG": "C.UTF-8", "PIP_NO_CACHE_DIR": "1"}
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=clone, env=environment, stdout=output, text=True, start_new_session=True, **who
    )
    try:
        yield process
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def _dashboard(command: str, clone: Path, home: Path, who: dict[str, Any]) -> Iterator[Phase]:
    began = time.monotonic()
    with typed(command, clone, home, who, subprocess.PIPE) as process:
        watch = threading.Timer(_RUN_LIMIT_S, os.killpg, (process.pid, signal.SIGKILL))
        watch.start()
        try:
            url, said_at = _address(process), time.monotonic()
            yield Phase(name=f"`{command}`: makes its environment, installs packages", seconds=said_at - began)
            _wait(process, f"{url}/api/health", lambda _: True)
            answered_at = time.monotonic()
            yield Phase(name="the dashboard answers", seconds=answered_at - said_at)
            _wait(process, f"{url}/api/status", _is_live)
            yield Phase(name="the first live result", seconds=time.monotonic() - answered_at)
        finally:
            watch.cancel()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)
        if found := _ADDRESS.search(line):
            return found[1]
    sys.exit(f"it ended with {process.wait()} before it said where the dashboard is")


def _wait(process: subprocess.Popen[str], url: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
    while process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:
            if wanted(json.load(answer)):
                return
        time.sleep(0.05)
    sys.exit(f"it ended with {process.returncode} before {url} said what it should")


def _is_live(status: dict[str, Any]) -> bool:
    return any(agent["health"] == "healthy" for agent in status["agents"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else "both"))
