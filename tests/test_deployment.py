"""What Databricks Apps and Streamlit read from the repository stays in step with the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.service.apps import App
from databricks.sdk.service.jobs import JobSettings, PauseStatus
from ruamel.yaml import YAML
from streamlit import config

from core.catalog.agents import AGENTS
from core.cli import commands
from core.settings import agent_variables
from scripts.scheduled_sweep import COMMAND

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


BUNDLE: dict[str, Any] = YAML(typ="safe").load((ROOT / "databricks.yml").read_text(encoding="utf-8"))
# What the Databricks CLI puts in by itself.
_SUBSTITUTED = {"workspace.file_path"}
# Keys of a bundle's app that are the CLI's, besides those of the Apps API.
_APP_KEYS_OF_THE_CLI = {"source_code_path", "config", "permissions", "lifecycle"}


def _lakebase_app() -> dict[str, Any]:
    app: dict[str, Any] = BUNDLE["targets"]["lakebase"]["resources"]["apps"]["switchyard"]
    return app


def test_the_bundle_has_only_keys_that_a_bundle_has() -> None:
    assert set(BUNDLE) <= {"bundle", "variables", "sync", "resources", "targets", "workspace", "include"}
    assert set(BUNDLE["resources"]) == {"apps", "jobs"}
    assert [name for name, target in BUNDLE["targets"].items() if target.get("default")] == ["default"]
    assert all(set(variable) <= {"description", "default"} for variable in BUNDLE["variables"].values())


def test_the_job_is_one_of_the_jobs_api() -> None:
    job = BUNDLE["resources"]["jobs"]["sweep"]
    # A variable is none of the words that the API has for this.
    job = job | {"schedule": job["schedule"] | {"pause_status": "PAUSED"}}

    # What the API does not know is lost on the way through its own classes.
    assert JobSettings.from_dict(job).as_dict() == job


def test_the_app_is_one_of_the_apps_api() -> None:
    for app in (BUNDLE["resources"]["apps"]["switchyard"], _lakebase_app()):
        known = {key: value for key, value in app.items() if key not in _APP_KEYS_OF_THE_CLI}
        assert App.from_dict(known).as_dict() == known


def test_every_variable_is_declared_and_used() -> None:
    text = (ROOT / "databricks.yml").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{([a-z_.]+)\}", text))

    assert used == {f"var.{name}" for name in BUNDLE["variables"]} | _SUBSTITUTED


def test_the_job_is_paused_until_somebody_wants_it_and_then_comes_every_half_hour() -> None:
    schedule = BUNDLE["resources"]["jobs"]["sweep"]["schedule"]

    assert PauseStatus(BUNDLE["variables"]["schedule_state"]["default"]) is PauseStatus.PAUSED
    assert (schedule["pause_status"], schedule["timezone_id"]) == ("${var.schedule_state}", "UTC")
    assert schedule["quartz_cron_expression"] == "${var.schedule}"
    assert BUNDLE["variables"]["schedule"]["default"] == "0 0/30 * * * ?"
    assert BUNDLE["resources"]["jobs"]["sweep"]["max_concurrent_runs"] == 1


def test_the_job_runs_a_file_of_the_repository_with_what_the_dashboard_needs() -> None:
    job = BUNDLE["resources"]["jobs"]["sweep"]
    (task,) = job["tasks"]
    (environment,) = job["environments"]

    assert (ROOT / task["spark_python_task"]["python_file"]).is_file()
    assert environment["environment_key"] == task["environment_key"]
    assert environment["spec"]["dependencies"] == ["-r ${workspace.file_path}/requirements.txt"]
    assert COMMAND[:2] == ("-m", "core") and COMMAND[2] in commands.commands
    options = {name for parameter in commands.commands[COMMAND[2]].params for name in parameter.opts}
    assert set(COMMAND[3:]) <= options


def test_what_starts_the_app_is_said_in_one_place_only() -> None:
    assert BUNDLE["resources"]["apps"]["switchyard"]["source_code_path"] == "."
    assert "config" not in BUNDLE["resources"]["apps"]["switchyard"]
    # The bundle ignores this spelling without a word; its own is value_from.
    assert "valueFrom" not in (ROOT / "databricks.yml").read_text(encoding="utf-8")


def test_lakebase_is_there_only_where_it_was_asked_for() -> None:
    assert "resources" not in BUNDLE["resources"]["apps"]["switchyard"]
    (resource,) = _lakebase_app()["resources"]
    assert resource["database"]["permission"] == "CAN_CONNECT_AND_CREATE"
