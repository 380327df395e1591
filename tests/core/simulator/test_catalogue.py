"""Metadata, tokens, identity, listings and apps, as raw HTTP; test_sdk.py reads them with the real client."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace

import pytest

from core.simulator.scenes import Quirk, Scene, TokenState, scene_named
from core.simulator.server import SimulatedWorkspace
from tests.core.simulator.conftest import Ask

Running = Callable[[str], SimulatedWorkspace]
SERVICES = "/api/2.1/unity-catalog/model-services"


def odd(*quirks: Quirk) -> Scene:
    """Return the healthy scene with a listing that behaves oddly."""
    return replace(scene_named("healthy"), quirks=frozenset(quirks))


def test_metadata_needs_no_token_and_leads_back_to_the_caller_s_origin(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    metadata = ask(workspace, "GET", "/.well-known/databricks-config", token=TokenState.NONE).json()
    assert metadata["oidc_endpoint"] == f"{workspace.http_origin}/oidc"
    assert (metadata["workspace_id"], metadata["cloud"]) == (workspace.scene.workspace_id, "AZURE")


def test_identity_carries_the_workspace_id(running: Running, ask: Ask) -> None:
    workspace = running("aws")
    answer = ask(workspace, "GET", "/api/2.0/preview/scim/v2/Me")
    assert answer.headers["x-databricks-org-id"] == workspace.scene.workspace_id
    assert {group["display"] for group in answer.json()["groups"]} == {"admins", "users"}


def test_dead_token_is_not_told_the_workspace_id(running: Running, ask: Ask) -> None:
    answer = ask(running("aws"), "GET", "/api/2.0/preview/scim/v2/Me", token=TokenState.ROTATED)
    assert "x-databricks-org-id" not in answer.headers
    assert answer.headers["x-databricks-reason-phrase"] == "Invalid access token."


@pytest.mark.parametrize("path", ["/", "/api/2.0/clusters/list", "/login.html"])
def test_every_answer_says_it_is_simulated_and_has_an_id(path: str, running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "GET", path)
    assert answer.headers["x-switchyard-simulated"] == "healthy"
    assert answer.headers["x-request-id"]


def test_front_page_leads_to_the_login(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "GET", "/", token=TokenState.NONE)
    assert (answer.status_code, answer.headers["location"]) == (303, "/login.html")


def test_token_for_the_service_principal(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    scene = workspace.scene
    pair = f"{scene.client_id}:{scene.client_secret.reveal()}"
    headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
    url = "/oidc/v1/token"
    refused = ask(workspace, "POST", url, token=TokenState.NONE, headers=headers)
    assert refused.json()["error"] == "unsupported_grant_type"
    assert ask(workspace, "POST", url, token=TokenState.NONE).json()["error"] == "invalid_client"
    assert ask(workspace, "POST", url, headers={"Authorization": "Basic %%%"}).json()["error"] == "invalid_client"


def test_listing_says_which_model_is_not_ready(running: Running, ask: Ask) -> None:
    endpoints = ask(running("healthy"), "GET", "/api/2.0/serving-endpoints").json()["endpoints"]
    assert [one["name"] for one in endpoints if one["state"]["ready"] != "READY"] == ["databricks-qwen3-next-80b"]


def test_foundation_models_say_their_api_types(running: Running, ask: Ask) -> None:
    endpoints = ask(running("incident"), "GET", "/api/2.0/serving-endpoints:foundation-models").json()["endpoints"]
    types = {one["name"]: one["config"]["served_entities"][0]["foundation_model"]["api_types"] for one in endpoints}
    assert types["databricks-claude-opus-4-7"] == ["anthropic/v1/messages"]
    assert types["databricks-claude-opus-4-6"] == ["anthropic/v1/messages", "mlflow/v1/chat/completions"]


def test_one_endpoint(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    assert ask(workspace, "GET", "/api/2.0/serving-endpoints/databricks-gpt-5-5").json()["task"] == "llm/v1/chat"
    assert ask(workspace, "GET", "/api/2.0/serving-endpoints/none").status_code == 404


def test_model_services_come_in_pages(running: Running, ask: Ask) -> None:
    workspace, names, token = running("healthy"), [], ""
    while True:
        page = ask(workspace, "GET", f"{SERVICES}?parent=schemas/system.ai&page_size=5&page_token={token}").json()
        names += [one["name"] for one in page["model_services"]]
        token = page["next_page_token"]
        if not token:
            break
    assert len(names) == len(set(names)) == 13
    assert "model-services/system.ai.claude-opus-4-8" not in names


def test_another_schema_has_no_services(running: Running, ask: Ask) -> None:
    assert ask(running("healthy"), "GET", f"{SERVICES}?parent=schemas/main.team").json() == {}


@pytest.mark.parametrize(("size", "status"), [("", 499), ("100", 499), ("x", 499), ("25", 200)])
def test_quirk_large_pages_are_cancelled(size: str, status: int, ask: Ask) -> None:
    with SimulatedWorkspace(odd(Quirk.CANCEL_LARGE_PAGES)) as workspace:
        assert ask(workspace, "GET", f"{SERVICES}?page_size={size}").status_code == status


def test_quirk_first_page_is_empty(ask: Ask) -> None:
    with SimulatedWorkspace(odd(Quirk.EMPTY_FIRST_PAGE)) as workspace:
        first = ask(workspace, "GET", SERVICES).json()
        assert first == {"next_page_token": "0"}
        assert len(ask(workspace, "GET", f"{SERVICES}?page_token=0").json()["model_services"]) == 13


def test_quirk_list_is_null(ask: Ask) -> None:
    with SimulatedWorkspace(odd(Quirk.NULL_LIST)) as workspace:
        assert ask(workspace, "GET", SERVICES).json() == {"model_services": None}


def test_unknown_app(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "GET", "/api/2.0/apps/nothing")
    assert answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST"


def test_unknown_host_name_is_not_the_workspace(running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "GET", "https://somebody-else.example/api/2.0/preview/scim/v2/Me")
    assert answer.status_code == 404
