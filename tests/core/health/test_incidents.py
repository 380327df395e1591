"""How failures of many routes become incidents, and how incidents end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from cattrs.preconf.json import make_converter
from hypothesis import given
from hypothesis import strategies as st

from core.health.incidents import IncidentFold, fold_incidents
from core.health.standing import Folded, fold, new_standing
from core.model.agent import AgentId
from core.model.alert import NoticeKind
from core.model.check import route_id
from core.model.incident import Cause, Incident, StepKind
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.route import Route
from core.model.standing import HealthRules, Standing
from tests.core.health.checks import at, result, route

RULES = HealthRules()
OK, BUSY, THROTTLED, ABSENT = Diagnosis.OK, Diagnosis.OVERLOADED, Diagnosis.THROTTLED, Diagnosis.MODEL_ABSENT
REFUSED, DNS, DEAD = Diagnosis.FIELD_REJECTED, Diagnosis.DNS_FAILED, Diagnosis.CREDENTIAL_DEAD
NO_TOOLS, NO_TOKEN = Diagnosis.NO_TOOL_CALL, Diagnosis.CREDENTIAL_MISSING
OPENED, WORSENED, RESOLVED = NoticeKind.OPENED, NoticeKind.WORSENED, NoticeKind.RESOLVED

A, B, C = route("primary"), route("fallback"), route("fallback_2")
CODEX = route("default", agent=AgentId.CODEX)
ELSEWHERE = route("default", agent=AgentId.PI, host="adb-1.azuredatabricks.net")


class Rounds:
    """Routes that are checked in rounds, a minute apart, and the incidents that come of it."""

    def __init__(self) -> None:
        self.standings: dict[str, Standing] = {}
        self.open: tuple[Incident, ...] = ()
        self.seconds = 0.0

    def round(
        self, *seen: tuple[Route, Diagnosis], depth: Depth = Depth.REACH, present: frozenset[str] | None = None
    ) -> IncidentFold:
        self.seconds += 60
        return self.land(*(result(self.seconds, one, of=of, depth=depth) for of, one in seen), present=present)

    def land(self, *results: ProbeResult, present: frozenset[str] | None = None) -> IncidentFold:
        folded = [self._folded(one) for one in results]
        told = fold_incidents(self.open, folded, RULES, at(self.seconds), present=present)
        self.open = told.incidents
        return told

    def _folded(self, seen: ProbeResult) -> Folded:
        key = route_id(seen.route)
        folded = fold(self.standings.get(key) or new_standing(seen.route, simulated=False), seen, RULES)
        self.standings[key] = folded.standing
        return folded


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


def kinds(told: IncidentFold) -> list[NoticeKind]:
    return [kind for kind, _ in told.changed]


def steps(incident: Incident) -> list[tuple[StepKind, str]]:
    return [(step.kind, step.text) for step in incident.timeline]


def test_a_route_that_goes_down_opens_an_incident(rounds: Rounds) -> None:
    rounds.round((A, OK))
    told = rounds.round((A, ABSENT))
    (incident,) = told.incidents
    assert told.changed == ((OPENED, incident),)
    assert incident.cause == Cause(
        rung=Rung.MODEL, host="1234567890123456.ai-gateway.cloud.databricks.com", diagnosis=ABSENT
    )
    assert (incident.routes, incident.open_routes) == ((A,), (route_id(A),))
    assert (incident.health, incident.message, incident.remedy) == (
        Health.DOWN,
        "It says model_absent.",
        "Do what helps.",
    )
    assert incident.id.startswith("inc-20260821-090200-") and len(incident.id) == len("inc-20260821-090200-") + 6
    assert steps(incident) == [(StepKind.OPENED, "Model: It says model_absent.")]


def test_its_beginning_is_the_first_failed_check_and_not_the_moment_it_was_sure(rounds: Rounds) -> None:
    rounds.round((A, OK))
    assert rounds.round((A, BUSY)).incidents == ()
    assert rounds.round((A, BUSY)).incidents == ()
    (incident,) = rounds.round((A, BUSY)).incidents
    assert (incident.started_at, incident.confirmed_at) == (at(120), at(240))


def test_healthy_routes_make_no_incident(rounds: Rounds) -> None:
    assert rounds.round((A, OK), (B, OK)) == IncidentFold()


def test_routes_with_the_same_cause_are_one_incident(rounds: Rounds) -> None:
    told = rounds.round((A, ABSENT), (B, ABSENT), (CODEX, ABSENT))
    (incident,) = told.incidents
    assert (kinds(told), incident.routes) == ([OPENED], (A, B, CODEX))
    assert incident.agents == (AgentId.HERMES, AgentId.CODEX)
    assert [kind for kind, _ in steps(incident)] == [StepKind.OPENED, StepKind.JOINED, StepKind.JOINED]


def test_the_route_that_failed_first_comes_first(rounds: Rounds) -> None:
    rounds.round((B, BUSY))
    rounds.round((A, BUSY), (B, BUSY))
    rounds.round((A, OK), (B, OK))
    rounds.round((A, BUSY), (B, BUSY))
    rounds.round((A, BUSY), (B, BUSY))
    (incident,) = rounds.round((A, BUSY), (B, BUSY)).incidents
    assert (incident.routes[0], incident.started_at) == (B, at(60))


@pytest.mark.parametrize(
    ("other", "diagnosis", "rung"),
    [(B, DEAD, Rung.MODEL), (ELSEWHERE, ABSENT, Rung.MODEL), (B, ABSENT, Rung.ROUTE)],
    ids=["another diagnosis", "another host", "another rung"],
)
def test_another_cause_is_another_incident(rounds: Rounds, other: Route, diagnosis: Diagnosis, rung: Rung) -> None:
    told = rounds.land(result(0, ABSENT), result(0, diagnosis, of=other, rung=rung))
    assert [incident.routes for incident in told.incidents] == [(A,), (other,)]


def test_a_route_that_joins_later_is_told_of_only_when_it_is_another_agents(rounds: Rounds) -> None:
    rounds.round((A, ABSENT))
    assert kinds(rounds.round((B, ABSENT))) == []
    assert kinds(rounds.round((CODEX, ABSENT))) == [WORSENED]
    assert len(rounds.open) == 1


def test_the_incident_lasts_until_its_last_route_has_recovered(rounds: Rounds) -> None:
    rounds.round((A, ABSENT), (B, ABSENT))
    rounds.round((A, OK), (B, ABSENT))
    told = rounds.round((A, OK), (B, ABSENT))
    assert (kinds(told), told.incidents[0].open_routes) == ([], (route_id(B),))
    rounds.round((B, OK))
    told = rounds.round((B, OK))
    assert (kinds(told), told.incidents) == ([RESOLVED], ())
    ((_, incident),) = told.changed
    assert (incident.ended_at, incident.routes, incident.open_routes) == (at(300), (A, B), ())
    assert steps(incident)[-3:] == [
        (StepKind.LEFT, "recovered"),
        (StepKind.LEFT, "recovered"),
        (StepKind.RESOLVED, "resolved after 4 min"),
    ]


def test_one_pass_does_not_end_it(rounds: Rounds) -> None:
    rounds.round((A, ABSENT))
    assert rounds.round((A, OK)).incidents[0].open_routes == (route_id(A),)


def test_a_failure_that_may_not_count_as_down_is_a_degraded_incident_once_it_lasts(rounds: Rounds) -> None:
    rounds.round((A, OK))
    assert [kinds(rounds.round((A, THROTTLED))) for _ in range(4)] == [[], [], [OPENED], []]
    assert rounds.open[0].health is Health.DEGRADED


def test_it_worsens_when_a_route_of_it_goes_down(rounds: Rounds) -> None:
    rounds.round((A, OK))
    for _ in range(3):
        rounds.round((A, THROTTLED))
    rounds.seconds = 3700
    told = rounds.round((A, THROTTLED))
    assert (kinds(told), told.incidents[0].health) == ([WORSENED], Health.DOWN)
    assert steps(told.incidents[0])[-1] == (StepKind.WORSENED, "now Down")


def test_a_degraded_incident_ends_too(rounds: Rounds) -> None:
    for _ in range(3):
        rounds.round((A, NO_TOOLS))
    rounds.round((A, OK))
    assert kinds(rounds.round((A, OK))) == [RESOLVED]


def test_a_slow_route_is_no_incident_and_has_recovered_from_one(rounds: Rounds) -> None:
    rounds.round((A, ABSENT))
    for n in range(6):
        told = rounds.land(result(100.0 + n, latency_ms=9000))
    assert (rounds.standings[route_id(A)].health, told.incidents) == (Health.DEGRADED, ())


def test_a_diagnosis_that_changes_is_noted_and_the_incident_goes_on(rounds: Rounds) -> None:
    (before,) = rounds.round((A, ABSENT)).incidents
    told = rounds.round((A, DEAD))
    (after,) = told.incidents
    assert (after.id, after.cause.diagnosis, after.message) == (before.id, DEAD, "It says credential_dead.")
    assert (kinds(told), steps(after)[-1]) == ([], (StepKind.CHANGED, "now Model: It says credential_dead."))
    assert len(rounds.round((A, DEAD)).incidents[0].timeline) == len(after.timeline)


def test_routes_that_change_together_stay_together(rounds: Rounds) -> None:
    rounds.round((A, ABSENT), (B, ABSENT))
    told = rounds.round((A, DEAD), (B, DEAD))
    (incident,) = told.incidents
    assert (kinds(told), incident.open_routes) == ([], (route_id(A), route_id(B)))


def test_a_route_that_fails_differently_moves_when_the_others_do_not(rounds: Rounds) -> None:
    rounds.round((A, ABSENT), (B, ABSENT))
    told = rounds.round((A, ABSENT), (B, DEAD))
    first, second = told.incidents
    assert (first.open_routes, second.open_routes) == ((route_id(A),), (route_id(B),))
    assert (kinds(told), steps(first)[-1]) == ([OPENED], (StepKind.LEFT, "now Model: It says credential_dead."))


def test_routes_that_all_fail_differently_now_leave_none_behind_resolved(rounds: Rounds) -> None:
    rounds.round((A, ABSENT), (B, ABSENT))
    told = rounds.round((A, DEAD), (B, REFUSED))
    assert [incident.cause.diagnosis for incident in told.incidents] == [DEAD, REFUSED]
    assert kinds(told) == [OPENED]


def test_a_route_comes_back_into_the_incident_it_left(rounds: Rounds) -> None:
    rounds.round((A, ABSENT), (B, ABSENT))
    rounds.round((A, OK))
    rounds.round((A, OK))
    (incident,) = rounds.round((A, ABSENT)).incidents
    assert (incident.routes, set(incident.open_routes)) == ((A, B), {route_id(A), route_id(B)})


def test_an_unknown_route_is_not_taken_for_recovered(rounds: Rounds) -> None:
    rounds.round((A, ABSENT))
    assert rounds.round((A, NO_TOKEN)).incidents[0].open_routes == (route_id(A),)


def test_a_paused_route_leaves(rounds: Rounds) -> None:
    rounds.round((A, ABSENT))
    told = rounds.land(replace(result(120, ABSENT), health=Health.PAUSED))
    assert kinds(told) == [RESOLVED]
    assert (StepKind.LEFT, "paused") in steps(told.changed[0][1])


def test_the_same_failure_after_a_pause_is_an_incident_of_its_own(rounds: Rounds) -> None:
    (first,) = rounds.round((A, ABSENT)).incidents
    rounds.land(replace(result(120, ABSENT), health=Health.PAUSED))
    (second,) = rounds.land(result(180, ABSENT)).incidents
    assert second.id != first.id


def test_a_route_that_is_no_longer_configured_leaves(rounds: Rounds) -> None:
    rounds.round((A, ABSENT), (B, ABSENT))
    (incident,) = rounds.round((B, ABSENT), present=frozenset({route_id(B)})).incidents
    assert incident.open_routes == (route_id(B),)
    assert steps(incident)[-1] == (StepKind.LEFT, "no longer configured")
    told = rounds.round(present=frozenset())
    assert (kinds(told), told.changed[0][1].ended_at) == ([RESOLVED], at(rounds.seconds))


def test_a_round_that_did_not_ask_all_removes_nobody(rounds: Rounds) -> None:
    rounds.round((A, ABSENT), (B, ABSENT))
    assert len(rounds.round((B, ABSENT)).incidents[0].open_routes) == 2


def test_a_failure_of_the_faithful_request_is_an_incident_that_short_passes_do_not_end(rounds: Rounds) -> None:
    rounds.round((A, OK))
    rounds.round((A, REFUSED), depth=Depth.FAITHFUL)
    (incident,) = rounds.round((A, OK)).incidents
    assert (incident.cause.diagnosis, len(incident.timeline)) == (REFUSED, 1)


def test_two_depths_that_fail_differently_do_not_take_turns(rounds: Rounds) -> None:
    rounds.round((A, DEAD))
    for _ in range(3):
        rounds.round((A, REFUSED), depth=Depth.FAITHFUL)
        rounds.round((A, DEAD))
    assert len(rounds.open[0].timeline) == 1


def test_down_and_recovered_within_one_round_is_told_whole(rounds: Rounds) -> None:
    told = rounds.land(result(0, ABSENT), result(5), result(10))
    assert (kinds(told), told.incidents) == ([OPENED, RESOLVED], ())


def test_transitions_name_their_incident(rounds: Rounds) -> None:
    rounds.round((A, OK), (B, OK))
    told = rounds.round((A, ABSENT), (B, BUSY))
    opened, unconfirmed = told.transitions
    assert (opened.incident_id, unconfirmed.incident_id) == (told.incidents[0].id, None)
    rounds.round((A, OK))
    (recovered,) = rounds.round((A, OK)).transitions
    assert recovered.incident_id == opened.incident_id


def test_a_cause_that_alternates_for_days_keeps_its_beginning_and_its_newest_steps(rounds: Rounds) -> None:
    for _ in range(300):
        rounds.round((A, ABSENT))
        rounds.round((A, DEAD))
    (incident,) = rounds.open
    assert (len(incident.timeline), incident.timeline[0].kind) == (500, StepKind.OPENED)
    assert incident.timeline[-1].at == at(rounds.seconds)


def test_an_incident_of_a_simulated_route_says_so() -> None:
    folded = fold(new_standing(A, simulated=True), result(0, ABSENT), RULES)
    assert fold_incidents((), [folded], RULES, at(0)).incidents[0].simulated


# What holds for any sequence.

AS_JSON = make_converter()
ROUTES = (A, B, CODEX, ELSEWHERE)


def _paused(seen: ProbeResult, *, paused: bool) -> ProbeResult:
    return replace(seen, health=Health.PAUSED) if paused else seen


RESULTS = st.builds(
    lambda of, diagnosis, depth, paused: _paused(result(0, diagnosis, of=of, depth=depth), paused=paused),
    st.sampled_from(ROUTES),
    st.sampled_from([OK, OK, OK, BUSY, THROTTLED, ABSENT, DEAD, REFUSED, NO_TOOLS, NO_TOKEN]),
    st.sampled_from([Depth.REACH, Depth.REACH, Depth.FAITHFUL]),
    st.sampled_from([False, False, False, True]),
)
MANY = st.lists(st.lists(RESULTS, max_size=6), max_size=12)


def fed(many: Sequence[Sequence[ProbeResult]]) -> tuple[Rounds, list[tuple[NoticeKind, Incident]]]:
    rounds = Rounds()
    told: list[tuple[NoticeKind, Incident]] = []
    for results in many:
        rounds.seconds += 60
        told += rounds.land(*(replace(one, checked_at=at(rounds.seconds)) for one in results)).changed
    return rounds, told


@given(MANY)
def test_a_route_is_in_one_incident_at_most_and_each_has_one(many: list[list[ProbeResult]]) -> None:
    rounds, _ = fed(many)
    members = [key for incident in rounds.open for key in incident.open_routes]
    assert len(members) == len(set(members))
    for incident in rounds.open:
        assert incident.open_routes and incident.ended_at is None
        assert set(incident.open_routes) <= {route_id(one) for one in incident.routes}
        assert incident.started_at <= incident.confirmed_at


@given(MANY)
def test_no_healthy_route_is_in_an_incident_and_none_that_is_seen_down_is_left_out(
    many: list[list[ProbeResult]],
) -> None:
    rounds, _ = fed(many)
    members = {key for incident in rounds.open for key in incident.open_routes}
    for key, standing in rounds.standings.items():
        if standing.health in (Health.HEALTHY, Health.PAUSED):
            assert key not in members
        is_seen_down = standing.reach.health is Health.DOWN and standing.reach.failures > 0
        if is_seen_down and standing.beats[-1] == standing.reach.last:
            assert key in members


@given(MANY)
def test_every_incident_is_opened_once_and_ended_once(many: list[list[ProbeResult]]) -> None:
    rounds, told = fed(many)
    opened = [incident.id for kind, incident in told if kind is OPENED]
    ended = [incident.id for kind, incident in told if kind is RESOLVED]
    assert len(opened) == len(set(opened))
    assert len(ended) == len(set(ended))
    assert set(opened) - set(ended) == {incident.id for incident in rounds.open}


@given(MANY)
def test_folding_in_pieces_equals_folding_at_once(many: list[list[ProbeResult]]) -> None:
    whole, _ = fed(many)
    pieces = Rounds()
    for results in many:
        pieces.seconds += 60
        pieces.open = AS_JSON.loads(AS_JSON.dumps(pieces.open), tuple[Incident, ...])
        pieces.land(*(replace(one, checked_at=at(pieces.seconds)) for one in results))
    assert pieces.open == whole.open
