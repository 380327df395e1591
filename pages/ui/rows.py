"""What each agent's row on the Overview says, worked out of one snapshot without showing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.catalog.agents import AGENTS
from core.catalog.spellings import model_id
from core.health.agent_status import AgentStatus, agent_status
from core.health.buckets import quantiles_of_checks
from core.model.agent import AgentId
from core.model.check import Check
from core.model.choice import AgentChoice, Layer, LintFinding, SlotChoice
from core.model.history import Quantiles
from core.model.probe import Health, ProbeResult
from core.model.snapshot import Snapshot
from core.model.standing import Standing
from core.model.sync import AgentSync
from pages.ui.formats import NOTHING
from pages.ui.standings import Moment, beats_of, shown_now, standing_of

# Results older than twice the real interval still stand, but say so.
_STALE_INTERVALS = 2
_LONGEST_PATH = 32
_NEEDS_WORDS = (Health.DOWN, Health.DEGRADED, Health.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """One agent as the Overview shows it; `others` are its further slots in words.

    `beats` and `quantiles` are of the route that the status speaks of.

    `explained` are the verdicts that say what is wrong with it; a healthy row needs none, an offline one has none that
    holds now.
    """

    choice: AgentChoice
    label: str
    dialect: str
    model: str
    source: str
    others: str
    status: AgentStatus
    stale: bool
    beats: tuple[Check, ...]
    quantiles: Quantiles
    verdicts: tuple[ProbeResult, ...]
    explained: tuple[ProbeResult, ...]
    hint: str
    command: str | None
    lint: tuple[LintFinding, ...]
    sync: AgentSync | None = None


def agent_rows(snapshot: Snapshot, *, moment: Moment, inside_databricks_apps: bool) -> tuple[AgentRow, ...]:
    """Return the rows in the order of the choices, of a snapshot whose results are as of this moment."""
    return tuple(
        _row(choice, snapshot, moment=moment, inside_databricks_apps=inside_databricks_apps)
        for choice in snapshot.choices
    )


def health_counts(statuses: Sequence[AgentStatus]) -> dict[Health, int]:
    """Return how many agents are in each health, zeros included."""
    counted = Counter(status.health for status in statuses)
    return {health: counted[health] for health in Health}


def is_stale(checked_at: datetime | None, interval_s: float, now: datetime) -> bool:
    """Say whether a result is older than it should be."""
    return checked_at is not None and (now - checked_at).total_seconds() > _STALE_INTERVALS * interval_s


def _row(choice: AgentChoice, snapshot: Snapshot, *, moment: Moment, inside_databricks_apps: bool) -> AgentRow:
    spec = AGENTS[choice.agent]
    verdicts = tuple(result for result in snapshot.results if result.route.agent is choice.agent)
    status = _status(choice, snapshot, verdicts, moment)
    standing = _standing(choice, snapshot, status)
    seen = None if snapshot.offline else shown_now(standing, moment)
    beats = beats_of(standing)
    first = choice.slots[0] if choice.slots else None
    hint, command = _config_hint(choice, inside_databricks_apps=inside_databricks_apps)
    return AgentRow(
        choice=choice,
        label=spec.label,
        dialect=choice.dialect.label if choice.dialect else "inform only" if not spec.probeable else NOTHING,
        model=(first.model if first else None) or NOTHING,
        source=source_text(choice, first),
        others=_others(choice),
        status=status,
        stale=seen.stale if seen else is_stale(status.checked_at, snapshot.interval_s, moment.now),
        beats=beats,
        quantiles=quantiles_of_checks(beats),
        verdicts=verdicts,
        explained=verdicts if status.health in _NEEDS_WORDS and not snapshot.offline else (),
        hint=hint or (spec.note if not spec.probeable else ""),
        command=command,
        lint=choice.lint,
        sync=next((sync for sync in snapshot.syncs if sync.agent is choice.agent), None),
    )


def _status(choice: AgentChoice, snapshot: Snapshot, verdicts: Sequence[ProbeResult], moment: Moment) -> AgentStatus:
    if not (snapshot.offline and AGENTS[choice.agent].probeable and choice.enabled):
        return agent_status(choice, snapshot.results, standings=snapshot.standings, rules=moment.rules, now=moment.now)
    return AgentStatus(
        agent=choice.agent,
        health=Health.UNKNOWN,
        headline="The dashboard is offline",
        checked_at=min((result.checked_at for result in verdicts), default=None),
    )


def _standing(choice: AgentChoice, snapshot: Snapshot, status: AgentStatus) -> Standing | None:
    """Return the standing of the route that the status speaks of, else that of the agent's first slot."""
    if status.decisive is not None:
        return standing_of(snapshot, status.decisive.route)
    first = choice.slots[0].slot if choice.slots else None
    own = (result for result in snapshot.results if result.route.agent is choice.agent)
    return next((standing_of(snapshot, result.route) for result in own if result.route.slot == first), None)


def source_text(choice: AgentChoice, slot: SlotChoice | None) -> str:
    """Return who decided the model of a slot, as a person would look for it."""
    if slot is None or slot.model is None:
        return ""
    if slot.source is Layer.ENVIRONMENT:
        return f"from {slot.variable}" if slot.variable else "from the environment"
    if slot.source is Layer.TARGET and choice.target and choice.target.startswith("app:"):
        return f"from {choice.target}"
    if slot.source is Layer.TARGET:
        return f"from {short_path(choice.config.path)}" if choice.config else "from the agent's own config"
    return "override" if slot.source is Layer.OVERRIDE else "default"


def short_path(path: str) -> str:
    """Return enough of a path to know the file: its folder and its name when the whole is long."""
    return path if len(path) <= _LONGEST_PATH else "/".join(["…", *path.split("/")[-2:]])


def _others(choice: AgentChoice) -> str:
    named = [(slot.slot, slot.model) for slot in choice.slots[1:] if slot.model]
    return " · ".join(f"{name} {model if choice.agent is AgentId.HERMES else model_id(model)}" for name, model in named)


def _config_hint(choice: AgentChoice, *, inside_databricks_apps: bool) -> tuple[str, str | None]:
    if choice.config is not None and choice.config.problem:
        return choice.config.problem, None
    if choice.agent is not AgentId.HERMES or not choice.enabled:
        return "", None
    if inside_databricks_apps and (choice.config is None or not choice.config.exists):
        text = (
            "Hermes' own config is a file in another container, which cannot be seen from here. In its terminal type:"
        )
        return text, "hermes config show"
    if choice.config is not None and not choice.config.exists:
        return f"There is no {choice.config.path}, so this shows what Hermes would be given.", None
    return "", None
