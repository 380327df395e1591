"""What each agent's row on the Overview says, worked out of one snapshot without showing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.catalog.agents import AGENTS
from core.catalog.spellings import model_id
from core.health.agent_status import AgentStatus, agent_status
from core.model.agent import AgentId
from core.model.choice import AgentChoice, Layer, LintFinding, SlotChoice
from core.model.probe import Health, ProbeResult
from core.model.snapshot import Snapshot
from pages.ui.formats import NOTHING

# Results older than twice the real interval still stand, but say so.
_STALE_INTERVALS = 2
_LONGEST_PATH = 32
_NEEDS_WORDS = (Health.DOWN, Health.DEGRADED, Health.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    """One agent as the Overview shows it; `others` are its further slots in words.

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
    verdicts: tuple[ProbeResult, ...]
    explained: tuple[ProbeResult, ...]
    hint: str
    command: str | None
    lint: tuple[LintFinding, ...]


def agent_rows(snapshot: Snapshot, *, now: datetime, inside_databricks_apps: bool) -> tuple[AgentRow, ...]:
    """Return the rows in the order of the choices."""
    return tuple(
        _row(choice, snapshot, now=now, inside_databricks_apps=inside_databricks_apps) for choice in snapshot.choices
    )


def health_counts(statuses: Sequence[AgentStatus]) -> dict[Health, int]:
    """Return how many agents are in each health, zeros included."""
    counted = Counter(status.health for status in statuses)
    return {health: counted[health] for health in Health}


def is_stale(checked_at: datetime | None, interval_s: float, now: datetime) -> bool:
    """Say whether a result is older than it should be."""
    return checked_at is not None and (now - checked_at).total_seconds() > _STALE_INTERVALS * interval_s


def _row(choice: AgentChoice, snapshot: Snapshot, *, now: datetime, inside_databricks_apps: bool) -> AgentRow:
    spec = AGENTS[choice.agent]
    verdicts = tuple(result for result in snapshot.results if result.route.agent is choice.agent)
    status = agent_status(choice, snapshot.results)
    if snapshot.offline and spec.probeable and choice.enabled:
        status = AgentStatus(
            agent=choice.agent,
            health=Health.UNKNOWN,
            headline="The dashboard is offline",
            checked_at=min((result.checked_at for result in verdicts), default=None),
        )
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
        stale=is_stale(status.checked_at, snapshot.interval_s, now),
        verdicts=verdicts,
        explained=verdicts if status.health in _NEEDS_WORDS and not snapshot.offline else (),
        hint=hint or (spec.note if not spec.probeable else ""),
        command=command,
        lint=choice.lint,
    )


def source_text(choice: AgentChoice, slot: SlotChoice | None) -> str:
    """Return who decided the model of a slot, as a person would look for it."""
    if slot is None or slot.model is None:
        return ""
    if slot.source is Layer.ENVIRONMENT:
        return f"from {slot.variable}" if slot.variable else "from the environment"
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
