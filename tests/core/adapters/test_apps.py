"""The real SDK against a workspace that refuses, breaks and hangs: one sentence, one code, one try."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from core.adapters.app_facts import AppState, Deployment, DeploymentState, SourceKind
from core.adapters.apps import DatabricksApps, connection
from core.adapters.credentials import StaticToken
from core.errors import ChangeError, ConfigurationError
from core.model.secret import Secret
from core.simulator.app_setups import AppSetup, bundle_app, git_app, scene_app_yaml, workspace_app
from core.simulator.faults import FaultRule
from core.simulator.scenes import TokenState
from tests.fakes.app_workspace import BACKUPS, FILE, SOURCE, AppWorkspace, app_workspace, apps_of

APP = "/api/2.0/apps/coda"
EXPORT = "/api/2.0/workspace/export"


@pytest.fixture(scope="module")
def shared() -> Iterator[AppWorkspace]:
    with app_workspace() as found:
        yield found


@pytest.fixture
def place(shared: AppWorkspace) -> AppWorkspace:
    shared.running.faults.clear()
    shared.running.requests.reset()
    return shared


def code_of(error: pytest.ExceptionInfo[ChangeError]) -> str:
    assert error.value.message.endswith(".") and error.value.remedy.endswith(".")
    return error.value.code


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("token_dead", "credential_dead"),
        ("token_expiring", "credential_dead"),
        ("no_credential", "credential_dead"),
        ("permission_denied", "app_forbidden"),
        ("ip_blocked", "app_forbidden"),
        ("app_not_found", "app_missing"),
        ("no_api", "app_missing"),
        ("throttled", "workspace_throttled"),
        ("internal_error", "workspace_unreachable"),
        ("unavailable", "workspace_unreachable"),
        ("deadline_exceeded", "workspace_unreachable"),
        ("reset", "workspace_unreachable"),
        ("cut", "workspace_unreachable"),
        ("truncated_json", "workspace_odd_answer"),
        ("html_200", "workspace_odd_answer"),
        ("unprocessable", "app_refused"),
    ],
)
def test_every_refusal_has_its_code_and_is_tried_once(fault: str, code: str, place: AppWorkspace) -> None:
    place.apps.get("coda")
    place.running.requests.reset()
    place.running.faults.add(FaultRule(fault=fault, path=APP))
    with pytest.raises(ChangeError) as error:
        place.apps.get("coda")
    assert code_of(error) == code
    assert len([one for one in place.running.requests.all() if one.path == APP]) == 1


def test_a_deployment_in_progress_is_known_by_its_words_too(place: AppWorkspace) -> None:
    said = '{"error_code": "BAD_REQUEST", "message": "there is an active deployment in progress"}'
    place.running.faults.add(FaultRule(fault="custom", status=400, body=said, path=APP))
    with pytest.raises(ChangeError) as error:
        place.apps.deploy("coda", source=SOURCE, like=None)
    assert code_of(error) == "app_busy"


def test_a_long_retry_after_is_not_slept_through(place: AppWorkspace) -> None:
    place.running.faults.add(FaultRule(fault="throttled", path=APP))
    began = time.monotonic()
    with pytest.raises(ChangeError):
        place.apps.get("coda")
    assert time.monotonic() - began < 1.5


def test_nobody_listens(place: AppWorkspace) -> None:
    apps = DatabricksApps(connection("http://127.0.0.1:9", StaticToken(Secret("t"), "a test")))
    with pytest.raises(ChangeError) as error:
        apps.get("coda")
    assert code_of(error) == "workspace_unreachable"


def test_a_dead_token_and_a_missing_credential(place: AppWorkspace) -> None:
    with pytest.raises(ChangeError) as error:
        apps_of(place.running, TokenState.ROTATED).get("coda")
    assert code_of(error) == "credential_dead"

    class Nothing:
        description = "nothing"

        def token(self) -> Secret:
            raise ConfigurationError("There is no credential.", code="credential_missing", remedy="Set one.")

    with pytest.raises(ChangeError) as error:
        DatabricksApps(connection(place.running.http_origin, Nothing())).get("coda")
    assert code_of(error) == "credential_missing"


def test_credentials_of_the_environment_are_neither_used_nor_in_the_way(
    place: AppWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "TOKEN": "other",
        "CLIENT_ID": "c",
        "CLIENT_SECRET": "s",
        "HOST": "https://other.example",
    }.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    assert apps_of(place.running).get("coda").name == "coda"
    assert {one.token for one in place.running.requests.all() if one.path == APP} == {TokenState.LIVE}


def test_no_token_comes_out(place: AppWorkspace) -> None:
    body = '{"error_code": "INVALID_PARAMETER_VALUE", "message": "bad dapi-simulated-live, Bearer dapi0123456789"}'
    place.running.faults.add(FaultRule(fault="custom", status=400, body=body, path=APP))
    with pytest.raises(ChangeError) as error:
        place.apps.get("coda")
    assert "dapi" not in str(error.value.message + error.value.remedy)


def test_facts_of_a_running_app(place: AppWorkspace) -> None:
    facts = place.apps.get("coda")
    assert (facts.kind, facts.source, facts.state) == (SourceKind.WORKSPACE, SOURCE, AppState.RUNNING)
    assert facts.active is not None and facts.active.state is DeploymentState.SUCCEEDED
    assert facts.active.snapshot and facts.pending is None and not facts.is_stopped


def test_facts_of_an_answer_with_nothing_in_it(place: AppWorkspace) -> None:
    place.running.faults.add(FaultRule(fault="custom", status=200, body='{"name": "coda"}', path=APP))
    facts = place.apps.get("coda")
    assert (facts.kind, facts.state, facts.active) == (SourceKind.NONE, AppState.UNKNOWN, None)
    place.running.faults.clear()
    odd = '{"deployment_id": "d", "status": {"state": "SOMETHING_NEW"}}'
    place.running.faults.add(FaultRule(fault="custom", status=200, body=odd, path=APP))
    assert place.apps.deployment("coda", "d") == Deployment(id="d", state=DeploymentState.UNKNOWN)


def test_coding_agents_apps_are_found_by_what_they_state() -> None:
    with app_workspace() as place:
        scene, files = place.running.scene, place.running.files
        place.running.apps.add(git_app(scene))
        place.running.apps.add(bundle_app(scene))
        place.running.apps.add(workspace_app(scene, name="shop", content=b"command: [run]\n"))
        place.running.apps.add(
            workspace_app(scene, name="agents", content=b"env:\n  - name: CODEX_MODEL\n    value: x\n")
        )
        place.running.apps.add(workspace_app(scene, name="broken", content=b"env: ["))
        place.running.apps.add(workspace_app(scene, name="my-coding-agents", content=b"env: ["))
        place.running.apps.add(workspace_app(scene, name="hidden"))
        place.running.apps.refuse("hidden", "view")
        found = {one.facts.name: one for one in place.apps.find().found}
        assert set(found) == {"coda", "coda-git", "coda-bundle", "agents", "my-coding-agents"}
        assert {entry.name for entry in found["coda"].env} >= {"HERMES_MODEL", "NPM_TOKEN"}
        assert found["coda-git"].env == found["coda"].env
        assert (found["coda-bundle"].facts.kind, found["coda-git"].facts.kind) == (SourceKind.BUNDLE, SourceKind.GIT)
        assert "not valid YAML" in str(found["my-coding-agents"].problem)
        files.forbid(SOURCE, "read")
        (coda,) = [one for one in place.apps.find().found if one.facts.name == "coda"]
        assert "not allowed" in str(coda.problem)


def test_more_apps_than_one_page() -> None:
    with app_workspace() as place:
        for number in range(130):
            place.running.apps.add(AppSetup(name=f"app-{number:03}", source=None, git_url="https://git.example/x"))
        place.running.apps.add(git_app(place.running.scene, name="zz-agents"))
        assert [one.facts.name for one in place.apps.find().found] == ["coda", "zz-agents"]


def test_files_are_read_written_and_listed(place: AppWorkspace) -> None:
    assert place.apps.read(FILE) == scene_app_yaml(place.running.scene)
    assert place.apps.read(f"{SOURCE}/none") is None
    path = f"{BACKUPS}/coda/one"
    place.apps.write_new(path, b"\x00\r\n")
    assert place.apps.read(path) == b"\x00\r\n"
    assert place.apps.names_in(f"{BACKUPS}/coda") == (path,)
    assert place.apps.names_in(f"{BACKUPS}/none") == ()
    with pytest.raises(ChangeError) as error:
        place.apps.write_new(path, b"again")
    assert code_of(error) == "app_refused" and place.apps.read(path) == b"\x00\r\n"


def test_a_file_that_is_no_app_yaml_is_not_read_into_memory(place: AppWorkspace) -> None:
    place.running.files.put(f"{SOURCE}/huge", b"x" * (1024 * 1024 + 1))
    with pytest.raises(ChangeError, match="larger than 1 MB"):
        place.apps.read(f"{SOURCE}/huge")


def test_a_deployment_is_sent_in_the_manner_of_the_former(place: AppWorkspace) -> None:
    like = Deployment(
        id="d",
        state=DeploymentState.SUCCEEDED,
        asked={"command": ["run", "it"], "mode": "AUTO_SYNC", "health_check": {}},
    )
    sent = place.apps.deployment("coda", place.apps.deploy("coda", source=SOURCE, like=like))
    assert sent.asked["command"] == ["run", "it"] and sent.asked["mode"] == "AUTO_SYNC"
    assert sent.source == SOURCE and sent.variables == ()
    with pytest.raises(ChangeError) as error:
        place.apps.deploy("coda", source=SOURCE, like=None)
    assert code_of(error) == "app_busy"
    while place.apps.get("coda").pending:
        pass


@pytest.mark.parametrize("fault", ["cut", "reset", "unavailable"])
def test_a_deployment_is_never_sent_twice(fault: str, place: AppWorkspace) -> None:
    path = f"{APP}/deployments"
    place.running.faults.add(FaultRule(fault=fault, path=path, times=1))
    with pytest.raises(ChangeError) as error:
        place.apps.deploy("coda", source=SOURCE, like=None)
    assert code_of(error) == "workspace_unreachable"
    assert len([one for one in place.running.requests.all() if one.path == path]) == 1
    while place.apps.get("coda").pending:
        pass


def test_who_may_manage(place: AppWorkspace) -> None:
    assert place.apps.may_manage("coda")
    place.running.apps.refuse("coda", "manage")
    assert not place.apps.may_manage("coda")
    place.running.apps.refuse("coda")
