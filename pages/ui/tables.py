"""The rows of the tables, as plain values; cells are Markdown with upstream text escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.catalog.agents import AGENTS
from core.model.change import ChangeRecord, DiffEntry
from core.model.gateway import Gateway, TraceStep
from core.model.models import ModelCatalogue
from core.model.probe import ProbeResult
from core.model.workspace import Workspace
from core.settings import Settings
from pages.ui.formats import (
    DIFF_SIGNS,
    HEALTH_SIGNS,
    LISTING_SIGNS,
    NOTHING,
    RUNG_SIGNS,
    STATE_SIGNS,
    TRACE_SIGNS,
    badge,
    clock_text,
    code,
    escape,
    ms_text,
)

Row = Mapping[str, str]


def rows_for_evidence(workspace: Workspace) -> list[Row]:
    """Return what each source said about the workspace."""
    return [
        {"Source": escape(item.source), "Value": code(item.value or ""), "Verdict": escape(item.verdict)}
        for item in workspace.evidence
    ]


def rows_for_trace(gateway: Gateway) -> list[Row]:
    """Return the steps of the gateway resolution in their order."""
    return [_trace_row(number, step) for number, step in enumerate(gateway.trace, start=1)]


def _trace_row(number: int, step: TraceStep) -> Row:
    return {
        "#": str(number),
        "Step": escape(step.step.replace("_", " ")),
        "Candidate": code(step.candidate or ""),
        "Outcome": badge(TRACE_SIGNS[step.outcome]),
        "Reason": escape(step.reason),
        "Time": ms_text(step.latency_ms).replace(" ", "\u00a0"),
    }


def rows_for_listings(catalogue: ModelCatalogue) -> list[Row]:
    """Return what each model listing said."""
    return [
        {
            "Listing": escape(listing.source.replace("_", " ")),
            "Outcome": badge(LISTING_SIGNS[listing.outcome]),
            "Models": str(listing.count),
            "Detail": escape(listing.detail) or NOTHING,
        }
        for listing in catalogue.sources
    ]


def rows_for_models(catalogue: ModelCatalogue) -> list[Row]:
    """Return the models with who can use them; for a grid that shows plain text."""
    ready = {True: "ready", False: "not ready", None: "not said"}
    return [
        {
            "Model": model.id,
            "Spellings": ", ".join(model.spellings),
            "Family": model.family,
            "Agents": ", ".join(AGENTS[agent].label for agent in model.agents) or NOTHING,
            "API types": ", ".join(model.api_types) or "not said",
            "Ready": ready[model.ready],
        }
        for model in catalogue.models
    ]


def rows_for_environment(settings: Settings) -> list[Row]:
    """Return the agents' variables with what is in force; none of them holds a secret."""
    rows: dict[str, Row] = {}
    for spec in AGENTS.values():
        defaults = {slot.variables[0]: slot.default for slot in spec.slots if slot.variables}
        names = [spec.enable_variable, *(name for slot in spec.slots for name in slot.variables)]
        for name in filter(None, names):
            if name in rows:
                continue
            default = "true" if name == spec.enable_variable else defaults.get(name)
            value = settings.agent_environment.get(name)
            rows[name] = {
                "Variable": code(name),
                "Agent": spec.label,
                "Set to": "not set" if value is None else code(value) if value.strip() else "empty",
                "Default": code(default or ""),
            }
    return list(rows.values())


def rows_for_diff(diff: Sequence[DiffEntry]) -> list[Row]:
    """Return a change in words: what is added, changed, deleted."""
    return [
        {
            "Change": badge(DIFF_SIGNS[entry.op]),
            "Field": code(entry.field),
            "Now": code(entry.old or ""),
            "After": code(entry.new or ""),
        }
        for entry in diff
    ]


def rows_for_rungs(results: Sequence[ProbeResult]) -> list[Row]:
    """Return one line per rung with one column per verdict."""
    rungs = list(dict.fromkeys(rung.rung for result in results for rung in result.rungs))
    rows: list[Row] = []
    for rung in rungs:
        row = {"Rung": rung.label}
        for result in results:
            found = next((item for item in result.rungs if item.rung is rung), None)
            row[verdict_name(result)] = _rung_cell(found.outcome, found.ms) if found else NOTHING
        rows.append(row)
    return rows


def rows_for_ladder(result: ProbeResult) -> list[Row]:
    """Return the rungs of one verdict in their order."""
    rows: list[Row] = []
    for rung in result.rungs:
        sign = RUNG_SIGNS[rung.outcome]
        outcome = f":{sign.color}[{sign.icon} {sign.word}]"
        rows.append({"Rung": rung.rung.label, "Outcome": outcome, "Time": ms_text(rung.ms)})
    return rows


def rows_for_findings(result: ProbeResult) -> list[Row]:
    """Return what the follow-up requests showed."""
    return [
        {
            "Question": escape(finding.question),
            "Asked": f"{code(finding.route.model)} on {escape(finding.route.dialect.label)}, "
            f"{escape(finding.route.identity.label)}",
            "Answer": badge(HEALTH_SIGNS[finding.health])
            + (f" {finding.http_status}" if finding.http_status else "")
            + f" {code(finding.diagnosis)}",
        }
        for finding in result.findings
    ]


def _rung_cell(outcome: object, ms: float | None) -> str:
    sign = next(sign for key, sign in RUNG_SIGNS.items() if key is outcome)
    time = f" · {ms_text(ms)}" if ms is not None else ""
    return f":{sign.color}[{sign.icon} {sign.word}]{time}"


def verdict_name(result: ProbeResult) -> str:
    """Return which route a verdict is about: slot and whose credential."""
    return f"{result.route.slot} · {result.route.identity.label}"


def change_text(record: ChangeRecord) -> str:
    """Return one change as a line: when, who, what, how it ended."""
    before, after = record.before, record.after
    moved = [name for name in after if after[name] != before.get(name)]
    what = ", ".join(f"{escape(name)} {code(before.get(name) or '')} → {code(after[name] or '')}" for name in moved)
    return (
        f"{badge(STATE_SIGNS[record.state])} {what or 'no difference'}  \n"
        f":gray[{clock_text(record.at)} · {escape(record.actor)} · “{escape(record.reason)}”]"
    )
