"""Say what about a choice is or will be a problem before anything is asked; pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.catalog.agents import AGENTS, API_TYPES
from core.catalog.spellings import (
    endpoint_spelling,
    is_chat_model,
    is_service_spelling,
    model_id,
    service_spelling,
)
from core.choice.request_lint import lint_request
from core.model.agent import Dialect
from core.model.choice import AgentChoice, Layer, LintFinding, Severity, SlotChoice
from core.model.gateway import Generation
from core.model.models import ListingOutcome, Model, ModelCatalogue

# Claude Code asks for the long context window by this ending; the name that is sent does not have it.
_LONG_CONTEXT = "[1m]"


def lint_choice(choice: AgentChoice, catalogue: ModelCatalogue) -> tuple[LintFinding, ...]:
    """Return the findings on one agent's whole chain, each of them once."""
    findings = [*_config(choice), *_chain(choice)]
    for slot in choice.slots:
        findings += _environment(choice, slot)
        if slot.model is not None:
            findings += _model(slot, slot.model, choice, catalogue)
            findings += lint_request(choice.agent, slot.slot, slot.dialect, plain_model_name(slot.model))
    return tuple(dict.fromkeys(findings))


def plain_model_name(model: str) -> str:
    """Return the name as listings spell it, without what an agent adds for itself."""
    return model.removesuffix(_LONG_CONTEXT)


def find_model(catalogue: ModelCatalogue, name: str) -> Model | None:
    """Return the model of this name; the other generation's spelling of a listed model names it too."""
    plain = plain_model_name(name)
    listed = catalogue.find(plain)
    if listed is not None or plain not in (endpoint_spelling(plain), service_spelling(plain)):
        return listed
    return next((model for model in catalogue.models if model.id == model_id(plain)), None)


def _config(choice: AgentChoice) -> Iterator[LintFinding]:
    config = choice.config
    if config is not None and config.problem is not None:
        message = f"{config.problem.rstrip('.')}; what {AGENTS[choice.agent].label} runs cannot be seen from here."
        yield LintFinding(code="config_unreadable", severity=Severity.WARNING, message=message)


def _chain(choice: AgentChoice) -> Iterator[LintFinding]:
    primary = choice.slot("primary")
    if primary is None:
        return
    label = AGENTS[choice.agent].label
    for slot in choice.slots:
        if not slot.slot.startswith("fallback"):
            continue
        if slot.model is None:
            message = f"{label} has no fallback: when {primary.model or 'its model'} fails, it stops."
            yield LintFinding(code="fallback_missing", severity=Severity.WARNING, message=message)
        elif primary.model is not None:
            yield from _same_as_primary(label, primary, slot)


def _same_as_primary(label: str, primary: SlotChoice, slot: SlotChoice) -> Iterator[LintFinding]:
    """Hermes skips a fallback of the same provider and model, whatever its base URL (measured: agents.md §3.1)."""
    code = "fallback_equals_primary"
    if slot.model == primary.model and slot.base_url == primary.base_url:
        message = f"{slot.slot} is {slot.model} like the primary; {label} skips it, so it is no fallback."
        yield LintFinding(code=code, severity=Severity.ERROR, message=message)
    elif slot.model == primary.model:
        message = f"{slot.slot} is {slot.model} like the primary; {label} skips it unless the providers differ."
        yield LintFinding(code=code, severity=Severity.WARNING, message=message)
    elif model_id(slot.model or "") == model_id(primary.model or ""):
        message = f"{slot.slot} {slot.model} is the same model as the primary; when the model fails, both fail."
        yield LintFinding(code=code, severity=Severity.WARNING, message=message)


def _environment(choice: AgentChoice, slot: SlotChoice) -> Iterator[LintFinding]:
    lost = next((value for value in slot.shadowed if value.source is Layer.ENVIRONMENT), None)
    if slot.source is not Layer.TARGET or lost is None or lost.value == slot.model:
        return
    message = (
        f"{slot.variable} says {lost.value}, but {AGENTS[choice.agent].label} does not read it: "
        f"its own config decides, and says {slot.model or 'nothing'}."
    )
    yield LintFinding(code="environment_ignored", severity=Severity.WARNING, message=message)


def _model(slot: SlotChoice, name: str, choice: AgentChoice, catalogue: ModelCatalogue) -> Iterator[LintFinding]:
    plain = plain_model_name(name)
    found = find_model(catalogue, name)
    if found is None and _is_listed_anywhere(catalogue):
        yield LintFinding(code="model_unknown", severity=Severity.WARNING, message=_unknown(plain, catalogue))
    if _is_no_chat_model(plain, found):
        message = f"{plain} is not a chat model, so no agent can talk to it."
        yield LintFinding(code="model_not_chat", severity=Severity.ERROR, message=message)
    elif slot.dialect is not None and found is not None and not _speaks(found, slot.dialect):
        label = AGENTS[choice.agent].label
        message = f"{plain} is not listed with {slot.dialect.label}, which is what {label} speaks to it."
        yield LintFinding(code="dialect_not_listed", severity=Severity.ERROR, message=message)
    if slot.generation is Generation.SERVING_ENDPOINTS and is_service_spelling(plain):
        message = f"{plain} is the name of a gateway's model service; serving-endpoints know {_endpoint_name(plain)}."
        yield LintFinding(code="spelling_for_other_generation", severity=Severity.WARNING, message=message)


def _is_no_chat_model(name: str, found: Model | None) -> bool:
    """Without API types the catalogue leaves a model without agents only when a listing says what else it is for."""
    by_listing = found is not None and not found.api_types and not found.agents
    return by_listing or not is_chat_model(name)


def _speaks(model: Model, dialect: Dialect) -> bool:
    return not model.api_types or bool(set(API_TYPES[dialect]) & set(model.api_types))


def _endpoint_name(service: str) -> str:
    is_of_databricks = service == service_spelling(model_id(service))
    return endpoint_spelling(service) if is_of_databricks else "only endpoint names"


def _is_listed_anywhere(catalogue: ModelCatalogue) -> bool:
    return bool(catalogue.models) and any(
        source.outcome in (ListingOutcome.OK, ListingOutcome.PARTIAL) for source in catalogue.sources
    )


def _unknown(name: str, catalogue: ModelCatalogue) -> str:
    meant = next((model for model in catalogue.models if model.id == model_id(name)), None)
    hint = f"; it is listed as {' and '.join(meant.spellings)}" if meant else ""
    return f"{name} is in no model listing of this workspace{hint}."
