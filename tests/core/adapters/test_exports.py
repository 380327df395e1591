"""What is handed over for each agent: complete, in every format, and without a token."""

from __future__ import annotations

import shlex

import pytest
from ruamel.yaml import YAML

from core.adapters.agents import FORMS
from core.adapters.exports import ExportFormat, export_files
from core.catalog.agents import AGENTS
from core.choice.layers import choose_agents
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.choice import AgentChoice
from core.model.gateway import Gateway, GatewaySource, Generation
from core.model.models import ModelCatalogue
from core.model.secret import Secret
from tests.fakes.ticking_clock import TickingClock

BASE = "https://ws.example/ai-gateway"
GATEWAY = Gateway(
    base_url=BASE,
    generation=Generation.WORKSPACE,
    source=GatewaySource.DISCOVERED,
    trace=(),
    resolved_at=TickingClock().now(),
)
CHOICES = {
    choice.agent: choice
    for choice in choose_agents(environment={}, configs={}, gateway=GATEWAY, catalogue=ModelCatalogue())
}
PROBEABLE = [agent for agent in AgentId if AGENTS[agent].probeable]


def text_of(choice: AgentChoice, form: ExportFormat) -> str:
    return "".join(file.content for file in export_files(choice, form))


@pytest.mark.parametrize("agent", list(FORMS))
def test_an_agents_own_files_say_what_was_chosen_when_they_are_read_again(agent: AgentId) -> None:
    files = {
        file.path.rpartition("/")[2]: file.content.encode()
        for file in export_files(CHOICES[agent], ExportFormat.NATIVE)
    }
    form = FORMS[agent]
    contents = {name: files.get(name.rpartition("/")[2]) for name in form.files}
    read = form.read(contents, {"DATABRICKS_TOKEN": Secret("t")})
    chosen = {slot.slot: (slot.model, slot.base_url) for slot in CHOICES[agent].slots if slot.model}
    assert {one.slot: (one.model, one.base_url) for one in read} == chosen


@pytest.mark.parametrize("agent", list(FORMS))
def test_an_agents_own_files_are_private_and_lie_in_its_home(agent: AgentId) -> None:
    for file in export_files(CHOICES[agent], ExportFormat.NATIVE):
        assert file.mode == "0600" and file.path.startswith("~/.")
        assert file.content.endswith("\n")


@pytest.mark.parametrize("agent", PROBEABLE)
def test_shell_variables_are_what_a_shell_reads(agent: AgentId) -> None:
    (file,) = export_files(CHOICES[agent], ExportFormat.ENV)
    said = dict(part.split("=", 1) for line in file.content.splitlines() for part in shlex.split(line)[1:])
    for slot in AGENTS[agent].slots:
        if slot.variables and slot.default:
            assert said[slot.variables[0]] == slot.default
    assert not any("TOKEN" in name and value != "$DATABRICKS_TOKEN" for name, value in said.items())


def test_an_agent_without_a_file_takes_its_route_from_the_shell() -> None:
    text = text_of(CHOICES[AgentId.COPILOT], ExportFormat.ENV)
    assert f"COPILOT_PROVIDER_BASE_URL={BASE}/mlflow/v1" in text
    with pytest.raises(ChangeError) as caught:
        export_files(CHOICES[AgentId.COPILOT], ExportFormat.NATIVE)
    assert caught.value.code == "nothing_to_export" and "env" in caught.value.remedy


@pytest.mark.parametrize("form", list(ExportFormat))
def test_what_cannot_be_set_from_outside_is_said(form: ExportFormat) -> None:
    with pytest.raises(ChangeError):
        export_files(CHOICES[AgentId.CURSOR], form)


def test_entries_of_app_yaml_and_of_a_bundle_are_valid_yaml() -> None:
    app = YAML(typ="safe").load(text_of(CHOICES[AgentId.HERMES], ExportFormat.APP_YAML))
    names = {entry["name"]: entry["value"] for entry in app["env"]}
    assert names["ENABLE_HERMES"] == "true" and names["HERMES_MODEL"] == "databricks-claude-opus-4-6"
    bundle = YAML(typ="safe").load(text_of(CHOICES[AgentId.HERMES], ExportFormat.BUNDLE))
    assert bundle["resources"]["apps"]["coding_agents"]["config"]["env"] == app["env"]
