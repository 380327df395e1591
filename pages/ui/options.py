"""Which models can be picked for an agent, and why the others cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.catalog.spellings import endpoint_spelling, is_chat_model, model_id
from core.choice.possible import why_impossible
from core.model.agent import AgentId
from core.model.choice import AgentChoice
from core.model.models import Model, ModelCatalogue
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity

_SAYS_NO_MODEL = frozenset(
    {
        Diagnosis.MODEL_NOT_ON_ROUTE,
        Diagnosis.MODEL_ABSENT,
        Diagnosis.SPELLING_RETIRED,
        Diagnosis.DIALECT_MISMATCH,
        Diagnosis.RATE_LIMIT_ZERO,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOption:
    """One model for the picker; `obstacle` is empty when it can be chosen."""

    spelling: str
    obstacle: str = ""


def model_options(catalogue: ModelCatalogue, agent: AgentId, results: Sequence[ProbeResult]) -> tuple[ModelOption, ...]:
    """Return all chat models for an agent, those that can work first."""
    options = [
        ModelOption(spelling=spelling_of(model), obstacle=_obstacle(model, agent, results))
        for model in catalogue.models
        if is_chat_model(model.id)
    ]
    return tuple(sorted(options, key=lambda option: (bool(option.obstacle), option.spelling)))


def usable_models(
    options: Sequence[ModelOption], choice: AgentChoice, results: Sequence[ProbeResult]
) -> tuple[str, ...]:
    """Return what can be picked: the options without obstacle, and what answers now though no listing names it."""
    usable = dict.fromkeys(option.spelling for option in options if not option.obstacle)
    answering = {r.route.model for r in results if r.route.agent is choice.agent and r.health is Health.HEALTHY}
    usable |= dict.fromkeys(slot.model for slot in choice.slots if slot.model and slot.model in answering)
    return tuple(usable)


def spelling_of(model: Model) -> str:
    """Return the name to write into a config: the endpoint's, which every generation takes, if it is listed."""
    endpoint = endpoint_spelling(model.id)
    return endpoint if endpoint in model.spellings or not model.spellings else model.spellings[0]


def _obstacle(model: Model, agent: AgentId, results: Sequence[ProbeResult]) -> str:
    obstacle = why_impossible(agent, model)
    if obstacle is not None:
        return obstacle.sentence
    refused = _refusal(model, agent, results)
    return refused.message if refused else ""


def _refusal(model: Model, agent: AgentId, results: Sequence[ProbeResult]) -> ProbeResult | None:
    """Return the verdict that speaks against the model itself; the dashboard's credential is known to be read here."""
    return next(
        (
            result
            for result in results
            if result.route.agent is agent
            and result.route.identity is Identity.DASHBOARD
            and model_id(result.route.model) == model.id
            and result.health is Health.DOWN
            and result.diagnosis in _SAYS_NO_MODEL
        ),
        None,
    )
