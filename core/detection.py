"""Detect a workspace over one connection: what it is, who we are in it, its gateway, its models, what agents run."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from core.catalog.agents import AGENTS
from core.choice.apps import configured_by, gateway_of_app
from core.choice.layers import choose_agents, choose_in_app
from core.choice.lint import lint_choice
from core.detect.flow import run_flow
from core.detect.gateway import resolve_gateway
from core.detect.hosts import parse_gateway_url
from core.detect.identity import WhoAmI, who_am_i
from core.detect.listing import listing_flows
from core.detect.models import merge_models
from core.detect.workspace import HostMetadata, conclude_workspace, host_metadata, known_workspace_id
from core.errors import SwitchyardError
from core.model.agent import AgentId
from core.model.app import AppSeen, RunningApp
from core.model.choice import AgentChoice, LintFinding
from core.model.gateway import Gateway
from core.model.models import ModelCatalogue
from core.model.secret import Secret
from core.model.snapshot import Problem, Snapshot
from core.model.workspace import Workspace
from core.ports import HttpSender
from core.wiring import Wiring


def first_snapshot(wiring: Wiring) -> Snapshot:
    """Return what is known before anything was sent."""
    return Snapshot(
        scene=wiring.settings.scene,
        workspace=_workspace(wiring),
        credential=wiring.credentials.description,
    )


def _workspace(wiring: Wiring, metadata: HostMetadata | None = None, me: WhoAmI | None = None) -> Workspace:
    """Conclude the workspace from what was asked so far; its name alone says something already."""
    metadata, me = metadata or HostMetadata(), me or WhoAmI()
    return conclude_workspace(
        wiring.host,
        configured_id=_configured_id(wiring),
        metadata=metadata,
        org_id=me.org_id,
        org_answer=me.answer,
        simulated=wiring.settings.simulated or me.simulated,
        host_source="simulated scene" if wiring.settings.simulated else wiring.settings.host_source,
    )


def _configured_id(wiring: Wiring) -> str | None:
    """A simulated workspace has its own id; the environment's is that of a real one."""
    return None if wiring.settings.simulated else wiring.settings.workspace_id


class Detector:
    """Keep what was detected last in `seen`; what can be read without the network stays known while it is away."""

    def __init__(self, wiring: Wiring, sender: HttpSender) -> None:
        self._wiring = wiring
        self._sender = sender
        self.seen = first_snapshot(wiring)

    async def detect(self, offline: str | None) -> Snapshot:
        """Find out everything that costs no tokens; with `offline`, why nothing answers, only what is known here."""
        wiring = self._wiring
        await asyncio.to_thread(wiring.trusted.reload)
        base = replace(first_snapshot(wiring), detected_at=wiring.clock.now())
        if offline:
            self.seen = replace(self.seen, offline=offline, choices=self._choose(self.seen), problem=None)
            return self.seen
        token, problem = await self._token()
        metadata = await run_flow(host_metadata(wiring.host), self._sender, None)
        known_id = known_workspace_id(wiring.host, _configured_id(wiring), metadata)
        me = await run_flow(who_am_i(wiring.host, known_id), self._sender, token)
        workspace = _workspace(wiring, metadata, me)
        base = replace(base, workspace=workspace, identity=me.identity, problem=problem or me.problem)
        self.seen = await self._resolve(base, token)
        return self.seen

    async def _resolve(self, base: Snapshot, token: Secret | None) -> Snapshot:
        """Add the gateway, the models and the choices; the two listings do not wait for each other."""
        wiring, workspace = self._wiring, base.workspace or Workspace(host=self._wiring.host.origin)
        search = resolve_gateway(
            wiring.host,
            workspace,
            trust=wiring.trust,
            now=wiring.clock.now,
            explicit=wiring.gateway,
            disabled=wiring.settings.gateway_host == "",
        )
        gateway, catalogue = await asyncio.gather(
            run_flow(search, self._sender, token), self._list_models(workspace.workspace_id, token)
        )
        seen = replace(base, gateway=gateway, catalogue=catalogue)
        return replace(seen, choices=self._choose(seen))

    async def _list_models(self, workspace_id: str | None, token: Secret | None) -> ModelCatalogue:
        flows = listing_flows(self._wiring.host, workspace_id)
        return merge_models(await asyncio.gather(*(run_flow(flow, self._sender, token) for flow in flows)))

    async def _token(self) -> tuple[Secret | None, Problem | None]:
        try:
            return await asyncio.to_thread(self._wiring.credentials.token), None
        except SwitchyardError as exc:
            return None, Problem(code=exc.code, message=exc.message, remedy=exc.remedy)

    def choice_of(self, agent: AgentId) -> AgentChoice:
        """Return what an agent runs at this moment, its own config read anew."""
        return next(choice for choice in self._choose(self.seen) if choice.agent is agent)

    def gateway_in_app(self, app: AppSeen) -> Gateway | None:
        """Return the gateway that one app's agents use."""
        return self._running(app, self.seen).gateway

    def choice_in_app(self, agent: AgentId, app: AppSeen) -> AgentChoice:
        """Return what an agent runs in one app."""
        choice = choose_in_app(agent, self._running(app, self.seen), self._wiring.settings.agent_environment)
        return replace(choice, lint=(*choice.lint, *self.lint(choice)))

    async def gateway_for(self, value: str | None) -> Gateway:
        """Resolve the gateway as a value of DATABRICKS_GATEWAY_HOST would have it: None automatic, "" off, else a URL.

        Raises ConfigurationError for a URL that cannot be a gateway or may not receive a token.
        """
        wiring = self._wiring
        explicit = parse_gateway_url(value, wiring.host, wiring.trust) if value else None
        token, _ = await self._token()
        search = resolve_gateway(
            wiring.host,
            self.seen.workspace or Workspace(host=wiring.host.origin),
            trust=wiring.trust,
            now=wiring.clock.now,
            explicit=explicit,
            disabled=value == "",
        )
        return await run_flow(search, self._sender, token)

    def lint(self, choice: AgentChoice) -> tuple[LintFinding, ...]:
        """Return what is or will be a problem with a choice."""
        return lint_choice(choice, self.seen.catalogue)

    def _choose(self, seen: Snapshot) -> tuple[AgentChoice, ...]:
        wiring = self._wiring
        configs = {agent: config for agent in AGENTS if (config := wiring.configs.read(agent)) is not None}
        configured = configured_by(wiring.apps.seen().apps, wiring.settings.agents_app)
        return choose_agents(
            environment=wiring.settings.agent_environment,
            configs=configs,
            gateway=seen.gateway,
            catalogue=seen.catalogue,
            apps={agent: self._running(app, seen) for agent, app in configured.by_agent.items()},
        )

    def _running(self, app: AppSeen, seen: Snapshot) -> RunningApp:
        wiring = self._wiring
        gateway = gateway_of_app(app, seen.gateway, host=wiring.host, trust=wiring.trust, now=wiring.clock.now())
        return RunningApp(target=app.info.id, values=app.running or {}, hidden=app.hidden, gateway=gateway)

    def choose_anew(self) -> None:
        """Read what the agents run anew, from their own configs and the apps as they were seen last."""
        self.seen = replace(self.seen, choices=self._choose(self.seen))
