"""Hermes' config on this machine: read, written atomically with a backup, restored to the identical bytes."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

import core.adapters.file_target as module
from core.adapters.agents.hermes import HermesForm
from core.adapters.file_target import FileTarget
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.change import ChangeRequest
from core.ports import Written
from tests.fakes.ticking_clock import TickingClock

TEXT = "# mine\nmodel:\n  default: old-a   # keep\n  api_key: stored-token-value\n"
REQUEST = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": "new-a"})


def _target(home: Path) -> FileTarget:
    return FileTarget(HermesForm(), home=home, environment={}, state_dir=home / "state", clock=TickingClock())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(TEXT)
    return tmp_path


def _write(home: Path, request: ChangeRequest = REQUEST, change_id: str = "c1") -> Written:
    target = _target(home)
    written = target.write(request, expected_revision=target.revision(), change_id=change_id)
    assert written is not None
    return written


def test_a_write_changes_the_value_and_keeps_a_private_dated_backup(home: Path) -> None:
    written = _write(home)
    config = home / "config.yaml"
    assert config.read_text() == TEXT.replace("old-a", "new-a")
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    backup = Path(written.backup)
    assert backup.read_text() == TEXT
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert backup.name.startswith("config.yaml.switchyard-20300102T0304") and backup.name.endswith("-c1.bak")
    assert written.revision == _target(home).revision()
    assert sorted(path.name for path in home.iterdir()) == sorted(["config.yaml", backup.name, "state"])


def test_a_restore_brings_the_identical_bytes_back(home: Path) -> None:
    before = (home / "config.yaml").read_bytes()
    written = _write(home)
    restored = _target(home).restore(written.backup, expected_revision=written.revision, change_id="c2")
    assert restored is not None
    assert (home / "config.yaml").read_bytes() == before
    assert Path(restored.backup).read_text() == TEXT.replace("old-a", "new-a")


@settings(max_examples=25)
@given(
    tail=st.text(alphabet="ab#:'\" é\n", max_size=20).map(lambda text: "\n# " + text.replace("\n", "\n# ")),
    end=st.sampled_from(["\n", "\r\n"]),
    model=st.from_regex(r"[a-z0-9][A-Za-z0-9._:/@-]{0,20}", fullmatch=True),
)
def test_restore_after_write_is_the_identity(tail: str, end: str, model: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        content = (TEXT + tail).replace("\n", end).encode()
        (home / "config.yaml").write_bytes(content)
        request = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": model, "fallback": "x"})
        written = _write(home, request)
        assert (home / "config.yaml").read_bytes() != content
        assert _target(home).restore(written.backup, expected_revision=written.revision, change_id="c2")
        assert (home / "config.yaml").read_bytes() == content


def test_a_file_changed_meanwhile_is_left_alone(home: Path) -> None:
    target = _target(home)
    seen = target.revision()
    (home / "config.yaml").write_text(TEXT + "# by hand\n")
    assert target.write(REQUEST, expected_revision=seen, change_id="c1") is None
    assert (home / "config.yaml").read_text() == TEXT + "# by hand\n"
    assert not list(home.glob("*.bak"))


def test_a_restore_over_a_file_changed_meanwhile_is_left_alone(home: Path) -> None:
    written = _write(home)
    (home / "config.yaml").write_text("model: by-hand\n")
    assert _target(home).restore(written.backup, expected_revision=written.revision, change_id="c2") is None
    assert (home / "config.yaml").read_text() == "model: by-hand\n"


def test_a_linked_config_is_changed_where_it_really_is(home: Path) -> None:
    real = home / "dotfiles" / "hermes.yaml"
    real.parent.mkdir()
    shutil.move(home / "config.yaml", real)
    (home / "config.yaml").symlink_to(real)
    written = _write(home)
    assert (home / "config.yaml").is_symlink()
    assert "new-a" in real.read_text()
    assert Path(written.backup).parent == real.parent
    assert _target(home).restore(written.backup, expected_revision=written.revision, change_id="c2")
    assert real.read_text() == TEXT


def test_without_a_config_and_without_a_gateway_nothing_can_be_made(tmp_path: Path) -> None:
    target = _target(tmp_path)
    assert target.revision() is None
    with pytest.raises(ChangeError) as caught:
        target.plan(REQUEST)
    assert caught.value.code == "routing_missing"
    with pytest.raises(ChangeError):
        target.write(REQUEST, expected_revision=None, change_id="c1")
    assert not (tmp_path / "config.yaml").exists()


@pytest.mark.parametrize("content", [b"model: [", b"\xff", b"x" * 1_100_000], ids=["bad YAML", "not UTF-8", "huge"])
def test_a_broken_config_is_refused_untouched(home: Path, content: bytes) -> None:
    (home / "config.yaml").write_bytes(content)
    target = _target(home)
    assert not target.info.writable and target.info.reason.endswith(".")
    with pytest.raises(ChangeError) as caught:
        target.plan(REQUEST)
    assert caught.value.code == "target_broken"
    assert (home / "config.yaml").read_bytes() == content


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").mkdir()
    with pytest.raises(ChangeError) as caught:
        _target(tmp_path).plan(REQUEST)
    assert caught.value.code == "target_broken"


def test_a_link_in_a_circle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").symlink_to("config.yaml")
    target = _target(tmp_path)
    assert not target.info.writable
    with pytest.raises(ChangeError):
        target.revision()
    with pytest.raises(ChangeError):
        target.restore(str(tmp_path / "config.yaml.switchyard-x.bak"), expected_revision=None, change_id="c1")


def test_another_agents_request_is_refused(home: Path) -> None:
    request = ChangeRequest(agent=AgentId.CODEX, target="file:hermes", slots={"default": "x"})
    with pytest.raises(ChangeError) as caught:
        _target(home).plan(request)
    assert caught.value.code == "wrong_target"


def test_a_writable_config_says_so(home: Path) -> None:
    info = _target(home).info
    assert info.writable and info.id == "file:hermes" and info.agents == (AgentId.HERMES,)


def test_a_change_id_cannot_name_another_place(home: Path) -> None:
    with pytest.raises(ValueError, match="change id"):
        _target(home).write(REQUEST, expected_revision=None, change_id="../../x")


@pytest.mark.parametrize("backup", ["/etc/hostname", "config.yaml", "{home}/config.yaml", "{home}/state/../x"])
def test_only_our_own_backups_are_restored(home: Path, backup: str) -> None:
    target = _target(home)
    with pytest.raises(ChangeError) as caught:
        target.restore(backup.format(home=home), expected_revision=target.revision(), change_id="c1")
    assert caught.value.code == "backup_unreadable"
    assert (home / "config.yaml").read_text() == TEXT


def test_a_backup_that_is_gone_is_named(home: Path) -> None:
    written = _write(home)
    Path(written.backup).unlink()
    with pytest.raises(ChangeError) as caught:
        _target(home).restore(written.backup, expected_revision=written.revision, change_id="c2")
    assert caught.value.code == "backup_unreadable"


def test_a_failing_restore_names_the_manual_command(home: Path) -> None:
    written = _write(home)
    shutil.rmtree(home / "state")
    (home / "state").write_text("in the way")
    with pytest.raises(ChangeError) as caught:
        _target(home).restore(written.backup, expected_revision=written.revision, change_id="c2")
    assert caught.value.remedy == f"By hand: cp {written.backup} {home / 'config.yaml'}"


def test_a_write_waits_for_the_one_before_and_gives_up_in_the_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(home)
    (lock,) = (home / "state" / "locks").iterdir()
    monkeypatch.setattr(module, "_LOCK_TIMEOUT_S", 0.05)
    target = _target(home)
    with FileLock(lock), pytest.raises(ChangeError) as caught:
        target.write(REQUEST, expected_revision=target.revision(), change_id="c2")
    assert caught.value.code == "target_busy"


@pytest.fixture(params=[0o644, 0o666], ids=["neither file nor folder", "the folder only"])
def foreign_home(request: pytest.FixtureRequest) -> Iterator[Path]:
    """Give a folder that this user may read but not change, whoever runs the tests."""
    folder = Path(tempfile.mkdtemp())
    (folder / "config.yaml").write_text(TEXT)
    (folder / "config.yaml").chmod(request.param)
    folder.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_folder_that_may_not_be_written_is_refused_without_harm(foreign_home: Path) -> None:
    with tempfile.TemporaryDirectory() as state:
        target = FileTarget(
            HermesForm(), home=foreign_home, environment={}, state_dir=Path(state), clock=TickingClock()
        )
        assert not target.info.writable and "may not be written" in target.info.reason
        with pytest.raises(ChangeError) as caught:
            target.write(REQUEST, expected_revision=target.revision(), change_id="c1")
    assert caught.value.code == "target_not_writable"
    assert [path.name for path in foreign_home.iterdir()] == ["config.yaml"]
    assert (foreign_home / "config.yaml").read_text() == TEXT


def test_a_file_that_may_not_be_written_says_so(home: Path) -> None:
    (home / "config.yaml").chmod(0o444)
    home.chmod(0o777)
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    shutil.copy(home / "config.yaml", folder)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        info = _target(folder).info
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(folder)
    assert not info.writable and "may not be written by this user" in info.reason


def test_the_files_owner_stays(home: Path) -> None:
    config = home / "config.yaml"
    if os.geteuid() == 0:
        os.chown(config, 65534, 65534)
    owner = (config.stat().st_uid, config.stat().st_gid)
    written = _write(home)
    assert (config.stat().st_uid, config.stat().st_gid) == owner
    assert (Path(written.backup).stat().st_uid, Path(written.backup).stat().st_gid) == owner
