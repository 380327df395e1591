"""Which models can be picked for an agent, and why the others cannot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.catalog.spellings import endpoint_spelling, is_chat_model, model_id
from core.choice.possible import why_impossible
from core.model.agent import AgentId
from core.model.choice import AgentChoice
from core.model.models import Model, ModelCatalogue
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity
from pages.ui.formats import HEALTH_SIGNS, ms_text

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
    """One model for the picker; `obstacle` is empty when it can be chosen, `measured` is how it answered this agent."""

    spelling: str
    obstacle: str = ""
    measured: ProbeResult | None = None

    @property
    def label(self) -> str:
        """Return the option as people pick it: by name, with what is known of it."""
        if self.measured is None:
            return f"{self.spelling} · not measured"
        word = HEALTH_SIGNS[self.measured.health].word
        time = f" {ms_text(self.measured.latency_ms)}" if self.measured.latency_ms is not None else ""
        return f"{self.spelling} · {word}{time}"


def model_options(catalogue: ModelCatalogue, agent: AgentId, results: Sequence[ProbeResult]) -> tuple[ModelOption, ...]:
    """Return all chat models for an agent, those that can work first, and of these the ones that were seen to work."""
    options = [
        ModelOption(
            spelling=spelling_of(model),
            obstacle=_obstacle(model, agent, results),
            measured=_measured(model.id, agent, results),
        )
        for model in catalogue.models
        if is_chat_model(model.id)
    ]
    return tuple(sorted(options, key=lambda option: (bool(option.obstacle), _rank(option), option.spelling)))


def _rank(option: ModelOption) -> int:
    if option.measured is None:
        return 1
    return 0 if option.measured.health is Health.HEALTHY else 2


def _measured(model: str, agent: AgentId, results: Sequence[ProbeResult]) -> ProbeResult | None:
    """Return the newest verdict on a model for this agent with the dashboard's credential, which is always there."""
    own = [
        result
        for result in results
        if result.route.agent is agent
        and result.route.identity is Identity.DASHBOARD
        and model_id(result.route.model) == model
    ]
    return max(own, key=lambda result: result.checked_at, default=None)


def usable_models(
    options: Sequence[ModelOption], choice: AgentChoice, results: Sequence[ProbeResult]
) -> Mapping[str, str]:
    """Return what can be picked with its label: the options without obstacle, and what answers though unlisted."""
    usable = {option.spelling: option.label for option in options if not option.obstacle}
    answering = {r.route.model: r for r in results if r.route.agent is choice.agent and r.health is Health.HEALTHY}
    for slot in choice.slots:
        if slot.model and slot.model in answering and slot.model not in usable:
            usable[slot.model] = ModelOption(spelling=slot.model, measured=answering[slot.model]).label
    return usable


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
