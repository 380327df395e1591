"""The real databricks-sdk client, unpatched, against each scene."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied

from core.settings import SCENES
from core.simulator.faults import FaultRule
from core.simulator.lakebase import SimulatedLakebase
from core.simulator.scenes import TokenState
from core.simulator.server import SimulatedWorkspace

Running = Callable[[str], SimulatedWorkspace]


def client(workspace: SimulatedWorkspace, token: TokenState = TokenState.LIVE) -> WorkspaceClient:
    """Return a client that presents this token."""
    return WorkspaceClient(host=workspace.http_origin, token=workspace.scene.tokens[token].reveal(), auth_type="pat")


@pytest.mark.parametrize("scene_name", SCENES)
def test_identity_workspace_and_cloud(scene_name: str, running: Running) -> None:
    workspace = running(scene_name)
    reached = client(workspace)
    assert reached.current_user.me().user_name == workspace.scene.person.user_name
    assert reached.get_workspace_id() == int(workspace.scene.workspace_id)
    assert reached.config.cloud is not None
    assert reached.config.cloud.value.lower() == workspace.scene.cloud.value


def test_listings_and_apps(running: Running) -> None:
    reached = client(running("healthy"))
    assert "databricks-claude-opus-4-6" in {endpoint.name for endpoint in reached.serving_endpoints.list()}
    services = [
        service.name for service in reached.ai_gateway.list_model_services(parent="schemas/system.ai", page_size=4)
    ]
    assert "model-services/system.ai.gpt-5-5" in services
    (app,) = reached.apps.list()
    assert reached.apps.get(str(app.name)).url == app.url


def test_disabled_services_are_not_found(running: Running) -> None:
    with pytest.raises(NotFound):
        list(client(running("incident")).ai_gateway.list_model_services(parent="schemas/system.ai"))


def test_dead_token_is_denied(running: Running) -> None:
    with pytest.raises(PermissionDenied, match=r"Invalid access token\."):
        client(running("healthy"), TokenState.ROTATED).current_user.me()


def test_service_principal_signs_in_with_its_secret(running: Running) -> None:
    workspace = running("aws")
    scene = workspace.scene
    reached = WorkspaceClient(
        host=workspace.http_origin,
        client_id=scene.client_id,
        client_secret=scene.client_secret.reveal(),
        auth_type="oauth-m2m",
    )
    assert reached.current_user.me().user_name == scene.client_id


def test_a_database_instance_is_listed_and_each_credential_for_it_is_another_one() -> None:
    now = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    lakebase = SimulatedLakebase(now=lambda: now)
    with SimulatedWorkspace("healthy", lakebase=lakebase) as workspace:
        database = client(workspace).database
        names = [instance.name for instance in database.list_database_instances(page_size=1)]
        given = [database.generate_database_credential(instance_names=[names[-1]], request_id="r") for _ in range(2)]
    assert names == ["billing", "switchyard"]
    assert [credential.token for credential in given] == [password.reveal() for password in lakebase.minted]
    assert len(set(lakebase.minted)) == 2
    assert {credential.expiration_time for credential in given} == {"2030-01-02T04:04:05Z"}


def test_nothing_is_given_out_for_no_instance_an_unknown_one_or_to_somebody_refused() -> None:
    lakebase = SimulatedLakebase()
    with SimulatedWorkspace("healthy", lakebase=lakebase) as workspace:
        with pytest.raises(InvalidParameterValue):
            client(workspace).database.generate_database_credential()
        with pytest.raises(NotFound, match="'made-up' not found"):
            client(workspace).database.generate_database_credential(instance_names=["made-up"])
        with pytest.raises(PermissionDenied):
            client(workspace, TokenState.ROTATED).database.generate_database_credential(instance_names=["switchyard"])
        workspace.faults.add(FaultRule(fault="permission_denied", path="/api/2.0/database/credentials"))
        with pytest.raises(PermissionDenied):
            client(workspace).database.generate_database_credential(instance_names=["switchyard"])
    assert lakebase.minted == ()
