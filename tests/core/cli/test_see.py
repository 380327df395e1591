"""What the looking commands say about each scene, with their exit codes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from core.adapters.agents import FORMS
from core.settings import SCENES
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.server import SimulatedWorkspace
from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]


def by_slot(document: dict[str, Any], agent: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["slot"], row["identity"]): row for row in document["results"] if row["agent"] == agent}


@pytest.mark.parametrize(
    ("scene", "cloud", "generation", "source"),
    [
        ("healthy", "azure", "workspace", "discovered"),
        ("incident", "azure", "serving_endpoints", "none"),
        ("no-gateway", "azure", "serving_endpoints", "none"),
        ("aws", "aws", "workspace", "discovered"),
        ("gcp", "gcp", "dedicated", "discovered"),
    ],
)
def test_status_names_workspace_cloud_and_gateway(
    *, command_line: Made, scene: str, cloud: str, generation: str, source: str
) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE=scene).json("status")
    assert (code, document["error"], document["simulated"]) == (0, None, True)
    assert (document["workspace"]["cloud"], document["workspace"]["environment"]) == (cloud, "public")
    assert document["workspace"]["workspace_id"].isdigit()
    assert (document["gateway"]["generation"], document["gateway"]["source"]) == (generation, source)
    assert [step["outcome"] for step in document["gateway"]["trace"]].count("chosen") == 1
    assert document["identity"]["kind"] == "user"
    assert document["identity"]["is_admin"] is True


def test_status_has_the_keys_of_the_contract(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="healthy").json("status")
    assert {"schema", "error", "workspace", "identity", "gateway", "agents"} <= set(document)
    assert {"host", "workspace_id", "cloud", "environment", "evidence"} <= set(document["workspace"])
    assert set(document["workspace"]["evidence"][0]) == {"source", "value", "verdict"}
    assert {"base_url", "generation", "source", "trace"} <= set(document["gateway"])
    assert set(document["gateway"]["trace"][0]) == {"step", "candidate", "outcome", "reason", "latency_ms"}
    assert [agent["agent"] for agent in document["agents"]] == (
        ["hermes", "claude", "codex", "gemini", "opencode", "pi", "copilot", "cursor"]
    )
    agent = document["agents"][0]
    assert {"agent", "enabled", "dialect", "base_url", "slots", "lint"} <= set(agent)
    assert {"slot", "model", "source", "variable", "shadowed"} <= set(agent["slots"][0])


def test_with_nothing_named_the_simulated_workspace_is_shown_and_says_so(command_line: Made) -> None:
    code, out, _ = command_line().text("status")
    assert code == 0
    assert out.startswith("Simulated workspace, scene healthy.")


def test_the_environment_decides_over_the_default_and_the_agents_own_config_over_both(command_line: Made) -> None:
    environment = {"SWITCHYARD_SIMULATE": "healthy", "COPILOT_MODEL": "databricks-gpt-5-4-mini", "HERMES_MODEL": "m"}
    _, document = command_line(**environment).json("status")
    agents = {agent["agent"]: agent for agent in document["agents"]}
    copilot, hermes = agents["copilot"]["slots"][0], agents["hermes"]["slots"][0]
    assert (copilot["model"], copilot["source"], copilot["variable"]) == (
        "databricks-gpt-5-4-mini",
        "environment",
        "COPILOT_MODEL",
    )
    assert copilot["shadowed"] == [{"source": "default", "value": "databricks-claude-sonnet-4-6"}]
    assert (hermes["source"], hermes["shadowed"][0]) == ("target", {"source": "environment", "value": "m"})
    assert "environment_ignored" in [finding["code"] for finding in agents["hermes"]["lint"]]


@pytest.mark.parametrize("scene", [scene for scene in SCENES if "incident" not in scene])
def test_every_route_of_a_sound_scene_is_healthy(command_line: Made, scene: str) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE=scene).json("probe")
    probed = [row for row in document["results"] if row["agent"] != "cursor"]
    assert (code, {row["health"] for row in probed}) == (0, {"healthy"})
    assert {row["rung"] for row in probed} == {"model"}
    asked = [(row["agent"], row["slot"], row["identity"]) for row in probed]
    assert len({(agent, slot) for agent, slot, whose in asked if whose == "dashboard"}) == 12
    # Whatever agent keeps a config here is asked with its own credential too.
    assert {agent for agent, _, whose in asked if whose == "stored"} == {*FORMS}


def test_the_incident_is_told_apart_by_slot_and_identity(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="incident").json("probe")
    hermes = by_slot(document, "hermes")
    facts = {key: (row["health"], row["rung"], row["diagnosis"], row["http_status"]) for key, row in hermes.items()}
    assert code == 1
    assert facts == {
        ("primary", "dashboard"): ("down", "model", "model_not_on_route", 404),
        ("primary", "stored"): ("down", "model", "model_not_on_route", 404),
        ("fallback", "dashboard"): ("healthy", "model", "ok", 200),
        ("fallback", "stored"): ("down", "auth", "credential_dead", 403),
    }
    others = [row for row in document["results"] if row["agent"] not in ("hermes", "cursor")]
    assert {row["health"] for row in others} == {"healthy"}
    auth = {rung["rung"]: rung["outcome"] for rung in hermes["primary", "stored"]["rungs"]}["auth"]
    assert auth == "unproven"
    assert list(hermes) == [
        ("primary", "dashboard"),
        ("primary", "stored"),
        ("fallback", "dashboard"),
        ("fallback", "stored"),
    ]


def test_probe_has_the_keys_of_the_contract(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="healthy").json("probe", "codex")
    assert {"duration_ms", "requests_sent", "tokens", "results"} <= set(document)
    row, own = document["results"]
    expected = "agent slot model dialect url generation identity depth health rung rungs diagnosis message remedy"
    expected += " suggestion http_status answered_model latency_ms ttft_ms tokens"
    assert set(expected.split()) <= set(row)
    assert [rung["rung"] for rung in row["rungs"]] == "dns tcp tls http auth route model stream tools".split()
    assert {rung["outcome"] for rung in row["rungs"][-2:]} == {"not_started"}
    # Once as the dashboard, once with the token that Codex has itself.
    assert (row["identity"], own["identity"], document["requests_sent"]) == ("dashboard", "stored", 2)
    assert document["tokens"]["output"] == row["tokens"]["output"] + own["tokens"]["output"]


def test_cursor_is_unknown_and_counts_for_nothing(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="healthy").json("probe", "cursor")
    assert (code, [row["health"] for row in document["results"]]) == (0, ["unknown"])


def test_an_agent_that_is_switched_off_is_paused_and_not_asked(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="incident", ENABLE_HERMES="false")
    code, document = run.json("probe", "hermes")
    assert (code, document["results"][0]["health"], document["requests_sent"]) == (0, "paused", 0)


def test_another_model_can_be_tried_without_setting_it(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="incident")
    code, document = run.json("probe", "copilot", "--model", "databricks-gpt-oss-120b")
    assert (code, document["results"][0]["answered_model"] is not None) == (0, True)
    code, document = run.json("probe", "copilot", "--model", "databricks-nowhere")
    assert (code, document["results"][0]["diagnosis"]) == (1, "model_absent")


def test_a_failure_is_explained_and_its_follow_up_requests_are_counted(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="incident").json("probe", "hermes")
    assert document["results"][0]["suggestion"] is not None
    assert document["requests_sent"] > sum(row["attempts"] for row in document["results"])


def test_a_token_given_for_one_probe_is_a_result_of_its_own_after_the_others(
    command_line: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("given-once\n"))
    _, document = command_line(SWITCHYARD_SIMULATE="incident").json("probe", "hermes", "--token-stdin")
    asked = [(row["slot"], row["identity"]) for row in document["results"]]
    assert asked == [(slot, who) for slot in ("primary", "fallback") for who in ("dashboard", "stored", "one_probe")]
    assert "given-once" not in json.dumps(document)


def test_no_token_on_stdin_is_wrong_usage(command_line: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    code, document = command_line(SWITCHYARD_SIMULATE="incident").json("probe", "hermes", "--token-stdin")
    assert (code, document["error"]["code"]) == (2, "token_missing")


def test_with_the_budget_used_up_no_model_is_asked_and_nothing_is_healthy(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="healthy", SWITCHYARD_DAILY_TOKENS="1")
    run.json("probe", "codex")
    code, document = run.json("probe", "codex")
    result, _ = document["results"]
    assert (code, result["health"], document["requests_sent"]) == (1, "unknown", 0)
    assert "budget" in result["message"]


def test_a_faithful_probe_climbs_to_the_tools(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="healthy").json("probe", "codex", "--depth", "faithful")
    result, _ = document["results"]
    assert (result["health"], result["rung"], result["depth"]) == ("healthy", "tools", "faithful")


def test_all_models_of_an_agent_are_asked(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="healthy").json("probe", "codex", "--all-models")
    models = {row["model"] for row in document["results"]}
    assert {"databricks-gpt-5-5", "databricks-gpt-5-4-mini"} <= models
    assert not any("claude" in model for model in models)


def test_models_are_merged_over_spellings_and_say_who_can_use_them(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="healthy").json("models")
    models = {model["id"]: model for model in document["models"]}
    opus = models["claude-opus-4-6"]
    assert code == 0
    assert set(opus["spellings"]) == {"databricks-claude-opus-4-6", "system.ai.claude-opus-4-6"}
    assert {"hermes", "claude", "pi"} <= set(opus["agents"])
    assert models["gte-large-en"]["agents"] == []
    assert {source["source"] for source in document["sources"]} == (
        {"serving_endpoints", "foundation_models", "model_services"}
    )


def test_one_listing_that_is_off_leaves_the_others(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="no-gateway").json("models")
    outcomes = {source["source"]: source["outcome"] for source in document["sources"]}
    assert (outcomes["serving_endpoints"], outcomes["model_services"]) == ("ok", "unavailable")
    assert document["models"]


def test_a_workspace_on_loopback_is_spoken_to_as_configured(command_line: Made) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        token = workspace.scene.token.reveal()
        run = command_line(DATABRICKS_HOST=workspace.http_origin, DATABRICKS_TOKEN=token)
        code, document = run.json("status")
        assert (code, document["workspace"]["host"]) == (0, workspace.http_origin)
        assert (document["gateway"]["generation"], document["simulated"]) == ("workspace", True)
        code, document = run.json("probe", "claude", "codex")
        assert (code, {row["health"] for row in document["results"]}) == (0, {"healthy"})


def test_a_dead_credential_is_bad_news_and_is_named(command_line: Made) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        run = command_line(DATABRICKS_HOST=workspace.http_origin, DATABRICKS_TOKEN="no-longer-valid")
        code, document = run.json("status")
        assert (code, document["error"]["code"]) == (1, "credential_dead")
        assert document["workspace"]["host"] == workspace.http_origin
        code, document = run.json("probe")
        assert (code, document["error"]["code"]) == (1, "credential_dead")


def test_a_workspace_that_is_not_there_is_told_by_exit_code_3(command_line: Made) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        origin = workspace.http_origin
    run = command_line(DATABRICKS_HOST=origin, DATABRICKS_TOKEN="any")
    for command in ("status", "probe", "models"):
        code, document = run.json(command)
        assert (code, document["error"]["code"]) == (3, "workspace_unreachable")
    _, document = run.json("probe", "claude")
    assert document["requests_sent"] == 0


def test_a_host_without_any_credential_is_wrong_usage(command_line: Made) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        code, document = command_line(DATABRICKS_HOST=workspace.http_origin).json("status")
    assert (code, document["error"]["code"]) == (2, "credential_missing")
    assert not workspace.requests.posts()


def test_a_service_principal_is_used_through_the_real_sdk(command_line: Made) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        run = command_line(
            DATABRICKS_HOST=workspace.http_origin,
            DATABRICKS_CLIENT_ID=workspace.scene.client_id,
            DATABRICKS_CLIENT_SECRET=workspace.scene.client_secret.reveal(),
        )
        code, document = run.json("status")
    assert (code, document["identity"]["kind"]) == (0, "service_principal")


def test_a_gateway_that_is_switched_off_on_purpose_is_respected(command_line: Made) -> None:
    _, document = command_line(SWITCHYARD_SIMULATE="healthy", DATABRICKS_GATEWAY_HOST="").json("status")
    assert (document["gateway"]["generation"], document["gateway"]["source"]) == ("serving_endpoints", "disabled")


def test_an_explicit_gateway_that_does_not_answer_is_used_and_shown_as_not_answering(command_line: Made) -> None:
    url = "https://4815162342108653.9.ai-gateway.azuredatabricks.net"
    run = command_line(SWITCHYARD_SIMULATE="healthy", DATABRICKS_GATEWAY_HOST=url)
    code, document = run.json("status")
    assert (code, document["gateway"]["base_url"], document["gateway"]["source"]) == (0, url, "explicit")
    assert "did not answer" in document["gateway"]["trace"][0]["reason"]
    code, document = run.json("probe", "copilot")
    assert (code, {row["diagnosis"] for row in document["results"]}) == (1, {"dns_failed"})


def test_a_hung_model_delays_the_others_by_nothing_and_ends_in_time(command_line: Made) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        workspace.faults.add(FaultRule(fault=Behaviour.HANG, model="databricks-gpt-5-5"))
        token = workspace.scene.token.reveal()
        run = command_line(DATABRICKS_HOST=workspace.http_origin, DATABRICKS_TOKEN=token)
        code, document = run.json("probe", "claude", "codex")
    hung = by_slot(document, "codex")["default", "dashboard"]
    assert (code, hung["diagnosis"], hung["health"]) == (1, "timed_out", "degraded")
    assert {row["health"] for row in document["results"] if row["agent"] == "claude"} == {"healthy"}
    assert document["duration_ms"] < 17_000


def test_what_answers_a_short_question_can_still_be_no_model_for_an_agent(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="healthy")
    request = ("probe", "hermes", "--model", "databricks-gemini-3-flash")
    code, document = run.json(*request)
    assert (code, {row["health"] for row in document["results"]}) == (0, {"healthy"})
    code, document = run.json(*request, "--depth", "faithful")
    row = document["results"][0]
    assert (code, row["health"], row["diagnosis"]) == (1, "down", "field_rejected")
    assert "answers a short question, but not what Hermes really sends: it rejects stream_options" in row["message"]
    assert row["suggestion"]["model"] != "databricks-gemini-3-flash"


def test_every_agent_that_is_sound_is_healthy_with_what_it_really_sends(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="healthy").json("probe", "--depth", "faithful")
    probed = [row for row in document["results"] if row["agent"] != "cursor"]
    assert (code, {row["health"] for row in probed}, {row["depth"] for row in probed}) == (0, {"healthy"}, {"faithful"})
    assert all(row["ttft_ms"] is not None for row in probed)
    with_tools = [row for row in probed if row["slot"] != "title"]
    assert {row["rung"] for row in with_tools} == {"tools"}


def test_a_failure_is_explained_with_what_would_work_already_probed(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="incident")
    _, document = run.json("probe", "hermes")
    primary = by_slot(document, "hermes")["primary", "dashboard"]
    assert "Anthropic" in primary["message"] or "anthropic" in primary["message"]
    suggestion = primary["suggestion"]
    code, tried = run.json("probe", "hermes", "--model", suggestion["model"])
    assert by_slot(tried, "hermes")["primary", "dashboard"]["health"] == "healthy"
    assert code == 1
