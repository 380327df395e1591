"""A change with an end, killed at any statement to a real database: old or new, on record, and still with its end."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.adapters.database import Database, Sqlite, open_database
from core.change.settle import settle_interrupted
from core.change.switch import apply_change
from core.change.work import ChangePorts
from core.model.change import ChangeState
from tests.fakes.dying import die_at_each
from tests.fakes.hermes_machine import CONFIG, USER, HermesMachine, request

LOCK = "change:file:hermes"
CHANGED = CONFIG.replace("old-a", "new-a")
# A database that is killed while it is made has tests of its own; here it stands already.
MOMENTS = range(1, 41)


def opened(home: Path) -> Database:
    place = Sqlite(path=home / "switchyard.db")
    return open_database(place, limit_bytes=None, raw_days=7, hourly_days=90, interval_s=300)


def ports_of(home: Path, database: Database) -> ChangePorts:
    """Return the ports of a machine as it was left, on a database."""
    content = (home / "config.yaml").read_bytes()
    machine = HermesMachine(home)
    machine.config.write_bytes(content)
    kept = {"store": database.changes, "leases": database.leases, "overrides": database.overrides}
    return replace(machine.ports, **kept)


def apply_for_an_hour(place: str, number: int) -> None:
    home = Path(place) / str(number)
    ports = ports_of(home, opened(home))
    wanted, hour = request(primary="new-a"), timedelta(hours=1)
    asyncio.run(apply_change(wanted, ports=ports, actor=USER, reason="why", lasts=hour))


@pytest.mark.timeout(180)
def test_a_kill_at_any_statement_leaves_one_side_and_an_override_only_over_what_is_new(tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    (new / "config.yaml").write_text(CONFIG)
    database = opened(new)
    assert database.changes.latest(1) == ()
    database.close()
    for number in MOMENTS:
        shutil.copytree(new, tmp_path / str(number))
    died = die_at_each(apply_for_an_hour, str(tmp_path), MOMENTS)
    assert died[0] and not died[-1]
    seen = set()
    for number in MOMENTS:
        home = tmp_path / str(number)
        database = opened(home)
        ports = ports_of(home, database)
        # What a dead process holds ends by itself after its time.
        database.leases.release(LOCK, database.leases.take(LOCK, "nobody", 0.0).holder)
        asyncio.run(settle_interrupted(ports))
        content = (home / "config.yaml").read_text()
        states = [record.state for record in database.changes.latest(5)]
        lasting = [override.expires_at for override in database.overrides.active()]
        database.close()
        assert content in (CONFIG, CHANGED)
        assert states in ([], [ChangeState.ROLLED_BACK], [ChangeState.APPLIED])
        assert (states == [ChangeState.APPLIED]) == (content == CHANGED) == (len(lasting) == 1)
        seen.add((died[number - 1], content))
    assert seen >= {(True, CONFIG), (True, CHANGED), (False, CHANGED)}
