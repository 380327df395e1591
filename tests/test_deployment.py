"""What Databricks Apps and Streamlit read from the repository stays in step with the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from streamlit import config

from core.catalog.agents import AGENTS
from core.settings import agent_variables

ROOT = Path(__file__).resolve().parent.parent


def _declared() -> dict[str, str]:
    document = YAML(typ="safe").load((ROOT / "app.yaml").read_text(encoding="utf-8"))
    return {entry["name"]: entry["value"] for entry in document["env"]}


def _defaults() -> dict[str, str | None]:
    wanted: dict[str, str | None] = {}
    for spec in AGENTS.values():
        if spec.enable_variable:
            wanted[spec.enable_variable] = "true"
        for slot in spec.slots:
            for position, name in enumerate(slot.variables):
                wanted.setdefault(name, slot.default if position == 0 else None)
    return wanted


def test_app_yaml_declares_the_defaults_of_the_catalogue() -> None:
    assert _declared() == {name: value for name, value in _defaults().items() if value is not None}


def test_app_yaml_names_every_variable_of_the_agents() -> None:
    text = (ROOT / "app.yaml").read_text(encoding="utf-8")

    assert set(re.findall(r"- name: (\w+)", text)) == set(agent_variables())


def _options(table: dict[str, object], prefix: str = "") -> list[str]:
    names = []
    for key, value in table.items():
        name = f"{prefix}{key}"
        deeper = isinstance(value, dict) and key != "trustedUserHeaders"
        names += _options(value, f"{name}.") if deeper and isinstance(value, dict) else [name]
    return names


@pytest.mark.parametrize(
    "name", _options(tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")))
)
def test_streamlit_knows_every_option_that_we_set(name: str) -> None:
    config.get_config_options()

    assert name in config._config_options_template


def test_every_dependency_has_its_reason_and_an_upper_bound() -> None:
    for file in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith(("#", "-r ")):
                requirement, _, reason = line.partition("  # ")
                assert reason, line
                assert "<" in requirement or "~=" in requirement, line
