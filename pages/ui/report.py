"""The detection report: what was found out, as Markdown to paste into a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from core.catalog.agents import AGENTS
from core.catalog.masking import NOTICE, Mask
from core.catalog.redact import redact
from core.model.snapshot import Snapshot
from pages.ui.formats import NOTHING, clock_text, ms_text


def detection_report(snapshot: Snapshot, mask: Mask | None = None) -> str:
    """Return the whole of Detection as one Markdown text, without credentials; with a mask, names are aliases."""
    text = redact("\n".join(_lines(snapshot, masked=mask is not None)))
    return text if mask is None else mask.aliased(text)


def _lines(snapshot: Snapshot, *, masked: bool) -> Iterator[str]:
    yield "# Switchyard detection report"
    yield ""
    if snapshot.scene:
        yield f"Simulated workspace, scene {snapshot.scene}."
    if masked:
        yield f"**Masked**: {NOTICE}\n"
    yield f"Detected: {clock_text(snapshot.detected_at)}. Last sweep: {clock_text(snapshot.swept_at)}."
    if snapshot.problem:
        yield f"Problem: {snapshot.problem.message} {snapshot.problem.remedy}"
    if snapshot.offline:
        yield f"Offline: {snapshot.offline}"
    yield from _workspace(snapshot)
    yield from _gateway(snapshot)
    yield from _agents(snapshot)
    yield from _models(snapshot)


def _workspace(snapshot: Snapshot) -> Iterator[str]:
    workspace, identity = snapshot.workspace, snapshot.identity
    yield "\n## Workspace\n"
    if workspace is None:
        yield "Not detected."
        return
    yield f"- Host: {workspace.host}"
    yield f"- Workspace id: {workspace.workspace_id or 'unknown'}"
    yield f"- Cloud: {workspace.cloud} ({workspace.environment})"
    if identity is not None:
        admin = {True: "workspace admin", False: "not a workspace admin", None: "admin or not: unknown"}
        yield f"- Identity: {identity.name or 'unknown'} ({identity.kind}, {admin[identity.is_admin]})"
    yield ""
    yield from _table(("Source", "Value", "Verdict"), ((e.source, e.value, e.verdict) for e in workspace.evidence))
    yield from (f"- Contradiction: {text}" for text in workspace.contradictions)


def _gateway(snapshot: Snapshot) -> Iterator[str]:
    gateway = snapshot.gateway
    yield "\n## Gateway\n"
    if gateway is None:
        yield "Not resolved."
        return
    yield f"- Base URL: {gateway.base_url or 'none'}"
    yield f"- Generation: {gateway.generation or 'none'}, source: {gateway.source}"
    yield f"- Resolved: {clock_text(gateway.resolved_at)}\n"
    steps = ((s.step, s.candidate, s.outcome, s.reason, ms_text(s.latency_ms)) for s in gateway.trace)
    yield from _table(("Step", "Candidate", "Outcome", "Reason", "Time"), steps)


def _agents(snapshot: Snapshot) -> Iterator[str]:
    yield "\n## Agents\n"
    rows = (
        (AGENTS[r.route.agent].label, r.route.slot, r.route.model, r.route.identity.label, r.health, r.message)
        for r in snapshot.results
    )
    yield from _table(("Agent", "Slot", "Model", "Identity", "Health", "Verdict"), rows)


def _models(snapshot: Snapshot) -> Iterator[str]:
    yield "\n## Model listings\n"
    rows = ((s.source, s.outcome, str(s.count), s.detail) for s in snapshot.catalogue.sources)
    yield from _table(("Listing", "Outcome", "Models", "Detail"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str | None]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"


def _cell(text: str | None) -> str:
    return " ".join((text or NOTHING).split()).replace("|", "\\|")
