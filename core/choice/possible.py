"""Say which agents a model cannot serve, by what the listings claim and before anything is asked; pure."""

from __future__ import annotations

from dataclasses import dataclass

from core.catalog.agents import AGENTS
from core.catalog.spellings import family_of, is_chat_model
from core.detect.models import agents_for
from core.model.agent import AgentId
from core.model.models import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """Why a combination cannot work: two or three words for a cell, and the sentence for people."""

    short: str
    sentence: str


def why_impossible(agent: AgentId, model: Model) -> Obstacle | None:
    """Return what speaks against this agent with this model; None when only a probe can tell."""
    spec = AGENTS[agent]
    if not spec.probeable:
        return Obstacle(short="inform only", sentence=spec.note)
    if not is_chat_model(model.id):
        return Obstacle(short="not chat", sentence="not a chat model, so no agent can talk to it")
    if agent not in model.agents:
        spoken = ", ".join(dialect.label for dialect in spec.dialects)
        listed = ", ".join(model.api_types) or "no API type"
        sentence = f"{spec.label} speaks {spoken}; this model is listed for {listed}"
        return Obstacle(short="other dialect", sentence=sentence)
    if model.ready is False:
        return Obstacle(short="not ready", sentence="listed as not ready")
    return None


def unlisted_model(name: str) -> Model:
    """Return a model that some agent is set to though no listing names it, with what its family usually speaks."""
    family = family_of(name)
    agents = agents_for(family, ()) if is_chat_model(name) else ()
    return Model(id=name, spellings=(name,), family=family, agents=agents)
