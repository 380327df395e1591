"""Sync says only what was seen: layers that agree, the one that differs, what holds it there, and else unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choice.sync import Pin, Seen, pins_of, sync_of
from core.model.agent import AgentId, Dialect
from core.model.app import AppSeen
from core.model.change import ChangeRecord, ChangeState, Origin, TargetInfo, TargetKind
from core.model.choice import AgentChoice, AgentConfig, Layer, SlotChoice, StoredRoute
from core.model.override import Override
from core.model.probe import Health, ProbeResult
from core.model.route import Identity, Route
from core.model.sync import SyncLayer, SyncState
from tests.fakes.verdicts import verdict

A, B, C = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6", "databricks-claude-haiku-4-5"
NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)
URL = "https://ws.example/ai-gateway/mlflow/v1"
Said = Mapping[str, str | None]


def app(
    file: Mapping[str, str] | None = None,
    running: Mapping[str, str] | None = None,
    *,
    name: str = "coda",
    up: bool = True,
) -> AppSeen:
    info = TargetInfo(
        id=f"app:{name}", kind=TargetKind.APP, agents=(AgentId.HERMES,), writable=True, reason="It can be changed."
    )
    return AppSeen(info=info, seen_at=NOON, file=_variables(file), running=_variables(running), is_up=up)


def _variables(values: Mapping[str, str] | None) -> Mapping[str, str] | None:
    names = {"primary": "HERMES_MODEL", "fallback": "HERMES_FALLBACK_MODEL"}
    return None if values is None else {names[slot]: value for slot, value in values.items()}


def choice(
    file: Mapping[str, str] | None = None, *, runs: Said | None = None, problem: str | None = None
) -> AgentChoice:
    slots = tuple(
        StoredRoute(slot=name, model=model, base_url=URL, token=None, token_from=None)
        for name, model in (file or {}).items()
    )
    config = AgentConfig(
        agent=AgentId.HERMES, path="~/.hermes/config.yaml", exists=file is not None, slots=slots, problem=problem
    )
    chosen: Said = {"primary": A, "fallback": B, **(file or {}), **(runs or {})}
    return AgentChoice(
        agent=AgentId.HERMES,
        enabled=True,
        dialect=Dialect.OPENAI_CHAT,
        base_url=URL,
        slots=tuple(SlotChoice(slot=name, model=model, source=Layer.TARGET) for name, model in chosen.items()),
        config=config,
    )


def answered(slot: str, model: str, *, health: Health = Health.HEALTHY, at: datetime = NOON) -> ProbeResult:
    route = Route(
        agent=AgentId.HERMES,
        slot=slot,
        model=model,
        base_url=URL,
        dialect=Dialect.OPENAI_CHAT,
        identity=Identity.DASHBOARD,
    )
    return replace(verdict(route, health), answered_model=model, checked_at=at)


def pin(target: str, *, lasts: bool = True, **slots: str | None) -> Pin:
    return Pin(target=target, slots=slots, words="robin overrides it until 14:00", lasts=lasts)


BOTH = {"primary": A, "fallback": B}
OTHER = {"primary": C, "fallback": B}
FILE, APP = "file:hermes", "app:coda"


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        pytest.param(Seen(choice=choice(), app=app(BOTH, BOTH)), SyncState.IN_SYNC, "agree", id="app, both layers"),
        pytest.param(
            Seen(choice=choice(BOTH), app=app(BOTH, BOTH)), SyncState.IN_SYNC, "config.yaml agree", id="app and file"
        ),
        pytest.param(
            Seen(choice=choice(BOTH), results=[answered("primary", A), answered("fallback", B)]),
            SyncState.IN_SYNC,
            "the last answer agree",
            id="file and answer",
        ),
        pytest.param(
            Seen(choice=choice(BOTH), app=app({"primary": "system.ai.claude-opus-4-6", "fallback": B}, BOTH)),
            SyncState.IN_SYNC,
            "agree",
            id="another spelling is the same model",
        ),
        pytest.param(
            Seen(choice=choice(), app=app(OTHER, BOTH)),
            SyncState.PENDING_RESTART,
            f"app.yaml of coda has {C} as primary, but the deployed coda has {A}",
            id="written and not deployed",
        ),
        pytest.param(
            Seen(choice=choice(), app=app({"primary": A}, BOTH)),
            SyncState.PENDING_RESTART,
            "app.yaml of coda has nothing as fallback",
            id="taken out and not deployed",
        ),
        pytest.param(
            Seen(choice=choice(), app=replace(app(BOTH, OTHER), sent=frozenset({"HERMES_MODEL"}))),
            SyncState.DRIFTED,
            "the next deployment drops it",
            id="sent with the deployment",
        ),
        pytest.param(
            Seen(choice=choice(OTHER), app=app(BOTH, BOTH)),
            SyncState.DRIFTED,
            f"but ~/.hermes/config.yaml has {C}",
            id="file edited by hand",
        ),
        pytest.param(
            Seen(choice=choice({"primary": A}), app=app(BOTH, BOTH)),
            SyncState.DRIFTED,
            "config.yaml has nothing",
            id="file without the fallback",
        ),
        pytest.param(
            Seen(choice=choice(OTHER), app=app(BOTH, BOTH), pins=[pin(FILE, primary=C)]),
            SyncState.OVERRIDE,
            "robin overrides it until 14:00",
            id="drift that an override made",
        ),
        pytest.param(
            Seen(choice=choice(), app=app(OTHER, OTHER), pins=[pin(APP, primary=C)]),
            SyncState.OVERRIDE,
            "robin overrides",
            id="override where everything agrees",
        ),
        pytest.param(
            Seen(choice=choice(BOTH), app=app(BOTH, BOTH), pins=[pin(FILE, primary=C)]),
            SyncState.DRIFTED,
            f"has {A} as primary, though robin overrides it until 14:00 with {C}",
            id="override that no longer stands",
        ),
        pytest.param(
            Seen(choice=choice({"primary": C, "fallback": C}), app=app(BOTH, BOTH), pins=[pin(FILE, primary=C)]),
            SyncState.DRIFTED,
            "as fallback",
            id="drift beside an override",
        ),
        pytest.param(
            Seen(choice=choice(OTHER), app=app(BOTH, BOTH), pins=[pin(FILE, lasts=False, primary=C)]),
            SyncState.OVERRIDE,
            "robin",
            id="drift that a rollback made",
        ),
        pytest.param(
            Seen(choice=choice(BOTH), app=app(BOTH, BOTH), pins=[pin(FILE, lasts=False, primary=A)]),
            SyncState.IN_SYNC,
            "agree",
            id="rollback that made no drift",
        ),
        pytest.param(Seen(choice=choice()), SyncState.UNKNOWN, "Nothing that can be seen", id="nothing seen"),
        pytest.param(
            Seen(choice=choice(), blind="The listing is forbidden."), SyncState.UNKNOWN, "forbidden", id="apps not seen"
        ),
        pytest.param(
            Seen(choice=choice(), results=[answered("primary", A)]),
            SyncState.UNKNOWN,
            "Only the last answer",
            id="an answer alone",
        ),
        pytest.param(Seen(choice=choice(BOTH)), SyncState.UNKNOWN, "Only ~/.hermes/config.yaml", id="a file alone"),
        pytest.param(
            Seen(choice=choice(BOTH), results=[answered("primary", A)]),
            SyncState.UNKNOWN,
            "as fallback: nothing to compare",
            id="a fallback that never answered",
        ),
        pytest.param(
            Seen(
                choice=choice(BOTH), results=[answered(slot, model, health=Health.DOWN) for slot, model in BOTH.items()]
            ),
            SyncState.UNKNOWN,
            "Only",
            id="answers that failed",
        ),
        pytest.param(
            Seen(choice=choice(), app=app(BOTH, BOTH, up=False)),
            SyncState.UNKNOWN,
            "not running",
            id="an app that is down",
        ),
        pytest.param(
            Seen(choice=choice(), app=app(BOTH, None)),
            SyncState.UNKNOWN,
            "Only app.yaml of coda",
            id="unreadable snapshot",
        ),
        pytest.param(
            Seen(choice=choice(), app=replace(app(BOTH, BOTH), hidden=frozenset({"HERMES_MODEL"}))),
            SyncState.UNKNOWN,
            "cannot be read back",
            id="a masked value",
        ),
        pytest.param(
            Seen(choice=choice(), undecided=("one", "two", "three")),
            SyncState.UNKNOWN,
            "one, two and three could each be the app of Hermes",
            id="several apps",
        ),
        pytest.param(
            Seen(choice=choice(BOTH, problem="The file is broken."), app=app(BOTH, BOTH)),
            SyncState.UNKNOWN,
            "The file is broken.",
            id="a broken file",
        ),
        pytest.param(
            Seen(choice=replace(choice(BOTH), enabled=False), app=app(BOTH, BOTH)),
            SyncState.UNKNOWN,
            "switched off",
            id="an agent that is off",
        ),
    ],
)
def test_each_state_has_its_evidence_and_its_sentence(seen: Seen, state: SyncState, words: str) -> None:
    sync = sync_of(seen)
    assert (sync.state, sync.agent) == (state, AgentId.HERMES)
    assert words in sync.why and sync.why.endswith(".")


def test_the_layers_stand_side_by_side_with_where_each_was_read() -> None:
    results = [answered("primary", A, at=NOON - timedelta(hours=1)), answered("primary", A), answered("fallback", C)]
    sync = sync_of(Seen(choice=choice(BOTH), app=app(OTHER, BOTH), results=results))
    said = [(value.layer, value.slot, value.value) for value in sync.layers]
    assert said == [
        (SyncLayer.APP_FILE, "primary", C),
        (SyncLayer.DEPLOYED, "primary", A),
        (SyncLayer.APP_FILE, "fallback", B),
        (SyncLayer.DEPLOYED, "fallback", B),
        (SyncLayer.AGENT_FILE, "primary", A),
        (SyncLayer.AGENT_FILE, "fallback", B),
        # The answer of a model that the fallback is not set to says nothing about it.
        (SyncLayer.ANSWERED, "primary", A),
    ]
    assert sync.layers[-1].seen_at == NOON


MODELS = st.sampled_from([A, B, C, "system.ai.claude-opus-4-6"])
VALUES = st.dictionaries(st.sampled_from(["primary", "fallback"]), MODELS, max_size=2)
RESULTS = st.lists(
    st.builds(answered, st.sampled_from(["primary", "fallback"]), MODELS, health=st.sampled_from(Health)),
    max_size=4,
)


@given(
    file=st.none() | VALUES,
    app_file=st.none() | VALUES,
    running=st.none() | VALUES,
    results=RESULTS,
    up=st.booleans(),
    has_app=st.booleans(),
)
def test_what_is_in_sync_was_seen_twice_and_never_differently(
    *,
    file: Mapping[str, str] | None,
    app_file: Mapping[str, str] | None,
    running: Mapping[str, str] | None,
    results: Sequence[ProbeResult],
    up: bool,
    has_app: bool,
) -> None:
    seen = Seen(choice=choice(file), app=app(app_file, running, up=up) if has_app else None, results=results)
    sync = sync_of(seen)
    assert sync.why.endswith(".")
    if sync.state is not SyncState.IN_SYNC:
        return
    by_slot = {value.slot: [other for other in sync.layers if other.slot == value.slot] for value in sync.layers}
    assert len([value for value in by_slot["primary"] if value.value]) >= 2
    for values in by_slot.values():
        assert (
            len({value.value.removeprefix("system.ai.").removeprefix("databricks-") for value in values if value.value})
            <= 1
        )
    assert up or not has_app


OVERRIDE = Override(
    id="c-1", agent=AgentId.HERMES, target=FILE, slots={"primary": C}, actor="robin", reason="it is down", since=NOON
)
CHANGE = ChangeRecord(
    change_id="c-1",
    at=NOON,
    actor="kim",
    agent=AgentId.HERMES,
    target=FILE,
    reason="it is down",
    before={"primary": A},
    after={"primary": C},
    state=ChangeState.APPLIED,
    origin=Origin.PAGE,
    backup="b-1",
)


def test_overrides_pin_with_owner_and_end_until_they_ended() -> None:
    (until,) = pins_of([replace(OVERRIDE, expires_at=NOON)], [])[AgentId.HERMES]
    assert until.words == "robin overrides it until 2030-01-02 12:00 UTC" and until.lasts
    (forever,) = pins_of([OVERRIDE], [])[AgentId.HERMES]
    assert forever.words == "robin overrides it until somebody ends it"
    assert pins_of([replace(OVERRIDE, ended_at=NOON)], []) == {}


def test_a_rollback_pins_until_something_else_is_written_to_its_target() -> None:
    undone = replace(CHANGE, change_id="c-2", rolls_back="c-1", state=ChangeState.ROLLED_BACK)
    (held,) = pins_of([], [undone, CHANGE])[AgentId.HERMES]
    assert (held.slots, held.lasts) == ({"primary": C}, False) and held.words.startswith("kim rolled it back")
    assert pins_of([], [replace(CHANGE, change_id="c-3"), undone]) == {}
    blocked = replace(CHANGE, change_id="c-3", state=ChangeState.BLOCKED, backup=None)
    assert AgentId.HERMES in pins_of([], [blocked, undone])
