"""Every setting of the environment with its default and meaning: the table of the README."""

from __future__ import annotations

from dataclasses import dataclass

from core.catalog.agents import AGENTS

SCENES = ("healthy", "incident", "no-gateway", "aws", "gcp", "deployed-incident", "demo")
DEMO_SCENE = "demo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the settings table in the README."""

    name: str
    default: str
    meaning: str


_HOMES = tuple(
    Setting(name=home.variable, default="/".join(filter(None, ("~", home.folder))), meaning=home.meaning)
    for home in (spec.home for spec in AGENTS.values())
    if home is not None
)

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
    *_HOMES,
    Setting(name="SWITCHYARD_SIMULATE", default="", meaning="Scene of the simulated workspace: " + ", ".join(SCENES)),
    Setting(
        name="SWITCHYARD_APP",
        default="",
        meaning="The deployed app that runs the agents, where several could be it",
    ),
    Setting(
        name="SWITCHYARD_STATE_DIR",
        default=".switchyard",
        meaning="Folder for the changes database and the simulated configs",
    ),
    Setting(
        name="SWITCHYARD_TRUSTED_HOSTS",
        default="",
        meaning="Further hosts that may receive bearer tokens, comma-separated; host=private where its addresses are "
        "private, a loopback origin with its port",
    ),
    Setting(
        name="SWITCHYARD_ADMINS",
        default="",
        meaning="E-mail addresses and groups of those who may change things on Databricks Apps, comma-separated",
    ),
    Setting(
        name="SWITCHYARD_OPERATORS",
        default="",
        meaning="E-mail addresses and groups of those who may probe there, comma-separated",
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
        name="SWITCHYARD_FAITHFUL_INTERVAL_S",
        default="1800",
        meaning="Seconds between sweeps that send what each agent really sends; 0: only when somebody asks",
    ),
    Setting(
        name="SWITCHYARD_DATABASE_URL",
        default="",
        meaning="Where history is kept: a PostgreSQL URL; unset: Lakebase where Databricks injects it, else a file",
    ),
    Setting(name="SWITCHYARD_RAW_DAYS", default="7", meaning="Days for which every single check is kept"),
    Setting(name="SWITCHYARD_HOURLY_DAYS", default="90", meaning="Days for which hours are kept, and days after that"),
    Setting(
        name="SWITCHYARD_HISTORY_MB",
        default="1024",
        meaning="Size that the database never exceeds; the oldest checks go first",
    ),
    Setting(name="SWITCHYARD_DOWN_AFTER", default="3", meaning="Transient failures in a row that make a route Down"),
    Setting(name="SWITCHYARD_RECOVER_AFTER", default="2", meaning="Passes in a row that make it Healthy again"),
    Setting(
        name="SWITCHYARD_LATENCY_LIMIT_S",
        default="6",
        meaning="95th percentile of an answer's time above which a route is Degraded",
    ),
    Setting(name="SWITCHYARD_TTFT_LIMIT_S", default="4", meaning="The same for the time to the first token"),
    Setting(
        name="SWITCHYARD_ALERTS",
        default="",
        meaning="TOML file with the channels and rules of alerts; without it nobody is told",
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
