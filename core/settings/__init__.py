"""Read the environment once into one validated, frozen value; nobody else reads os.environ."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.model.secret import Secret
from core.model.usage import Price
from core.settings.homes import agent_homes
from core.settings.reading import number, prices, profile_values
from core.settings.table import DEMO_SCENE, SCENES, SETTINGS, Setting, agent_variables

PROJECT_ROOT = Path(__file__).resolve().parents[2]
DEFAULT_SCENE = "healthy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lakebase:
    """The database that Databricks Apps injects (PG* variables); its password is minted for each connection."""

    host: str
    port: int
    database: str
    user: str
    sslmode: str = "require"


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
    agents_app: str | None = None
    inside_databricks_apps: bool = False
    agent_homes: Mapping[AgentId, Path] = field(default_factory=dict)
    state_dir: Path = PROJECT_ROOT / ".switchyard"
    trusted_hosts: tuple[str, ...] = ()
    sweep_interval_s: float = 300.0
    host_interval_s: float = 60.0
    concurrency: int = 16
    confirm_delay_s: float = 2.0
    daily_tokens: int = 5_000_000
    admins: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    prices: Mapping[str, Price] = field(default_factory=dict)
    faithful_interval_s: float = 1800.0
    database_url: Secret | None = None
    lakebase: Lakebase | None = None
    raw_days: int = 7
    hourly_days: int = 90
    history_mb: int = 1024
    down_after: int = 3
    recover_after: int = 2
    latency_limit_s: float = 6.0
    ttft_limit_s: float = 4.0
    alerts: Path | None = None
    agent_environment: Mapping[str, str] = field(default_factory=dict)
    secrets_environment: Mapping[str, Secret] = field(default_factory=dict)
    # What the alerts file may name: any variable, so all of them, and only where there is such a file.
    alerts_environment: Mapping[str, Secret] = field(default_factory=dict, repr=False)

    @property
    def simulated(self) -> bool:
        """Say whether everything comes from the simulated workspace."""
        return self.scene is not None

    @property
    def demo(self) -> bool:
        """Say whether this process shows the demo, which plays on a workspace of its own."""
        return self.scene == DEMO_SCENE


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this environment.

    Raises ConfigurationError for values that cannot be meant; nothing has been sent anywhere then.
    """
    env = dict(os.environ if environ is None else environ)
    inside = bool(env.get("DATABRICKS_APP_NAME") and env.get("DATABRICKS_CLIENT_ID"))
    scene = env.get("SWITCHYARD_SIMULATE", "").strip() or None
    # A simulation needs nothing of the person's own, so nothing of it can stand in its way.
    profile = profile_values(env) if scene is None else {}
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
        agents_app=env.get("SWITCHYARD_APP", "").strip().removeprefix("app:") or None,
        inside_databricks_apps=inside,
        agent_homes=agent_homes(env),
        state_dir=_state_dir(env),
        trusted_hosts=tuple(
            part.strip() for part in env.get("SWITCHYARD_TRUSTED_HOSTS", "").split(",") if part.strip()
        ),
        admins=_people(env, "SWITCHYARD_ADMINS"),
        operators=_people(env, "SWITCHYARD_OPERATORS"),
        sweep_interval_s=number(env, "SWITCHYARD_SWEEP_INTERVAL_S", 300.0, low=1, high=86_400),
        host_interval_s=number(env, "SWITCHYARD_HOST_INTERVAL_S", 60.0, low=1, high=86_400),
        concurrency=int(number(env, "SWITCHYARD_CONCURRENCY", 16, low=1, high=64)),
        confirm_delay_s=number(env, "SWITCHYARD_CONFIRM_DELAY_S", 2.0, low=0, high=10),
        daily_tokens=int(number(env, "SWITCHYARD_DAILY_TOKENS", 5_000_000, low=0, high=1e12)),
        prices=prices(env),
        faithful_interval_s=number(env, "SWITCHYARD_FAITHFUL_INTERVAL_S", 1800.0, low=0, high=86_400),
        database_url=Secret(env["SWITCHYARD_DATABASE_URL"]) if env.get("SWITCHYARD_DATABASE_URL") else None,
        lakebase=_lakebase(env) if inside else None,
        raw_days=int(number(env, "SWITCHYARD_RAW_DAYS", 7, low=1, high=365)),
        hourly_days=int(number(env, "SWITCHYARD_HOURLY_DAYS", 90, low=1, high=3650)),
        history_mb=int(number(env, "SWITCHYARD_HISTORY_MB", 1024, low=16, high=1_000_000)),
        down_after=int(number(env, "SWITCHYARD_DOWN_AFTER", 3, low=1, high=20)),
        recover_after=int(number(env, "SWITCHYARD_RECOVER_AFTER", 2, low=1, high=20)),
        latency_limit_s=number(env, "SWITCHYARD_LATENCY_LIMIT_S", 6.0, low=0.1, high=600),
        ttft_limit_s=number(env, "SWITCHYARD_TTFT_LIMIT_S", 4.0, low=0.1, high=600),
        alerts=Path(env["SWITCHYARD_ALERTS"]).expanduser() if env.get("SWITCHYARD_ALERTS") else None,
        alerts_environment=_all_of(env) if env.get("SWITCHYARD_ALERTS") else {},
        agent_environment={name: env[name] for name in agent_variables() if name in env},
        secrets_environment={name: Secret(value) for name, value in env.items() if value and _names_a_token(name)},
    )
    _refuse_two_credentials(settings)
    return settings


def _people(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in env.get(name, "").split(",") if part.strip())


def _means_a_real_one(env: Mapping[str, str]) -> bool:
    """Whoever sets a credential or a profile means a workspace: it must not turn into the simulated one unnoticed."""
    return any(env.get(name) for name in ("DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID", "DATABRICKS_CONFIG_PROFILE"))


def _lakebase(env: Mapping[str, str]) -> Lakebase | None:
    """Only inside Databricks Apps: on somebody's machine PG* means that person's own database."""
    host, user = env.get("PGHOST", "").strip(), env.get("PGUSER", "").strip()
    if not host or not user:
        return None
    return Lakebase(
        host=host,
        port=int(number(env, "PGPORT", 5432, low=1, high=65_535)),
        database=env.get("PGDATABASE") or "databricks_postgres",
        user=user,
        sslmode=env.get("PGSSLMODE") or "require",
    )


def _all_of(env: Mapping[str, str]) -> dict[str, Secret]:
    return {name: Secret(value) for name, value in env.items() if value}


def _names_a_token(name: str) -> bool:
    return name.endswith(("_TOKEN", "_API_KEY"))


def _state_dir(env: Mapping[str, str]) -> Path:
    given = env.get("SWITCHYARD_STATE_DIR")
    return Path(given).expanduser().resolve() if given else PROJECT_ROOT / ".switchyard"


def _refuse_two_credentials(settings: Settings) -> None:
    if settings.simulated or settings.auth_type:
        return
    if settings.token and settings.client_id and settings.client_secret:
        raise ConfigurationError(
            "Two credentials are set: DATABRICKS_TOKEN and DATABRICKS_CLIENT_ID with its secret.",
            code="credentials_conflict",
            remedy="Unset one of them, or set DATABRICKS_AUTH_TYPE to pat or oauth-m2m.",
        )


__all__ = [
    "DEFAULT_SCENE",
    "DEMO_SCENE",
    "PROJECT_ROOT",
    "SCENES",
    "SETTINGS",
    "Lakebase",
    "Setting",
    "Settings",
    "agent_variables",
    "load_settings",
]
