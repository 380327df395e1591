"""What probing cost on one day, and what a token costs where an administrator said so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from core.model.probe import Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Money per million tokens, in whatever currency the price table is kept in."""

    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Requests and tokens of one UTC day or one sweep; `models` splits the tokens (input, output) by model."""

    day: date
    requests: int = 0
    models: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def tokens(self) -> Tokens:
        """Return the tokens of all models."""
        return Tokens(
            input=sum(counts[0] for counts in self.models.values()),
            output=sum(counts[1] for counts in self.models.values()),
        )

    @property
    def total_tokens(self) -> int:
        """Return input and output together, which is what a budget limits."""
        return sum(sum(counts) for counts in self.models.values())

    def plus(self, other: Usage) -> Usage:
        """Return both together; the older day is forgotten."""
        if self.day != other.day:
            return max(self, other, key=lambda usage: usage.day)
        models = dict(self.models)
        for model, (sent, received) in other.models.items():
            before = models.get(model, (0, 0))
            models[model] = (before[0] + sent, before[1] + received)
        return Usage(day=self.day, requests=self.requests + other.requests, models=models)

    def cost(self, prices: Mapping[str, Price]) -> float | None:
        """Return what this cost, None when the price of a model that was used is not known."""
        if not all(model in prices for model in self.models):
            return None
        return sum(
            (sent * prices[model].input + received * prices[model].output) / 1_000_000
            for model, (sent, received) in self.models.items()
        )
