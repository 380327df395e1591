"""Configs of several files: written together, told apart after a kill between two of them, put back as one."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.agent_configs import read_config
from core.adapters.agents.form import AgentForm, Contents, FileEdit
from core.adapters.agents.hermes import HermesForm
from core.adapters.file_target import FileTarget
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRecord, ChangeRequest, ChangeState, DiffEntry, DiffOp, Origin, SlotRouting
from core.model.choice import StoredRoute
from core.model.secret import Secret
from core.ports import Stands
from tests.fakes.dying import dies, killed_at
from tests.fakes.ticking_clock import TickingClock

_MORE_STEPS = 100
NAMES = ("settings.json", ".env")
REQUEST = ChangeRequest(agent=AgentId.GEMINI, target="file:gemini", slots={"default": "new"})


class WholeForm:
    """A form whose files hold the model and nothing else."""

    agent = AgentId.GEMINI
    effective = "next start"
    repair = "Mend it."

    def __init__(self, *files: str) -> None:
        self.files = files or NAMES

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        return ()

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        model = str(request.slots["default"])
        wanted = {name: f"{name}={model}".encode() for name in self.files}
        former = (contents[self.files[0]] or b"").decode().partition("=")[2] or None
        return FileEdit(
            contents={name: content for name, content in wanted.items() if contents[name] != content},
            before={"default": former},
            after={"default": model},
            diff=(DiffEntry(op=DiffOp.CHANGE, field="model", old=former, new=model),),
        )


def target_of(form: AgentForm, home: Path) -> FileTarget:
    return FileTarget(form, home=home, environment={}, state_dir=home.parent / "state", clock=TickingClock())


def lay(home: Path, *names: str) -> dict[str, bytes]:
    """Put old files there, and return everything that is in the home."""
    home.mkdir(exist_ok=True)
    for name in names:
        (home / name).write_bytes(f"{name}=old".encode())
    return there(home)


def there(home: Path) -> dict[str, bytes]:
    return {name: (home / name).read_bytes() for name in NAMES if (home / name).exists()}


def intent(target: FileTarget, change_id: str = "c1") -> ChangeRecord:
    """Return the record that is kept before the write."""
    plan = target.plan(REQUEST)
    return ChangeRecord(
        change_id=change_id,
        at=TickingClock().now(),
        actor="ada",
        agent=AgentId.GEMINI,
        target="file:gemini",
        reason="why",
        before=plan.before,
        after=plan.after,
        state=ChangeState.APPLYING,
        origin=Origin.PAGE,
        before_revision=plan.revision,
        after_revision=plan.revision_after,
    )


@pytest.mark.parametrize("names", [NAMES, NAMES[:1], NAMES[1:], ()], ids=["both", "first", "second", "none"])
def test_restore_after_write_is_the_identity_whichever_files_there_were(tmp_path: Path, names: tuple[str, ...]) -> None:
    home = tmp_path / "home"
    before, target = lay(home, *names), target_of(WholeForm(), home)
    revision = target.revision()
    written = target.write(REQUEST, expected_revision=revision, change_id="c1")
    assert written is not None and there(home) == {name: f"{name}=new".encode() for name in NAMES}
    assert written.revision == target.revision()
    assert all(stat.S_IMODE((home / name).stat().st_mode) == 0o600 for name in NAMES)
    restored = target.restore(written.backup, expected_revision=written.revision, change_id="c2")
    assert restored is not None and there(home) == before
    assert target.revision() == revision


def test_a_plan_names_the_revision_that_the_write_leaves(tmp_path: Path) -> None:
    lay(tmp_path / "home", *NAMES)
    target = target_of(WholeForm(), tmp_path / "home")
    plan = target.plan(REQUEST)
    written = target.write(REQUEST, expected_revision=plan.revision, change_id="c1")
    assert written is not None and written.revision == plan.revision_after


def test_a_second_file_that_was_changed_meanwhile_is_a_conflict(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lay(home, *NAMES)
    target = target_of(WholeForm(), home)
    revision = target.revision()
    (home / NAMES[1]).write_text("theirs")
    assert target.write(REQUEST, expected_revision=revision, change_id="c1") is None
    assert not list(home.glob("*.switchyard-*"))


def test_an_agent_that_never_ran_here_has_nowhere_to_write(tmp_path: Path) -> None:
    info = target_of(WholeForm(), tmp_path / "home").info
    assert not info.writable and "start Gemini CLI once" in info.reason
    (tmp_path / "home").mkdir()
    info = target_of(WholeForm(), tmp_path / "home").info
    assert info.writable and "would be made" in info.reason


def test_what_is_found_after_an_interruption(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lay(home, *NAMES)
    target = target_of(WholeForm(), home)
    record = intent(target)
    assert target.found(record).stands is Stands.OLD
    (home / NAMES[0]).write_bytes(b"settings.json=new")
    assert target.found(record).stands is Stands.MIXED
    (home / NAMES[1]).write_bytes(b".env=new")
    assert target.found(record).stands is Stands.NEW
    (home / NAMES[1]).write_bytes(b"theirs")
    assert target.found(record).stands is Stands.UNCLEAR
    assert target.found(replace(record, after_revision=None)).stands is Stands.UNCLEAR


def write_until(step: int, home: Path, names: tuple[str, ...]) -> None:
    """Write, and be killed right before this touch of the disk."""
    target = target_of(WholeForm(*names), home)
    revision = target.revision()
    _be_killed(step)
    target.write(REQUEST, expected_revision=revision, change_id="c1")


def restore_until(step: int, home: Path, names: tuple[str, ...], backup: str) -> None:
    """Restore, and be killed right before this touch of the disk."""
    target = target_of(WholeForm(*names), home)
    revision = target.revision()
    _be_killed(step)
    target.restore(backup, expected_revision=revision, change_id="c2")


def _be_killed(step: int) -> None:
    dying = killed_at(step)
    for name in ("open", "mkdir", "fchmod", "fsync", "replace", "unlink"):
        setattr(os, name, dying(getattr(os, name)))
    Path.unlink = dying(Path.unlink)


FORMS_AND_FILES = [
    pytest.param(NAMES, NAMES, id="two files, both there"),
    pytest.param(NAMES, NAMES[1:], id="two files, one to be made"),
    pytest.param(NAMES[:1], NAMES[:1], id="one file"),
    pytest.param(NAMES[:1], (), id="one file, to be made"),
]


def half_way(names: tuple[str, ...]) -> set[Stands]:
    """Return what a killed change can leave: one file alone is never half new."""
    return {Stands.OLD, Stands.NEW} | ({Stands.MIXED} if len(names) > 1 else set())


@pytest.mark.parametrize(("names", "laid"), FORMS_AND_FILES)
def test_a_kill_at_any_step_of_a_write_can_be_told_and_put_back(
    tmp_path: Path, names: tuple[str, ...], laid: tuple[str, ...]
) -> None:
    seen: set[Stands] = set()
    for step in range(_MORE_STEPS):
        home = tmp_path / f"home{step}"
        before, target = lay(home, *laid), target_of(WholeForm(*names), home)
        record = intent(target)
        ended = not dies(write_until, step, home, names)
        found = target.found(record)
        seen.add(found.stands)
        assert found.stands in half_way(names)
        assert (there(home) == before) is (found.stands is Stands.OLD)
        if found.stands is not Stands.OLD:
            assert found.backup is not None
            assert target.restore(found.backup, expected_revision=found.revision, change_id="c2")
            assert not list(home.glob("*.tmp")) and not list(home.glob(".*.tmp"))
        assert there(home) == before
        if ended:
            break
    assert ended and seen == half_way(names)


@pytest.mark.parametrize(("names", "laid"), FORMS_AND_FILES)
def test_a_kill_at_any_step_of_a_restore_can_be_told_and_ended(
    tmp_path: Path, names: tuple[str, ...], laid: tuple[str, ...]
) -> None:
    seen: set[Stands] = set()
    for step in range(_MORE_STEPS):
        home = tmp_path / f"home{step}"
        before, target = lay(home, *laid), target_of(WholeForm(*names), home)
        record = intent(target)
        written = target.write(REQUEST, expected_revision=record.before_revision, change_id="c1")
        assert written is not None
        ended = not dies(restore_until, step, home, names, written.backup)
        found = target.found(record)
        seen.add(found.stands)
        assert found.stands in half_way(names) and found.backup == written.backup
        assert target.restore(written.backup, expected_revision=found.revision, change_id="c3")
        assert there(home) == before
        if ended:
            break
    assert ended and seen == half_way(names)


def test_a_file_that_cannot_be_replaced_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before = lay(home, *NAMES)

    class Blocked(WholeForm):
        """Somebody puts a folder in the second file's place between our reading and our writing."""

        def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
            (home / NAMES[1]).unlink()
            (home / NAMES[1]).mkdir()
            return super().edit(contents, request)

    target = target_of(Blocked(), home)
    with pytest.raises(ChangeError) as caught:
        target.write(REQUEST, expected_revision=target.revision(), change_id="c1")
    assert caught.value.code == "target_not_writable"
    assert (home / NAMES[0]).read_bytes() == before[NAMES[0]]
    assert not list(home.glob("*.tmp")) and not list(home.glob(".*.tmp"))


def test_a_full_disk_is_noticed_before_any_file_is_touched(tmp_path: Path) -> None:
    home = tmp_path / "home"
    before, target = lay(home, *NAMES), target_of(WholeForm(), home)
    large = replace(REQUEST, slots={"default": "n" * 5_000})
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, former[1]))
    try:
        with pytest.raises(ChangeError) as caught:
            target.write(large, expected_revision=target.revision(), change_id="c1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.code == "target_not_writable" and there(home) == before
    assert sorted(path.name for path in home.iterdir()) == sorted(NAMES)


def test_folders_that_are_made_belong_to_their_owner_alone(tmp_path: Path) -> None:
    home = tmp_path / "config" / "agent"
    target = FileTarget(WholeForm(), home=home, environment={}, state_dir=tmp_path / "state", clock=TickingClock())
    assert target.write(REQUEST, expected_revision=None, change_id="c1")
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home.parent)] == [0o700, 0o700]
    above = tmp_path.stat()
    assert [(path.stat().st_uid, path.stat().st_gid) for path in (home, home.parent)] == [
        (above.st_uid, above.st_gid)
    ] * 2


def test_the_manual_command_puts_every_file_back(tmp_path: Path) -> None:
    home = tmp_path / "my home"
    before, target = lay(home, NAMES[0]), target_of(WholeForm(), home)
    written = target.write(REQUEST, expected_revision=target.revision(), change_id="c1")
    assert written is not None
    shutil.rmtree(tmp_path / "state")
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(ChangeError) as caught:
        target.restore(written.backup, expected_revision=written.revision, change_id="c2")
    command = caught.value.remedy.removeprefix("By hand: ")
    subprocess.run(["sh", "-c", command], check=True)
    assert there(home) == before


def test_the_backup_of_a_change_is_not_that_of_another_whose_id_ends_alike(tmp_path: Path) -> None:
    home = tmp_path / "home"
    lay(home, *NAMES)
    target = target_of(WholeForm(), home)
    record = intent(target, "c1")
    written = target.write(REQUEST, expected_revision=record.before_revision, change_id="other-c1")
    assert written is not None
    assert target.found(record).backup is None
    assert target.found(replace(record, change_id="other-c1")).backup == written.backup


def test_a_new_hermes_config_is_read_as_it_was_asked_for(tmp_path: Path) -> None:
    routing = SlotRouting(base_url="https://ws.example/ai-gateway/mlflow/v1", dialect=Dialect.OPENAI_CHAT)
    slots = {"primary": "databricks-a", "fallback": "databricks-b"}
    request = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots=slots, routing={"primary": routing})
    target = target_of(HermesForm(), tmp_path)
    assert target.write(request, expected_revision=None, change_id="c1")
    config = read_config(HermesForm(), tmp_path, {"DATABRICKS_TOKEN": Secret("t")})
    assert [(one.slot, one.model, one.base_url, one.token) for one in config.slots] == [
        (slot, model, routing.base_url, Secret("t")) for slot, model in slots.items()
    ]
    assert os.stat(tmp_path / "config.yaml").st_mode & 0o777 == 0o600
