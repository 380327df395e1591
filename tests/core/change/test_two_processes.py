"""Two processes that change one target at the same time: exactly one applies, the other is told who is at it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from core.adapters.database import Sqlite, open_database
from core.model.change import ChangeState
from tests.fakes.hermes_machine import CONFIG

ROOT = Path(__file__).resolve().parents[3]

# Applies one change. Told to wait, it stops in its pre-flight until somebody writes a line.
_APPLYING = """
import asyncio, sys
from dataclasses import replace
from pathlib import Path
from core.adapters.database import Sqlite, open_database
from core.change.switch import apply_change
from tests.fakes.hermes_machine import USER, HermesMachine, request
home, name, model, waits = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4] == "wait"
content = (home / "config.yaml").read_bytes()
machine = HermesMachine(home)
(home / "config.yaml").write_bytes(content)
database = open_database(
    Sqlite(path=home / "switchyard.db"), limit_bytes=None, raw_days=7, hourly_days=90, interval_s=300
)
def pause(count):
    if waits and count == 1:
        print("at it", flush=True)
        sys.stdin.readline()
machine.before_answer = pause
kept = {"store": database.changes, "leases": database.leases, "overrides": database.overrides}
ports = replace(machine.ports, holder=name, **kept)
outcome = asyncio.run(apply_change(request(primary=model), ports=ports, actor=USER, reason="why"))
print(outcome.record.state, outcome.record.detail, flush=True)
"""


def start(home: Path, name: str, model: str, *, waits: bool) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _APPLYING, str(home), name, model, "wait" if waits else "go on"]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.timeout(60)
def test_one_applies_and_the_other_is_a_conflict_that_names_the_first(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    with start(tmp_path, "process 1", "new-a", waits=True) as first:
        assert first.stdout is not None and first.stdout.readline() == "at it\n"
        with start(tmp_path, "process 2", "other", waits=False) as second:
            said = second.communicate()[0]
        assert said.startswith("conflict ada (process 1) has been changing file:hermes for ")
        assert (tmp_path / "config.yaml").read_text() == CONFIG
        said = first.communicate("go on\n")[0]
    assert said.startswith("applied ")
    assert (tmp_path / "config.yaml").read_text() == CONFIG.replace("old-a", "new-a")
    database = open_database(
        Sqlite(path=tmp_path / "switchyard.db"), limit_bytes=None, raw_days=7, hourly_days=90, interval_s=300
    )
    states = {record.after.get("primary"): record.state for record in database.changes.latest(10)}
    database.close()
    assert states == {"new-a": ChangeState.APPLIED, "other": ChangeState.CONFLICT}
