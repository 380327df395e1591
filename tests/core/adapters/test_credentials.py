"""The dashboard's credential comes as a token or through the real databricks-sdk, and never holds anybody up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from core.adapters.credentials import SdkCredentials, StaticToken, credentials_for
from core.errors import ConfigurationError, SwitchyardError, UpstreamError
from core.model.secret import Secret
from core.settings import Settings
from core.simulator.faults import FaultRule
from core.simulator.server import SimulatedWorkspace

TOKEN_PATH = "/oidc/v1/token"


@pytest.fixture(scope="module")
def running() -> Iterator[SimulatedWorkspace]:
    with SimulatedWorkspace("healthy") as workspace:
        yield workspace


@pytest.fixture
def workspace(running: SimulatedWorkspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimulatedWorkspace:
    """Return the running workspace without faults, on a machine where nobody is logged in to anything."""
    running.faults.clear()
    running.requests.reset()
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path))
    return running


def principal(workspace: SimulatedWorkspace, *, secret: Secret | None = None) -> Settings:
    """Return the settings of the scene's service principal."""
    scene = workspace.scene
    return Settings(client_id=scene.client_id, client_secret=secret or scene.client_secret)


def refusal_of(credentials: SdkCredentials) -> SwitchyardError:
    """Return the error in place of a token."""
    with pytest.raises(SwitchyardError) as raised:
        credentials.token()
    return raised.value


def test_a_configured_token_is_given_out_as_it_is() -> None:
    credentials = credentials_for(Settings(token=Secret("mine"), token_source="profile x"), "https://ws.example")
    assert isinstance(credentials, StaticToken)
    assert (credentials.token(), credentials.description) == (Secret("mine"), "token from profile x")


@pytest.mark.parametrize(
    ("auth_type", "kind"), [(None, StaticToken), ("pat", StaticToken), ("oauth-m2m", SdkCredentials)]
)
def test_the_auth_type_decides_between_two_credentials(auth_type: str | None, kind: type) -> None:
    settings = Settings(token=Secret("t"), client_id="id", client_secret=Secret("s"), auth_type=auth_type)
    assert isinstance(credentials_for(settings, "https://ws.example"), kind)


def test_a_service_principal_gets_a_token_that_is_accepted(workspace: SimulatedWorkspace) -> None:
    credentials = SdkCredentials(principal(workspace), workspace.http_origin)
    assert credentials.token().reveal().startswith("dapi-simulated-service-principal")
    assert credentials.description == f"service principal {workspace.scene.client_id}"


def test_a_token_that_is_still_good_is_not_asked_for_again(workspace: SimulatedWorkspace) -> None:
    credentials = SdkCredentials(principal(workspace), workspace.http_origin)
    assert credentials.token() == credentials.token()
    assert [request.path for request in workspace.requests.all()].count(TOKEN_PATH) == 1


def test_variables_of_other_tools_are_no_second_credential(
    workspace: SimulatedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID"):
        monkeypatch.setenv(name, "of-azure")
    assert SdkCredentials(principal(workspace), workspace.http_origin).token()


def test_a_wrong_secret_is_a_dead_credential(workspace: SimulatedWorkspace) -> None:
    settings = principal(workspace, secret=Secret("rotated-away"))
    error = refusal_of(SdkCredentials(settings, workspace.http_origin))
    assert (type(error), error.code) == (UpstreamError, "credential_dead")
    assert "rotated-away" not in f"{error} {error.remedy}"


@pytest.mark.parametrize(
    "fault",
    [
        FaultRule(fault="custom", path=TOKEN_PATH, status=200, body="{}"),
        FaultRule(fault="custom", path=TOKEN_PATH, status=200, body="<html>"),
        FaultRule(fault="custom", path=TOKEN_PATH, status=500, body=""),
        FaultRule(fault="custom", path=TOKEN_PATH, status=401, body='{"error":"invalid_client"}'),
    ],
    ids=["no token in it", "no JSON", "an empty 500", "refused"],
)
def test_no_answer_of_the_token_endpoint_is_taken_for_a_token(workspace: SimulatedWorkspace, fault: FaultRule) -> None:
    workspace.faults.add(fault)
    error = refusal_of(SdkCredentials(principal(workspace), workspace.http_origin))
    assert error.code == "credential_dead"


def test_a_token_endpoint_that_breaks_the_connection_is_not_a_dead_credential(workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault="reset", path=TOKEN_PATH))
    error = refusal_of(SdkCredentials(principal(workspace), workspace.http_origin))
    assert error.code == "workspace_unreachable"


def test_a_token_endpoint_that_hangs_holds_nobody_up(workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault="hang", path=TOKEN_PATH))
    credentials = SdkCredentials(principal(workspace), workspace.http_origin, patience_s=1.0)
    started = monotonic()
    assert {refusal_of(credentials).code for _ in range(2)} == {"workspace_unreachable"}
    assert monotonic() - started < 6
    assert [request.path for request in workspace.requests.all()].count(TOKEN_PATH) == 1


def test_a_host_that_accepts_and_never_answers_holds_nobody_up(workspace: SimulatedWorkspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        origin = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = monotonic()
        error = refusal_of(SdkCredentials(principal(workspace), origin, patience_s=1.0))
    assert (error.code, origin in error.message) == ("workspace_unreachable", True)
    assert monotonic() - started < 6


def test_a_workspace_that_names_no_token_endpoint_is_not_a_dead_credential(workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault="custom", path="/.well-known/", status=404, body="{}"))
    error = refusal_of(SdkCredentials(principal(workspace), workspace.http_origin))
    assert (type(error), error.code) == (UpstreamError, "workspace_unreachable")


def test_no_credential_at_all_is_said_at_once(workspace: SimulatedWorkspace) -> None:
    credentials = SdkCredentials(Settings(), workspace.http_origin)
    started = monotonic()
    error = refusal_of(credentials)
    assert (type(error), error.code) == (ConfigurationError, "credential_missing")
    assert monotonic() - started < 6
    assert credentials.description == "login of the databricks-sdk"


def test_a_login_that_is_not_there_is_named(workspace: SimulatedWorkspace) -> None:
    credentials = SdkCredentials(Settings(auth_type="databricks-cli"), workspace.http_origin)
    assert (refusal_of(credentials).code, credentials.description) == ("credential_missing", "databricks-cli login")


def test_a_password_is_no_bearer_token(workspace: SimulatedWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_USERNAME", "ada")
    monkeypatch.setenv("DATABRICKS_PASSWORD", "lovelace")
    error = refusal_of(SdkCredentials(Settings(auth_type="basic"), workspace.http_origin))
    assert (error.code, "lovelace" in str(error)) == ("credential_unsupported", False)
