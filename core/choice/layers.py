"""Decide what each agent runs: default < environment < target, per slot, with what each one shadows.

The target is the agent's own config on this machine where there is one, else the app that configures the agent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from core.catalog.agents import AGENTS, dialect_for
from core.catalog.spellings import family_of
from core.choice.bases import agent_base_url, generation_of
from core.choice.lint import lint_choice
from core.model.agent import AgentId, AgentSpec, Dialect, SlotSpec
from core.model.app import RunningApp
from core.model.change import TargetKind
from core.model.choice import (
    AgentChoice,
    AgentConfig,
    Layer,
    LintFinding,
    Severity,
    Shadowed,
    SlotChoice,
    StoredRoute,
)
from core.model.gateway import Gateway
from core.model.models import ModelCatalogue

_OFF = frozenset({"false", "0", "no", "off"})
_NO_APPS: Mapping[AgentId, RunningApp] = {}
_NOTHING: Mapping[str, str] = {}


def choose_agents(
    *,
    environment: Mapping[str, str],
    configs: Mapping[AgentId, AgentConfig],
    gateway: Gateway | None,
    catalogue: ModelCatalogue,
    apps: Mapping[AgentId, RunningApp] = _NO_APPS,
) -> tuple[AgentChoice, ...]:
    """Return the choice of every agent with its lint, in catalogue order."""

    def choice_of(spec: AgentSpec) -> AgentChoice:
        config, app = configs.get(spec.agent), apps.get(spec.agent)
        if app is not None and (config is None or not config.exists):
            return replace(choose_in_app(spec.agent, app, environment), config=config)
        stored = {route.slot: route for route in config.slots} if config and config.problem is None else {}
        target = f"{TargetKind.FILE}:{spec.agent}" if stored else None
        return replace(_choose(spec, environment, stored, gateway), config=config, target=target)

    choices = map(choice_of, AGENTS.values())
    return tuple(replace(choice, lint=(*choice.lint, *lint_choice(choice, catalogue))) for choice in choices)


def choose_in_app(agent: AgentId, app: RunningApp, environment: Mapping[str, str] = _NOTHING) -> AgentChoice:
    """Return what an agent runs in an app: its values, and where they say nothing what the agent would be given."""
    spec = AGENTS[agent]
    stored = {
        slot.name: StoredRoute(slot=slot.name, model=model, base_url=None, token=None, token_from=None)
        for slot in spec.slots
        if (model := next((app.values[name] for name in slot.variables if app.values.get(name)), None))
    }
    choice = _choose(spec, environment, stored, app.gateway)
    own = {spec.enable_variable, *(name for slot in spec.slots for name in slot.variables)}
    return replace(
        choice,
        enabled=_is_enabled(spec, {**environment, **app.values}),
        target=app.target,
        lint=tuple(_hidden_value(name, app.target) for name in sorted(app.hidden) if name in own),
    )


def _hidden_value(name: str, target: str) -> LintFinding:
    message = f"{name} was sent with the deployment of {target.partition(':')[2]} and cannot be read back from it."
    return LintFinding(code="app_value_hidden", severity=Severity.WARNING, message=message)


def _choose(
    spec: AgentSpec, environment: Mapping[str, str], stored: Mapping[str, StoredRoute], gateway: Gateway | None
) -> AgentChoice:
    slots = tuple(_routed(spec, slot, stored.get(slot.slot), gateway) for slot in _models(spec, environment, stored))
    return AgentChoice(
        agent=spec.agent,
        enabled=_is_enabled(spec, environment),
        dialect=slots[0].dialect if slots else None,
        base_url=slots[0].base_url if slots else None,
        slots=slots,
    )


def _models(spec: AgentSpec, environment: Mapping[str, str], stored: Mapping[str, StoredRoute]) -> Iterator[SlotChoice]:
    """Yield the slots with who decided their models; slots that only the agent's own config has come last."""
    known: dict[str, SlotChoice] = {}
    for slot in spec.slots:
        leader = known.get(slot.follows or "")
        if leader is not None and slot.name not in stored:
            chosen = replace(leader, slot=slot.name)
        else:
            chosen = _decided(slot, environment, stored)
        known[slot.name] = chosen
        yield chosen
    for name, route in stored.items():
        if name not in known:
            yield SlotChoice(slot=name, model=route.model, source=Layer.TARGET)


def _decided(slot: SlotSpec, environment: Mapping[str, str], stored: Mapping[str, StoredRoute]) -> SlotChoice:
    variable = next((name for name in slot.variables if environment.get(name, "").strip()), None)
    values: list[tuple[Layer, str | None]] = []
    if slot.default is not None:
        values.append((Layer.DEFAULT, slot.default))
    if variable is not None:
        values.append((Layer.ENVIRONMENT, environment[variable].strip()))
    if slot.name in stored:
        values.append((Layer.TARGET, stored[slot.name].model))
    elif slot.name.startswith("fallback") and stored:
        # A config lists the whole chain: a fallback that it leaves out is one that the agent does not have.
        values.append((Layer.TARGET, None))
    source, model = values[-1] if values else (Layer.DEFAULT, None)
    return SlotChoice(
        slot=slot.name,
        model=model,
        source=source,
        variable=variable or next(iter(slot.variables), None),
        shadowed=tuple(Shadowed(source=layer, value=value) for layer, value in reversed(values[:-1]) if value),
    )


def _routed(spec: AgentSpec, slot: SlotChoice, stored: StoredRoute | None, gateway: Gateway | None) -> SlotChoice:
    """Return the slot with the route it goes: its own base URL where its config names one, else the gateway's."""
    dialect = (stored.dialect if stored else None) or _dialect(spec, slot.model)
    if stored is None or not stored.base_url:
        base_url = agent_base_url(spec, dialect, gateway)
        generation = gateway.generation if gateway and base_url else None
    else:
        base_url = stored.base_url.rstrip("/")
        generation = generation_of(base_url, gateway)
    return replace(
        slot,
        base_url=base_url,
        dialect=dialect,
        generation=generation,
        stored_token=stored.token if stored else None,
        stored_token_from=stored.token_from if stored else None,
    )


def _dialect(spec: AgentSpec, model: str | None) -> Dialect | None:
    if model is None:
        return spec.dialects[0] if spec.dialects else None
    return dialect_for(spec, family_of(model))


def _is_enabled(spec: AgentSpec, environment: Mapping[str, str]) -> bool:
    if spec.enable_variable is None:
        return True
    return environment.get(spec.enable_variable, "").strip().lower() not in _OFF
