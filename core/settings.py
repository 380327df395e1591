"""Read the environment once into one validated, frozen value; nobody else reads os.environ."""

from __future__ import annotations

import configparser
import contextlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.catalog.agents import AGENTS
from core.errors import ConfigurationError
from core.model.secret import Secret
from core.model.usage import Price

# The section of a Databricks config file that holds no profile but says which one is the default.
_FILE_SETTINGS = "__settings__"

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_SCENE = "healthy"
SCENES = ("healthy", "incident", "no-gateway", "aws", "gcp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the settings table in the README."""

    name: str
    default: str
    meaning: str


SETTINGS: tuple[Setting, ...] = (
    Setting(
        name="DATABRICKS_HOST",
        default="",
        meaning="Workspace URL, with or without https://; with no host, profile or credential: the simulated workspace",
    ),
    Setting(name="DATABRICKS_TOKEN", default="", meaning="Personal access token of the dashboard"),
    Setting(
        name="DATABRICKS_CLIENT_ID",
        default="",
        meaning="Service principal of the dashboard (injected on Databricks Apps)",
    ),
    Setting(name="DATABRICKS_CLIENT_SECRET", default="", meaning="Its OAuth secret"),
    Setting(
        name="DATABRICKS_AUTH_TYPE",
        default="",
        meaning="Which credential to use when several are set: pat, oauth-m2m, databricks-cli, azure-cli …",
    ),
    Setting(name="DATABRICKS_CONFIG_PROFILE", default="", meaning="Profile of the Databricks config file to use"),
    Setting(name="DATABRICKS_CONFIG_FILE", default="~/.databrickscfg", meaning="That file"),
    Setting(name="DATABRICKS_WORKSPACE_ID", default="", meaning="Workspace id, compared with what the workspace says"),
    Setting(
        name="DATABRICKS_GATEWAY_HOST",
        default="unset",
        meaning="unset: find the gateway; a URL: use it; empty: gateway off, use serving-endpoints",
    ),
    Setting(
        name="DATABRICKS_APP_NAME",
        default="",
        meaning="Injected on Databricks Apps; with the client id it marks that we run there",
    ),
    Setting(name="HERMES_HOME", default="~/.hermes", meaning="Folder of Hermes' own config.yaml on this machine"),
    Setting(name="SWITCHYARD_SIMULATE", default="", meaning="Scene of the simulated workspace: " + ", ".join(SCENES)),
    Setting(
        name="SWITCHYARD_STATE_DIR",
        default=".switchyard",
        meaning="Folder for the changes database and the simulated configs",
    ),
    Setting(
        name="SWITCHYARD_TRUSTED_HOSTS",
        default="",
        meaning="Further hosts that may receive bearer tokens, comma-separated; a loopback origin with its port",
    ),
    Setting(name="SWITCHYARD_SWEEP_INTERVAL_S", default="300", meaning="Seconds between sweeps that ask the models"),
    Setting(
        name="SWITCHYARD_HOST_INTERVAL_S", default="60", meaning="Seconds between checks that the hosts still answer"
    ),
    Setting(name="SWITCHYARD_CONCURRENCY", default="16", meaning="Probes at the same time, 1 to 64"),
    Setting(
        name="SWITCHYARD_CONFIRM_DELAY_S",
        default="2",
        meaning="Pause before a failure that looks final is asked once more",
    ),
    Setting(
        name="SWITCHYARD_DAILY_TOKENS",
        default="5000000",
        meaning="Tokens that probes may use per UTC day, then only hosts are checked; 0: no limit",
    ),
    Setting(
        name="SWITCHYARD_PRICES",
        default="",
        meaning="TOML file with the price of a million tokens per model; without it no money is shown",
    ),
)


def agent_variables() -> tuple[str, ...]:
    """Return every environment variable of the agent catalogue, in catalogue order."""
    names: dict[str, None] = {}
    for spec in AGENTS.values():
        for slot in spec.slots:
            names.update(dict.fromkeys(slot.variables))
        if spec.enable_variable:
            names[spec.enable_variable] = None
    return tuple(names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment and the Databricks profile ask for; `host` is still as somebody typed it.

    `gateway_host` None means unset (find out), "" means switched off on purpose.
    """

    host: str | None = None
    host_source: str = "DATABRICKS_HOST"
    token: Secret | None = None
    token_source: str = "DATABRICKS_TOKEN"
    client_id: str | None = None
    client_secret: Secret | None = None
    auth_type: str | None = None
    profile: str | None = None
    workspace_id: str | None = None
    gateway_host: str | None = None
    scene: str | None = None
    app_name: str | None = None
    inside_databricks_apps: bool = False
    hermes_home: Path = Path("~/.hermes")
    state_dir: Path = PROJECT_ROOT / ".switchyard"
    trusted_hosts: tuple[str, ...] = ()
    sweep_interval_s: float = 300.0
    host_interval_s: float = 60.0
    concurrency: int = 16
    confirm_delay_s: float = 2.0
    daily_tokens: int = 5_000_000
    prices: Mapping[str, Price] = field(default_factory=dict)
    agent_environment: Mapping[str, str] = field(default_factory=dict)
    secrets_environment: Mapping[str, Secret] = field(default_factory=dict)

    @property
    def simulated(self) -> bool:
        """Say whether everything comes from the simulated workspace."""
        return self.scene is not None


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this environment.

    Raises ConfigurationError for values that cannot be meant; nothing has been sent anywhere then.
    """
    env = dict(os.environ if environ is None else environ)
    inside = bool(env.get("DATABRICKS_APP_NAME") and env.get("DATABRICKS_CLIENT_ID"))
    scene = env.get("SWITCHYARD_SIMULATE", "").strip() or None
    # A simulation needs nothing of the person's own, so nothing of it can stand in its way.
    profile = _profile_values(env) if scene is None else {}
    host = env.get("DATABRICKS_HOST") or profile.get("host") or None
    if scene is None and host is None and not inside and not _means_a_real_one(env):
        scene = DEFAULT_SCENE
    if scene is not None and scene not in SCENES:
        raise ConfigurationError(
            f"There is no simulated scene named {scene!r}.",
            code="unknown_scene",
            remedy="Set SWITCHYARD_SIMULATE to one of: " + ", ".join(SCENES) + ".",
        )
    if scene is None and host is None:
        raise ConfigurationError(
            "No workspace is named.",
            code="host_missing",
            remedy="Set DATABRICKS_HOST to the workspace URL, or SWITCHYARD_SIMULATE to a scene.",
        )
    token = env.get("DATABRICKS_TOKEN") or profile.get("token")
    secret = env.get("DATABRICKS_CLIENT_SECRET") or profile.get("client_secret")
    settings = Settings(
        host=host,
        host_source="DATABRICKS_HOST" if env.get("DATABRICKS_HOST") else f"profile {profile.get('name', '')}",
        token=Secret(token) if token else None,
        token_source="DATABRICKS_TOKEN" if env.get("DATABRICKS_TOKEN") else f"profile {profile.get('name', '')}",
        client_id=env.get("DATABRICKS_CLIENT_ID") or profile.get("client_id") or None,
        client_secret=Secret(secret) if secret else None,
        auth_type=env.get("DATABRICKS_AUTH_TYPE") or profile.get("auth_type") or None,
        profile=profile.get("name"),
        workspace_id=env.get("DATABRICKS_WORKSPACE_ID") or profile.get("workspace_id") or None,
        gateway_host=env["DATABRICKS_GATEWAY_HOST"].strip() if "DATABRICKS_GATEWAY_HOST" in env else None,
        scene=scene,
        app_name=env.get("DATABRICKS_APP_NAME") or None,
        inside_databricks_apps=inside,
        hermes_home=Path(env.get("HERMES_HOME") or "~/.hermes").expanduser(),
        state_dir=_state_dir(env),
        trusted_hosts=tuple(
            part.strip() for part in env.get("SWITCHYARD_TRUSTED_HOSTS", "").split(",") if part.strip()
        ),
        sweep_interval_s=_number(env, "SWITCHYARD_SWEEP_INTERVAL_S", 300.0, low=1, high=86_400),
        host_interval_s=_number(env, "SWITCHYARD_HOST_INTERVAL_S", 60.0, low=1, high=86_400),
        concurrency=int(_number(env, "SWITCHYARD_CONCURRENCY", 16, low=1, high=64)),
        confirm_delay_s=_number(env, "SWITCHYARD_CONFIRM_DELAY_S", 2.0, low=0, high=10),
        daily_tokens=int(_number(env, "SWITCHYARD_DAILY_TOKENS", 5_000_000, low=0, high=1e12)),
        prices=_prices(env),
        agent_environment={name: env[name] for name in agent_variables() if name in env},
        secrets_environment={name: Secret(value) for name, value in env.items() if value and _names_a_token(name)},
    )
    _refuse_two_credentials(settings)
    return settings


def _means_a_real_one(env: Mapping[str, str]) -> bool:
    """Whoever sets a credential or a profile means a workspace: it must not turn into the simulated one unnoticed."""
    return any(env.get(name) for name in ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID", "DATABRICKS_CONFIG_PROFILE"))


def _names_a_token(name: str) -> bool:
    return name.endswith(("_TOKEN", "_API_KEY"))


def _state_dir(env: Mapping[str, str]) -> Path:
    given = env.get("SWITCHYARD_STATE_DIR")
    return Path(given).expanduser().resolve() if given else PROJECT_ROOT / ".switchyard"


def _number(env: Mapping[str, str], name: str, default: float, *, low: float, high: float) -> float:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ConfigurationError(
            f"{name} is {text!r}, which is not a number from {low:g} to {high:g}.",
            code="setting_invalid",
            remedy=f"Set {name} to a number from {low:g} to {high:g}, or unset it (default {default:g}).",
        )
    return value


def _prices(env: Mapping[str, str]) -> dict[str, Price]:
    """Return the price table: per model a TOML table with `input` and `output`, per million tokens."""
    given = env.get("SWITCHYARD_PRICES", "").strip()
    if not given:
        return {}
    path = Path(given).expanduser()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        prices = {model: Price(input=float(row["input"]), output=float(row["output"])) for model, row in tables.items()}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ConfigurationError(
            f"The price table {path.name} cannot be used ({type(exc).__name__}).",
            code="prices_invalid",
            remedy='Write per model: ["model-name"], input = 1.5, output = 7.5 (per million tokens); '
            "or unset SWITCHYARD_PRICES.",
        ) from exc
    if any(not 0 <= amount < float("inf") for price in prices.values() for amount in (price.input, price.output)):
        raise ConfigurationError(
            f"The price table {path.name} has a price that is negative or not a number.",
            code="prices_invalid",
            remedy="Correct it, or unset SWITCHYARD_PRICES.",
        )
    return prices


def _refuse_two_credentials(settings: Settings) -> None:
    if settings.simulated or settings.auth_type:
        return
    if settings.token and settings.client_id and settings.client_secret:
        raise ConfigurationError(
            "Two credentials are set: DATABRICKS_TOKEN and DATABRICKS_CLIENT_ID with its secret.",
            code="credentials_conflict",
            remedy="Unset one of them, or set DATABRICKS_AUTH_TYPE to pat or oauth-m2m.",
        )


def _profile_values(env: Mapping[str, str]) -> dict[str, str]:
    """Return the profile in force, as the databricks-sdk picks it: only when named, or when nothing else is set."""
    wanted = env.get("DATABRICKS_CONFIG_PROFILE")
    if not wanted and any(env.get(name) for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID")):
        return {}
    path = Path(env.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()
    parser = configparser.ConfigParser(interpolation=None, default_section="_none_")
    try:
        with contextlib.suppress(FileNotFoundError):
            parser.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"The Databricks config file {path.name} cannot be read.",
            code="profile_unreadable",
            remedy="Correct the file, or set DATABRICKS_HOST and DATABRICKS_TOKEN instead.",
        ) from exc
    named = wanted or parser.get(_FILE_SETTINGS, "default_profile", fallback="").strip()
    if named and (named == _FILE_SETTINGS or not parser.has_section(named)):
        raise ConfigurationError(
            f"There is no Databricks profile named {named!r}.",
            code="unknown_profile",
            remedy="Set DATABRICKS_CONFIG_PROFILE to a profile of your Databricks config file, or unset it.",
        )
    if not named and not parser.has_section("DEFAULT"):
        return {}
    return {**dict(parser.items(named or "DEFAULT")), "name": named or "DEFAULT"}
