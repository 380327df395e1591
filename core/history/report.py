"""Put an incident into Markdown for a ticket; pure.

What came from elsewhere is redacted, and means nothing in the ticket's Markdown. Rows and JSON are left to `export`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from core.catalog.agents import AGENTS
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
# Also as a URL or JSON writes it.
_MAIL = re.compile(r"[\w.+'-]{1,256}(?:@|%40|\\+u0040)[\w-]{1,63}(?:\.[\w-]{1,63})+", re.IGNORECASE)
_UUID = re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\d{10,}(?![0-9A-Za-z])")
_HOST = re.compile(r"(?i)\b(?:[a-z0-9-]+\.)+(?:azuredatabricks|databricks|databricksapps)\.[a-z]{2,3}\b")


def incident_report(
    incident: Incident, transitions: Sequence[Transition], *, workspace: str, masked: bool, now: datetime
) -> str:
    """Return an incident as Markdown, without credentials; `masked` without hosts, ids and people too.

    `transitions` may hold those of others; times are UTC, and `now` is what an incident that has not ended lasts up to.
    """
    writer = _Writer(hosts=_numbered_hosts(incident, workspace) if masked else None)
    own = sorted((one for one in transitions if one.incident_id == incident.id), key=lambda one: one.at)
    parts = [writer.head(incident, workspace, now), writer.routes(incident), writer.timeline(incident.timeline)]
    # Once more over the whole, for what only looks like a credential together.
    return redact("\n".join(line for part in [*parts, writer.changes(own)] for line in part))


def _numbered_hosts(incident: Incident, workspace: str) -> Mapping[str, str]:
    """Each host keeps a number, so that one can be told from another."""
    named = [urlsplit(workspace).netloc or workspace, incident.cause.host]
    named += [urlsplit(route.base_url).netloc for route in incident.routes]
    hosts = dict.fromkeys(host.lower() for host in named if host)
    return {host: f"host-{number}" for number, host in enumerate(hosts, start=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Writer:
    """Writes the parts of a report; with `hosts` what names the workspace and people is struck out."""

    hosts: Mapping[str, str] | None = field(default=None)

    def head(self, incident: Incident, workspace: str, now: datetime) -> Iterator[str]:
        cause = incident.cause
        yield f"# Incident {incident.id}: {cause.rung.label} failed at {self._code(cause.host)}"
        yield ""
        if incident.simulated:
            yield "**Simulated**: this happened in a simulated workspace."
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
        if self.hosts is None:
            return shown
        # People first: behind a host that has got its number no address is recognised any more.
        shown = _MAIL.sub("[person]", shown)
        for host in sorted(self.hosts, key=len, reverse=True):
            shown = re.sub(re.escape(host), self.hosts[host], shown, flags=re.IGNORECASE)
        shown = _HOST.sub("[host]", shown)
        return _NUMBER.sub("[number]", _UUID.sub("[id]", shown))


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
