"""The agents' own configs as laid into a simulated home."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from core.adapters.agent_configs import AgentConfigFiles
from core.adapters.agents import FORMS
from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.settings import SCENES
from core.settings.homes import homes_below
from core.simulator.homes import agent_files, lay_agent_configs
from core.simulator.scenes import TokenState, scene_named

LAID = [name for name in SCENES if not scene_named(name).deployed]


def test_no_agent_of_a_deployed_app_has_a_config_here(tmp_path: Path) -> None:
    assert lay_agent_configs(scene_named("deployed-incident"), tmp_path) == ()


def test_every_agent_with_a_config_gets_one(tmp_path: Path) -> None:
    written = lay_agent_configs(scene_named("healthy"), tmp_path / "home")
    assert {str(path.relative_to((tmp_path / "home").resolve())) for path in written} == {
        ".hermes/config.yaml",
        ".claude/settings.json",
        ".codex/config.toml",
        ".codex/.env",
        ".gemini/.env",
        ".gemini/settings.json",
        ".config/opencode/opencode.json",
        ".pi/agent/models.json",
        ".pi/agent/settings.json",
    }


def test_only_the_owner_may_read_them(tmp_path: Path) -> None:
    for path in lay_agent_configs(scene_named("healthy"), tmp_path):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o077 == 0


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / ".hermes").mkdir()
    (tmp_path / ".hermes/config.yaml").write_text("model: mine\n")
    written = lay_agent_configs(scene_named("incident"), tmp_path)
    assert (tmp_path / ".hermes/config.yaml").read_text() == "model: mine\n"
    assert len(written) == len(agent_files(scene_named("incident"))) - 1
    assert lay_agent_configs(scene_named("incident"), tmp_path) == ()


def test_link_out_of_the_home_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    home = tmp_path / "home"
    home.mkdir()
    (home / ".hermes").symlink_to(outside)
    with pytest.raises(ConfigurationError, match="leads out"):
        lay_agent_configs(scene_named("healthy"), home)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", LAID)
def test_files_are_what_their_formats_say(name: str) -> None:
    files = {file.path: file.content for file in agent_files(scene_named(name))}
    for path, content in files.items():
        if path.endswith(".json"):
            json.loads(content)
    assert tomllib.loads(files[".codex/config.toml"])["model_providers"]["databricks"]["wire_api"] == "responses"


@pytest.mark.parametrize(
    ("name", "primary", "fallback", "base_url", "token"),
    [
        ("healthy", "opus-4-6", "sonnet-4-6", "{host}/ai-gateway/mlflow/v1", TokenState.AGENT),
        ("aws", "opus-4-6", "sonnet-4-6", "{host}/ai-gateway/mlflow/v1", TokenState.AGENT),
        ("gcp", "opus-4-6", "sonnet-4-6", "https://{dedicated}/mlflow/v1", TokenState.AGENT),
        ("no-gateway", "opus-4-6", "sonnet-4-6", "{host}/serving-endpoints", TokenState.AGENT),
        ("incident", "opus-4-7", "opus-4-6", "{host}/serving-endpoints", TokenState.ROTATED),
    ],
)
def test_hermes(name: str, primary: str, fallback: str, base_url: str, token: TokenState) -> None:
    scene = scene_named(name)
    content = next(file.content for file in agent_files(scene) if file.path == ".hermes/config.yaml")
    config = YAML(typ="safe").load(content)
    shared = {
        "provider": "custom",
        "base_url": base_url.format(host=scene.host, dedicated=scene.dedicated_host),
        "api_key": scene.tokens[token].reveal(),
    }
    assert config["model"] == {"default": f"databricks-claude-{primary}", **shared}
    assert config["fallback_providers"] == [{"model": f"databricks-claude-{fallback}", **shared}]
    assert {"agent", "display"} < set(config)


@pytest.mark.parametrize("name", LAID)
@pytest.mark.parametrize("agent", sorted(FORMS))
def test_every_laid_config_is_read_with_its_routes_and_tokens(name: str, agent: AgentId, tmp_path: Path) -> None:
    scene = scene_named(name)
    lay_agent_configs(scene, tmp_path)
    config = AgentConfigFiles(homes=homes_below(tmp_path), environment=scene.agent_environment).read(agent)
    assert config is not None and config.exists and config.problem is None
    expected = scene.tokens[scene.hermes.token if agent is AgentId.HERMES else TokenState.AGENT]
    assert config.slots and {slot.token for slot in config.slots} == {expected}
    hosts = {f"https://{host}" for host in scene.host_names}
    assert all(slot.base_url and slot.base_url.startswith(tuple(hosts)) for slot in config.slots)
