"""A deployed app is changed in its file, redeployed, and believed only by what its snapshot holds and what runs."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from databricks.sdk.service.apps import AppDeployment, EnvVar

from core.adapters.app_proof import AppWritten
from core.adapters.app_settle import Left, Side
from core.adapters.app_target import AppTarget
from core.adapters.app_way import Way
from core.adapters.apps import DatabricksApps, connection
from core.adapters.clock import SystemClock
from core.adapters.credentials import StaticToken
from core.change.switch import ChangePorts, apply_change, rollback_change
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.change import ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, DiffOp, Origin, TargetKind
from core.model.secret import Secret
from core.ports import Stands
from core.simulator.app_setups import AppSetup, Ending, EnvVarsRule, Script, bundle_app, git_app, workspace_app
from core.simulator.faults import FaultRule
from tests.fakes.app_workspace import BACKUPS, FALLBACK, FILE, NEW, OLD, SOURCE, AppWorkspace, app_workspace, request
from tests.fakes.dying import dies
from tests.fakes.hermes_machine import USER, HermesMachine


@pytest.fixture
def place() -> Iterator[AppWorkspace]:
    with app_workspace() as found:
        yield found


def write(place: AppWorkspace, target: AppTarget | None = None, **slots: str | None) -> AppWritten:
    """Plan and write, expecting that nobody came between."""
    target = target or place.target()
    asked = request(**slots)
    plan = target.plan(asked)
    written = target.write(asked, expected_revision=plan.revision, change_id="c-1", progress=place.phases.append)
    assert written is not None
    return written


def restore(place: AppWorkspace, written: AppWritten, target: AppTarget | None = None) -> AppWritten | None:
    target = target or place.target()
    return target.restore(
        written.backup, expected_revision=written.revision, change_id="c-2", progress=place.phases.append
    )


def refused(act: Callable[[], object]) -> ChangeError:
    with pytest.raises(ChangeError) as raised:
        act()
    assert raised.value.message.endswith(".") and raised.value.remedy.endswith(".")
    return raised.value


def test_a_plan_names_both_sides_and_writes_nothing(place: AppWorkspace) -> None:
    before = place.content
    plan = place.target().plan(request(primary=NEW))
    assert plan.before == {"primary": OLD, "fallback": FALLBACK}
    assert plan.after == {"primary": NEW, "fallback": FALLBACK}
    assert [(one.op, one.field, one.old, one.new) for one in plan.diff] == [(DiffOp.CHANGE, "HERMES_MODEL", OLD, NEW)]
    assert "redeploy" in plan.effective and "coda" in plan.affects
    assert f"-    value: {OLD} " in str(plan.snippet) and f"+    value: {NEW} " in str(plan.snippet)
    assert place.content == before and place.backups() == [] and place.runs() == OLD


def test_present_values_make_no_difference(place: AppWorkspace) -> None:
    target = place.target()
    assert target.plan(request(primary=OLD, fallback=FALLBACK)).diff == ()
    assert target.plan(request()).diff == ()
    assert target.plan(request()).revision == target.revision()


def test_a_write_changes_one_value_and_is_proved_by_the_snapshot(place: AppWorkspace) -> None:
    before = place.content
    written = write(place, primary=NEW)
    assert place.content == before.replace(b"opus-4-6          #", b"opus-4-8          #")
    assert (place.runs(), place.runs("HERMES_FALLBACK_MODEL")) == (NEW, FALLBACK)
    assert written.proven and written.problem is None
    assert written.revision == place.target().revision()
    assert place.running.files.read(written.backup) == before
    assert written.backup.startswith(BACKUPS) and not written.backup.startswith(SOURCE)
    assert place.target().plan(request(primary=NEW)).diff == ()
    assert place.phases[:3] == ["Keeping a backup", f"Writing {FILE}", "Starting the deployment"]
    assert "Deploying: Installing dependencies" in place.phases


def test_a_rollback_is_the_identical_bytes_and_runs_the_former_value(place: AppWorkspace) -> None:
    before, revision = place.content, place.target().revision()
    written = write(place, primary=NEW, fallback=None)
    assert place.runs("HERMES_FALLBACK_MODEL") is None
    undone = restore(place, written)
    assert undone is not None and undone.proven
    assert place.content == before and place.target().revision() == undone.revision == revision
    assert (place.runs(), place.runs("HERMES_FALLBACK_MODEL")) == (OLD, FALLBACK)


def test_gateway_and_enable_variables_change_with_the_model(place: AppWorkspace) -> None:
    slots = {"primary": NEW, "DATABRICKS_GATEWAY_HOST": "", "ENABLE_HERMES": "false"}
    plan = place.target().plan(request(**slots))
    assert [(one.op, one.field) for one in plan.diff] == [
        (DiffOp.CHANGE, "HERMES_MODEL"),
        (DiffOp.ADD, "DATABRICKS_GATEWAY_HOST"),
        (DiffOp.CHANGE, "ENABLE_HERMES"),
    ]
    write(place, **slots)
    assert [place.runs(name) for name in ("DATABRICKS_GATEWAY_HOST", "ENABLE_HERMES")] == ["", "false"]
    write(place, DATABRICKS_GATEWAY_HOST=None)
    assert place.runs("DATABRICKS_GATEWAY_HOST") is None and place.runs() == NEW


def test_a_missing_slot_is_added_behind_its_siblings(place: AppWorkspace) -> None:
    asked = ChangeRequest(agent=AgentId.CLAUDE, target="app:coda", slots={"haiku": "h-1"})
    target = place.target()
    assert target.plan(asked).diff[0].op is DiffOp.ADD
    written = target.write(asked, expected_revision=target.revision(), change_id="c-1")
    assert written is not None and written.proven
    assert b'-4-6"\n  - name: ANTHROPIC_DEFAULT_HAIKU_MODEL\n    value: "h-1"\n' in place.content


@pytest.mark.parametrize("slots", [{"primary": None}, {"fallback_2": "x"}, {"CODEX_MODEL": "x"}, {"": "x"}])
def test_slots_that_the_app_has_no_place_for_are_refused(slots: dict[str, str | None], place: AppWorkspace) -> None:
    assert refused(lambda: place.target().plan(request(**slots))).code == "slot_invalid"


@pytest.mark.parametrize("value", ["a\nb", "x\x1b[0m", "- name: X\n"])
def test_a_value_cannot_bring_in_another_entry(value: str, place: AppWorkspace) -> None:
    before = place.content
    target = place.target()
    assert refused(lambda: target.plan(request(primary=value))).code == "value_invalid"
    revision = target.revision()
    assert refused(lambda: target.write(request(primary=value), expected_revision=revision, change_id="c")).code
    assert place.content == before and place.backups() == []


def test_a_file_that_changed_since_the_plan_is_a_conflict(place: AppWorkspace) -> None:
    target = place.target()
    revision = target.plan(request(primary=NEW)).revision
    place.running.files.put(FILE, place.content.replace(b'"5"', b'"6"'))
    assert target.write(request(primary=NEW), expected_revision=revision, change_id="c") is None
    assert b'"6"' in place.content and place.runs() == OLD and place.backups() == []


def test_another_deployment_of_other_values_since_the_plan_is_a_conflict(place: AppWorkspace) -> None:
    target = place.target()
    revision = target.plan(request(primary=NEW)).revision
    theirs = place.content.replace(OLD.encode(), b"their-model")
    former = place.content
    place.running.files.put(FILE, theirs)
    place.running.apps.deploy_as_another("coda", Script(polls=0))
    place.running.files.put(FILE, former)
    place.apps.get("coda")
    assert target.write(request(primary=NEW), expected_revision=revision, change_id="c") is None
    assert place.content == former and place.runs() == "their-model"


def test_somebody_who_writes_at_the_same_moment_is_not_overwritten_silently(place: AppWorkspace) -> None:
    theirs = place.content.replace(b'"5"', b'"9"')
    files = place.running.files

    def at_the_backup(path: str) -> None:
        if "/.switchyard/" in path:
            files.put(FILE, theirs)

    files.before_write = at_the_backup
    target = place.target()
    assert target.write(request(primary=NEW), expected_revision=target.revision(), change_id="c") is None
    assert place.content == theirs and place.runs() == OLD


def test_somebody_who_writes_right_after_us_is_seen_when_it_is_read_back(place: AppWorkspace) -> None:
    theirs = place.content.replace(b'"5"', b'"9"')

    class Raced(DatabricksApps):
        def write(self, path: str, content: bytes) -> None:
            super().write(path, content)
            place.running.files.put(FILE, theirs)

    target = place.target(apps=Raced(lambda: place.sdk))
    assert target.write(request(primary=NEW), expected_revision=target.revision(), change_id="c") is None
    assert place.content == theirs and place.runs() == OLD


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending.FAILED, "failed: Error installing requirements"),
        (Ending.CANCELLED, "was cancelled"),
        (Ending.CRASHED, "crashed after its start"),
        (Ending.STALE, "snapshot does not hold the new values"),
        (Ending.NEVER, "had not ended after 60 s"),
    ],
)
def test_every_bad_end_is_told_and_can_be_rolled_back(ending: Ending, words: str, place: AppWorkspace) -> None:
    before, revision = place.content, place.target().revision()
    place.running.apps.script("coda", Script(ending=ending))
    written = write(place, primary=NEW)
    assert written.problem is not None and words in written.problem and not written.proven
    # What is read back never equals what was meant to be there, so that nobody takes it for applied.
    assert written.revision != place.target().revision()
    if ending is Ending.NEVER:
        assert refused(lambda: restore(place, written)).code == "app_busy"
        return
    deployments = place.running.apps.state()["coda"]["deployments"]
    undone = restore(place, written)
    assert undone is not None and undone.problem is None and undone.proven
    assert place.content == before and place.target().revision() == revision and place.runs() == OLD
    # Where the former deployment still runs nothing restarts once more.
    again = place.running.apps.state()["coda"]["deployments"] - deployments
    assert again == (1 if ending is Ending.CRASHED else 0)


def test_a_deployment_in_progress_is_left_alone_before_anything_is_written(place: AppWorkspace) -> None:
    before, target = place.content, place.target()
    revision = target.revision()
    place.running.apps.deploy_as_another("coda", Script(ending=Ending.NEVER))
    error = refused(lambda: target.write(request(primary=NEW), expected_revision=revision, change_id="c"))
    assert error.code == "app_busy" and place.content == before and place.backups() == []


def deploy_as_another_once_written(place: AppWorkspace) -> None:
    def at_the_file(path: str) -> None:
        if path == FILE and place.running.apps.state()["coda"]["deployments"] == 1:
            place.running.apps.deploy_as_another("coda", Script(polls=50))

    place.running.files.before_write = at_the_file


def test_a_deployment_that_another_starts_meanwhile_puts_the_file_back(place: AppWorkspace) -> None:
    before, target = place.content, place.target()
    revision = target.revision()
    deploy_as_another_once_written(place)
    error = refused(lambda: target.write(request(primary=NEW), expected_revision=revision, change_id="c"))
    assert error.code == "app_busy" and "file is as it was" in error.remedy
    assert place.content == before


def test_a_file_that_cannot_be_put_back_is_told_with_the_command_by_hand(place: AppWorkspace) -> None:
    target = place.target()
    revision = target.revision()
    place.running.apps.refuse("coda", "manage")

    def once(path: str) -> None:
        if path == FILE:
            place.running.files.forbid(SOURCE, "write")

    place.running.files.before_write = once
    error = refused(lambda: target.write(request(primary=NEW), expected_revision=revision, change_id="c"))
    assert error.code == "file_left_changed"
    assert f"copy {BACKUPS}/coda/" in error.remedy and FILE in error.remedy


def test_a_deployment_whose_answer_got_lost_is_found_again_and_not_started_twice(place: AppWorkspace) -> None:
    target = place.target()
    revision = target.revision()
    path = "/api/2.0/apps/coda/deployments"
    place.running.faults.add(FaultRule(fault="cut", path=path, times=1))
    written = target.write(request(primary=NEW), expected_revision=revision, change_id="c")
    assert written is not None and written.proven and place.runs() == NEW
    assert place.running.apps.state()["coda"]["deployments"] == 2


def test_polls_outlive_a_workspace_that_does_not_answer_for_a_while(place: AppWorkspace) -> None:
    place.running.apps.script("coda", Script(polls=1))
    path = "/api/2.0/apps/coda/deployments/01f0"
    place.running.faults.add(FaultRule(fault="unavailable", path=path, times=2))
    written = write(place, primary=NEW)
    assert written.proven and "The workspace does not answer; asking again" in place.phases


def test_a_proof_that_cannot_be_read_for_a_moment_is_looked_for_again(place: AppWorkspace) -> None:
    target, revision = place.target(), place.target().revision()
    seen: list[str] = []

    def end(text: str) -> None:
        seen.append(text)
        if text == "The app is running":
            place.running.faults.add(FaultRule(fault="unavailable", path="/api/2.0/workspace/export", times=1))

    written = target.write(request(primary=NEW), expected_revision=revision, change_id="c", progress=end)
    assert written is not None and written.proven and 2.0 in place.clock.pauses
    assert place.running.faults.rules == ()


def test_a_slow_deployment_is_waited_for(place: AppWorkspace) -> None:
    place.running.apps.set_clock(place.clock.monotonic)
    place.running.apps.script("coda", Script(polls=0, seconds=240))
    written = write(place, place.target(deadline_s=900), primary=NEW)
    assert written.proven and 240 <= place.clock.seconds < 300
    assert max(place.clock.pauses) == 10


def test_a_deadline_that_passes_leaves_a_deployment_that_may_still_come(place: AppWorkspace) -> None:
    place.running.apps.set_clock(place.clock.monotonic)
    place.running.apps.script("coda", Script(polls=0, seconds=240))
    written = write(place, place.target(deadline_s=30), primary=NEW)
    assert written.problem == "The deployment had not ended after 30 s; it goes on without us."
    place.clock.seconds += 240
    place.apps.get("coda")
    assert place.target().revision() == written.revision and place.runs() == NEW


def crash_soon(place: AppWorkspace) -> None:
    place.running.apps.crash("coda")


def replace_soon(place: AppWorkspace) -> None:
    place.running.apps.deploy_as_another("coda", Script(polls=0))
    place.apps.get("coda")


@pytest.mark.parametrize(("happens", "words"), [(crash_soon, "crashed after"), (replace_soon, "taken the place")])
def test_an_app_that_was_up_once_is_looked_at_again(
    happens: Callable[[AppWorkspace], None], words: str, place: AppWorkspace
) -> None:
    target, revision = place.target(), place.target().revision()

    def meanwhile(text: str) -> None:
        if text == "The app is running":
            happens(place)

    written = target.write(request(primary=NEW), expected_revision=revision, change_id="c", progress=meanwhile)
    assert written is not None and not written.proven and words in str(written.problem)


def test_a_snapshot_that_cannot_be_read_is_applied_but_not_confirmed(place: AppWorkspace) -> None:
    target = place.target()
    snapshots = place.running.apps.snapshot("coda").rpartition("/")[0]
    place.running.files.forbid(snapshots, "read")
    written = write(place, primary=NEW)
    assert written.problem is None and not written.proven and "not confirmed" in written.note
    assert target.revision() == written.revision and place.runs() == NEW


@pytest.mark.parametrize("name", ["app.yml", "app.yaml"])
def test_either_name_of_the_file_is_edited(name: str, place: AppWorkspace) -> None:
    place.running.apps.add(workspace_app(place.running.scene, file_name=name))
    assert write(place, primary=NEW).proven and place.runs() == NEW
    assert set(place.running.files.below(SOURCE)) == {"app.py", name}


def test_two_files_are_one_too_many(place: AppWorkspace) -> None:
    place.running.files.put(f"{SOURCE}/app.yml", place.content)
    assert refused(place.target().revision).code == "file_ambiguous"
    assert not place.target().info.writable


def test_missing_file_and_missing_app(place: AppWorkspace) -> None:
    place.running.apps.add(workspace_app(place.running.scene, file_name=None))
    assert refused(place.target().revision).code == "app_yaml_missing"
    assert refused(place.target("none").revision).code == "app_missing"
    for name in ("coda", "none"):
        info = place.target(name).info
        assert not info.writable and info.reason.endswith(".")


def test_info_says_that_it_can_be_written_and_for_whom(place: AppWorkspace) -> None:
    info = place.target().info
    assert (info.id, info.kind, info.writable) == ("app:coda", TargetKind.APP, True)
    assert set(info.agents) >= {AgentId.HERMES, AgentId.CLAUDE, AgentId.CODEX} and AgentId.PI not in info.agents


def forbid_app(place: AppWorkspace) -> str:
    place.running.apps.refuse("coda", "manage")
    return "grant it CAN_MANAGE on the app"


def hide_app(place: AppWorkspace) -> str:
    place.running.apps.refuse("coda", "view")
    return "CAN_MANAGE on the app coda"


def forbid_files(place: AppWorkspace) -> str:
    place.running.files.forbid(SOURCE, "read")
    return f"CAN_READ on the folder {SOURCE}"


def stop(place: AppWorkspace) -> str:
    place.sdk.apps.stop("coda")
    return "start it"


def break_file(place: AppWorkspace) -> str:
    place.running.files.put(FILE, b"env: [\n")
    return "not valid YAML"


@pytest.mark.parametrize("hinder", [forbid_app, hide_app, forbid_files, stop, break_file])
def test_info_says_what_stands_in_the_way_and_what_helps(
    hinder: Callable[[AppWorkspace], str], place: AppWorkspace
) -> None:
    words = hinder(place)
    info = place.target().info
    assert not info.writable and words in info.reason


def test_a_folder_that_turns_out_not_to_be_writable_changes_nothing(place: AppWorkspace) -> None:
    place.running.files.forbid(SOURCE, "write", "permissions")
    before = place.content
    error = refused(lambda: write(place, primary=NEW))
    assert error.code == "app_forbidden" and f"CAN_EDIT on the folder {SOURCE}" in error.remedy
    assert place.content == before and place.runs() == OLD


def test_an_app_whose_folder_may_not_be_edited_is_sent_the_values_and_says_that_they_will_not_last(
    place: AppWorkspace,
) -> None:
    place.running.files.forbid(SOURCE, "write")
    before, target = place.content, place.target()
    assert target.info.writable
    assert "last until its next deployment" in target.info.reason and f"CAN_EDIT on {SOURCE}" in target.info.reason
    assert "until the next one" in target.plan(request(primary=NEW)).effective
    written = write(place, target, primary=NEW)
    assert not written.proven and written.problem is None and "not confirmed" in written.note
    assert (place.content, place.runs()) == (before, NEW)
    assert target.revision() == written.revision and target.plan(request(primary=NEW)).diff == ()
    assert restore(place, written, target) is not None and place.runs() == OLD


def test_a_plan_names_beforehand_what_a_proved_write_leaves(place: AppWorkspace) -> None:
    plan = place.target().plan(request(primary=NEW))
    assert plan.revision_after == write(place, primary=NEW).revision


def test_an_app_from_git_is_offered_the_patch_that_lasts(place: AppWorkspace) -> None:
    place.running.apps.add(git_app(place.running.scene))
    target = place.target("coda-git")
    assert not target.info.writable and "only a commit there lasts" in target.info.reason
    assert "git.switchyard.example" in target.info.reason and "(main)" in target.info.reason
    plan = target.plan(request(primary=NEW))
    assert plan.before["primary"] == OLD and f"+    value: {NEW}" in str(plan.snippet)
    error = refused(lambda: target.write(request(primary=NEW), expected_revision=plan.revision, change_id="c"))
    assert error.code == "target_not_writable" and place.runs(name="coda-git") == OLD


def test_an_app_of_a_bundle_is_told_that_the_next_bundle_deploy_overwrites_it(place: AppWorkspace) -> None:
    place.running.apps.add(bundle_app(place.running.scene))
    target = place.target("coda-bundle")
    assert not target.info.writable
    assert (
        "bundle coding-agents, target prod" in target.info.reason and "databricks bundle deploy" in target.info.reason
    )
    assert target.plan(request(primary=NEW)).snippet
    revision = target.revision()
    assert refused(lambda: target.write(request(primary=NEW), expected_revision=revision, change_id="c"))


def test_a_backup_that_is_not_ours_is_never_written_back(place: AppWorkspace) -> None:
    written = write(place, primary=NEW)
    place.running.files.put(f"{BACKUPS}/coda/evil", b"env: []\n")
    for path in (FILE, f"{BACKUPS}/coda/evil", f"{BACKUPS}/coda/../coda/evil", "/Workspace/x", ""):
        error = refused(lambda path=path: restore(place, replace(written, backup=path)))
        assert error.code == "backup_unreadable"
    assert place.runs() == NEW


def test_a_rollback_leaves_what_others_changed_since(place: AppWorkspace) -> None:
    written = write(place, primary=NEW)
    theirs = place.content.replace(b'"5"', b'"7"')
    place.running.files.put(FILE, theirs)
    assert restore(place, written) is None
    assert place.content == theirs and place.runs() == NEW


# Sent with a deployment instead of written


@pytest.mark.parametrize("rule", EnvVarsRule)
def test_sending_is_applied_but_never_confirmed_and_keeps_everything_else(
    rule: EnvVarsRule, place: AppWorkspace
) -> None:
    setup = workspace_app(place.running.scene)
    place.running.apps.add(AppSetup(name="coda", source=setup.source, files=setup.files, rule=rule))
    before = place.content
    others = {k: v for k, v in (place.running.apps.environment("coda") or {}).items() if k != "HERMES_MODEL"}
    written = write(place, place.target(way=Way.ENVIRONMENT), primary=NEW)
    assert not written.proven and written.problem is None and "not confirmed" in written.note
    environment = place.running.apps.environment("coda") or {}
    assert environment["HERMES_MODEL"] == (OLD if rule is EnvVarsRule.IGNORED else NEW)
    assert {k: v for k, v in environment.items() if k != "HERMES_MODEL"} == others
    assert place.content == before
    target = place.target(way=Way.ENVIRONMENT)
    assert target.revision() == written.revision and target.plan(request(primary=NEW)).diff == ()


def test_what_was_sent_is_rolled_back_by_not_sending_it(place: AppWorkspace) -> None:
    target = place.target(way=Way.ENVIRONMENT)
    revision = target.revision()
    first = write(place, target, primary=NEW)
    undone = restore(place, first, target)
    assert undone is not None and place.runs() == OLD and target.revision() == revision


def test_a_second_sending_keeps_the_first_and_rolls_back_to_it(place: AppWorkspace) -> None:
    target = place.target(way=Way.ENVIRONMENT)
    write(place, target, fallback="m-2")
    between = target.revision()
    second = write(place, target, primary=NEW)
    assert (place.runs(), place.runs("HERMES_FALLBACK_MODEL")) == (NEW, "m-2")
    assert restore(place, second, target) is not None
    assert (place.runs(), place.runs("HERMES_FALLBACK_MODEL"), target.revision()) == (OLD, "m-2", between)


def test_a_change_of_the_file_sends_again_what_was_sent(place: AppWorkspace) -> None:
    write(place, place.target(way=Way.ENVIRONMENT), fallback="m-2")
    revision = place.target().revision()
    written = write(place, primary=NEW)
    assert written.proven and (place.runs(), place.runs("HERMES_FALLBACK_MODEL")) == (NEW, "m-2")
    assert place.target().revision() == written.revision
    assert restore(place, written) is not None
    assert (place.runs(), place.runs("HERMES_FALLBACK_MODEL")) == (OLD, "m-2")
    assert place.target().revision() == revision
    error = refused(lambda: write(place, fallback="m-3"))
    assert error.code == "app_override_active"


def test_values_that_somebody_else_sent_are_never_lost_nor_taken_from_their_mask(place: AppWorkspace) -> None:
    sent = [EnvVar(name="HERMES_MODEL", value="theirs"), EnvVar(name="NPM_TOKEN", value_from="npm-token")]
    place.sdk.apps.deploy("coda", AppDeployment(source_code_path=SOURCE, env_vars=sent))
    for _ in range(4):
        place.apps.get("coda")
    assert place.runs() == "theirs"
    for way in Way:
        target = place.target(way=way)
        plan = target.plan(request(primary=NEW))
        assert "*" not in repr(plan)
        error = refused(lambda target=target: write(place, target, primary=NEW))
        assert error.code == "app_env_unknown" and "HERMES_MODEL" in error.message
    assert place.runs() == "theirs" and place.backups() == []


def test_a_variable_of_the_file_cannot_be_sent_away(place: AppWorkspace) -> None:
    error = refused(lambda: write(place, place.target(way=Way.ENVIRONMENT), fallback=None))
    assert error.code == "slot_invalid"


# What an interruption leaves

FOUND = {
    Left.UNTOUCHED: Stands.OLD,
    Left.WRITTEN: Stands.MIXED,
    Left.DEPLOYING: Stands.MOVING,
    Left.APPLIED: Stands.NEW,
}


def write_until_after(step: str, origin: str, token: str, way: str) -> None:
    """Carry a change out and be killed right after this call."""

    def dying(method: Callable[..., object]) -> Callable[..., None]:
        def call(*args: object, **kwargs: object) -> None:
            method(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)

        return call

    dying_apps = type("DyingApps", (DatabricksApps,), {step: dying(getattr(DatabricksApps, step))})
    apps = dying_apps(connection(origin, StaticToken(Secret(token), "a test")))
    target = AppTarget(apps, "coda", clock=SystemClock(), way=Way(way), pause=lambda seconds: None)
    target.write(request(primary=NEW), expected_revision=target.revision(), change_id="c-1")


def record_of(revision: str | None) -> ChangeRecord:
    """Return the intent as it was recorded before the write."""
    return ChangeRecord(
        change_id="c-1",
        at=datetime(2030, 1, 2, tzinfo=UTC),
        actor="ada",
        agent=AgentId.HERMES,
        target="app:coda",
        reason="the primary is down",
        before={"primary": OLD, "fallback": FALLBACK},
        after={"primary": NEW, "fallback": FALLBACK},
        state=ChangeState.APPLYING,
        origin=Origin.PAGE,
        before_revision=revision,
    )


def kill_after(step: str, place: AppWorkspace, way: Way = Way.FILE) -> ChangeRecord:
    """Let another process carry a change out and die right after this call."""
    record = record_of(place.target().revision())
    assert dies(write_until_after, step, place.running.http_origin, place.running.scene.token.reveal(), way.value)
    return record


@pytest.mark.parametrize(
    ("step", "left", "file", "deployed"),
    [
        ("write_new", Left.UNTOUCHED, Side.OLD, Side.OLD),
        ("write", Left.WRITTEN, Side.NEW, Side.OLD),
        ("deploy", Left.DEPLOYING, Side.NEW, Side.OLD),
        ("deployment", Left.DEPLOYING, Side.NEW, Side.OLD),
    ],
)
def test_kill_at_every_step_leaves_a_state_that_is_told_apart_and_can_be_undone(
    step: str, left: Left, file: Side, deployed: Side, place: AppWorkspace
) -> None:
    before = place.content
    record = kill_after(step, place)
    stands = place.target().stands(record)
    assert (stands.left, stands.file, stands.deployed) == (left, file, deployed)
    assert stands.as_found.stands is FOUND[left]
    assert stands.backup is not None and place.running.files.read(stands.backup) == before
    if left is Left.WRITTEN:
        # A file that is written but not deployed is still something to do.
        assert place.target().plan(request(primary=NEW)).diff
    if left is Left.DEPLOYING:
        assert stands.pending == "01f0simulated0001" and stands.message
        while (stands := place.target().stands(record)).pending:
            pass
        assert (stands.left, stands.deployment, place.runs()) == (Left.APPLIED, "01f0simulated0001", NEW)
    found = place.target().found(record)
    assert (found.revision, found.backup, found.detail) == (stands.revision, stands.backup, stands.message)
    undone = place.target().restore(str(stands.backup), expected_revision=stands.revision, change_id="c-2")
    assert undone is not None and undone.proven
    assert place.target().stands(record).left is Left.UNTOUCHED
    assert place.content == before and place.runs() == OLD


@pytest.mark.parametrize(
    ("step", "left"), [("write_new", Left.UNTOUCHED), ("deploy", Left.DEPLOYING), ("deployment", Left.DEPLOYING)]
)
def test_kill_while_sending_leaves_a_state_that_is_told_apart_and_can_be_undone(
    step: str, left: Left, place: AppWorkspace
) -> None:
    record = kill_after(step, place, Way.ENVIRONMENT)
    target = place.target(way=Way.ENVIRONMENT)
    stands = target.stands(record)
    assert stands.left is left and stands.backup is not None
    while (stands := target.stands(record)).pending:
        pass
    assert stands.left is (Left.UNTOUCHED if left is Left.UNTOUCHED else Left.APPLIED)
    assert target.restore(str(stands.backup), expected_revision=stands.revision, change_id="c-2") is not None
    assert target.stands(record).left is Left.UNTOUCHED and place.runs() == OLD


def test_a_crash_and_what_others_did_are_told_too(place: AppWorkspace) -> None:
    record = record_of(place.target().revision())
    place.running.apps.script("coda", Script(ending=Ending.CRASHED))
    write(place, primary=NEW)
    assert place.target().stands(record).left is Left.CRASHED
    assert place.target().found(record).stands is Stands.MIXED
    place.running.files.put(FILE, place.content.replace(NEW.encode(), b"theirs"))
    assert place.target().stands(record).left is Left.UNCLEAR
    assert place.target().found(record).stands is Stands.UNCLEAR


# Carried out by the same steps as any other change


def apply(place: AppWorkspace, machine: HermesMachine) -> tuple[ChangePorts, ChangeOutcome]:
    ports = replace(machine.ports, targets={"app:coda": place.target()})
    return ports, asyncio.run(apply_change(request(primary=NEW), ports=ports, actor=USER, reason="it is down"))


def test_a_change_is_applied_proved_and_rolled_back_as_one(place: AppWorkspace, tmp_path: Path) -> None:
    before = place.content
    ports, outcome = apply(place, HermesMachine(tmp_path))
    assert outcome.record.state is ChangeState.APPLIED and place.runs() == NEW
    undone = asyncio.run(rollback_change(outcome.record.change_id, ports=ports, actor=USER, reason="was the network"))
    assert undone.record.state is ChangeState.ROLLED_BACK
    assert place.content == before and place.runs() == OLD


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.CANCELLED, Ending.CRASHED, Ending.STALE])
def test_a_deployment_that_ends_badly_rolls_back_by_itself(ending: Ending, place: AppWorkspace, tmp_path: Path) -> None:
    before = place.content
    place.running.apps.script("coda", Script(ending=ending))
    _, outcome = apply(place, HermesMachine(tmp_path))
    assert outcome.record.state is ChangeState.ROLLED_BACK
    assert place.content == before and place.runs() == OLD
