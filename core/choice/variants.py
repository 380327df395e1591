"""Think an agent's choice with other models than the one it is set to; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from core.catalog.agents import AGENTS, dialect_for
from core.catalog.spellings import family_of, is_service_spelling
from core.choice.bases import agent_base_url
from core.model.choice import AgentChoice
from core.model.gateway import Gateway, Generation
from core.model.models import Model, ModelCatalogue


def with_model(choice: AgentChoice, model: str, gateway: Gateway | None) -> AgentChoice:
    """Return the choice with only its first slot, set to this model."""
    if not choice.slots:
        return choice
    slot = choice.slots[0]
    dialect = dialect_for(AGENTS[choice.agent], family_of(model))
    base_url = slot.base_url if dialect is slot.dialect else agent_base_url(AGENTS[choice.agent], dialect, gateway)
    return replace(choice, slots=(replace(slot, model=model, dialect=dialect, base_url=base_url),))


def every_model(choice: AgentChoice, gateway: Gateway | None, catalogue: ModelCatalogue) -> Iterator[AgentChoice]:
    """Yield the choice once per listed model that the agent can use, spelled for the gateway's generation."""
    for model in catalogue.models:
        if choice.agent in model.agents:
            yield with_listed_model(choice, model, gateway)


def with_listed_model(choice: AgentChoice, model: Model, gateway: Gateway | None) -> AgentChoice:
    """Return the choice with only its first slot, set to this model as the gateway's generation spells it."""
    return with_model(choice, _spelling(model, gateway), gateway)


def _spelling(model: Model, gateway: Gateway | None) -> str:
    """Serving-endpoints know endpoint names only; elsewhere any spelling will do (databricks.md §1.5)."""
    on_legacy = gateway is not None and gateway.generation is Generation.SERVING_ENDPOINTS
    usable = [spelling for spelling in model.spellings if not (on_legacy and is_service_spelling(spelling))]
    return (usable or list(model.spellings))[0]
