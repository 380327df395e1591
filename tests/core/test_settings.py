"""Every variable is read once, and what cannot be meant is said in one sentence before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from databricks.sdk.config import Config

from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.model.secret import Secret
from core.settings import PROJECT_ROOT, SETTINGS, Lakebase, Settings, agent_variables, load_settings
from core.settings.homes import homes_below

HOST = "https://adb-4455667788990011.11.azuredatabricks.net"
REAL = {"DATABRICKS_HOST": HOST, "DATABRICKS_TOKEN": "t0ken-of-env"}
PRINCIPAL = {"DATABRICKS_CLIENT_ID": "app-id", "DATABRICKS_CLIENT_SECRET": "app-secret"}
INSIDE_APPS = {"DATABRICKS_APP_NAME": "switchyard", **PRINCIPAL}


def refusal_of(environment: Mapping[str, str]) -> ConfigurationError:
    """Return the error that this environment is refused with."""
    with pytest.raises(ConfigurationError) as raised:
        load_settings(environment)
    return raised.value


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    """Return where a test may write a Databricks config file."""
    return tmp_path / "databrickscfg"


def with_file(config_file: Path, text: str, **environment: str) -> dict[str, str]:
    """Return an environment in which this is the Databricks config file."""
    config_file.write_text(text, encoding="utf-8")
    return {"DATABRICKS_CONFIG_FILE": str(config_file), **environment}


def test_nothing_set_is_the_healthy_simulation() -> None:
    settings = load_settings({})
    assert (settings.scene, settings.simulated, settings.host) == ("healthy", True, None)


@pytest.mark.parametrize("name", ["DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID"])
def test_a_credential_without_a_workspace_never_becomes_a_simulation(name: str) -> None:
    error = refusal_of({name: "anything"})
    assert (error.code, "DATABRICKS_HOST" in error.remedy) == ("host_missing", True)


def test_the_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHYARD_SIMULATE", "aws")
    assert load_settings().scene == "aws"


READ: dict[str, tuple[dict[str, str], str, object]] = {
    "DATABRICKS_HOST": ({}, "host", HOST),
    "DATABRICKS_TOKEN": ({}, "token", Secret("t0ken-of-env")),
    "DATABRICKS_CLIENT_ID": ({"DATABRICKS_CLIENT_ID": "app-id"}, "client_id", "app-id"),
    "DATABRICKS_CLIENT_SECRET": ({"DATABRICKS_CLIENT_SECRET": "s3cret"}, "client_secret", Secret("s3cret")),
    "DATABRICKS_AUTH_TYPE": ({"DATABRICKS_AUTH_TYPE": "pat"}, "auth_type", "pat"),
    "DATABRICKS_CONFIG_PROFILE": ({}, "profile", None),
    "DATABRICKS_CONFIG_FILE": ({"DATABRICKS_CONFIG_FILE": "/not/read"}, "profile", None),
    "DATABRICKS_WORKSPACE_ID": ({"DATABRICKS_WORKSPACE_ID": "42"}, "workspace_id", "42"),
    "DATABRICKS_GATEWAY_HOST": (
        {"DATABRICKS_GATEWAY_HOST": " https://g.example "},
        "gateway_host",
        "https://g.example",
    ),
    "DATABRICKS_APP_NAME": ({"DATABRICKS_APP_NAME": "mine"}, "app_name", "mine"),
    "SWITCHYARD_SIMULATE": ({"SWITCHYARD_SIMULATE": " gcp "}, "scene", "gcp"),
    "SWITCHYARD_APP": ({"SWITCHYARD_APP": " app:coda "}, "agents_app", "coda"),
    "SWITCHYARD_STATE_DIR": ({"SWITCHYARD_STATE_DIR": "/var/lib/sy"}, "state_dir", Path("/var/lib/sy")),
    "SWITCHYARD_TRUSTED_HOSTS": (
        {"SWITCHYARD_TRUSTED_HOSTS": " a.example, ,b.example:8443,"},
        "trusted_hosts",
        ("a.example", "b.example:8443"),
    ),
    "SWITCHYARD_SWEEP_INTERVAL_S": ({"SWITCHYARD_SWEEP_INTERVAL_S": "30"}, "sweep_interval_s", 30.0),
    "SWITCHYARD_HOST_INTERVAL_S": ({"SWITCHYARD_HOST_INTERVAL_S": "7.5"}, "host_interval_s", 7.5),
    "SWITCHYARD_CONCURRENCY": ({"SWITCHYARD_CONCURRENCY": "64"}, "concurrency", 64),
    "SWITCHYARD_CONFIRM_DELAY_S": ({"SWITCHYARD_CONFIRM_DELAY_S": "0"}, "confirm_delay_s", 0.0),
    "SWITCHYARD_ADMINS": (
        {"SWITCHYARD_ADMINS": " Ada@Example.com, ,grace@example.com,"},
        "admins",
        ("Ada@Example.com", "grace@example.com"),
    ),
    "SWITCHYARD_OPERATORS": ({"SWITCHYARD_OPERATORS": "alan@example.com"}, "operators", ("alan@example.com",)),
    "SWITCHYARD_DAILY_TOKENS": ({"SWITCHYARD_DAILY_TOKENS": "0"}, "daily_tokens", 0),
    "SWITCHYARD_FAITHFUL_INTERVAL_S": ({"SWITCHYARD_FAITHFUL_INTERVAL_S": "0"}, "faithful_interval_s", 0.0),
    "SWITCHYARD_DATABASE_URL": (
        {"SWITCHYARD_DATABASE_URL": "postgresql://u:p@db.example/sy"},
        "database_url",
        Secret("postgresql://u:p@db.example/sy"),
    ),
    "SWITCHYARD_RAW_DAYS": ({"SWITCHYARD_RAW_DAYS": "3"}, "raw_days", 3),
    "SWITCHYARD_HOURLY_DAYS": ({"SWITCHYARD_HOURLY_DAYS": "30"}, "hourly_days", 30),
    "SWITCHYARD_HISTORY_MB": ({"SWITCHYARD_HISTORY_MB": "64"}, "history_mb", 64),
    "SWITCHYARD_DOWN_AFTER": ({"SWITCHYARD_DOWN_AFTER": "5"}, "down_after", 5),
    "SWITCHYARD_RECOVER_AFTER": ({"SWITCHYARD_RECOVER_AFTER": "1"}, "recover_after", 1),
    "SWITCHYARD_LATENCY_LIMIT_S": ({"SWITCHYARD_LATENCY_LIMIT_S": "2.5"}, "latency_limit_s", 2.5),
    "SWITCHYARD_TTFT_LIMIT_S": ({"SWITCHYARD_TTFT_LIMIT_S": "1"}, "ttft_limit_s", 1.0),
    "SWITCHYARD_ALERTS": ({"SWITCHYARD_ALERTS": "/etc/sy/alerts.toml"}, "alerts", Path("/etc/sy/alerts.toml")),
    # A table with prices in it is read in test_settings_of_cost.
    "SWITCHYARD_PRICES": ({"SWITCHYARD_PRICES": " "}, "prices", {}),
}


# Where an agent's own config lies: the variable that the agent itself reads.
HOMES = {
    "HERMES_HOME": (AgentId.HERMES, "/opt/a"),
    "CLAUDE_CONFIG_DIR": (AgentId.CLAUDE, "/opt/a"),
    "CODEX_HOME": (AgentId.CODEX, "/opt/a"),
    "GEMINI_CLI_HOME": (AgentId.GEMINI, "/opt/a/.gemini"),
    "XDG_CONFIG_HOME": (AgentId.OPENCODE, "/opt/a/opencode"),
    "PI_CODING_AGENT_DIR": (AgentId.PI, "/opt/a"),
}


@pytest.mark.parametrize(("variable", "agent", "folder"), [(name, *row) for name, row in HOMES.items()])
def test_a_variable_moves_the_home_of_its_own_agent_only(variable: str, agent: AgentId, folder: str) -> None:
    usual = homes_below(Path("~").expanduser())
    assert load_settings(REAL | {variable: "/opt/a"}).agent_homes == usual | {agent: Path(folder)}


def test_every_setting_of_the_table_has_a_row_here() -> None:
    assert set(READ) | set(HOMES) == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize(("environment", "field", "value"), READ.values(), ids=READ)
def test_a_setting_is_read(environment: dict[str, str], field: str, value: object) -> None:
    assert getattr(load_settings(REAL | environment), field) == value


def test_defaults_of_settings_and_of_an_empty_environment_agree() -> None:
    settings = load_settings({"DATABRICKS_HOST": HOST})
    assert settings == Settings(
        host=HOST, agent_homes=homes_below(Path("~").expanduser()), token_source=settings.token_source
    )
    assert settings.state_dir == PROJECT_ROOT / ".switchyard"


def test_every_variable_of_the_agents_is_kept_as_it_is() -> None:
    given = {name: f"value of {name}" for name in agent_variables()} | {"HERMES_MODEL": ""}
    assert load_settings(given).agent_environment == given


def test_variables_that_name_a_token_are_kept_as_secrets() -> None:
    settings = load_settings({"MY_TOKEN": "one", "X_API_KEY": "two", "EMPTY_TOKEN": "", "TOKENS": "three"})
    assert settings.secrets_environment == {"MY_TOKEN": Secret("one"), "X_API_KEY": Secret("two")}


def test_no_secret_is_in_the_settings_as_text() -> None:
    text = repr(load_settings(REAL | {"DATABRICKS_CLIENT_SECRET": "s3cret", "MY_API_KEY": "k3y"}))
    assert not any(secret in text for secret in ("t0ken-of-env", "s3cret", "k3y"))


GATEWAY_HOSTS: dict[str, tuple[dict[str, str], str | None]] = {
    "unset: find out": ({}, None),
    "empty: off on purpose": ({"DATABRICKS_GATEWAY_HOST": ""}, ""),
    "blank: off on purpose": ({"DATABRICKS_GATEWAY_HOST": "  "}, ""),
    "a URL: that one": ({"DATABRICKS_GATEWAY_HOST": "https://g.example/x"}, "https://g.example/x"),
}


@pytest.mark.parametrize(("environment", "expected"), GATEWAY_HOSTS.values(), ids=GATEWAY_HOSTS)
def test_the_gateway_host_has_three_states(environment: dict[str, str], expected: str | None) -> None:
    assert load_settings(REAL | environment).gateway_host == expected


# Where it runs, and what is simulated.


def test_inside_databricks_apps_nothing_is_simulated_without_being_told() -> None:
    assert refusal_of(INSIDE_APPS).code == "host_missing"


def test_inside_databricks_apps_a_scene_may_be_asked_for() -> None:
    settings = load_settings(INSIDE_APPS | {"SWITCHYARD_SIMULATE": "incident"})
    assert (settings.scene, settings.inside_databricks_apps) == ("incident", True)


def test_an_app_name_alone_does_not_make_it_databricks_apps() -> None:
    assert not load_settings({"DATABRICKS_APP_NAME": "x"}).inside_databricks_apps


def test_a_scene_wins_over_a_named_workspace() -> None:
    assert load_settings(REAL | {"SWITCHYARD_SIMULATE": "aws"}).simulated


def test_an_unknown_scene_is_refused() -> None:
    error = refusal_of({"SWITCHYARD_SIMULATE": "mars"})
    assert (error.code, "incident" in error.remedy) == ("unknown_scene", True)


def test_a_simulation_does_not_read_the_persons_config_file(config_file: Path) -> None:
    settings = load_settings(
        with_file(config_file, "not an ini file", SWITCHYARD_SIMULATE="aws", DATABRICKS_CONFIG_PROFILE="gone")
    )
    assert (settings.scene, settings.profile) == ("aws", None)


# Two credentials.


def test_two_credentials_are_refused() -> None:
    assert refusal_of(REAL | PRINCIPAL).code == "credentials_conflict"


@pytest.mark.parametrize("auth_type", ["pat", "oauth-m2m"])
def test_an_auth_type_says_which_of_two_credentials_is_meant(auth_type: str) -> None:
    settings = load_settings(REAL | PRINCIPAL | {"DATABRICKS_AUTH_TYPE": auth_type})
    assert (settings.auth_type, settings.token is None, settings.client_secret is None) == (auth_type, False, False)


def test_a_client_id_without_its_secret_is_no_second_credential() -> None:
    assert load_settings(REAL | {"DATABRICKS_CLIENT_ID": "app-id"}).token == Secret("t0ken-of-env")


def test_a_simulation_does_not_mind_two_credentials() -> None:
    assert load_settings(REAL | PRINCIPAL | {"SWITCHYARD_SIMULATE": "healthy"}).simulated


# Numbers.


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SWITCHYARD_SWEEP_INTERVAL_S", "0"),
        ("SWITCHYARD_SWEEP_INTERVAL_S", "86401"),
        ("SWITCHYARD_HOST_INTERVAL_S", "-1"),
        ("SWITCHYARD_HOST_INTERVAL_S", "nan"),
        ("SWITCHYARD_CONCURRENCY", "65"),
        ("SWITCHYARD_CONCURRENCY", "0"),
        ("SWITCHYARD_CONCURRENCY", "many"),
        ("SWITCHYARD_CONFIRM_DELAY_S", "inf"),
        ("SWITCHYARD_CONFIRM_DELAY_S", "2 s"),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(name: str, text: str) -> None:
    error = refusal_of({name: text})
    assert (error.code, name in error.message, name in error.remedy) == ("setting_invalid", True, True)


def test_a_blank_number_is_the_default() -> None:
    assert load_settings({"SWITCHYARD_CONCURRENCY": " "}).concurrency == 16


# Profiles, as the databricks-sdk picks them.

PROFILES = f"""\
[DEFAULT]
host = {HOST}
token = t0ken-of-default

[other]
host = https://other.cloud.databricks.com
token = t0ken-of-other
workspace_id = 77
"""
POINTED = "[__settings__]\ndefault_profile = other\n" + PROFILES


def test_a_named_profile_names_host_and_token(config_file: Path) -> None:
    settings = load_settings(with_file(config_file, PROFILES, DATABRICKS_CONFIG_PROFILE="other"))
    assert (settings.host, settings.host_source) == ("https://other.cloud.databricks.com", "profile other")
    assert (settings.token, settings.token_source) == (Secret("t0ken-of-other"), "profile other")
    assert (settings.workspace_id, settings.profile) == ("77", "other")


def test_without_a_name_the_default_section_is_the_profile(config_file: Path) -> None:
    settings = load_settings(with_file(config_file, PROFILES))
    assert (settings.host, settings.profile) == (HOST, "DEFAULT")


def test_the_files_own_settings_say_which_profile_is_the_default(config_file: Path) -> None:
    assert load_settings(with_file(config_file, POINTED)).profile == "other"


def test_a_profile_takes_nothing_from_the_default_section(config_file: Path) -> None:
    text = PROFILES + "[bare]\nhost = https://bare.cloud.databricks.com\n"
    assert load_settings(with_file(config_file, text, DATABRICKS_CONFIG_PROFILE="bare")).token is None


def test_the_file_is_left_alone_when_the_environment_names_a_workspace(config_file: Path) -> None:
    assert load_settings(with_file(config_file, PROFILES, DATABRICKS_HOST=HOST)).profile is None


@pytest.mark.parametrize("name", ["DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID"])
def test_a_credential_of_the_environment_is_not_sent_to_the_workspace_of_a_file(config_file: Path, name: str) -> None:
    assert refusal_of(with_file(config_file, PROFILES, **{name: "anything"})).code == "host_missing"


def test_the_environment_wins_over_a_named_profile(config_file: Path) -> None:
    settings = load_settings(with_file(config_file, PROFILES, DATABRICKS_CONFIG_PROFILE="other", **REAL))
    assert (settings.host, settings.host_source) == (HOST, "DATABRICKS_HOST")
    assert (settings.token, settings.token_source) == (Secret("t0ken-of-env"), "DATABRICKS_TOKEN")


def test_a_percent_sign_in_a_profile_is_only_a_percent_sign(config_file: Path) -> None:
    text = PROFILES.replace("t0ken-of-default", "a%(b)s%c")
    assert load_settings(with_file(config_file, text)).token == Secret("a%(b)s%c")


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        pytest.param(PROFILES, {}, id="default section"),
        pytest.param(POINTED, {}, id="default profile of the file"),
        pytest.param(POINTED, {"DATABRICKS_CONFIG_PROFILE": "DEFAULT"}, id="named before the file's default"),
        pytest.param(POINTED, {"DATABRICKS_CONFIG_PROFILE": "other", "DATABRICKS_TOKEN": "x"}, id="environment first"),
    ],
)
def test_the_databricks_sdk_picks_the_same_profile(
    config_file: Path, monkeypatch: pytest.MonkeyPatch, text: str, environment: dict[str, str]
) -> None:
    given = with_file(config_file, text, **environment)
    monkeypatch.setattr(Config, "_resolve_host_metadata", lambda self: None)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    theirs, ours = Config(), load_settings()
    assert (ours.host, ours.token) == (theirs.host, Secret(theirs.token or ""))


PROFILE_FAULTS: dict[str, tuple[str, dict[str, str], str]] = {
    "a profile that is not there": (PROFILES, {"DATABRICKS_CONFIG_PROFILE": "gone"}, "unknown_profile"),
    "the section of the file's own settings": (
        POINTED,
        {"DATABRICKS_CONFIG_PROFILE": "__settings__"},
        "unknown_profile",
    ),
    "a default profile that is not there": (
        PROFILES + "[__settings__]\ndefault_profile = gone\n",
        {},
        "unknown_profile",
    ),
    "a named profile without a host": ("[p]\ntoken = x\n", {"DATABRICKS_CONFIG_PROFILE": "p"}, "host_missing"),
    "not an ini file": ("host = here", {}, "profile_unreadable"),
    "a section twice": ("[a]\n[a]\n", {}, "profile_unreadable"),
}


@pytest.mark.parametrize(("text", "environment", "code"), PROFILE_FAULTS.values(), ids=PROFILE_FAULTS)
def test_a_profile_that_cannot_be_used_never_becomes_a_simulation(
    config_file: Path, text: str, environment: dict[str, str], code: str
) -> None:
    assert refusal_of(with_file(config_file, text, **environment)).code == code


def test_a_config_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    assert refusal_of({"DATABRICKS_CONFIG_FILE": str(tmp_path)}).code == "profile_unreadable"


def test_a_config_file_in_another_encoding_is_refused(config_file: Path) -> None:
    config_file.write_bytes(b"[DEFAULT]\nhost = \xff\xfe\n")
    assert refusal_of({"DATABRICKS_CONFIG_FILE": str(config_file)}).code == "profile_unreadable"


def test_an_empty_default_section_names_no_workspace(config_file: Path) -> None:
    assert load_settings(with_file(config_file, "[DEFAULT]\njobs-api-version = 2.1\n")).simulated


LAKEBASE = {"PGHOST": "db.example", "PGUSER": "app-id", "PGPORT": "5433", "PGDATABASE": "history"}
APP = {"DATABRICKS_HOST": HOST, "DATABRICKS_APP_NAME": "mine", "DATABRICKS_CLIENT_ID": "app-id"}


def test_an_injected_database_counts_inside_databricks_apps_only() -> None:
    assert load_settings(REAL | LAKEBASE).lakebase is None
    found = load_settings(APP | LAKEBASE).lakebase
    assert found == Lakebase(host="db.example", port=5433, database="history", user="app-id")


def test_half_an_injected_database_is_none() -> None:
    assert load_settings(APP | {"PGHOST": "db.example"}).lakebase is None
