"""Put how things stand into Markdown for a chat or a ticket, never greener than a page; pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.catalog.agents import AGENTS
from core.catalog.masking import NOTICE, Mask
from core.catalog.redact import redact
from core.documents import timestamp
from core.surfaces.watched import Watched


def status_summary(seen: Watched, mask: Mask | None = None) -> str:
    """Return the status of every agent as one Markdown text; with a mask, hosts, ids and people are aliases."""
    text = redact("\n".join(_lines(seen, masked=mask is not None)))
    return text if mask is None else mask.aliased(text)


def _lines(seen: Watched, *, masked: bool) -> Iterator[str]:
    snapshot = seen.snapshot
    yield f"# {seen.line}"
    yield ""
    if snapshot.scene:
        yield f"**Simulated** workspace, scene {snapshot.scene}: nothing here is real."
        yield ""
    if masked:
        yield f"**Masked**: {NOTICE}"
        yield ""
    if snapshot.offline:
        yield f"The dashboard is offline: {snapshot.offline}"
    if snapshot.workspace:
        yield f"- Workspace: `{snapshot.workspace.host}`"
    if snapshot.gateway:
        yield f"- Gateway: `{snapshot.gateway.base_url or 'none'}`"
    yield f"- As of: {timestamp(seen.at)}, last check {timestamp(snapshot.swept_at) or 'none yet'}"
    yield ""
    yield "| Agent | Health | Model | Says |"
    yield "| --- | --- | --- | --- |"
    for choice in snapshot.choices:
        told = seen.agent(choice.agent)
        first = choice.slots[0].model if choice.slots else None
        age = ", stale" if told.stale else ""
        cells = (AGENTS[choice.agent].label, told.status.health.capitalize() + age, first or "–", told.status.headline)
        yield "| " + " | ".join(_cell(cell) for cell in cells) + " |"
    if snapshot.incidents:
        yield ""
        yield "## Open incidents"
        yield ""
        for incident in snapshot.incidents:
            yield f"- since {timestamp(incident.started_at)}: {_cell(incident.message)}"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
