"""The scenes: each is one simulated workspace with its models, its credentials and its agents' own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from core.errors import ConfigurationError
from core.model.agent import Dialect
from core.model.gateway import Generation
from core.model.secret import Secret
from core.model.workspace import Cloud
from core.simulator.models import MODELS, SimulatedModel


class TokenState(StrEnum):
    """What the workspace makes of a token it is shown; the values name tokens in the request log."""

    LIVE = "live"
    AGENT = "agent"
    ROTATED = "rotated"
    OTHER_WORKSPACE = "other_workspace"
    NARROW = "narrow"
    SERVICE_PRINCIPAL = "service_principal"
    UNKNOWN = "unknown"
    NONE = "none"


class Quirk(StrEnum):
    """Odd behaviour of the model-services listing that has been seen in the wild (databricks.md §3.3)."""

    CANCEL_LARGE_PAGES = "cancel_large_pages"
    EMPTY_FIRST_PAGE = "empty_first_page"
    NULL_LIST = "null_list"


_FICTIONAL_TOKENS: Mapping[TokenState, str] = {
    state: f"dapi-simulated-{state.value.replace('_', '-')}"
    for state in TokenState
    if state not in (TokenState.UNKNOWN, TokenState.NONE)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HermesSetup:
    """What the scene's Hermes config says, when its author last touched it."""

    primary: str
    fallback: str
    token: TokenState = TokenState.AGENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who the dashboard's token belongs to."""

    id: str = "5201314"
    user_name: str = "robin.vale@switchyard.example"
    display_name: str = "Robin Vale"
    groups: tuple[str, ...] = ("admins", "users")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One simulated workspace. `generation` is the one its agents are set up for; `gateway_off` is how the workspace
    answers below /ai-gateway when there is none, None when there is one. `enforces_unity` retires endpoint names.
    `deployed`: its agents run in deployed apps, and none has a config here. Without `has_app` no app
    is deployed at all. A deployment takes `deploy_s`."""

    name: str
    title: str
    cloud: Cloud
    workspace_host: str
    workspace_id: str
    generation: Generation
    hermes: HermesSetup
    dedicated_host: str | None = None
    gateway_off: str | None = None
    unity_features: bool = True
    enforces_unity: bool = False
    deployed: bool = False
    has_app: bool = True
    deploy_s: float = 0.0
    models: tuple[SimulatedModel, ...] = MODELS
    person: Person = Person()
    colleagues: tuple[Person, ...] = (
        Person(id="5201315", user_name="casey.rowe@switchyard.example", display_name="Casey Rowe", groups=()),
        Person(
            id="5201316",
            user_name="alex.thorn@switchyard.example",
            display_name="Alex Thorn",
            groups=("users", "agents-on-call"),
        ),
    )
    account_id: str = "0d15ea5e-0000-4000-8000-00000000cafe"
    client_id: str = "5eed5eed-0000-4000-8000-00000000beef"
    quirks: frozenset[Quirk] = frozenset()
    tokens: Mapping[TokenState, Secret] = field(
        default_factory=lambda: {state: Secret(text) for state, text in _FICTIONAL_TOKENS.items()}
    )

    @property
    def host(self) -> str:
        """Return the workspace as DATABRICKS_HOST would name it."""
        return f"https://{self.workspace_host}"

    @property
    def host_names(self) -> tuple[str, ...]:
        """Return every name that leads to this workspace; no other name resolves in simulation."""
        return (self.workspace_host,) if self.dedicated_host is None else (self.workspace_host, self.dedicated_host)

    @property
    def token(self) -> Secret:
        """Return the dashboard's own token."""
        return self.tokens[TokenState.LIVE]

    @property
    def client_secret(self) -> Secret:
        """Return the secret of the scene's service principal."""
        return Secret("simulated-client-secret")

    @property
    def gateway_base(self) -> str:
        """Return the base URL below which this scene's agents are set up."""
        if self.generation is Generation.DEDICATED:
            return f"https://{self.dedicated_host}"
        path = "/ai-gateway" if self.generation is Generation.WORKSPACE else "/serving-endpoints"
        return self.host + path

    @property
    def agent_environment(self) -> Mapping[str, Secret]:
        """Return what the agents' terminals have in their environment."""
        # Codex' config names the second one (env_key).
        return dict.fromkeys(("DATABRICKS_TOKEN", "OPENAI_API_KEY"), self.tokens[TokenState.AGENT])


def _without_chat(models: tuple[SimulatedModel, ...], name: str) -> tuple[SimulatedModel, ...]:
    messages = (Dialect.ANTHROPIC_MESSAGES,)
    return tuple(replace(model, gateway=messages, legacy=messages) if model.id == name else model for model in models)


def _without_legacy_chat(models: tuple[SimulatedModel, ...], name: str) -> tuple[SimulatedModel, ...]:
    messages = (Dialect.ANTHROPIC_MESSAGES,)
    return tuple(replace(model, legacy=messages) if model.id == name else model for model in models)


_WORKING = HermesSetup(primary="databricks-claude-opus-4-6", fallback="databricks-claude-sonnet-4-6")

# Azure numbers follow what was seen: workspace host id mod 20, dedicated host id mod 10 (databricks.md §1.1).
_ALL = (
    Scene(
        name="healthy",
        title="Azure workspace where everything works",
        cloud=Cloud.AZURE,
        workspace_host="adb-4815162342108653.13.azuredatabricks.net",
        workspace_id="4815162342108653",
        dedicated_host="4815162342108653.3.ai-gateway.azuredatabricks.net",
        generation=Generation.WORKSPACE,
        hermes=_WORKING,
    ),
    Scene(
        name="incident",
        title="The outage: Hermes fails on its primary and on its fallback, everything else works",
        cloud=Cloud.AZURE,
        workspace_host="adb-3141592653589797.17.azuredatabricks.net",
        workspace_id="3141592653589797",
        generation=Generation.SERVING_ENDPOINTS,
        gateway_off="gateway_not_found",
        unity_features=False,
        models=_without_chat(MODELS, "claude-opus-4-7"),
        hermes=HermesSetup(
            primary="databricks-claude-opus-4-7", fallback="databricks-claude-opus-4-6", token=TokenState.ROTATED
        ),
    ),
    Scene(
        name="no-gateway",
        title="Azure workspace without any gateway: agents use the serving endpoints",
        cloud=Cloud.AZURE,
        workspace_host="adb-2718281828459046.6.azuredatabricks.net",
        workspace_id="2718281828459046",
        generation=Generation.SERVING_ENDPOINTS,
        gateway_off="gateway_not_found",
        unity_features=False,
        hermes=_WORKING,
    ),
    Scene(
        name="aws",
        title="AWS workspace whose host name does not tell its id",
        cloud=Cloud.AWS,
        workspace_host="dbc-5a1f00d2-77c3.cloud.databricks.com",
        workspace_id="1618033988749895",
        dedicated_host="1618033988749895.ai-gateway.cloud.databricks.com",
        generation=Generation.WORKSPACE,
        hermes=_WORKING,
    ),
    Scene(
        name="gcp",
        title="GCP workspace that has only the dedicated gateway host",
        cloud=Cloud.GCP,
        workspace_host="1414213562373095.5.gcp.databricks.com",
        workspace_id="1414213562373095",
        dedicated_host="1414213562373095.ai-gateway.gcp.databricks.com",
        generation=Generation.DEDICATED,
        gateway_off="gateway_not_implemented",
        hermes=_WORKING,
    ),
    Scene(
        name="deployed-incident",
        title="Agents in deployed apps: Hermes' primary answers 404 and its fallback 403, everything else works",
        cloud=Cloud.AZURE,
        workspace_host="adb-5772156649015328.8.azuredatabricks.net",
        workspace_id="5772156649015328",
        dedicated_host="5772156649015328.8.ai-gateway.azuredatabricks.net",
        generation=Generation.WORKSPACE,
        hermes=HermesSetup(primary="databricks-claude-opus-4-8", fallback="databricks-gpt-5-5-pro"),
        deployed=True,
        deploy_s=4.0,
    ),
    Scene(
        name="demo",
        title="The demo: a healthy workspace on which the outage is played step by step",
        cloud=Cloud.AZURE,
        workspace_host="adb-6626070150400014.14.azuredatabricks.net",
        workspace_id="6626070150400014",
        dedicated_host="6626070150400014.4.ai-gateway.azuredatabricks.net",
        generation=Generation.WORKSPACE,
        # An app of its own would say what Hermes should run, and what the demo switches would be drift.
        has_app=False,
        models=_without_legacy_chat(MODELS, "claude-opus-4-7"),
        hermes=_WORKING,
    ),
)

SCENE_BY_NAME: Mapping[str, Scene] = {scene.name: scene for scene in _ALL}


def scene_named(name: str) -> Scene:
    """Return the scene of this name; raises ConfigurationError when there is none."""
    scene = SCENE_BY_NAME.get(name)
    if scene is None:
        raise ConfigurationError(
            f"There is no simulated scene named {name!r}.",
            code="unknown_scene",
            remedy="Choose one of: " + ", ".join(SCENE_BY_NAME) + ".",
        )
    return scene
