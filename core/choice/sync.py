"""Compare what each layer says an agent should run, from what was asked for to what answers; pure.

Only what was read counts: a layer that cannot be seen makes an agent unknown, never in sync.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.catalog.agents import AGENTS
from core.catalog.spellings import model_id
from core.choice.lint import plain_model_name
from core.detect.hosts import GATEWAY_SETTING
from core.model.agent import AgentId, AgentSpec
from core.model.app import AppSeen
from core.model.change import ChangeRecord, ChangeState, TargetKind
from core.model.choice import AgentChoice
from core.model.override import Override
from core.model.probe import Health, ProbeResult
from core.model.sync import AgentSync, LayerValue, SyncLayer, SyncState

_FALLBACK = "fallback"
_WROTE = (ChangeState.APPLIED, ChangeState.ROLLED_BACK, ChangeState.ROLLBACK_FAILED, ChangeState.NEEDS_PERSON)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What somebody made an agent run on purpose: an override, or the rollback of a change."""

    target: str
    slots: Mapping[str, str | None]
    words: str
    lasts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything about one agent that sync is judged by.

    `app` is the app that configures it, `undecided` the names of those that could, `blind` why apps cannot be seen.
    """

    choice: AgentChoice
    app: AppSeen | None = None
    undecided: tuple[str, ...] = ()
    blind: str | None = None
    results: Sequence[ProbeResult] = ()
    pins: Sequence[Pin] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Difference:
    slot: str
    one: LayerValue
    other: LayerValue

    @property
    def words(self) -> str:
        first, second = (value.value or "nothing" for value in (self.one, self.other))
        return f"{self.one.where} has {first} as {self.slot}, but {self.other.where} has {second}"


def pins_of(overrides: Iterable[Override], newest_first: Iterable[ChangeRecord]) -> Mapping[AgentId, tuple[Pin, ...]]:
    """Return what holds agents where somebody put them: overrides that last, then rollbacks that stand."""
    pins: dict[AgentId, list[Pin]] = {}
    for override in overrides:
        if override.ended_at is None:
            words = f"{override.actor} overrides it {_until(override.expires_at)}"
            pin = Pin(target=override.target, slots=override.slots, words=words, lasts=True)
            pins.setdefault(override.agent, []).append(pin)
    newest: dict[tuple[str, AgentId], ChangeRecord] = {}
    for record in newest_first:
        if record.state in _WROTE and (record.backup or record.rolls_back):
            newest.setdefault((record.target, record.agent), record)
    for record in newest.values():
        if record.rolls_back and record.state is ChangeState.ROLLED_BACK:
            words = f"{record.actor} rolled it back on {record.at:%Y-%m-%d at %H:%M UTC}"
            pin = Pin(target=record.target, slots=record.after, words=words, lasts=False)
            pins.setdefault(record.agent, []).append(pin)
    return {agent: tuple(found) for agent, found in pins.items()}


def _until(moment: datetime | None) -> str:
    return "until somebody ends it" if moment is None else f"until {moment:%Y-%m-%d %H:%M UTC}"


def sync_of(seen: Seen) -> AgentSync:
    """Return how an agent's layers stand."""
    choice = seen.choice
    layers = (*_app_layers(seen.app, AGENTS[choice.agent]), *_file_layer(choice), *_answers(choice, seen.results))
    state, why = _judged(seen, layers)
    return AgentSync(agent=choice.agent, state=state, why=why, target=choice.target, layers=layers)


def _app_layers(app: AppSeen | None, spec: AgentSpec) -> Iterator[LayerValue]:
    if app is None:
        return
    places = ((SyncLayer.APP_FILE, app.file, "app.yaml of"), (SyncLayer.DEPLOYED, app.running, "the deployed"))
    for slot in spec.slots:
        for layer, values, words in places:
            if values is None or not slot.variables or (layer is SyncLayer.DEPLOYED and app.hidden & {*slot.variables}):
                continue
            value = next((values[name] for name in slot.variables if values.get(name)), None)
            yield LayerValue(layer=layer, slot=slot.name, value=value, where=f"{words} {app.name}", seen_at=app.seen_at)


def _file_layer(choice: AgentChoice) -> Iterator[LayerValue]:
    config = choice.config
    if config is None or not config.exists or config.problem is not None:
        return
    said = {stored.slot: stored.model for stored in config.slots}
    # A config lists the whole chain, so a fallback that it leaves out is one that the agent does not have.
    for slot in (*said, *(name for name in (_FALLBACK,) if choice.slot(name) and name not in said)):
        yield LayerValue(layer=SyncLayer.AGENT_FILE, slot=slot, value=said.get(slot), where=config.path)


def _answers(choice: AgentChoice, results: Sequence[ProbeResult]) -> Iterator[LayerValue]:
    """Yield what answered last for each slot, as what it was asked for where it calls itself differently."""
    for slot in choice.slots:
        healthy = [
            result
            for result in results
            if (result.route.agent, result.route.slot) == (choice.agent, slot.slot)
            and result.health is Health.HEALTHY
            and result.answered_model
            and slot.model
            and _is_same(result.route.model, slot.model)
        ]
        if healthy:
            newest = max(healthy, key=lambda result: result.checked_at)
            yield LayerValue(
                layer=SyncLayer.ANSWERED,
                slot=slot.slot,
                value=newest.route.model,
                where="the last answer",
                seen_at=newest.checked_at,
            )


def _judged(seen: Seen, layers: Sequence[LayerValue]) -> tuple[SyncState, str]:
    differences = list(_differences(layers))
    pins = [pin for pin in seen.pins if _layer_of(pin) in {value.layer for value in layers}]
    broken = [words for pin in pins if pin.lasts for words in _no_longer(pin, layers)]
    if broken:
        return SyncState.DRIFTED, f"{broken[0]}."
    unexplained = [difference for difference in differences if not any(_explains(pin, difference) for pin in pins)]
    if not unexplained and (lasting := next((pin for pin in pins if pin.lasts or differences), None)):
        return SyncState.OVERRIDE, f"{lasting.words}."
    if unexplained:
        return _difference_of(unexplained[0], seen)
    blind = _blind(seen, layers)
    if blind:
        return SyncState.UNKNOWN, blind
    places = list(dict.fromkeys(value.where for value in layers))
    return SyncState.IN_SYNC, f"{_and(places)} agree."


def _difference_of(difference: _Difference, seen: Seen) -> tuple[SyncState, str]:
    pair = (difference.one.layer, difference.other.layer)
    if pair != (SyncLayer.APP_FILE, SyncLayer.DEPLOYED):
        return SyncState.DRIFTED, f"{difference.words}."
    slot = next(known for known in AGENTS[seen.choice.agent].slots if known.name == difference.slot)
    if seen.app is not None and seen.app.sent & {*slot.variables}:
        return SyncState.DRIFTED, f"{difference.words}, sent with its deployment: the next deployment drops it."
    return SyncState.PENDING_RESTART, f"{difference.words}: it counts after the next deployment."


def _differences(layers: Sequence[LayerValue]) -> Iterator[_Difference]:
    for slot in dict.fromkeys(value.slot for value in layers):
        said = {value.layer: value for value in layers if value.slot == slot}
        order = [layer for layer in SyncLayer if layer in said]
        for number, layer in enumerate(order):
            for other in order[number + 1 :]:
                if _differ(said[layer], said[other]):
                    yield _Difference(slot=slot, one=said[layer], other=said[other])


def _differ(one: LayerValue, other: LayerValue) -> bool:
    if one.value is not None and other.value is not None:
        return not _is_same(one.value, other.value)
    if one.value is None and other.value is None:
        return False
    # What an app does not state it decides by itself, so that only its own two layers can differ by being silent.
    app = (SyncLayer.APP_FILE, SyncLayer.DEPLOYED)
    silent = one if one.value is None else other
    return silent.layer is SyncLayer.AGENT_FILE or (one.layer, other.layer) == app


def _is_same(one: str, other: str) -> bool:
    """Say whether two names are of the same model, whatever generation they are spelled for."""
    return model_id(plain_model_name(one)) == model_id(plain_model_name(other))


def _layer_of(pin: Pin) -> SyncLayer:
    return SyncLayer.DEPLOYED if pin.target.startswith(f"{TargetKind.APP}:") else SyncLayer.AGENT_FILE


def _explains(pin: Pin, difference: _Difference) -> bool:
    """Say whether one side of a difference is what the pin put there."""
    return any(
        value.layer in (_layer_of(pin), SyncLayer.APP_FILE if _layer_of(pin) is SyncLayer.DEPLOYED else None)
        and difference.slot in pin.slots
        and _agrees(value.value, pin.slots[difference.slot])
        for value in (difference.one, difference.other)
    )


def _no_longer(pin: Pin, layers: Sequence[LayerValue]) -> Iterator[str]:
    for value in layers:
        if (
            value.layer is _layer_of(pin)
            and value.slot in pin.slots
            and not _agrees(value.value, pin.slots[value.slot])
        ):
            wanted = pin.slots[value.slot] or "nothing"
            yield f"{value.where} has {value.value or 'nothing'} as {value.slot}, though {pin.words} with {wanted}"


def _agrees(one: str | None, other: str | None) -> bool:
    return one == other if one is None or other is None else _is_same(one, other)


def _blind(seen: Seen, layers: Sequence[LayerValue]) -> str | None:
    """Return why it cannot be said that an agent is in sync, None when everything was seen."""
    choice, spec, app = seen.choice, AGENTS[seen.choice.agent], seen.app
    if not spec.probeable:
        return spec.note
    if not choice.enabled:
        return f"{spec.label} is switched off, so nothing shows what it runs."
    if choice.config is not None and choice.config.problem:
        return choice.config.problem
    if seen.undecided:
        return f"{_and(seen.undecided)} could each be the app of {spec.label}: name one in SWITCHYARD_APP."
    own = {GATEWAY_SETTING, spec.enable_variable, *(name for slot in spec.slots for name in slot.variables)}
    if app is not None and (hidden := sorted(app.hidden & own)):
        return f"{hidden[0]} was sent with the deployment of {app.name} and cannot be read back."
    if app is not None and not app.is_up:
        return f"The app {app.name} is not running, so nothing shows what it runs."
    by_slot = {value.slot: [other for other in layers if other.slot == value.slot and other.value] for value in layers}
    first = choice.slots[0].slot if choice.slots else ""
    if not by_slot.get(first):
        return seen.blind or f"Nothing that can be seen from here says what {spec.label} runs."
    # An answer alone says what was asked, not what the agent would ask.
    alone = [said[0] for slot, said in by_slot.items() if len(said) == 1 and (slot == first or not _is_answer(said[0]))]
    if alone:
        return f"Only {alone[0].where} says what {spec.label} runs as {alone[0].slot}: nothing to compare it with."
    return None


def _is_answer(value: LayerValue) -> bool:
    return value.layer is SyncLayer.ANSWERED


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
