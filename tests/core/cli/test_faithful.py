"""`probe --depth faithful` asks what the agents ask, climbs all rungs, and names the field in the way."""

from __future__ import annotations

from collections.abc import Callable

from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]


def test_every_agent_of_a_healthy_workspace_is_proved_up_to_its_tools(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="healthy").json("probe", "--depth", "faithful")
    asked = [result for result in document["results"] if result["agent"] != "cursor"]
    assert code == 0
    assert {(result["depth"], result["health"]) for result in asked} == {("faithful", "healthy")}
    for result in asked:
        rungs = {rung["rung"]: rung["outcome"] for rung in result["rungs"]}
        assert rungs["stream"] == "passed"
        assert rungs["tools"] == ("skipped" if result["slot"] == "title" else "passed")
        assert result["ttft_ms"] is not None
    assert document["duration_ms"] < 30_000


def test_a_model_that_answers_but_rejects_what_hermes_sends_is_down(command_line: Made) -> None:
    asking = command_line(SWITCHYARD_SIMULATE="healthy")
    code, reach = asking.json("probe", "hermes", "--model", "databricks-gemini-2-5-pro")
    assert (code, reach["results"][0]["health"]) == (0, "healthy")
    code, faithful = asking.json("probe", "hermes", "--model", "databricks-gemini-2-5-pro", "--depth", "faithful")
    found = faithful["results"][0]
    assert (code, found["health"], found["diagnosis"], found["rung"]) == (1, "down", "field_rejected", "model")
    assert "stream_options" in found["message"]


def test_a_depth_that_there_is_not_is_wrong_usage(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="healthy").json("probe", "--depth", "deep")
    assert (code, document["error"]["code"]) == (2, "usage")
