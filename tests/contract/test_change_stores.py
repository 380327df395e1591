"""What every ChangeStore does; a further database joins by another row in STORES."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from core.adapters.database.changes import SCHEMA_VERSION, SqlChangeStore
from core.errors import StoreError
from core.model.agent import AgentId
from core.model.change import ChangeRecord, ChangeState, Origin
from core.ports import ChangeStore
from tests.fakes.change_store import MemoryChangeStore
from tests.fakes.postgres import shared_postgres

STORES: dict[str, Callable[[Path], ChangeStore]] = {
    "memory": lambda _: MemoryChangeStore(),
    "sqlite": lambda folder: SqlChangeStore(folder / "state" / "changes.db"),
    "sqlite by URL": lambda folder: SqlChangeStore(f"sqlite:///{folder}/changes.db"),
    "postgres": lambda _: SqlChangeStore(shared_postgres().database()),
}
RECORD = ChangeRecord(
    change_id="20300102-030405-000abcdef",
    at=datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC),
    actor="ada",
    agent=AgentId.HERMES,
    target="file:hermes",
    reason="primary is down – № 7",
    before={"primary": "old-a", "fallback": None},
    after={"primary": "new-a", "fallback": "new-b"},
    state=ChangeState.APPLYING,
    origin=Origin.PAGE,
)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ChangeStore]:
    made = STORES[request.param](tmp_path)
    yield made
    if isinstance(made, SqlChangeStore):
        made.close()


def test_a_record_comes_back_as_it_was(store: ChangeStore) -> None:
    full = replace(
        RECORD,
        detail="read back",
        expires_at=datetime(2030, 1, 2, 5, 0, 0, 7, tzinfo=UTC),
        before_revision="r0",
        after_revision="r1",
        backup="/home/ada/.hermes/config.yaml.bak",
        rolls_back="c0",
    )
    store.record(full)
    assert store.get(full.change_id) == full


def test_what_is_not_there_is_none(store: ChangeStore) -> None:
    assert store.get("nowhere") is None
    assert list(store.latest()) == []


def test_the_same_id_replaces_the_record(store: ChangeStore) -> None:
    store.record(RECORD)
    store.record(replace(RECORD, state=ChangeState.APPLIED))
    assert [record.state for record in store.latest()] == [ChangeState.APPLIED]


def test_the_newest_come_first_up_to_the_limit(store: ChangeStore) -> None:
    for number in (2, 0, 3, 1):
        at = RECORD.at + timedelta(microseconds=number)
        store.record(replace(RECORD, change_id=f"c{number}", at=at))
    assert [record.change_id for record in store.latest()] == ["c3", "c2", "c1", "c0"]
    assert [record.change_id for record in store.latest(2)] == ["c3", "c2"]
    assert list(store.latest(0)) == []


def test_what_touched_nothing_takes_no_place_from_what_did(store: ChangeStore) -> None:
    store.record(replace(RECORD, change_id="c-backed-up", state=ChangeState.CONFLICT, backup="a.bak"))
    for state in ChangeState:
        for number in range(3):
            at = RECORD.at + timedelta(seconds=1 + number)
            store.record(replace(RECORD, change_id=f"{state}-{number}", at=at, state=state, backup=None))
    nothing = {ChangeState.NO_OP, ChangeState.BLOCKED, ChangeState.CONFLICT, ChangeState.CANCELLED}
    assert {record.state for record in store.latest(15, written=True)} == set(ChangeState) - nothing
    assert len(store.latest(100, written=True)) == 16
    assert store.latest(100, written=True)[-1].change_id == "c-backed-up"


def test_at_the_same_time_the_later_id_comes_first(store: ChangeStore) -> None:
    for name in ("b", "a", "c"):
        store.record(replace(RECORD, change_id=name))
    assert [record.change_id for record in store.latest()] == ["c", "b", "a"]


def test_times_are_compared_across_zones(store: ChangeStore) -> None:
    east = timezone(timedelta(hours=5))
    store.record(replace(RECORD, change_id="earlier", at=datetime(2030, 1, 2, 7, 0, tzinfo=east)))
    store.record(replace(RECORD, change_id="later", at=datetime(2030, 1, 2, 3, 0, tzinfo=UTC)))
    assert [record.change_id for record in store.latest()] == ["later", "earlier"]


@pytest.mark.parametrize("text", ["'; DROP TABLE changes; --", "é\u2028\U0001f600", "%s {x} :y"])
def test_any_text_is_kept(store: ChangeStore, text: str) -> None:
    record = replace(RECORD, reason=text, actor=text, before={text: text})
    store.record(record)
    assert store.get(record.change_id) == record


def _path(folder: Path) -> Path:
    return folder / "state" / "changes.db"


def test_records_outlive_the_process_that_made_them(tmp_path: Path) -> None:
    first = SqlChangeStore(_path(tmp_path))
    first.record(RECORD)
    first.close()
    assert SqlChangeStore(_path(tmp_path)).get(RECORD.change_id) == RECORD


def test_the_database_is_private(tmp_path: Path) -> None:
    SqlChangeStore(_path(tmp_path)).record(RECORD)
    assert stat.S_IMODE(_path(tmp_path).stat().st_mode) == 0o600
    assert stat.S_IMODE(_path(tmp_path).parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in _path(tmp_path).parent.iterdir()} == {0o600}


def test_the_database_writes_ahead(tmp_path: Path) -> None:
    SqlChangeStore(_path(tmp_path)).close()
    connection = sqlite3.connect(_path(tmp_path))
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "a%20b ?x#y" / "changes.db"
    SqlChangeStore(odd).record(RECORD)
    assert odd.exists()


def _open_and_record(path: str, name: str) -> None:
    SqlChangeStore(path).record(replace(RECORD, change_id=name))


def test_several_processes_may_open_a_new_database_at_once(tmp_path: Path) -> None:
    _path(tmp_path).parent.mkdir()
    context = multiprocessing.get_context("spawn")
    names = [f"c{number}" for number in range(3)]
    processes = [context.Process(target=_open_and_record, args=(str(_path(tmp_path)), name)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert {record.change_id for record in SqlChangeStore(_path(tmp_path)).latest()} == set(names)


def test_alembic_is_not_imported_for_a_current_database(tmp_path: Path) -> None:
    SqlChangeStore(_path(tmp_path)).close()
    code = (
        "import sys; from core.adapters.database.changes import SqlChangeStore;"
        f"SqlChangeStore({str(_path(tmp_path))!r}); sys.exit('alembic' in sys.modules)"
    )
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


def test_the_schema_version_is_the_newest_migration(tmp_path: Path) -> None:
    SqlChangeStore(_path(tmp_path)).close()
    connection = sqlite3.connect(_path(tmp_path))
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(SCHEMA_VERSION,)]
    connection.close()


def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    SqlChangeStore(_path(tmp_path)).close()
    connection = sqlite3.connect(_path(tmp_path))
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError) as caught:
        SqlChangeStore(_path(tmp_path))
    assert caught.value.code == "store_newer"


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "changes.db"
    path.write_text("these are my notes, not a database\n" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError):
        SqlChangeStore(path)
    assert path.read_bytes() == before


def test_a_place_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        SqlChangeStore(tmp_path / "file" / "changes.db")
    assert caught.value.code == "store_unavailable"


def test_a_record_that_cannot_be_understood_is_a_store_error(tmp_path: Path) -> None:
    store = SqlChangeStore(_path(tmp_path))
    store.record(RECORD)
    connection = sqlite3.connect(_path(tmp_path))
    connection.execute("UPDATE changes SET state = 'of a later version'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError):
        store.latest()


@pytest.mark.parametrize("url", ["nonsense://x", "://", "sqlite://host:port/x"])
def test_a_url_that_names_no_database_is_a_store_error(url: str) -> None:
    with pytest.raises(StoreError):
        SqlChangeStore(url)
