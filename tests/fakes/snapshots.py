"""Snapshots as the core would publish them: healthy, incident, and the states in which something is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.change import TargetInfo, TargetKind
from core.model.choice import AgentChoice, AgentConfig, Layer, LintFinding, Severity, SlotChoice
from core.model.gateway import Gateway, GatewaySource, Generation, TraceOutcome, TraceStep
from core.model.models import ListingOutcome, ListingResult, Model, ModelCatalogue
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung, RungOutcome, RungResult
from core.model.route import Identity, Route
from core.model.snapshot import Progress, Snapshot
from core.model.workspace import Cloud, Environment, Evidence, IdentityKind, Workspace, WorkspaceIdentity
from tests.fakes.histories import with_history

HOST = "https://adb-4455667788990011.11.azuredatabricks.net"

TARGETS = (
    TargetInfo(
        id="file:hermes",
        kind=TargetKind.FILE,
        agents=(AgentId.HERMES,),
        writable=True,
        reason="~/.hermes/config.yaml can be written.",
    ),
    TargetInfo(
        id="app:coda",
        kind=TargetKind.APP,
        agents=(AgentId.HERMES, AgentId.CLAUDE, AgentId.CODEX),
        writable=True,
        reason="coda can be changed and redeployed.",
    ),
    TargetInfo(
        id="app:coda-git",
        kind=TargetKind.APP,
        agents=(AgentId.HERMES,),
        writable=False,
        reason="coda-git is deployed from Git: only a commit there lasts.",
    ),
    TargetInfo(
        id="export",
        kind=TargetKind.EXPORT,
        agents=tuple(AgentId),
        writable=False,
        reason="Nothing is written: hand over the snippet.",
    ),
)
_REACH = (Rung.DNS, Rung.TCP, Rung.TLS, Rung.HTTP, Rung.AUTH, Rung.ROUTE, Rung.MODEL)


def result(
    agent: AgentId,
    slot: str,
    model: str,
    *,
    identity: Identity = Identity.DASHBOARD,
    failed: Rung | None = None,
    diagnosis: Diagnosis = Diagnosis.OK,
    status: int = 200,
    message: str = "The model answered.",
    remedy: str = "",
    checked_at: datetime | None = None,
) -> ProbeResult:
    """Return a verdict; healthy unless a rung failed."""
    dialect = AGENTS[agent].dialects[0]
    base = f"{HOST}/ai-gateway{AGENTS[agent].bases[(Generation.WORKSPACE, dialect)]}"
    rungs = tuple(_rung(rung, failed) for rung in _REACH)
    return ProbeResult(
        route=Route(agent=agent, slot=slot, model=model, base_url=base, dialect=dialect, identity=identity),
        depth=Depth.REACH,
        health=Health.DOWN if failed else Health.HEALTHY,
        rung=failed or Rung.MODEL,
        rungs=rungs,
        diagnosis=diagnosis,
        message=message,
        remedy=remedy,
        url=base,
        checked_at=checked_at or datetime.now(UTC),
        http_status=status,
        latency_ms=None if failed else 312.0,
    )


def _rung(rung: Rung, failed: Rung | None) -> RungResult:
    if failed is None or _REACH.index(rung) < _REACH.index(failed):
        return RungResult(rung=rung, outcome=RungOutcome.PASSED, ms=12.0)
    outcome = RungOutcome.FAILED if rung is failed else RungOutcome.NOT_STARTED
    return RungResult(rung=rung, outcome=outcome)


def _gateway() -> Gateway:
    return Gateway(
        base_url=f"{HOST}/ai-gateway",
        generation=Generation.WORKSPACE,
        source=GatewaySource.DISCOVERED,
        resolved_at=datetime.now(UTC),
        trace=(
            TraceStep(
                step="explicit",
                candidate=None,
                outcome=TraceOutcome.SKIPPED,
                reason="DATABRICKS_GATEWAY_HOST is not set",
            ),
            TraceStep(
                step="workspace origin",
                candidate=f"{HOST}/ai-gateway",
                outcome=TraceOutcome.CHOSEN,
                reason="an authenticated model list of the right shape",
                latency_ms=84.0,
            ),
            TraceStep(
                step="legacy",
                candidate=f"{HOST}/serving-endpoints",
                outcome=TraceOutcome.SKIPPED,
                reason="a gateway was found before",
            ),
        ),
    )


def _choice(agent: AgentId) -> AgentChoice:
    spec = AGENTS[agent]
    dialect = spec.dialects[0] if spec.dialects else None
    base = f"{HOST}/ai-gateway{spec.bases[(Generation.WORKSPACE, dialect)]}" if dialect else None
    slots = tuple(
        SlotChoice(slot=slot.name, model=slot.default, source=Layer.DEFAULT, base_url=base, dialect=dialect)
        for slot in spec.slots
    )
    config = AgentConfig(agent=agent, path="~/.hermes/config.yaml", exists=True) if agent is AgentId.HERMES else None
    if config:
        slots = tuple(replace(slot, source=Layer.TARGET) for slot in slots)
    return AgentChoice(agent=agent, enabled=True, dialect=dialect, base_url=base, slots=slots, config=config)


def _model(name: str, family: str, api_types: tuple[str, ...], *agents: AgentId, ready: bool = True) -> Model:
    spellings = (f"databricks-{name}", f"system.ai.{name}")
    return Model(id=name, spellings=spellings, family=family, api_types=api_types, agents=agents, ready=ready)


def _catalogue() -> ModelCatalogue:
    chat, messages = "mlflow/v1/chat/completions", "anthropic/v1/messages"
    everyone = (AgentId.HERMES, AgentId.CLAUDE, AgentId.OPENCODE, AgentId.PI, AgentId.COPILOT)
    return ModelCatalogue(
        models=(
            _model("claude-opus-4-6", "claude", (chat, messages), *everyone),
            _model("claude-sonnet-4-6", "claude", (chat, messages), *everyone),
            _model("claude-haiku-4-5", "claude", (chat, messages), *everyone),
            _model("gpt-5-5", "gpt", ("openai/v1/responses",), AgentId.CODEX),
            _model("gemini-2-5-pro", "gemini", ("gemini/v1/generateContent",), AgentId.GEMINI),
            _model("llama-4-scout", "llama", (chat,), AgentId.HERMES, ready=False),
        ),
        sources=(
            ListingResult(source="serving-endpoints", outcome=ListingOutcome.OK, count=6, detail="6 chat endpoints"),
            ListingResult(source="model-services", outcome=ListingOutcome.FAILED, count=0, detail="403 *no grant*"),
        ),
    )


def healthy() -> Snapshot:
    """Return the picture in which every probeable agent works."""
    choices = tuple(_choice(agent) for agent in AGENTS)
    results = tuple(
        result(choice.agent, slot.slot, slot.model)
        for choice in choices
        for slot in choice.slots
        if slot.model and AGENTS[choice.agent].probeable
    )
    moment = datetime.now(UTC)
    return with_history(
        Snapshot(
            targets=TARGETS,
            scene="healthy",
            workspace=Workspace(
                host=HOST,
                workspace_id="4455667788990011",
                cloud=Cloud.AZURE,
                environment=Environment.PUBLIC,
                evidence=(
                    Evidence(source="host name", value="adb-4455667788990011", verdict="workspace id 4455667788990011"),
                ),
                simulated=True,
            ),
            identity=WorkspaceIdentity(name="switchyard-app", kind=IdentityKind.SERVICE_PRINCIPAL, is_admin=False),
            credential="token from DATABRICKS_TOKEN",
            gateway=_gateway(),
            choices=choices,
            catalogue=_catalogue(),
            results=results,
            progress=Progress(done=len(results), total=len(results)),
            detected_at=moment,
            swept_at=moment,
            next_sweep_at=moment + timedelta(seconds=300),
        )
    )


def incident() -> Snapshot:
    """Return the outage: Hermes' primary is not on its route, its stored token is dead, everybody else is fine."""
    base = healthy()
    model, other = "databricks-claude-opus-4-7", "databricks-claude-opus-4-6"
    missing = {
        "failed": Rung.MODEL,
        "diagnosis": Diagnosis.MODEL_NOT_ON_ROUTE,
        "status": 404,
        "message": "databricks-claude-opus-4-7 is not found on this route",
        "remedy": "Choose another model for HERMES_MODEL.",
    }
    dead = {
        "failed": Rung.AUTH,
        "diagnosis": Diagnosis.CREDENTIAL_DEAD,
        "status": 403,
        "message": "The stored token is refused",
        "remedy": "Put a new token into the config.",
    }
    own = (
        result(AgentId.HERMES, "primary", model, **missing),
        result(AgentId.HERMES, "primary", model, identity=Identity.STORED, **missing),
        result(AgentId.HERMES, "fallback", other),
        result(AgentId.HERMES, "fallback", other, identity=Identity.STORED, **dead),
    )
    rest = tuple(item for item in base.results if item.route.agent is not AgentId.HERMES)
    hermes = base.choices[0]
    slots = tuple(replace(slot, model=name) for slot, name in zip(hermes.slots, (model, other), strict=True))
    finding = LintFinding(code="unknown_model", severity=Severity.WARNING, message=f"{model} is in no listing.")
    choices = (replace(hermes, slots=slots, lint=(finding,)), *base.choices[1:])
    return with_history(replace(base, scene="incident", choices=choices, results=own + rest))
