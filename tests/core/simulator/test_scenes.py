"""Each scene, seen from its agents: what works in it, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.catalog.agents import AGENTS, dialect_for
from core.catalog.dialects import reach_body, request_headers, request_path
from core.catalog.spellings import family_of, service_spelling
from core.errors import ConfigurationError
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.settings import SCENES
from core.simulator.scenes import SCENE_BY_NAME, TokenState, scene_named
from core.simulator.server import SimulatedWorkspace
from tests.core.simulator.conftest import Ask

Running = Callable[[str], SimulatedWorkspace]
INCIDENT_ROUTE = "/serving-endpoints/chat/completions"


def defaults(*, but: AgentId | None = None) -> list[tuple[AgentId, str]]:
    """Return every agent's default models, each once per agent."""
    found = [
        (agent, slot.default) for agent, spec in AGENTS.items() if spec.probeable for slot in spec.slots if slot.default
    ]
    return [(agent, model) for agent, model in dict.fromkeys(found) if agent is not but]


def agent_request(scene_name: str, agent: AgentId, model: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """Return URL, body and headers of what this agent sends in this scene."""
    scene = scene_named(scene_name)
    dialect = dialect_for(AGENTS[agent], family_of(model))
    assert dialect is not None
    base = scene.gateway_base + AGENTS[agent].bases[scene.generation, dialect]
    return base + request_path(dialect, base, model), reach_body(dialect, model), request_headers(dialect)


def test_scenes_are_the_ones_the_settings_name() -> None:
    assert tuple(SCENE_BY_NAME) == SCENES


def test_unknown_scene_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as refused:
        scene_named("sunny")
    assert "healthy" in refused.value.remedy


@pytest.mark.parametrize("name", SCENES)
def test_host_names_follow_the_forms_that_were_seen(name: str) -> None:
    scene = scene_named(name)
    number = int(scene.workspace_id)
    forms = {
        "azure": (
            f"adb-{number}.{number % 20}.azuredatabricks.net",
            f"{number}.{number % 10}.ai-gateway.azuredatabricks.net",
        ),
        "aws": (scene.workspace_host, f"{number}.ai-gateway.cloud.databricks.com"),
        "gcp": (f"{number}.{number % 10}.gcp.databricks.com", f"{number}.ai-gateway.gcp.databricks.com"),
    }
    workspace_host, dedicated_host = forms[scene.cloud.value]
    assert scene.workspace_host == workspace_host
    assert scene.dedicated_host in (None, dedicated_host)


@pytest.mark.parametrize("scene_name", [name for name in SCENES if name != "incident"])
@pytest.mark.parametrize(("agent", "model"), defaults())
def test_every_default_answers(scene_name: str, agent: AgentId, model: str, running: Running, ask: Ask) -> None:
    url, body, headers = agent_request(scene_name, agent, model)
    assert ask(running(scene_name), "POST", url, json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(("agent", "model"), defaults(but=AgentId.HERMES))
def test_in_the_incident_every_other_agent_works(agent: AgentId, model: str, running: Running, ask: Ask) -> None:
    url, body, headers = agent_request("incident", agent, model)
    assert ask(running("incident"), "POST", url, json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("model", "token", "status", "code"),
    [
        pytest.param("databricks-claude-opus-4-7", TokenState.ROTATED, 404, "ENDPOINT_NOT_FOUND", id="primary, stored"),
        pytest.param("databricks-claude-opus-4-6", TokenState.ROTATED, 403, 403, id="fallback, stored"),
        pytest.param("databricks-claude-opus-4-7", TokenState.LIVE, 404, "ENDPOINT_NOT_FOUND", id="primary, live"),
        pytest.param("databricks-claude-opus-4-6", TokenState.LIVE, 200, None, id="fallback, live"),
    ],
)
def test_incident_on_the_chat_route(
    *, model: str, token: TokenState, status: int, code: str | int | None, running: Running, ask: Ask
) -> None:
    body = reach_body(Dialect.OPENAI_CHAT, model)
    answer = ask(running("incident"), "POST", INCIDENT_ROUTE, token=token, json=body)
    assert (answer.status_code, answer.json().get("error_code")) == (status, code)


def test_incident_primary_is_served_as_messages(running: Running, ask: Ask) -> None:
    body = reach_body(Dialect.ANTHROPIC_MESSAGES, "databricks-claude-opus-4-7")
    answer = ask(running("incident"), "POST", "/serving-endpoints/anthropic/v1/messages", json=body)
    assert answer.json()["type"] == "message"


def test_incident_agents_have_a_live_token_in_their_environment(running: Running, ask: Ask) -> None:
    workspace = running("incident")
    token = workspace.scene.agent_environment["DATABRICKS_TOKEN"].reveal()
    assert ask(workspace, "GET", "/api/2.0/preview/scim/v2/Me", token=token).status_code == 200


@pytest.mark.parametrize(
    ("scene_name", "code"),
    [("incident", "ENDPOINT_NOT_FOUND"), ("no-gateway", "ENDPOINT_NOT_FOUND"), ("gcp", "NOT_IMPLEMENTED")],
)
def test_without_a_gateway_the_workspace_says_501(scene_name: str, code: str, running: Running, ask: Ask) -> None:
    answer = ask(running(scene_name), "GET", "/ai-gateway/anthropic/v1/models")
    assert (answer.status_code, answer.json()["error_code"]) == (501, code)


@pytest.mark.parametrize("scene_name", ["healthy", "aws", "gcp"])
def test_v2_listing_names_the_dedicated_host_and_it_answers(scene_name: str, running: Running, ask: Ask) -> None:
    workspace = running(scene_name)
    listing = ask(workspace, "GET", "/api/ai-gateway/v2/endpoints").json()
    url = listing["endpoints"][0]["ai_gateway_url"]
    assert url == f"https://{workspace.scene.dedicated_host}"
    body = reach_body(Dialect.OPENAI_CHAT, "databricks-claude-opus-4-6")
    assert ask(workspace, "POST", f"{url}/mlflow/v1/chat/completions", json=body).status_code == 200


@pytest.mark.parametrize("scene_name", ["incident", "no-gateway"])
@pytest.mark.parametrize("path", ["/api/ai-gateway/v2/endpoints", "/api/2.1/unity-catalog/model-services"])
def test_without_a_gateway_its_listings_are_disabled(scene_name: str, path: str, running: Running, ask: Ask) -> None:
    answer = ask(running(scene_name), "GET", path)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "FEATURE_DISABLED")


@pytest.mark.parametrize(
    ("path", "spelling", "status"),
    [
        ("/ai-gateway/mlflow/v1/chat/completions", "databricks", 200),
        ("/ai-gateway/mlflow/v1/chat/completions", "service", 200),
        ("/ai-gateway/anthropic/v1/messages", "databricks", 200),
        ("/ai-gateway/anthropic/v1/messages", "service", 200),
        ("/serving-endpoints/chat/completions", "databricks", 200),
        ("/serving-endpoints/chat/completions", "service", 404),
        ("/serving-endpoints/anthropic/v1/messages", "databricks", 200),
        ("/serving-endpoints/anthropic/v1/messages", "service", 404),
        ("/serving-endpoints/{model}/invocations", "databricks", 200),
        ("/serving-endpoints/{model}/invocations", "service", 404),
    ],
)
def test_spelling_by_route(path: str, spelling: str, status: int, running: Running, ask: Ask) -> None:
    model = "databricks-claude-sonnet-4-6"
    model = service_spelling(model) if spelling == "service" else model
    body = {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}
    assert ask(running("healthy"), "POST", path.format(model=model), json=body).status_code == status


def test_every_generation_is_the_base_of_some_scene() -> None:
    assert {scene.generation for scene in SCENE_BY_NAME.values()} == set(Generation)
