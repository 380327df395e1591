"""A machine with Hermes on it: a real config file and target, a store in memory, models that answer or do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from core.adapters.agent_configs import read_config
from core.adapters.agents.hermes import HermesForm
from core.adapters.file_target import FileTarget
from core.change.work import ChangePorts
from core.detect.hosts import GATEWAY_SETTING
from core.model.access import Role
from core.model.agent import AgentId, Dialect
from core.model.change import Actor, ChangeRequest, Origin
from core.model.choice import AgentChoice, Layer, LintFinding, SlotChoice
from core.model.gateway import Gateway
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import ChangeStore, Target
from tests.fakes.change_store import MemoryChangeStore
from tests.fakes.coordination import MemoryLeases, MemoryOverrides
from tests.fakes.ticking_clock import TickingClock
from tests.fakes.verdicts import verdict

URL = "https://ws.example/serving-endpoints"
TOKEN = "stored-token-value"
CONFIG = f"""\
# mine
model:
  default: old-a   # the big one
  provider: custom
  base_url: {URL}
  api_key: {TOKEN}
fallback_providers:
- {{provider: custom, model: old-b}}
"""
USER = Actor(name="ada", origin=Origin.COMMAND_LINE, role=Role.ADMIN, why="ada is this machine's user.")
STRANGER = Actor(name="eve", origin=Origin.PAGE, role=Role.VIEWER, why="Nobody may change anything from there.")


def request(**slots: str | None) -> ChangeRequest:
    """Return a request for Hermes' own file."""
    return ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots=slots)


class HermesMachine:
    """Hold what a test looks at: the file, the store, and every list of routes that was probed."""

    def __init__(self, home: Path, *, store: ChangeStore | None = None) -> None:
        self.config = home / "config.yaml"
        self.config.write_text(CONFIG)
        self.home = home
        self.store = store or MemoryChangeStore()
        self.clock = TickingClock()
        self.environment: dict[str, Secret] = {}
        self.overrides = MemoryOverrides()
        self.leases = MemoryLeases()
        self.gateway: Gateway | None = None
        self.gateways_asked: list[str | None] = []
        self.broken_models: set[str] = set()
        self.dead_tokens: set[str] = set()
        self.probed: list[tuple[Route, ...]] = []
        self.before_answer: Callable[[int], None] = lambda _: None
        self.lint: Sequence[LintFinding] = ()
        self.target: Target = FileTarget(
            HermesForm(), home=home, environment=self.environment, state_dir=home / "state", clock=self.clock
        )

    @property
    def ports(self) -> ChangePorts:
        return ChangePorts(
            targets={"file:hermes": self.target},
            store=self.store,
            overrides=self.overrides,
            leases=self.leases,
            holder="this process",
            clock=self.clock,
            choice_of=self.choice_of,
            lint=lambda _: self.lint,
            probe=self.probe,
            gateway_for=self.gateway_for,
            environment=self.environment,
        )

    async def gateway_for(self, wanted: ChangeRequest) -> Gateway | None:
        """Return a gateway on another path where the request names one."""
        self.gateways_asked.append(wanted.slots.get(GATEWAY_SETTING, "as it is"))
        return self.gateway

    def choice_of(self, agent: AgentId, target: str) -> AgentChoice:
        config = read_config(HermesForm(), self.home, self.environment)
        slots = tuple(
            SlotChoice(
                slot=stored.slot,
                model=stored.model,
                source=Layer.TARGET,
                base_url=stored.base_url,
                dialect=Dialect.OPENAI_CHAT,
                stored_token=stored.token,
                stored_token_from=stored.token_from,
            )
            for stored in config.slots
        )
        return AgentChoice(
            agent=agent, enabled=True, dialect=Dialect.OPENAI_CHAT, base_url=URL, slots=slots, config=config
        )

    async def probe(self, routes: Sequence[Route]) -> Sequence[ProbeResult]:
        self.probed.append(tuple(routes))
        self.before_answer(len(self.probed))
        return [self._verdict(route) for route in routes]

    def _verdict(self, route: Route) -> ProbeResult:
        if route.model in self.broken_models:
            return verdict(route, Health.DOWN)
        if route.identity is Identity.STORED and route.token in {Secret(token) for token in self.dead_tokens}:
            return verdict(route, Health.DOWN, Diagnosis.CREDENTIAL_DEAD)
        return verdict(route)


class FaultyTarget:
    """Pass everything on to a real target, except what a test replaces."""

    def __init__(self, inner: Target, **replaced: object) -> None:
        self._inner = inner
        self._replaced = replaced

    def __getattr__(self, name: str) -> object:
        return self._replaced.get(name) or getattr(self._inner, name)


def read_only(target: Target, reason: str) -> FaultyTarget:
    """Return the target as it is where it may not be written."""
    return FaultyTarget(target, info=replace(target.info, writable=False, reason=reason))
