"""What the address of the Fallbacks page says: whose drill, and which failure; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.catalog.agents import AGENTS
from core.catalog.failover import FailureClass, measured_failures
from core.model.agent import AgentId
from pages.ui.address import Address
from pages.ui.route_query import members_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackAsk:
    """The drill that is set up; without a failure the agent's first one that was measured."""

    agent: AgentId = AgentId.HERMES
    failure: FailureClass = FailureClass.NO_MODEL


def drillable() -> tuple[AgentId, ...]:
    """Return the agents whose clients were run against failures."""
    return tuple(agent for agent in AGENTS if measured_failures(agent))


def parse_ask(query: Mapping[str, Sequence[str]]) -> FallbackAsk:
    """Return what an address means; whatever cannot be meant is ignored."""
    agents = [agent for agent in members_of(AgentId, query.get("agent", ())[-1:]) if agent in drillable()]
    agent = next(iter(agents), AgentId.HERMES)
    measured = measured_failures(agent)
    failures = [one for one in members_of(FailureClass, query.get("failure", ())[-1:]) if one in measured]
    return FallbackAsk(agent=agent, failure=next(iter(failures), FailureClass.NO_MODEL))


def ask_address(asked: FallbackAsk) -> dict[str, list[str]]:
    """Return the shortest address that means this."""
    usual = FallbackAsk()
    said = {"agent": asked.agent.value} if asked.agent is not usual.agent else {}
    said |= {"failure": asked.failure.value} if asked.failure is not usual.failure else {}
    return {name: [value] for name, value in said.items()}


FALLBACKS: Address[FallbackAsk] = Address(key="fallbacks_address_written", parse=parse_ask, query_of=ask_address)
