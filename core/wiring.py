"""Put the parts together for one environment: which workspace, whose credential, what is read and written."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.adapters.agent_configs import AgentConfigFiles
from core.adapters.agents import FORMS
from core.adapters.apps import DatabricksApps, connection
from core.adapters.clock import SystemClock
from core.adapters.credentials import StaticToken, credentials_for
from core.adapters.database import (
    Database,
    DatabasePlace,
    LakebasePasswords,
    LakebasePlace,
    Sqlite,
    open_database,
    place_of,
)
from core.adapters.file_target import FileTarget
from core.adapters.network import Network
from core.adapters.people import WorkspacePeople
from core.adapters.proxies import environment_proxies
from core.apps import Apps
from core.detect.hosts import ParsedGateway, ParsedHost, parse_gateway_url, parse_host
from core.detect.trust import Trust, make_trust
from core.errors import ConfigurationError, StoreError
from core.model.agent import AgentId
from core.model.secret import Secret
from core.people import KnownPeople
from core.ports import AgentConfigSource, Clock, Credentials, Target
from core.settings import Settings
from core.settings.homes import homes_below
from core.simulator.homes import lay_agent_configs
from core.simulator.server import SimulatedWorkspace
from core.trusted_hosts import TrustedHosts

_DATABASE = "switchyard.db"
_MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The parts of one environment; `gateway` is the explicit one, if any, already parsed and trusted."""

    settings: Settings
    host: ParsedHost
    gateway: ParsedGateway | None
    trusted: TrustedHosts
    network: Network
    credentials: Credentials
    configs: AgentConfigSource
    file_targets: Mapping[str, Target]
    apps: Apps
    people: KnownPeople
    tokens: Mapping[str, Secret]
    state_dir: Path
    database: Database
    clock: Clock

    @property
    def trust(self) -> Trust:
        """Return which hosts may receive tokens, as it stands now."""
        return self.trusted.trust


@contextmanager
def wired(settings: Settings) -> Iterator[Wiring]:
    """Wire everything up, and the simulated workspace with it where there is one; it stops at the end.

    Raises ConfigurationError for settings that cannot be meant; nothing has been sent anywhere then.
    """
    with ExitStack() as stack:
        if settings.scene is None:
            wiring = _wire_real(settings)
        else:
            wiring = wire_simulated(settings, stack.enter_context(SimulatedWorkspace(settings.scene)))
        stack.callback(wiring.database.close)
        yield wiring


def _wire_real(settings: Settings) -> Wiring:
    if settings.host is None:
        raise ConfigurationError(
            "No workspace is named.", code="host_missing", remedy="Set DATABRICKS_HOST to the workspace URL."
        )
    host = parse_host(settings.host)
    credentials = credentials_for(settings, host.origin)
    return _wire(
        settings,
        host=host,
        network=Network(proxies=environment_proxies()),
        credentials=credentials,
        homes=settings.agent_homes,
        tokens=settings.secrets_environment,
        state_dir=settings.state_dir,
        place=_real_place(settings, host.origin, credentials),
        apps_origin=host.origin,
    )


def _real_place(settings: Settings, origin: str, credentials: Credentials) -> DatabasePlace:
    """Return where history is kept: where somebody said, else where Databricks Apps says, else in a file here."""
    if settings.database_url is not None:
        try:
            return place_of(settings.database_url)
        except StoreError as exc:
            raise ConfigurationError(exc.message, code=exc.code, remedy=exc.remedy) from exc
    if settings.lakebase is not None:
        passwords = LakebasePasswords(
            settings.lakebase.host, origin=origin, credentials=credentials, now=SystemClock().now
        )
        return LakebasePlace(settings=settings.lakebase, passwords=passwords)
    return Sqlite(path=settings.state_dir / _DATABASE, durable=not settings.inside_databricks_apps)


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
        homes=homes_below(home),
        tokens=scene.agent_environment,
        state_dir=state_dir,
        # What was never real stays in the scene's own folder, wherever real history is kept.
        place=Sqlite(path=state_dir / _DATABASE, durable=not settings.inside_databricks_apps),
        # The SDK resolves names by itself, so it is given the address.
        apps_origin=workspace.http_origin,
    )


def _wire(
    settings: Settings,
    *,
    host: ParsedHost,
    network: Network,
    credentials: Credentials,
    homes: Mapping[AgentId, Path],
    tokens: Mapping[str, Secret],
    state_dir: Path,
    place: DatabasePlace,
    apps_origin: str,
) -> Wiring:
    clock = SystemClock()
    database = open_database(
        place,
        limit_bytes=settings.history_mb * _MB,
        raw_days=settings.raw_days,
        hourly_days=settings.hourly_days,
        interval_s=settings.sweep_interval_s,
    )
    trusted = TrustedHosts(
        make_trust(host.origin, settings.trusted_hosts),
        database.trusted_hosts,
        database.audit,
        clock,
        proxy=network.proxies.words,
    )
    targets = [
        FileTarget(form, home=homes[agent], environment=tokens, state_dir=state_dir, clock=clock)
        for agent, form in FORMS.items()
    ]
    connect = connection(apps_origin, credentials)
    with ExitStack() as undone:
        undone.callback(database.close)
        gateway = _explicit_gateway(settings.gateway_host, host, trusted) if settings.gateway_host else None
        undone.pop_all()
    return Wiring(
        settings=settings,
        host=host,
        gateway=gateway,
        trusted=trusted,
        network=network,
        credentials=credentials,
        configs=AgentConfigFiles(homes=homes, environment=tokens),
        file_targets={target.info.id: target for target in targets},
        apps=Apps(
            DatabricksApps(connect),
            clock=clock,
            own_name=settings.app_name if settings.scene is None else None,
        ),
        people=KnownPeople(
            WorkspacePeople(connect, lambda token: connection(apps_origin, StaticToken(token, "the person"))()),
            clock=clock,
        ),
        tokens=tokens,
        state_dir=state_dir,
        database=database,
        clock=clock,
    )


def _explicit_gateway(text: str, host: ParsedHost, trusted: TrustedHosts) -> ParsedGateway:
    """Return the gateway that the environment names; only what its own trust does not cover is looked up."""
    try:
        return parse_gateway_url(text, host, trusted.trust)
    except ConfigurationError as exc:
        if exc.code != "gateway_untrusted":
            raise
    trusted.reload()
    return parse_gateway_url(text, host, trusted.trust)


def holder_name() -> str:
    """Return a name for this process that people recognise and no other process has."""
    return f"{socket.gethostname()}, process {os.getpid()} ({uuid.uuid4().hex[:6]})"
