"""A model of the workspace with all its spellings, and what each listing said."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.model.agent import AgentId


class ListingOutcome(StrEnum):
    OK = "ok"
    PARTIAL = "partial"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model; `spellings` are the names it is listed under, `ready` None means that no listing said.

    `api_types` is the union of what the listings claim; empty means unknown, and only a probe decides.
    """

    id: str
    spellings: tuple[str, ...]
    family: str
    api_types: tuple[str, ...] = ()
    agents: tuple[AgentId, ...] = ()
    ready: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingResult:
    """What one listing gave: how many models, or why none."""

    source: str
    outcome: ListingOutcome
    count: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCatalogue:
    """All known models of the workspace and which source said what."""

    models: tuple[Model, ...] = ()
    sources: tuple[ListingResult, ...] = ()

    def find(self, spelling: str) -> Model | None:
        """Return the model listed under this spelling, if any."""
        return next((model for model in self.models if spelling in model.spellings), None)
