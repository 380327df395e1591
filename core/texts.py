"""Put what is known into readable text for the command line; pure."""

from __future__ import annotations

from collections.abc import Sequence

from core.catalog.agents import AGENTS
from core.catalog.visible import visible
from core.health.agent_status import headline_of, why_not_probed
from core.model.change import ChangeOutcome, ChangeRecord, ExportFile, Plan, TargetInfo
from core.model.choice import AgentChoice
from core.model.models import ModelCatalogue
from core.model.override import EndedOverride
from core.model.probe import Health, ProbeResult
from core.model.snapshot import Problem, Snapshot
from core.probe.sweep import SweepReport

_ICONS = {
    Health.HEALTHY: "✓",
    Health.DEGRADED: "▲",
    Health.DOWN: "✕",
    Health.UNKNOWN: "?",
    Health.PAUSED: "‖",
}


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as left-aligned columns."""
    if not rows:
        return ""
    rows = [tuple(visible(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def status_text(seen: Snapshot) -> str:
    """Return workspace, identity, gateway with its trace, and the agents' choices."""
    workspace, identity, gateway = seen.workspace, seen.identity, seen.gateway
    lines = [_simulated(seen)] if seen.scene else []
    if workspace:
        named = f"{workspace.host}  (id {workspace.workspace_id or 'unknown'})"
        lines.append(f"workspace  {named}\ncloud      {workspace.cloud}, {workspace.environment}")
        lines += [f"  ! {text}" for text in workspace.contradictions]
    if identity:
        admin = {True: "workspace admin", False: "not a workspace admin", None: "admin unknown"}[identity.is_admin]
        lines.append(f"identity   {identity.name or 'unknown'}  ({identity.kind}, {admin}; {seen.credential})")
    if gateway:
        lines.append(f"gateway    {gateway.base_url or 'none'}  ({gateway.generation or 'unknown'}, {gateway.source})")
        lines.append(
            table([("  " + step.outcome, step.step, step.candidate or "", step.reason) for step in gateway.trace])
        )
    lines.append("")
    rows = [("agent", "slot", "model", "from", "dialect")]
    for choice in seen.choices:
        rows += [
            (AGENTS[choice.agent].label, slot.slot, slot.model or "-", slot.source, slot.dialect or "-")
            for slot in choice.slots
        ]
    lines.append(table(rows))
    lines += [
        f"  {finding.severity}: {AGENTS[choice.agent].label}: {finding.message}"
        for choice in seen.choices
        for finding in choice.lint
    ]
    return "\n".join(lines)


def _simulated(seen: Snapshot) -> str:
    return f"Simulated workspace, scene {seen.scene}. Set DATABRICKS_HOST to see a real one.\n"


def probe_text(report: SweepReport, silent: Sequence[tuple[AgentChoice, Health]]) -> str:
    """Return one line per verdict, and the remedy under each that is not healthy."""
    lines = [table([_verdict_row(result) for result in report.results])] if report.results else []
    lines += [
        f"{_ICONS[health]} {AGENTS[choice.agent].label}: {why_not_probed(choice)[0]}" for choice, health in silent
    ]
    remedies = dict.fromkeys(
        f"  {AGENTS[result.route.agent].label} {result.route.slot}: {result.message}. {result.remedy}"
        for result in report.results
        if result.health is not Health.HEALTHY
    )
    if remedies:
        lines += ["", *remedies]
    took = (
        f"{report.requests_sent} requests, {report.tokens.output or 0} output tokens, {report.duration_ms / 1000:.1f} s"
    )
    return "\n".join([*lines, "", took])


def _verdict_row(result: ProbeResult) -> tuple[str, ...]:
    latency = f"{result.latency_ms:.0f} ms" if result.latency_ms is not None else "-"
    route = result.route
    return (
        f"{_ICONS[result.health]} {result.health.capitalize()}",
        AGENTS[route.agent].label,
        route.slot,
        route.model,
        route.identity.label,
        headline_of(result),
        latency,
    )


def models_text(catalogue: ModelCatalogue) -> str:
    """Return the models and the sources they come from."""
    rows = [("model", "family", "ready", "agents", "spellings")]
    for model in catalogue.models:
        ready = {True: "yes", False: "no", None: "unknown"}[model.ready]
        rows.append((model.id, model.family, ready, " ".join(model.agents) or "-", " ".join(model.spellings)))
    sources = [(item.source, item.outcome, str(item.count), item.detail) for item in catalogue.sources]
    return f"{table(rows)}\n\n{table(sources)}"


def targets_text(targets: Sequence[TargetInfo], apps_problem: Problem | None = None) -> str:
    """Return the places where a choice can be applied, and why there may be more apps than these."""
    text = table([(item.id, "writable" if item.writable else "not writable", item.reason) for item in targets])
    return text if apps_problem is None else f"{text}\n{apps_problem.message} {apps_problem.remedy}"


def plan_text(plan: Plan) -> str:
    """Return the diff in words, the lint, the pre-flight and the decision."""
    lines = [f"{AGENTS[plan.request.agent].label} on {plan.request.target}"]
    lines.append(
        table([(f"  {entry.op.upper()}", entry.field, entry.old or "-", "→", entry.new or "-") for entry in plan.diff])
        or "  nothing changes"
    )
    lines += [f"  {finding.severity}: {finding.message}" for finding in plan.lint]
    if plan.preflight:
        lines += ["pre-flight", table([("  ", *_verdict_row(result)) for result in plan.preflight])]
    lines += [f"{plan.decision}: {plan.reason}", f"affects {plan.affects}; takes effect: {plan.effective}"]
    if plan.snippet:
        lines += ["", plan.snippet]
    return "\n".join(lines)


def outcome_text(outcome: ChangeOutcome) -> str:
    """Return the plan and how it ended."""
    record = outcome.record
    lines = [plan_text(outcome.plan), "", f"{record.state}: {record.detail or record.reason}"]
    if outcome.verification:
        lines += ["verified", table([("  ", *_verdict_row(result)) for result in outcome.verification])]
    return "\n".join([*lines, f"change {record.change_id}"])


def export_text(files: Sequence[ExportFile]) -> str:
    """Return files to hand over, each below its name."""
    return "\n".join(f"# {file.path} (mode {file.mode})\n{file.content}" for file in files)


def reverted_text(ended: Sequence[EndedOverride]) -> str:
    """Return one line per override that was to end."""
    if not ended:
        return "No override is over."
    return "\n".join(f"{one.id}  {one.state}: {one.detail}" for one in ended)


def changes_text(records: Sequence[ChangeRecord]) -> str:
    """Return one line per attempt."""
    if not records:
        return "No changes yet."
    rows = [("change", "at", "state", "agent", "target", "actor", "reason")]
    for record in records:
        at = record.at.strftime("%Y-%m-%d %H:%M:%SZ")
        rows.append((record.change_id, at, record.state, record.agent, record.target, record.actor, record.reason))
    return table(rows)
