"""How verdicts become the status of an agent, and statuses one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.agents import AGENTS
from core.health.agent_status import AgentStatus, agent_status, headline_of, overall_line, why_not_probed, worst_of
from core.health.one_shot import health_of
from core.health.standing import fold, new_standing
from core.model.agent import AgentId, Dialect
from core.model.check import route_id
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.route import Identity, Route
from core.model.standing import HealthRules, Standing
from tests.fakes.verdicts import verdict

BASE = "https://ws.example/serving-endpoints"
MODELS = {"primary": "model-a", "fallback": "model-b", "default": "model-a", "opus": "model-b"}
HEALTHY, DEGRADED, DOWN, UNKNOWN = Health.HEALTHY, Health.DEGRADED, Health.DOWN, Health.UNKNOWN


def choice_of(agent: AgentId, *, enabled: bool = True, same_model: bool = False) -> AgentChoice:
    """Return a choice with a model in each slot of the agent."""
    slots = tuple(
        SlotChoice(slot=spec.name, model="model-a" if same_model else MODELS.get(spec.name, "c"), source=Layer.DEFAULT)
        for spec in AGENTS[agent].slots
    )
    return AgentChoice(agent=agent, enabled=enabled, dialect=None, base_url=BASE, slots=slots)


HERMES, CLAUDE = choice_of(AgentId.HERMES), choice_of(AgentId.CLAUDE)


def result(
    slot: str,
    health: Health,
    diagnosis: Diagnosis | None = None,
    *,
    agent: AgentId = AgentId.HERMES,
    identity: Identity = Identity.DASHBOARD,
) -> ProbeResult:
    """Return a verdict on one slot."""
    route = Route(
        agent=agent,
        slot=slot,
        model=MODELS[slot],
        base_url=BASE,
        dialect=Dialect.OPENAI_CHAT,
        identity=identity,
    )
    return verdict(route, health, diagnosis)


def stored(slot: str, health: Health, diagnosis: Diagnosis | None = None) -> ProbeResult:
    """Return a verdict on one slot with the agent's own token."""
    return result(slot, health, diagnosis, identity=Identity.STORED)


HERMES_TABLE: dict[str, tuple[Sequence[ProbeResult], Health]] = {
    "nothing was probed yet": ((), UNKNOWN),
    "only the fallback was probed": ((result("fallback", HEALTHY),), UNKNOWN),
    "both answer": ((result("primary", HEALTHY), result("fallback", HEALTHY)), HEALTHY),
    "only the primary was probed and answers": ((result("primary", HEALTHY),), HEALTHY),
    "the fallback is down": ((result("primary", HEALTHY), result("fallback", DOWN)), DEGRADED),
    "the fallback is unknown": ((result("primary", HEALTHY), result("fallback", UNKNOWN)), DEGRADED),
    "the primary is degraded": ((result("primary", DEGRADED), result("fallback", HEALTHY)), DEGRADED),
    "the primary is unknown": ((result("primary", UNKNOWN), result("fallback", HEALTHY)), UNKNOWN),
    "served by the fallback": ((result("primary", DOWN), result("fallback", HEALTHY)), DEGRADED),
    "both down": ((result("primary", DOWN), result("fallback", DOWN)), DOWN),
    "down and the fallback not probed": ((result("primary", DOWN),), DOWN),
    "down and the fallback unknown": ((result("primary", DOWN), result("fallback", UNKNOWN)), DOWN),
    "a failure that Hermes does not fall back from": (
        (result("primary", DOWN, Diagnosis.OUTPUT_CAP), result("fallback", HEALTHY)),
        DOWN,
    ),
    "a failure whose consequences were not measured": (
        (result("primary", DOWN, Diagnosis.TIMED_OUT), result("fallback", HEALTHY)),
        DOWN,
    ),
    "a transient failure that lasts, which Hermes falls back from": (
        (result("primary", DOWN, Diagnosis.OVERLOADED), result("fallback", HEALTHY)),
        DEGRADED,
    ),
    "recovering, with a fallback meanwhile": (
        (result("primary", DOWN, Diagnosis.OK), result("fallback", HEALTHY)),
        DEGRADED,
    ),
    "recovering, with no fallback that works": (
        (result("primary", DOWN, Diagnosis.OK), result("fallback", DOWN)),
        DOWN,
    ),
    "a fallback that has not recovered yet": (
        (result("primary", DOWN), result("fallback", DEGRADED, Diagnosis.OK)),
        DOWN,
    ),
    "its own token fails where the dashboard's works": (
        (result("primary", HEALTHY), stored("primary", DOWN), stored("fallback", DOWN)),
        DOWN,
    ),
    "its own token fails on the fallback only": (
        (result("primary", DOWN), result("fallback", HEALTHY), stored("fallback", DOWN)),
        DOWN,
    ),
    "its own token is unknown where the dashboard's works": (
        (result("primary", HEALTHY), stored("primary", UNKNOWN)),
        UNKNOWN,
    ),
    "verdicts on other agents": ((result("default", DOWN, agent=AgentId.CLAUDE),), UNKNOWN),
}


@pytest.mark.parametrize(("results", "expected"), HERMES_TABLE.values(), ids=HERMES_TABLE)
def test_hermes_is(results: Sequence[ProbeResult], expected: Health) -> None:
    assert agent_status(HERMES, results).health is expected


def test_the_one_line_of_a_served_agent_names_fallback_and_cause() -> None:
    down = replace(result("primary", DOWN), http_status=404)
    status = agent_status(HERMES, [down, result("fallback", HEALTHY)])
    assert status.headline == "Served by fallback model-b; primary Model: 404 model not on this route"
    assert (status.decisive, status.remedy) == (down, down.remedy)


def test_a_fallback_that_equals_the_primary_serves_nobody() -> None:
    same = choice_of(AgentId.HERMES, same_model=True)
    assert agent_status(same, [result("primary", DOWN), result("fallback", HEALTHY)]).health is DOWN


def test_other_agents_have_no_fallback_to_be_served_by() -> None:
    results = [result("default", DOWN, agent=AgentId.CLAUDE), result("opus", HEALTHY, agent=AgentId.CLAUDE)]
    assert agent_status(CLAUDE, results).health is DOWN


def test_a_further_slot_that_fails_degrades_the_agent_and_is_named() -> None:
    results = [result("default", HEALTHY, agent=AgentId.CLAUDE), result("opus", DOWN, agent=AgentId.CLAUDE)]
    status = agent_status(CLAUDE, results)
    assert (status.health, status.decisive) == (DEGRADED, results[1])


def test_an_agent_without_slots_is_unknown() -> None:
    assert agent_status(replace(HERMES, slots=()), []).health is UNKNOWN


@pytest.mark.parametrize("health", [HEALTHY, DOWN])
def test_an_agent_that_is_switched_off_is_paused_whatever_was_seen(health: Health) -> None:
    off = choice_of(AgentId.HERMES, enabled=False)
    status = agent_status(off, [result("primary", health)])
    assert (status.health, "ENABLE_HERMES" in status.headline) == (Health.PAUSED, True)
    assert why_not_probed(off) == ("Hermes is switched off by ENABLE_HERMES", "Set ENABLE_HERMES to true.")


def test_cursor_cannot_be_seen() -> None:
    cursor = choice_of(AgentId.CURSOR)
    status = agent_status(cursor, [])
    assert (status.health, status.remedy) == (UNKNOWN, AGENTS[AgentId.CURSOR].note)
    assert why_not_probed(cursor) == (AGENTS[AgentId.CURSOR].note, "")


def test_an_agent_without_a_gateway_is_sent_to_the_trace() -> None:
    assert "no gateway" in why_not_probed(HERMES)[0]


# The worst of several, and its words.


def test_the_worst_of_none_is_none() -> None:
    assert worst_of([]) is None


def test_unknown_is_worse_than_degraded() -> None:
    worst = worst_of([result("primary", DEGRADED), result("primary", UNKNOWN), result("primary", HEALTHY)])
    assert worst is not None and worst.health is UNKNOWN


def test_among_equals_the_agents_own_token_speaks() -> None:
    own = stored("primary", DOWN, Diagnosis.CREDENTIAL_DEAD)
    assert worst_of([result("primary", DOWN), own]) is own


def test_a_status_names_the_rung_and_what_happened_there() -> None:
    dead = replace(stored("primary", DOWN, Diagnosis.CREDENTIAL_DEAD), rung=Rung.AUTH, http_status=403)
    assert headline_of(dead) == "Auth: 403 token refused"
    assert headline_of(result("primary", HEALTHY)) == "Model answers"


PASSED: dict[str, tuple[Health, str, str]] = {
    "healthy": (HEALTHY, "", "Model answers"),
    "healthy but stale": (HEALTHY, "last pass 14 min ago", "Model answers (last pass 14 min ago)"),
    "paused": (Health.PAUSED, "", "Model answers"),
    "too old to be known": (
        UNKNOWN,
        "last pass 2 h ago",
        "Model answered when it was last asked (last pass 2 h ago)",
    ),
    "not known why": (UNKNOWN, "", "Model answered when it was last asked"),
    "slow": (DEGRADED, "slow: p95 7.2 s", "Model answers, but slow: p95 7.2 s"),
    "recovering": (DOWN, "1 of 2 passes", "Model answers again, 1 of 2 passes"),
    "recovering, how far is not known": (DOWN, "", "Model answers again, not often enough yet"),
}


@pytest.mark.parametrize(("health", "qualifier", "line"), PASSED.values(), ids=PASSED)
def test_the_line_of_a_check_that_passed(health: Health, qualifier: str, line: str) -> None:
    assert headline_of(result("primary", health, Diagnosis.OK), qualifier) == line


def test_a_failure_says_how_far_it_has_come() -> None:
    seen = replace(result("primary", DEGRADED, Diagnosis.OVERLOADED), http_status=503)
    assert headline_of(seen, "1 of 3 failures") == "Model: 503 overloaded (1 of 3 failures)"


def standings_after(*results: ProbeResult) -> dict[str, Standing]:
    standings: dict[str, Standing] = {}
    for seen in results:
        key = route_id(seen.route)
        before = standings.get(key) or new_standing(seen.route, simulated=False)
        standings[key] = fold(before, seen, HealthRules()).standing
    return standings


def test_the_line_of_an_agent_tells_how_its_route_stands() -> None:
    failure, passed = result("primary", DOWN), result("primary", HEALTHY)
    recovering = replace(passed, health=DOWN)
    fallback = result("fallback", HEALTHY)
    standings = standings_after(replace(failure, attempts=2), passed)
    alone = agent_status(HERMES, [recovering], standings=standings)
    assert (alone.health, alone.headline) == (DOWN, "Model answers again, 1 of 2 passes")
    backed = agent_status(HERMES, [recovering, fallback], standings=standings)
    assert backed.headline == "Backed by fallback model-b; primary Model answers again, 1 of 2 passes"


def test_the_line_knows_the_rules_and_the_time() -> None:
    passed = result("primary", HEALTHY)
    status = agent_status(
        HERMES,
        [passed],
        standings=standings_after(passed),
        rules=HealthRules(reach_interval_s=60),
        now=passed.checked_at + timedelta(minutes=3),
    )
    assert status.headline == "Model answers (last pass 3 min ago)"


@pytest.mark.parametrize(
    ("rung", "line"),
    [
        (Rung.MODEL, "Model answers"),
        (Rung.STREAM, "Model answers, streaming works"),
        (Rung.TOOLS, "Model answers, tools work"),
    ],
)
def test_a_healthy_line_says_what_the_agents_own_request_proved(rung: Rung, line: str) -> None:
    assert headline_of(replace(result("primary", HEALTHY), rung=rung, depth=Depth.FAITHFUL)) == line


def test_a_short_check_in_between_takes_nothing_away_from_what_was_proved() -> None:
    proved = replace(result("primary", HEALTHY), rung=Rung.TOOLS, depth=Depth.FAITHFUL)
    short = replace(result("primary", HEALTHY), checked_at=proved.checked_at + timedelta(minutes=5))
    standings, rules = standings_after(proved, short), HealthRules(reach_interval_s=3600)

    def line_after(minutes: int) -> str:
        now = proved.checked_at + timedelta(minutes=minutes)
        return agent_status(HERMES, [short], standings=standings, rules=rules, now=now).headline

    assert line_after(60) == "Model answers, tools work"
    assert line_after(61) == "Model answers", "twice its interval ago is too long to still be claimed"


def test_a_verdict_that_is_not_the_word_of_its_route_has_its_plain_line() -> None:
    passed = result("primary", HEALTHY)
    down = standings_after(replace(result("primary", DOWN), attempts=2))
    assert agent_status(HERMES, [passed], standings=down).headline == "Model answers"


def test_a_line_about_another_slot_than_the_first_names_it() -> None:
    failed = replace(result("fallback", DOWN), http_status=404)
    status = agent_status(HERMES, [result("primary", HEALTHY), failed])
    assert status.headline == "Primary answers; fallback Model: 404 model not on this route"
    assert status.decisive is failed


def test_a_route_without_a_standing_has_its_plain_line() -> None:
    other = standings_after(result("fallback", HEALTHY))
    assert agent_status(HERMES, [result("primary", HEALTHY)], standings=other).headline == "Model answers"


@pytest.mark.parametrize("diagnosis", sorted(set(Diagnosis) - {Diagnosis.OK}))
def test_every_cause_has_a_line_with_and_without_a_status(diagnosis: Diagnosis) -> None:
    seen = result("primary", health_of(diagnosis), diagnosis)
    assert headline_of(seen) == f"Model: {seen.message}"
    assert headline_of(replace(seen, http_status=418)).startswith("Model: ")


# All agents.

LINES: dict[str, tuple[Sequence[tuple[AgentId, Health]], str]] = {
    "none": ((), "Status unknown"),
    "only Cursor": (((AgentId.CURSOR, UNKNOWN),), "Status unknown"),
    "all healthy": (((AgentId.HERMES, HEALTHY), (AgentId.CURSOR, UNKNOWN)), "All routes healthy"),
    "one degraded": (((AgentId.HERMES, DEGRADED), (AgentId.PI, HEALTHY)), "Some routes degraded"),
    "one unknown": (((AgentId.HERMES, DEGRADED), (AgentId.PI, UNKNOWN)), "Status unknown"),
    "one down": (((AgentId.HERMES, DOWN), (AgentId.PI, UNKNOWN)), "1 agent down"),
    "two down": (((AgentId.HERMES, DOWN), (AgentId.PI, DOWN)), "2 agents down"),
    "a paused one": (((AgentId.HERMES, Health.PAUSED), (AgentId.PI, HEALTHY)), "All routes healthy"),
    "all paused": (((AgentId.HERMES, Health.PAUSED),), "Status unknown"),
}


@pytest.mark.parametrize(("given_healths", "expected"), LINES.values(), ids=LINES)
def test_the_line_over_all_agents(given_healths: Sequence[tuple[AgentId, Health]], expected: str) -> None:
    statuses = [AgentStatus(agent=agent, health=health, headline="") for agent, health in given_healths]
    assert overall_line(statuses) == expected


# Rules that hold for any verdicts.

# Unknown and degraded are neither better nor worse news than each other.
GOOD = {DOWN: 0, UNKNOWN: 1, DEGRADED: 1, HEALTHY: 2}
VERDICTS = st.builds(
    lambda slot, diagnosis, identity: result(slot, health_of(diagnosis), diagnosis, identity=identity),
    st.sampled_from(["primary", "fallback"]),
    st.sampled_from(Diagnosis),
    st.sampled_from([Identity.DASHBOARD, Identity.STORED]),
)
FAILURES = VERDICTS.filter(lambda seen: seen.health is not HEALTHY)


@given(st.lists(VERDICTS, max_size=6), FAILURES)
def test_one_more_failure_never_improves_an_agent(results: list[ProbeResult], failure: ProbeResult) -> None:
    before, after = agent_status(HERMES, results), agent_status(HERMES, [*results, failure])
    assert GOOD[after.health] <= GOOD[before.health]


@given(st.lists(FAILURES, max_size=6))
def test_failures_alone_are_never_healthy(results: list[ProbeResult]) -> None:
    assert agent_status(HERMES, results).health is not HEALTHY


@given(st.lists(VERDICTS, max_size=6))
def test_an_unknown_slot_never_lets_an_agent_be_healthy(results: list[ProbeResult]) -> None:
    for slot in ("primary", "fallback"):
        unknown = result(slot, UNKNOWN, Diagnosis.CREDENTIAL_MISSING)
        assert agent_status(HERMES, [*results, unknown]).health is not HEALTHY


@given(st.lists(VERDICTS, max_size=6))
def test_the_order_of_the_verdicts_does_not_matter(results: list[ProbeResult]) -> None:
    assert agent_status(HERMES, results).health is agent_status(HERMES, results[::-1]).health
