"""The Apps and workspace-files APIs of a running simulated workspace, asked by the real databricks-sdk."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import NotFound, PermissionDenied, ResourceConflict
from databricks.sdk.errors.platform import BadRequest, InvalidState, ResourceAlreadyExists
from databricks.sdk.service.apps import AppDeployment, AppDeploymentState, ApplicationState, EnvVar, GitSource
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, ObjectType

from core.simulator.app_setups import (
    AppSetup,
    Ending,
    EnvVarsRule,
    Script,
    bundle_app,
    git_app,
    scene_app_yaml,
    workspace_app,
)
from core.simulator.server import SimulatedWorkspace
from tests.core.simulator.conftest import Ask

SOURCE = "/Workspace/Users/robin.vale@switchyard.example/apps/coding-agents"
FILE = f"{SOURCE}/app.yaml"
NEW = AppDeployment(source_code_path=SOURCE)


@pytest.fixture
def workspace() -> Iterator[SimulatedWorkspace]:
    with SimulatedWorkspace("healthy") as running:
        yield running


@pytest.fixture
def sdk(workspace: SimulatedWorkspace) -> WorkspaceClient:
    return WorkspaceClient(host=workspace.http_origin, token=workspace.scene.token.reveal(), auth_type="pat")


def deploy(sdk: WorkspaceClient, deployment: AppDeployment = NEW, *, polls: int = 10) -> AppDeployment:
    """Deploy and look until it has ended, or often enough."""
    begun = sdk.apps.deploy("coda", deployment).response
    assert begun.deployment_id is not None
    for _ in range(polls):
        found = sdk.apps.get_deployment("coda", begun.deployment_id)
        if found.status is not None and found.status.state is not AppDeploymentState.IN_PROGRESS:
            break
    return found


def write(sdk: WorkspaceClient, content: bytes, path: str = FILE) -> None:
    sdk.workspace.upload(path, io.BytesIO(content), format=ImportFormat.AUTO, overwrite=True)


def switched(workspace: SimulatedWorkspace) -> bytes:
    """Return the app.yaml with another primary model."""
    return scene_app_yaml(workspace.scene).replace(b"databricks-claude-opus-4-6 ", b"databricks-claude-opus-4-8 ")


def primary(workspace: SimulatedWorkspace) -> str | None:
    return (workspace.apps.environment("coda") or {}).get("HERMES_MODEL")


def test_an_app_runs_what_its_app_yaml_says(workspace: SimulatedWorkspace) -> None:
    environment = workspace.apps.environment("coda")
    assert environment is not None
    assert environment["HERMES_MODEL"] == "databricks-claude-opus-4-6"
    assert environment["CLAUDE_CODE_DISABLE_AUTO_MEMORY"] == "0"
    assert environment["NPM_TOKEN"] == "simulated-npm-secret"


def test_a_written_file_runs_only_once_it_is_deployed(workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    write(sdk, switched(workspace))
    assert primary(workspace) == "databricks-claude-opus-4-6"
    ended = deploy(sdk)
    assert ended.status is not None and ended.status.state is AppDeploymentState.SUCCEEDED
    assert primary(workspace) == "databricks-claude-opus-4-8"
    assert ended.deployment_artifacts is not None
    exported = sdk.workspace.export(
        f"{ended.deployment_artifacts.source_code_path}/app.yaml", format=ExportFormat.AUTO
    ).content
    assert exported is not None and base64.b64decode(exported) == switched(workspace)


def test_what_is_written_during_a_deployment_is_not_part_of_it(
    workspace: SimulatedWorkspace, sdk: WorkspaceClient
) -> None:
    sdk.apps.deploy("coda", NEW)
    write(sdk, switched(workspace))
    sdk.apps.get("coda"), sdk.apps.get("coda"), sdk.apps.get("coda")
    assert primary(workspace) == "databricks-claude-opus-4-6"


def test_a_deployment_is_pending_until_somebody_has_looked_often_enough(
    workspace: SimulatedWorkspace, sdk: WorkspaceClient
) -> None:
    workspace.apps.script("coda", Script(polls=2))
    begun = sdk.apps.deploy("coda", NEW).response
    for _ in range(2):
        pending = sdk.apps.get("coda").pending_deployment
        assert pending is not None and pending.deployment_id == begun.deployment_id
    app = sdk.apps.get("coda")
    assert app.pending_deployment is None
    assert app.active_deployment is not None and app.active_deployment.deployment_id == begun.deployment_id


def test_a_deployment_waits_for_the_clock_where_the_script_says_so(
    workspace: SimulatedWorkspace, sdk: WorkspaceClient
) -> None:
    now = [100.0]
    workspace.apps.set_clock(lambda: now[0])
    workspace.apps.script("coda", Script(polls=0, seconds=30))
    assert deploy(sdk, polls=5).status == sdk.apps.get_deployment("coda", "01f0simulated0001").status
    assert sdk.apps.get("coda").pending_deployment is not None
    now[0] += 30
    assert sdk.apps.get("coda").pending_deployment is None


OLD, FRESH = "databricks-claude-opus-4-6", "databricks-claude-opus-4-8"
ENDINGS = {
    Ending.SUCCEEDED: (AppDeploymentState.SUCCEEDED, ApplicationState.RUNNING, FRESH),
    Ending.FAILED: (AppDeploymentState.FAILED, ApplicationState.RUNNING, OLD),
    Ending.CANCELLED: (AppDeploymentState.CANCELLED, ApplicationState.RUNNING, OLD),
    Ending.CRASHED: (AppDeploymentState.SUCCEEDED, ApplicationState.CRASHED, None),
    Ending.STALE: (AppDeploymentState.SUCCEEDED, ApplicationState.RUNNING, OLD),
    Ending.NEVER: (AppDeploymentState.IN_PROGRESS, ApplicationState.RUNNING, OLD),
}


@pytest.mark.parametrize("ending", Ending)
def test_every_ending(ending: Ending, workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    write(sdk, switched(workspace))
    workspace.apps.script("coda", Script(ending=ending))
    ended, app = deploy(sdk), sdk.apps.get("coda")
    assert ended.status is not None and app.app_status is not None
    assert (ended.status.state, app.app_status.state, primary(workspace)) == ENDINGS[ending]


def test_a_broken_app_yaml_fails_to_deploy(workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    write(sdk, b"env: [\n")
    ended = deploy(sdk)
    assert ended.status is not None and ended.status.state is AppDeploymentState.FAILED
    assert primary(workspace) == "databricks-claude-opus-4-6"


def test_a_second_deployment_is_a_conflict_while_the_first_goes_on(
    workspace: SimulatedWorkspace, sdk: WorkspaceClient
) -> None:
    workspace.apps.deploy_as_another("coda")
    with pytest.raises(ResourceConflict, match="active deployment in progress"):
        sdk.apps.deploy("coda", NEW)


def test_values_of_env_vars_come_back_masked(workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    given = [EnvVar(name="HERMES_MODEL", value="m-1"), EnvVar(name="NPM_TOKEN", value_from="npm-token")]
    ended = deploy(sdk, AppDeployment(source_code_path=SOURCE, env_vars=given))
    assert ended.env_vars is not None
    assert [(one.name, one.value, one.value_from) for one in ended.env_vars] == [
        ("HERMES_MODEL", "********", None),
        ("NPM_TOKEN", None, "npm-token"),
    ]
    listed = next(iter(sdk.apps.list_deployments("coda")))
    assert listed.env_vars == ended.env_vars
    assert primary(workspace) == "m-1"


@pytest.mark.parametrize(
    ("rule", "model", "others"), [(EnvVarsRule.REPLACED, "m-1", False), (EnvVarsRule.IGNORED, None, True)]
)
def test_env_vars_can_also_replace_or_be_ignored(
    rule: EnvVarsRule, model: str | None, others: bool, workspace: SimulatedWorkspace, sdk: WorkspaceClient
) -> None:
    setup = workspace_app(workspace.scene)
    workspace.apps.add(AppSetup(name="coda", source=setup.source, files=setup.files, rule=rule))
    deploy(sdk, AppDeployment(source_code_path=SOURCE, env_vars=[EnvVar(name="HERMES_MODEL", value="m-1")]))
    environment = workspace.apps.environment("coda") or {}
    assert environment.get("HERMES_MODEL") == (model or "databricks-claude-opus-4-6")
    assert ("CODEX_MODEL" in environment) is others


def test_who_may_not_view_an_app_neither_lists_nor_gets_it(workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    workspace.apps.refuse("coda", "view")
    assert list(sdk.apps.list()) == []
    with pytest.raises(PermissionDenied):
        sdk.apps.get("coda")


def test_who_may_not_manage_an_app_sees_it_and_cannot_deploy(
    workspace: SimulatedWorkspace, sdk: WorkspaceClient
) -> None:
    workspace.apps.refuse("coda", "manage")
    assert sdk.apps.get("coda").name == "coda"
    for act in (lambda: sdk.apps.deploy("coda", NEW), lambda: sdk.apps.get_permissions("coda")):
        with pytest.raises(PermissionDenied, match="CAN_MANAGE"):
            act()


def test_a_stopped_app_runs_nothing_and_starts_its_last_deployment_again(
    workspace: SimulatedWorkspace, sdk: WorkspaceClient
) -> None:
    sdk.apps.stop("coda")
    assert workspace.apps.environment("coda") is None
    with pytest.raises(InvalidState, match="Start the app"):
        sdk.apps.deploy("coda", NEW)
    sdk.apps.start("coda")
    assert primary(workspace) == "databricks-claude-opus-4-6"


def test_listing_comes_in_pages_and_without_deployments(workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    workspace.apps.add(git_app(workspace.scene))
    workspace.apps.add(bundle_app(workspace.scene))
    listed = list(sdk.apps.list(page_size=2))
    assert [app.name for app in listed] == ["coda", "coda-git", "coda-bundle"]
    assert all(app.active_deployment is None for app in listed)


def test_an_app_from_git_has_no_folder_but_a_commit(workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    workspace.apps.add(git_app(workspace.scene))
    app = sdk.apps.get("coda-git")
    assert app.default_source_code_path is None and app.active_deployment is not None
    assert app.active_deployment.source_code_path is None
    assert app.active_deployment.git_source is not None and app.active_deployment.git_source.resolved_commit
    sdk.apps.deploy("coda-git", AppDeployment(git_source=GitSource(branch="main")))


def test_a_bundle_s_folder_can_be_told_by_its_path(workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    workspace.apps.add(bundle_app(workspace.scene))
    assert "/.bundle/coding-agents/prod/files" in str(sdk.apps.get("coda-bundle").default_source_code_path)


@pytest.mark.parametrize("asked", [AppDeployment(), AppDeployment(source_code_path="/Workspace/Users/x/none")])
def test_a_deployment_needs_a_source_that_exists(asked: AppDeployment, sdk: WorkspaceClient) -> None:
    with pytest.raises((BadRequest, NotFound)):
        sdk.apps.deploy("coda", asked)


def test_missing_deployment(sdk: WorkspaceClient) -> None:
    with pytest.raises(NotFound):
        sdk.apps.get_deployment("coda", "none")


def test_a_file_is_the_same_by_both_spellings_of_its_path(sdk: WorkspaceClient, workspace: SimulatedWorkspace) -> None:
    content = sdk.workspace.download(FILE.removeprefix("/Workspace"), format=ExportFormat.AUTO).read()
    assert content == scene_app_yaml(workspace.scene)
    status = sdk.workspace.get_status(FILE)
    assert (status.object_type, status.size) == (ObjectType.FILE, len(content))


@pytest.mark.parametrize("content", [b"", b"a\r\nb\r\n", b"\xef\xbb\xbfa: 1\n", bytes(range(256)), b"--\r\n--x\r\n"])
def test_bytes_survive_both_ways_of_writing(content: bytes, sdk: WorkspaceClient) -> None:
    write(sdk, content)
    assert sdk.workspace.download(FILE, format=ExportFormat.AUTO).read() == content
    encoded = base64.b64encode(content).decode()
    sdk.workspace.import_(f"{SOURCE}/copy", content=encoded, format=ImportFormat.AUTO, overwrite=True)
    assert sdk.workspace.download(f"{SOURCE}/copy", format=ExportFormat.AUTO).read() == content


def test_folders_are_made_listed_and_deleted(sdk: WorkspaceClient) -> None:
    with pytest.raises(NotFound, match="parent folder"):
        write(sdk, b"x", f"{SOURCE}/deep/er/file")
    sdk.workspace.mkdirs(f"{SOURCE}/deep/er")
    write(sdk, b"x", f"{SOURCE}/deep/er/file")
    assert [one.path for one in sdk.workspace.list(SOURCE)] == [
        f"{SOURCE}/app.py",
        f"{SOURCE}/app.yaml",
        f"{SOURCE}/deep",
    ]
    with pytest.raises(BadRequest, match="not empty"):
        sdk.workspace.delete(f"{SOURCE}/deep")
    sdk.workspace.delete(f"{SOURCE}/deep", recursive=True)
    with pytest.raises(NotFound):
        sdk.workspace.get_status(f"{SOURCE}/deep/er/file")


def test_nothing_is_overwritten_by_mistake(sdk: WorkspaceClient) -> None:
    with pytest.raises(ResourceAlreadyExists):
        sdk.workspace.upload(FILE, io.BytesIO(b"x"), format=ImportFormat.AUTO)


@pytest.mark.parametrize("right", ["read", "write"])
def test_forbidden_folder(right: str, workspace: SimulatedWorkspace, sdk: WorkspaceClient) -> None:
    workspace.files.forbid(SOURCE, right)
    with pytest.raises(PermissionDenied):
        sdk.workspace.get_status(FILE) if right == "read" else write(sdk, b"x")
    workspace.files.forbid(SOURCE)
    write(sdk, b"x")


def test_endings_can_be_scripted_from_outside(workspace: SimulatedWorkspace, sdk: WorkspaceClient, ask: Ask) -> None:
    answer = ask(workspace, "POST", "/_simulator/apps", json={"app": "coda", "ending": "failed", "polls": 0})
    assert answer.json()["apps"]["coda"]["environment"]["HERMES_MODEL"] == "databricks-claude-opus-4-6"
    ended = deploy(sdk)
    assert ended.status is not None and ended.status.state is AppDeploymentState.FAILED
    assert ask(workspace, "POST", "/_simulator/apps", json={"ending": "odd"}).status_code == 400
    assert ask(workspace, "POST", "/_simulator/apps", json={"app": "none"}).status_code == 400
    assert ask(workspace, "GET", "/_simulator/apps").json()["apps"]["coda"]["deployments"] == 2
