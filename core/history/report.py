"""Put an incident into Markdown for a ticket; pure.

What came from elsewhere is redacted, and means nothing in the ticket's Markdown. Rows and JSON are left to `export`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.catalog.agents import AGENTS
from core.catalog.masking import NOTICE, Mask
from core.catalog.redact import redact
from core.health.spans import lasting_text
from core.history.export import export_rows, history_json
from core.model.check import route_id
from core.model.incident import Incident, IncidentStep
from core.model.route import Route
from core.model.standing import Transition

_NOTHING = "–"
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~<>$&@])")
# Trackers make links of bare addresses; an invisible joiner keeps them text.
_ADDRESS = re.compile(r"(?i)(://|www\.)(?=\S)")


def incident_report(
    incident: Incident, transitions: Sequence[Transition], *, workspace: str, mask: Mask | None, now: datetime
) -> str:
    """Return an incident as Markdown, without credentials; with a mask, hosts, ids and people are aliases too.

    `transitions` may hold those of others; times are UTC, and `now` is what an incident that has not ended lasts up to.
    """
    writer = _Writer(mask=mask)
    own = sorted((one for one in transitions if one.incident_id == incident.id), key=lambda one: one.at)
    parts = [writer.head(incident, workspace, now), writer.routes(incident), writer.timeline(incident.timeline)]
    # Once more over the whole, for what only looks like a credential together.
    return redact("\n".join(line for part in [*parts, writer.changes(own)] for line in part))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Writes the parts of a report; with a mask what names the workspace and people is an alias."""

    mask: Mask | None

    def head(self, incident: Incident, workspace: str, now: datetime) -> Iterator[str]:
        cause = incident.cause
        yield f"# Incident {incident.id}: {cause.rung.label} failed at {self._code(cause.host)}"
        yield ""
        if incident.simulated:
            yield "**Simulated**: this happened in a simulated workspace."
            yield ""
        if self.mask is not None:
            yield f"**Masked**: {NOTICE}"
            yield ""
        yield f"- Health: {incident.health.capitalize()}"
        yield f"- First failed check: {_moment(incident.started_at)}"
        yield f"- Confirmed: {_moment(incident.confirmed_at)}"
        yield f"- Ended: {_moment(incident.ended_at) if incident.ended_at else 'not ended'}"
        yield f"- Lasted: {_lasted(incident, now)}"
        yield f"- Cause: {self._text(incident.message) or 'not said'} ({self._code(cause.diagnosis)})"
        yield f"- Remedy: {self._text(incident.remedy) or 'none known'}"
        yield f"- Workspace: {self._code(workspace)}"
        yield f"- On the dashboard: {self._code(f'/history?incident={incident.id}')}"

    def routes(self, incident: Incident) -> Iterator[str]:
        yield "\n## Routes\n"
        cells = (
            (
                AGENTS[route.agent].label,
                self._text(route.slot),
                self._code(route.model),
                self._code(route.base_url),
                route.dialect.label,
                route.identity.label,
                "still hit" if route_id(route) in incident.open_routes else "recovered",
            )
            for route in incident.routes
        )
        yield from _table(("Agent", "Slot", "Model", "Base URL", "Dialect", "Credential", "Now"), cells)

    def timeline(self, steps: Sequence[IncidentStep]) -> Iterator[str]:
        yield "\n## Timeline\n"
        cells = ((_moment(step.at), step.kind, self._route(step.route), self._text(step.text)) for step in steps)
        yield from _table(("When", "What", "Route", "Detail"), cells)

    def changes(self, transitions: Sequence[Transition]) -> Iterator[str]:
        if not transitions:
            return
        yield "\n## Changes of health\n"
        cells = (
            (_moment(one.at), self._route(one.route), f"{one.before} → {one.after}", self._text(_why(one)))
            for one in transitions
        )
        yield from _table(("When", "Route", "Health", "Why"), cells)

    def _route(self, route: Route | None) -> str:
        if route is None:
            return ""
        return f"{AGENTS[route.agent].label} {self._text(route.slot)}, {route.identity.label}"

    def _text(self, text: str) -> str:
        """Return text that means nothing in Markdown: no markup, no links, nobody mentioned."""
        return _MARKUP.sub(r"\\\1", _ADDRESS.sub("\\1\u2060", self._shown(text)))

    def _code(self, text: str) -> str:
        """Return text as it is, to be copied; a pipe would end a table's cell even here."""
        shown = self._shown(text).replace("`", "'").replace("|", "\\|")
        return f"`{shown}`" if shown else _NOTHING

    def _shown(self, text: str) -> str:
        """Control and format characters turn text around, hide parts of it, or end a line."""
        shown = " ".join("".join(char if char.isprintable() else " " for char in redact(text)).split())
        return shown if self.mask is None else self.mask.aliased(shown)


def _why(transition: Transition) -> str:
    status = f"{transition.http_status} " if transition.http_status else ""
    return f"{transition.rung.label}: {status}{transition.message}"


def _lasted(incident: Incident, now: datetime) -> str:
    if incident.ended_at is not None:
        return lasting_text((incident.ended_at - incident.started_at).total_seconds())
    return f"{lasting_text((now - incident.started_at).total_seconds())} so far"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + " --- |" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell or _NOTHING for cell in row) + " |"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


__all__ = ["export_rows", "history_json", "incident_report"]
