"""Turn choices into the routes to probe; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from core.catalog.agents import AGENTS
from core.model.choice import AgentChoice, SlotChoice
from core.model.route import Identity, Route
from core.model.secret import Secret

_NOBODY: Mapping[Identity, Secret] = {}


def routes_of(choices: Iterable[AgentChoice], extra: Mapping[Identity, Secret] = _NOBODY) -> tuple[Route, ...]:
    """Return every route of the enabled agents, per slot the dashboard's credential first, then the agent's own.

    `extra` are tokens of further identities, which come after those; they are in the routes only, and not kept.
    """
    return tuple(
        route
        for choice in choices
        if choice.enabled and AGENTS[choice.agent].probeable
        for slot in choice.slots
        for route in routes_of_slot(choice, slot, extra)
    )


def routes_of_slot(
    choice: AgentChoice, slot: SlotChoice, extra: Mapping[Identity, Secret] = _NOBODY
) -> tuple[Route, ...]:
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
    tokens = {Identity.STORED: slot.stored_token, **extra}
    others = (replace(dashboard, identity=identity, token=token) for identity, token in tokens.items() if token)
    return (dashboard, *others)
