"""Put what is known into the JSON documents of the command line; pure. The keys are a contract: add, never rename."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from core.errors import SwitchyardError
from core.health.agent_status import why_not_probed
from core.model.change import ChangeOutcome, ChangeRecord, DiffEntry, ExportFile, Plan, TargetInfo
from core.model.choice import AgentChoice, LintFinding, SlotChoice
from core.model.gateway import Gateway
from core.model.models import ModelCatalogue
from core.model.override import EndedOverride
from core.model.probe import Health, ProbeResult, Rung, Tokens
from core.model.snapshot import Problem, Snapshot

SCHEMA = 1

Document = dict[str, Any]


def document(body: Mapping[str, Any], problem: Problem | SwitchyardError | None = None) -> Document:
    """Return a whole document: schema, error, and what is known."""
    error = None
    if problem is not None:
        error = {"code": problem.code, "message": problem.message, "remedy": problem.remedy}
    return {"schema": SCHEMA, "error": error, **body}


def problem_of(snapshot: Snapshot) -> Problem | None:
    """Return what stands in the way of knowing more, None when nothing does."""
    if snapshot.offline:
        return Problem(
            code="workspace_unreachable",
            message=snapshot.offline,
            remedy="Check the host name and the network path from here.",
        )
    return snapshot.problem


def status_document(snapshot: Snapshot) -> Document:
    """Return workspace, identity, gateway and agents."""
    workspace, identity = snapshot.workspace, snapshot.identity
    return {
        "simulated": bool(workspace and workspace.simulated),
        "workspace": {
            "host": workspace.host if workspace else None,
            "workspace_id": workspace.workspace_id if workspace else None,
            "cloud": workspace.cloud if workspace else "unknown",
            "environment": workspace.environment if workspace else "unknown",
            "evidence": [
                {"source": item.source, "value": item.value, "verdict": item.verdict}
                for item in (workspace.evidence if workspace else ())
            ],
            "contradictions": list(workspace.contradictions) if workspace else [],
        },
        "identity": {
            "name": identity.name if identity else None,
            "kind": identity.kind if identity else "none",
            "is_admin": identity.is_admin if identity else None,
            "credential": snapshot.credential,
        },
        "gateway": _gateway(snapshot.gateway),
        "agents": [_agent(choice) for choice in snapshot.choices],
    }


def _gateway(gateway: Gateway | None) -> Document:
    return {
        "base_url": gateway.base_url if gateway else None,
        "generation": gateway.generation if gateway else None,
        "source": gateway.source if gateway else "none",
        "resolved_at": timestamp(gateway.resolved_at) if gateway else None,
        "trace": [
            {
                "step": step.step,
                "candidate": step.candidate,
                "outcome": step.outcome,
                "reason": step.reason,
                "latency_ms": step.latency_ms,
            }
            for step in (gateway.trace if gateway else ())
        ],
    }


def _agent(choice: AgentChoice) -> Document:
    return {
        "agent": choice.agent,
        "enabled": choice.enabled,
        "dialect": choice.dialect,
        "base_url": choice.base_url,
        "slots": [_slot(slot) for slot in choice.slots],
        "lint": [_finding(finding) for finding in choice.lint],
        "target": choice.target,
    }


def _slot(slot: SlotChoice) -> Document:
    return {
        "slot": slot.slot,
        "model": slot.model,
        "source": slot.source,
        "variable": slot.variable,
        "shadowed": [{"source": item.source, "value": item.value} for item in slot.shadowed],
        "base_url": slot.base_url,
        "dialect": slot.dialect,
    }


def _finding(finding: LintFinding) -> Document:
    return {"code": finding.code, "severity": finding.severity, "message": finding.message}


def probe_document(
    results: Sequence[ProbeResult], *, duration_ms: float | None, requests_sent: int, tokens: Tokens
) -> Document:
    """Return the verdicts of one sweep and what it took."""
    return {
        "duration_ms": duration_ms,
        "requests_sent": requests_sent,
        "tokens": _tokens(tokens),
        "results": [result_document(result) for result in results],
    }


def result_document(result: ProbeResult) -> Document:
    """Return one verdict."""
    route, suggestion = result.route, result.suggestion
    return {
        "agent": route.agent,
        "slot": route.slot,
        "model": route.model,
        "dialect": route.dialect,
        "url": result.url,
        "generation": route.generation,
        "identity": route.identity,
        "depth": result.depth,
        "health": result.health,
        "rung": result.rung,
        "rungs": [{"rung": item.rung, "outcome": item.outcome, "ms": item.ms} for item in result.rungs],
        "diagnosis": result.diagnosis,
        "message": result.message,
        "remedy": result.remedy,
        "suggestion": {"model": suggestion.model, "url": suggestion.url, "reason": suggestion.reason}
        if suggestion
        else None,
        "http_status": result.http_status,
        "answered_model": result.answered_model,
        "latency_ms": result.latency_ms,
        "ttft_ms": result.ttft_ms,
        "tokens": _tokens(result.tokens),
        "checked_at": timestamp(result.checked_at),
        "attempts": result.attempts,
        "request_id": result.evidence.request_id if result.evidence else None,
    }


def _tokens(tokens: Tokens) -> Document:
    return {"input": tokens.input, "output": tokens.output}


def models_document(catalogue: ModelCatalogue) -> Document:
    """Return the merged models and what each listing said."""
    return {
        "models": [
            {
                "id": model.id,
                "spellings": list(model.spellings),
                "family": model.family,
                "api_types": list(model.api_types),
                "agents": list(model.agents),
                "ready": model.ready,
            }
            for model in catalogue.models
        ],
        "sources": [
            {"source": item.source, "outcome": item.outcome, "count": item.count, "detail": item.detail}
            for item in catalogue.sources
        ],
    }


def targets_document(targets: Sequence[TargetInfo], apps_problem: Problem | None = None) -> Document:
    """Return the places where a choice can be applied, and why there may be more apps than these."""
    return {
        "apps_problem": None
        if apps_problem is None
        else {"code": apps_problem.code, "message": apps_problem.message, "remedy": apps_problem.remedy},
        "targets": [
            {
                "id": target.id,
                "kind": target.kind,
                "agents": list(target.agents),
                "writable": target.writable,
                "reason": target.reason,
            }
            for target in targets
        ],
    }


def plan_document(plan: Plan) -> Document:
    """Return a worked-out change."""
    return {
        "agent": plan.request.agent,
        "target": plan.request.target,
        "before": dict(plan.before),
        "after": dict(plan.after),
        "diff": [_diff(entry) for entry in plan.diff],
        "lint": [_finding(finding) for finding in plan.lint],
        "preflight": [result_document(result) for result in plan.preflight],
        "decision": plan.decision,
        "reason": plan.reason,
        "affects": plan.affects,
        "effective": plan.effective,
        "snippet": plan.snippet,
    }


def _diff(entry: DiffEntry) -> Document:
    return {"op": entry.op, "field": entry.field, "old": entry.old, "new": entry.new}


def outcome_document(outcome: ChangeOutcome) -> Document:
    """Return a plan and how carrying it out ended."""
    record = outcome.record
    return {
        **plan_document(outcome.plan),
        "change_id": record.change_id,
        "state": record.state,
        "detail": record.detail,
        "confirmed": outcome.confirmed,
        "verification": [result_document(result) for result in outcome.verification],
        "expires_at": timestamp(record.expires_at),
    }


def export_document(files: Sequence[ExportFile]) -> Document:
    """Return files to hand over."""
    return {"files": [{"path": file.path, "mode": file.mode, "content": file.content} for file in files]}


def reverted_document(ended: Sequence[EndedOverride]) -> Document:
    """Return how the overrides ended whose time was over, each by the change that had applied it."""
    return {"reverted": [{"change_id": one.id, "state": one.state, "detail": one.detail} for one in ended]}


def changes_document(records: Sequence[ChangeRecord]) -> Document:
    """Return the attempts to change something, newest first."""
    return {"changes": [_record(record) for record in records]}


def _record(record: ChangeRecord) -> Document:
    return {
        "change_id": record.change_id,
        "at": timestamp(record.at),
        "actor": record.actor,
        "agent": record.agent,
        "target": record.target,
        "reason": record.reason,
        "before": dict(record.before),
        "after": dict(record.after),
        "state": record.state,
        "expires_at": timestamp(record.expires_at),
        "origin": record.origin,
        "detail": record.detail,
        "rolls_back": record.rolls_back,
    }


def timestamp(moment: datetime | None) -> str | None:
    """Return RFC 3339 in UTC with milliseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def not_probed_document(choice: AgentChoice, health: Health) -> Document:
    """Return the place of an agent that was not probed: switched off, or not probeable at all."""
    slot = choice.slots[0] if choice.slots else None
    message, remedy = why_not_probed(choice)
    return {
        "agent": choice.agent,
        "slot": slot.slot if slot else "default",
        "model": slot.model if slot else None,
        "dialect": choice.dialect,
        "url": None,
        "generation": None,
        "identity": None,
        "depth": None,
        "health": health,
        "rung": None,
        "rungs": [{"rung": rung, "outcome": "not_started", "ms": None} for rung in Rung],
        "diagnosis": None,
        "message": message,
        "remedy": remedy,
        "suggestion": None,
        "http_status": None,
        "answered_model": None,
        "latency_ms": None,
        "ttft_ms": None,
        "tokens": _tokens(Tokens()),
        "checked_at": None,
        "attempts": 0,
        "request_id": None,
    }
