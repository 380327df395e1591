"""What Databricks Apps and Streamlit read from the repository stays in step with the code."""

from __future__ import annotations

import copy
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
from core.settings import SETTINGS, agent_variables
from scripts.scheduled_sweep import COMMAND
from tests import deployment_schema as schema
from tests.deployment_schema import problems

ROOT = Path(__file__).resolve().parent.parent


def _declared() -> dict[str, str]:
    document = YAML(typ="safe").load((ROOT / "app.yaml").read_text(encoding="utf-8"))
    return {entry["name"]: entry["value"] for entry in document["env"]}


def _with_all_that_may_be_wanted() -> dict[str, Any]:
    """Return app.yaml with the comment marks taken from each of its entries."""
    text = (ROOT / "app.yaml").read_text(encoding="utf-8")
    whole = re.sub(r"^  # (- name: \w+|  value(?:From)?: .+)$", r"  \1", text, flags=re.MULTILINE)
    # A variable without a default stands there without a value too.
    filled = re.sub(r"^(  - name: \w+)\n(?!    value)", r'\1\n    value: "a-model"\n', whole, flags=re.MULTILINE)
    document: dict[str, Any] = YAML(typ="safe").load(filled)
    return document


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
    names = [entry["name"] for entry in _with_all_that_may_be_wanted()["env"]]

    assert len(set(names)) == len(names)
    assert set(agent_variables()) <= set(names)
    assert set(names) - set(agent_variables()) <= {setting.name for setting in SETTINGS}


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
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
# Keys of a bundle's resources that are the CLI's, besides those of the API.
_KEYS_OF_THE_CLI = {"source_code_path", "config", "permissions", "lifecycle"}


def _app_of(target: str) -> dict[str, Any]:
    app: dict[str, Any] = BUNDLE["targets"][target]["resources"]["apps"]["switchyard"]
    return app


def _merged(target: str) -> dict[str, Any]:
    """Return the bundle as the CLI deploys it to a target, as far as ours differ: in what the app is given."""
    whole = copy.deepcopy(BUNDLE)
    own = whole["targets"].pop(target).get("resources", {}).get("apps", {})
    for name, app in own.items():
        whole["resources"]["apps"][name] |= app
    whole["targets"] = {target: {"default": True}}
    return whole


@pytest.mark.parametrize("target", BUNDLE["targets"])
def test_the_bundle_has_only_keys_that_a_bundle_has_in_every_target(target: str) -> None:
    assert list(problems(BUNDLE, schema.BUNDLE)) == []
    assert list(problems(_merged(target), schema.BUNDLE)) == []


def test_app_yaml_has_only_keys_that_it_may_have_with_and_without_what_may_be_wanted() -> None:
    document = YAML(typ="safe").load((ROOT / "app.yaml").read_text(encoding="utf-8"))

    assert list(problems(document, schema.APP_YAML)) == []
    assert list(problems(_with_all_that_may_be_wanted(), schema.APP_YAML)) == []


def _renamed(document: Any, old: str, new: str) -> Any:
    """Return a copy in which every key of one name has another one."""
    if isinstance(document, dict):
        return {new if key == old else key: _renamed(value, old, new) for key, value in document.items()}
    return [_renamed(one, old, new) for one in document] if isinstance(document, list) else document


def _keys(document: Any) -> set[str]:
    if isinstance(document, dict):
        return set(document) | {key for value in document.values() for key in _keys(value)}
    return {key for one in document for key in _keys(one)} if isinstance(document, list) else set()


_NAMES_OF_OURS = {*BUNDLE["variables"], *BUNDLE["targets"], "sweep", "switchyard"}


@pytest.mark.parametrize("key", sorted(_keys(BUNDLE) - _NAMES_OF_OURS))
def test_no_key_of_the_bundle_can_be_misspelled(key: str) -> None:
    assert list(problems(_renamed(BUNDLE, key, key + "X"), schema.BUNDLE))


@pytest.mark.parametrize("key", ["command", "env", "name", "value", "valueFrom"])
def test_no_key_of_app_yaml_can_be_misspelled(key: str) -> None:
    assert list(problems(_renamed(_with_all_that_may_be_wanted(), key, key + "X"), schema.APP_YAML))


def test_app_yaml_takes_valuefrom_and_a_bundle_value_from_and_neither_the_other() -> None:
    app, bundle = _with_all_that_may_be_wanted(), copy.deepcopy(BUNDLE)
    config = {"env": [{"name": "SWITCHYARD_DATABASE_URL", "value_from": "database-url"}]}
    bundle["resources"]["apps"]["switchyard"]["config"] = config

    assert list(problems(bundle, schema.BUNDLE)) == []
    wrong = _renamed(bundle, "value_from", "valueFrom")
    assert any("env[0].valueFrom: no such key" in one for one in problems(wrong, schema.BUNDLE))
    assert any(
        "value_from: no such key" in one for one in problems(_renamed(app, "valueFrom", "value_from"), schema.APP_YAML)
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("targets", "lakebase", "resources", "apps", "switchyard", "resources", 0, "database", "permission"), "USE"),
        (("targets", "postgresql", "resources", "apps", "switchyard", "resources", 0, "secret", "permission"), "read"),
        (("targets", "lakebase", "resources", "apps", "switchyard", "resources", 0, "name"), "Has Spaces"),
        (("targets", "default", "default"), "yes"),
        (("resources", "jobs", "sweep", "max_concurrent_runs"), 2),
        (("resources", "jobs", "sweep", "timeout_seconds"), "1500"),
        (("resources", "jobs", "sweep", "schedule", "timezone_id"), "Europe/Berlin"),
        (("resources", "apps", "switchyard", "permissions", 0, "level"), "CAN_DO"),
        (("resources", "apps", "switchyard", "permissions"), {}),
        (("variables", "app_name"), "switchyard"),
    ],
    ids=lambda part: part[-1] if isinstance(part, tuple) else None,
)
def test_a_value_that_cannot_be_meant_is_found(path: tuple[Any, ...], value: Any) -> None:
    wrong = copy.deepcopy(BUNDLE)
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value

    assert list(problems(wrong, schema.BUNDLE))


def test_an_entry_of_app_yaml_has_a_value_or_a_resource_and_not_both() -> None:
    for entry in ({"name": "A"}, {"name": "A", "value": "x", "valueFrom": "y"}, {"name": "A", "value": 1}):
        assert list(problems({"command": ["x"], "env": [entry]}, schema.APP_YAML))


def test_what_app_yaml_takes_from_a_resource_is_given_by_a_target_of_the_bundle() -> None:
    taken = {entry["valueFrom"] for entry in _with_all_that_may_be_wanted()["env"] if "valueFrom" in entry}
    given = {resource["name"] for resource in _app_of("postgresql")["resources"]}

    assert taken == given
    # Without that target there is no such resource, and an app that names one does not start.
    document = YAML(typ="safe").load((ROOT / "app.yaml").read_text(encoding="utf-8"))
    assert not any("valueFrom" in entry for entry in document["env"])


def test_every_target_is_one_database_or_none_and_one_is_the_default() -> None:
    assert [name for name, target in BUNDLE["targets"].items() if target.get("default")] == ["default"]
    assert {
        name: [list(r) for r in _merged(name)["resources"]["apps"]["switchyard"].get("resources", ())]
        for name in BUNDLE["targets"]
    } == {
        "default": [],
        "lakebase": [["name", "description", "database"]],
        "postgresql": [["name", "description", "secret"]],
    }


def test_everybody_may_open_the_app_and_only_managers_may_change_it() -> None:
    permissions = BUNDLE["resources"]["apps"]["switchyard"]["permissions"]

    assert permissions == [
        {"level": "CAN_USE", "group_name": "${var.users_group}"},
        {"level": "CAN_MANAGE", "group_name": "${var.managers_group}"},
    ]
    assert BUNDLE["resources"]["jobs"]["sweep"]["permissions"] == permissions[1:]


def test_docs_tell_every_variable_and_target_of_the_bundle() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| `?([^|`]*?)`? \| ([^|]+) \|$", DEPLOY, re.MULTILINE)

    assert {name: default or "–" for name, default, _ in rows if name in BUNDLE["variables"]} == {
        name: variable["default"] or "–" for name, variable in BUNDLE["variables"].items()
    }
    assert all(f"`{name}`" in DEPLOY for name in BUNDLE["targets"])
    assert set(re.findall(r"--var[ =]\"?([a-z_]+)=", DEPLOY)) <= set(BUNDLE["variables"])


def test_docs_name_only_commands_and_options_that_there_are() -> None:
    for line in re.findall(r"python -m core ([^\n`]+)", DEPLOY):
        name, *rest = line.split()
        known = {name for parameter in commands.commands[name].params for name in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, line


def test_the_job_is_one_of_the_jobs_api() -> None:
    job = BUNDLE["resources"]["jobs"]["sweep"]
    # A variable is none of the words that the API has for this.
    job = {key: value for key, value in job.items() if key not in _KEYS_OF_THE_CLI}
    job = job | {"schedule": job["schedule"] | {"pause_status": "PAUSED"}}

    # What the API does not know is lost on the way through its own classes.
    assert JobSettings.from_dict(job).as_dict() == job


def test_the_app_is_one_of_the_apps_api() -> None:
    for app in [_merged(target)["resources"]["apps"]["switchyard"] for target in BUNDLE["targets"]]:
        known = {key: value for key, value in app.items() if key not in _KEYS_OF_THE_CLI}
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
    (resource,) = _app_of("lakebase")["resources"]
    assert resource["database"]["permission"] == "CAN_CONNECT_AND_CREATE"
