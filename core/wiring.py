"""Put the parts together for one environment: which workspace, whose credential, what is read and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.adapters.agent_configs import AgentConfigFiles
from core.adapters.change_store import SqlChangeStore
from core.adapters.clock import SystemClock
from core.adapters.credentials import StaticToken, credentials_for
from core.adapters.file_target import TARGET_ID, HermesFileTarget
from core.adapters.network import Network
from core.detect.hosts import ParsedGateway, ParsedHost, parse_gateway_url, parse_host
from core.detect.trust import Trust, make_trust
from core.errors import ConfigurationError
from core.model.secret import Secret
from core.ports import AgentConfigSource, ChangeStore, Clock, Credentials, Target
from core.settings import Settings
from core.simulator.homes import HERMES_FOLDER, lay_agent_configs
from core.simulator.server import SimulatedWorkspace

_DATABASE = "switchyard.db"


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The parts of one environment; `gateway` is the explicit one, if any, already parsed and trusted."""

    settings: Settings
    host: ParsedHost
    gateway: ParsedGateway | None
    trust: Trust
    network: Network
    credentials: Credentials
    configs: AgentConfigSource
    file_targets: Mapping[str, Target]
    tokens: Mapping[str, Secret]
    database: Path
    clock: Clock

    def open_store(self) -> ChangeStore:
        """Open the changes database; raises StoreError when it cannot be opened."""
        return SqlChangeStore(self.database)


@contextmanager
def wired(settings: Settings) -> Iterator[Wiring]:
    """Wire everything up, and the simulated workspace with it where there is one; it stops at the end.

    Raises ConfigurationError for settings that cannot be meant; nothing has been sent anywhere then.
    """
    if settings.scene is None:
        yield _wire_real(settings)
        return
    with SimulatedWorkspace(settings.scene) as workspace:
        yield wire_simulated(settings, workspace)


def _wire_real(settings: Settings) -> Wiring:
    if settings.host is None:
        raise ConfigurationError(
            "No workspace is named.", code="host_missing", remedy="Set DATABRICKS_HOST to the workspace URL."
        )
    host = parse_host(settings.host)
    return _wire(
        settings,
        host=host,
        network=Network(),
        credentials=credentials_for(settings, host.origin),
        hermes_home=settings.hermes_home,
        tokens=settings.secrets_environment,
        state_dir=settings.state_dir,
    )


def wire_simulated(settings: Settings, workspace: SimulatedWorkspace) -> Wiring:
    """Wire up a simulated workspace that runs already, with nothing of the person's own: no credential, file or token.

    Raises ConfigurationError as `wired` does.
    """
    scene = workspace.scene
    state_dir = settings.state_dir / "simulated" / scene.name
    home = state_dir / "home"
    try:
        lay_agent_configs(scene, home)
    except OSError as exc:
        raise ConfigurationError(
            f"The folder for the simulated agents' configs cannot be written: {exc.strerror}.",
            code="state_dir_unwritable",
            remedy="Set SWITCHYARD_STATE_DIR to a folder that this user may write.",
        ) from exc
    return _wire(
        settings,
        host=parse_host(scene.host),
        network=Network(resolve_map=workspace.resolve_map, ssl_context=workspace.client_ssl_context()),
        credentials=StaticToken(scene.token, "the simulated workspace"),
        hermes_home=home / HERMES_FOLDER,
        tokens=scene.agent_environment,
        state_dir=state_dir,
    )


def _wire(
    settings: Settings,
    *,
    host: ParsedHost,
    network: Network,
    credentials: Credentials,
    hermes_home: Path,
    tokens: Mapping[str, Secret],
    state_dir: Path,
) -> Wiring:
    trust = make_trust(host.origin, settings.trusted_hosts)
    clock = SystemClock()
    hermes = HermesFileTarget(home=hermes_home, environment=tokens, state_dir=state_dir, clock=clock)
    return Wiring(
        settings=settings,
        host=host,
        gateway=parse_gateway_url(settings.gateway_host, host, trust) if settings.gateway_host else None,
        trust=trust,
        network=network,
        credentials=credentials,
        configs=AgentConfigFiles(hermes_home=hermes_home, environment=tokens),
        file_targets={TARGET_ID: hermes},
        tokens=tokens,
        database=state_dir / _DATABASE,
        clock=clock,
    )
