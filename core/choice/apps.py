"""Decide which deployed app configures which agent, and what gateway an app's own setting leads to; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.catalog.agents import AGENTS
from core.detect.hosts import GATEWAY_SETTING, SERVING_PATH, ParsedHost, parse_gateway_url
from core.detect.trust import Trust
from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.model.app import AppSeen, Configured
from core.model.gateway import Gateway, GatewaySource, Generation


def configured_by(apps: Sequence[AppSeen], named: str | None) -> Configured:
    """Return the app of each agent: the named one, else the only one that has the agent's variables."""
    by_agent: dict[AgentId, AppSeen] = {}
    undecided: dict[AgentId, tuple[str, ...]] = {}
    for agent in AGENTS:
        able = [app for app in apps if agent in app.info.agents and app.running is not None]
        if named is not None:
            able = [app for app in able if app.name == named]
        if len(able) == 1:
            by_agent[agent] = able[0]
        elif able:
            undecided[agent] = tuple(app.name for app in able)
    return Configured(by_agent=by_agent, undecided=undecided)


def gateway_of_app(
    app: AppSeen, present: Gateway | None, *, host: ParsedHost, trust: Trust, now: datetime
) -> Gateway | None:
    """Return the gateway that an app uses: as it states it, else the workspace's; None where no token may be sent."""
    stated = (app.running or {}).get(GATEWAY_SETTING)
    if GATEWAY_SETTING in app.hidden:
        return None
    if stated is None:
        return present
    if not stated.strip():
        base_url, generation, source = host.origin + SERVING_PATH, Generation.SERVING_ENDPOINTS, GatewaySource.DISABLED
    else:
        try:
            parsed = parse_gateway_url(stated.strip(), host, trust)
        except ConfigurationError:
            return None
        base_url, generation, source = parsed.base_url, parsed.generation, GatewaySource.EXPLICIT
    return Gateway(base_url=base_url, generation=generation, source=source, trace=(), resolved_at=now)
