"""Merge what the listings say into one catalogue: both spellings of a model are one model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.catalog.agents import AGENTS, API_TYPES, dialect_for
from core.catalog.spellings import family_of, is_chat_model, model_id
from core.detect.listing import ListedModel, Listing
from core.model.agent import AgentId, AgentSpec, Dialect
from core.model.models import Model, ModelCatalogue


def merge_models(listings: Iterable[Listing]) -> ModelCatalogue:
    """Return the catalogue of all listings, sorted by id; a failed one only adds why it failed."""
    listings = tuple(listings)
    entries: dict[str, list[ListedModel]] = {}
    for listing in listings:
        for listed in listing.models:
            entries.setdefault(model_id(listed.spelling), []).append(listed)
    models = tuple(_merged(name, entries[name]) for name in sorted(entries))
    return ModelCatalogue(models=models, sources=tuple(listing.result for listing in listings))


def agents_for(family: str, api_types: Sequence[str]) -> tuple[AgentId, ...]:
    """Return the agents that can use a chat model; without API types by what models of this family usually speak.

    Each agent is judged by the dialect it would really choose for this family.
    """
    return tuple(spec.agent for spec in AGENTS.values() if _can_use(spec, family, api_types))


def _can_use(spec: AgentSpec, family: str, api_types: Sequence[str]) -> bool:
    dialect = dialect_for(spec, family)
    if dialect is None:
        return False
    if api_types:
        return any(kind in API_TYPES[dialect] for kind in api_types)
    # OpenCode speaks every dialect, so what it chooses is the family's own one.
    return dialect in (Dialect.OPENAI_CHAT, dialect_for(AGENTS[AgentId.OPENCODE], family))


def _merged(name: str, listed: Sequence[ListedModel]) -> Model:
    spellings = tuple(dict.fromkeys(entry.spelling for entry in listed))
    api_types = tuple(dict.fromkeys(kind for entry in listed for kind in entry.api_types))
    family = family_of(name)
    says_chat = [entry.chat for entry in listed if entry.chat is not None]
    is_chat = is_chat_model(name) and (not says_chat or any(says_chat))
    return Model(
        id=name,
        spellings=spellings,
        family=family,
        api_types=api_types,
        agents=agents_for(family, api_types) if is_chat else (),
        ready=_merged_ready([entry.ready for entry in listed]),
    )


def _merged_ready(said: Sequence[bool | None]) -> bool | None:
    """One listing that calls it ready is enough: the others may be of another generation."""
    if True in said:
        return True
    return False if False in said else None
