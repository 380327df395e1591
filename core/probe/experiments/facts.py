"""What is known besides the verdict when a failure is explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.model.choice import AgentChoice
from core.model.gateway import Gateway
from core.model.models import ListingOutcome, ModelCatalogue
from core.model.route import Identity, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The listings, the gateway, what the agents run, and what this sweep has already seen to work.

    `principals` names whose credential an identity is, where that is known. `known_good` are routes that answered in
    this sweep, their tokens left out. `workspace_origin` is where the workspace's own generations live.
    """

    catalogue: ModelCatalogue = ModelCatalogue()
    gateway: Gateway | None = None
    choices: tuple[AgentChoice, ...] = ()
    principals: Mapping[Identity, str] = field(default_factory=dict)
    known_good: tuple[Route, ...] = ()
    workspace_origin: str | None = None

    @property
    def listing_was_read(self) -> bool:
        """Say whether a model that is in no listing can be called absent."""
        complete = any(source.outcome is ListingOutcome.OK for source in self.catalogue.sources)
        return complete and bool(self.catalogue.models)

    def saw_answer(self, route: Route) -> bool:
        """Say whether this very route answered in this sweep."""
        return any(same_place(known, route) and known.model == route.model for known in self.known_good)

    def works_for_another(self, route: Route) -> Route | None:
        """Return the same model at the same place that answered to another identity, if any."""
        return next(
            (
                known
                for known in self.known_good
                if known.identity is not route.identity
                and known.model == route.model
                and (known.base_url, known.dialect) == (route.base_url, route.dialect)
            ),
            None,
        )


def same_place(one: Route, other: Route) -> bool:
    """Say whether two routes differ in nothing but the model; a stored token is that of its own agent."""
    same_caller = one.identity is other.identity and (one.identity is Identity.DASHBOARD or one.agent is other.agent)
    return same_caller and (one.base_url, one.dialect) == (other.base_url, other.dialect)
