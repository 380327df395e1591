"""Turn choices into the routes to probe; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from core.catalog.agents import AGENTS
from core.model.choice import AgentChoice, SlotChoice
from core.model.route import Identity, Route


def routes_of(choices: Iterable[AgentChoice]) -> tuple[Route, ...]:
    """Return every route of the enabled agents, per slot the dashboard's credential first, then the agent's own."""
    return tuple(
        route
        for choice in choices
        if choice.enabled and AGENTS[choice.agent].probeable
        for slot in choice.slots
        for route in routes_of_slot(choice, slot)
    )


def routes_of_slot(choice: AgentChoice, slot: SlotChoice) -> tuple[Route, ...]:
    """Return the routes of one slot; none when it has no model or nowhere to send it."""
    if slot.model is None or slot.base_url is None or slot.dialect is None:
        return ()
    dashboard = Route(
        agent=choice.agent,
        slot=slot.slot,
        model=slot.model,
        base_url=slot.base_url,
        dialect=slot.dialect,
        generation=slot.generation,
        identity=Identity.DASHBOARD,
    )
    if slot.stored_token is None:
        return (dashboard,)
    stored = replace(dashboard, identity=Identity.STORED, token=slot.stored_token)
    return (dashboard, stored)
