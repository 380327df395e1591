"""Who is told of what: decided from how incidents stand and what was sent, whatever happened in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.alerts.decide import due, is_quiet, probe_of_channel
from core.model.agent import AgentId
from core.model.alert import AlertRule, AlertSettings, Delivery, DeliveryState, Notice, NoticeKind, QuietHours
from core.model.check import route_id
from core.model.incident import Incident
from core.model.probe import Health
from tests.fakes.alerts import NOON, a_route, an_incident, ended, settings_of, told

EVERYBODY = AlertRule(name="all", channels=("ops",))
NIGHT = QuietHours(begin=time(22), end=time(6))


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def kinds(notices: Sequence[Notice]) -> list[tuple[str, NoticeKind]]:
    return [(notice.channel, notice.kind) for notice in notices]


def sent(incident: Incident, settings: AlertSettings, *times: float) -> list[Delivery]:
    """Return what was sent when somebody looked at these minutes."""
    deliveries: list[Delivery] = []
    for count in times:
        deliveries += map(told, due([incident], deliveries, settings, minutes(count)))
    return deliveries


def test_an_incident_is_told_once_to_each_channel_of_its_rule() -> None:
    settings = settings_of(AlertRule(name="all", channels=("ops", "pager")))
    notices = due([an_incident()], [], settings, minutes(1))
    assert kinds(notices) == [("ops", NoticeKind.OPENED), ("pager", NoticeKind.OPENED)]
    assert due([an_incident()], list(map(told, notices)), settings, minutes(9)) == ()


@pytest.mark.parametrize("state", list(DeliveryState))
def test_what_is_under_way_or_given_up_is_not_begun_again(state: DeliveryState) -> None:
    (notice,) = due([an_incident()], [], settings_of(EVERYBODY), minutes(1))
    assert due([an_incident()], [told(notice, state)], settings_of(EVERYBODY), minutes(9)) == ()


def test_two_rules_that_match_send_one_notice_per_channel_named_after_the_first() -> None:
    settings = settings_of(EVERYBODY, AlertRule(name="hermes", channels=("ops", "pager"), agents=(AgentId.HERMES,)))
    assert [(item.channel, item.rule) for item in due([an_incident()], [], settings, minutes(1))] == [
        ("ops", "all"),
        ("pager", "hermes"),
    ]


def test_a_rule_for_other_agents_does_not_match() -> None:
    settings = settings_of(AlertRule(name="pi", channels=("ops",), agents=(AgentId.PI,)))
    assert due([an_incident(AgentId.HERMES, AgentId.CLAUDE)], [], settings, minutes(1)) == ()
    assert kinds(due([an_incident(AgentId.HERMES, AgentId.PI)], [], settings, minutes(1))) == [
        ("ops", NoticeKind.OPENED)
    ]


def test_a_rule_starts_to_match_when_its_agent_is_hit_later() -> None:
    settings = settings_of(
        AlertRule(name="hermes", channels=("ops",), agents=(AgentId.HERMES,)),
        AlertRule(name="claude", channels=("claude",), agents=(AgentId.CLAUDE,)),
    )
    deliveries = sent(an_incident(), settings, 1)
    spread = an_incident(AgentId.HERMES, AgentId.CLAUDE)
    assert kinds(due([spread], deliveries, settings, minutes(2))) == [("claude", NoticeKind.OPENED)]


def test_nobody_is_told_of_an_agent_that_has_recovered_before_it_could_be_said() -> None:
    settings = settings_of(AlertRule(name="claude", channels=("ops",), agents=(AgentId.CLAUDE,)))
    left = replace(an_incident(AgentId.HERMES, AgentId.CLAUDE), open_routes=(route_id(a_route()),))
    assert due([left], [], settings, minutes(1)) == ()


@pytest.mark.parametrize(
    ("at_least", "health", "count"),
    [
        pytest.param(Health.DOWN, Health.DEGRADED, 0, id="a rule for Down leaves Degraded alone"),
        pytest.param(Health.DOWN, Health.DOWN, 1, id="a rule for Down takes Down"),
        pytest.param(Health.DEGRADED, Health.DEGRADED, 1, id="a rule for Degraded takes Degraded"),
        pytest.param(Health.DEGRADED, Health.DOWN, 1, id="a rule for Degraded takes Down"),
    ],
)
def test_the_least_health_of_a_rule(at_least: Health, health: Health, count: int) -> None:
    settings = settings_of(AlertRule(name="all", channels=("ops",), at_least=at_least))
    assert len(due([an_incident(health=health)], [], settings, minutes(1))) == count


def test_who_was_told_of_degraded_is_told_once_that_it_is_down() -> None:
    settings = settings_of(AlertRule(name="all", channels=("ops",), at_least=Health.DEGRADED))
    deliveries = sent(an_incident(health=Health.DEGRADED), settings, 1)
    worse = due([an_incident()], deliveries, settings, minutes(2))
    assert kinds(worse) == [("ops", NoticeKind.WORSENED)]
    assert due([an_incident()], [*deliveries, *map(told, worse)], settings, minutes(3)) == ()


def test_who_first_hears_of_it_when_it_is_down_is_not_told_that_it_got_worse() -> None:
    settings = settings_of(EVERYBODY, AlertRule(name="early", channels=("early",), at_least=Health.DEGRADED))
    deliveries = sent(an_incident(health=Health.DEGRADED), settings, 1)
    assert kinds(due([an_incident()], deliveries, settings, minutes(2))) == [
        ("ops", NoticeKind.OPENED),
        ("early", NoticeKind.WORSENED),
    ]


def test_who_was_told_that_it_is_down_hears_nothing_when_it_was_never_degraded() -> None:
    settings = settings_of(AlertRule(name="all", channels=("ops",), at_least=Health.DEGRADED))
    assert due([an_incident()], sent(an_incident(), settings, 1), settings, minutes(2)) == ()


def test_a_reminder_comes_when_its_time_is_over_and_again_after_that_time() -> None:
    settings = settings_of(replace(EVERYBODY, remind_every_s=3600))
    looked = [1, 60, 61, 62, 120, 121, 180.5, 181]
    assert [(item.kind, item.at) for item in sent(an_incident(), settings, *looked)] == [
        (NoticeKind.OPENED, minutes(1)),
        (NoticeKind.REMINDER, minutes(61)),
        (NoticeKind.REMINDER, minutes(121)),
        (NoticeKind.REMINDER, minutes(181)),
    ]


def test_reminders_go_on_when_their_interval_is_changed_while_the_incident_lasts() -> None:
    hurried = settings_of(replace(EVERYBODY, remind_every_s=60))
    deliveries = sent(an_incident(), hurried, *range(1, 100))
    calmer = settings_of(replace(EVERYBODY, remind_every_s=1800))
    assert due([an_incident()], deliveries, calmer, minutes(120)) == ()
    assert kinds(due([an_incident()], deliveries, calmer, minutes(130))) == [("ops", NoticeKind.REMINDER)]


def test_without_an_interval_nobody_is_reminded() -> None:
    settings = settings_of(EVERYBODY)
    assert due([an_incident()], sent(an_incident(), settings, 1), settings, minutes(100_000)) == ()


def test_who_was_told_is_told_once_that_it_is_over() -> None:
    settings = settings_of(EVERYBODY)
    deliveries = sent(an_incident(), settings, 1)
    over = due([ended(an_incident())], deliveries, settings, minutes(45))
    assert kinds(over) == [("ops", NoticeKind.RESOLVED)]
    assert due([ended(an_incident())], [*deliveries, *map(told, over)], settings, minutes(46)) == ()


def test_an_end_is_not_told_to_who_never_heard_of_the_beginning() -> None:
    assert due([ended(an_incident())], [], settings_of(EVERYBODY), minutes(45)) == ()


def test_an_end_is_not_told_where_the_rule_says_so() -> None:
    settings = settings_of(replace(EVERYBODY, resolved=False))
    assert due([ended(an_incident())], sent(an_incident(), settings, 1), settings, minutes(45)) == ()


def test_the_end_is_told_to_an_agents_channel_though_the_agent_recovered_earlier() -> None:
    settings = settings_of(AlertRule(name="claude", channels=("ops",), agents=(AgentId.CLAUDE,)))
    deliveries = sent(an_incident(AgentId.HERMES, AgentId.CLAUDE), settings, 1)
    over = ended(an_incident(AgentId.HERMES, AgentId.CLAUDE))
    assert kinds(due([over], deliveries, settings, minutes(45))) == [("ops", NoticeKind.RESOLVED)]


@pytest.mark.parametrize(
    ("quiet", "clock", "expected"),
    [
        pytest.param(NIGHT, time(21, 59), False, id="just before the night"),
        pytest.param(NIGHT, time(22), True, id="at its beginning"),
        pytest.param(NIGHT, time(0), True, id="at midnight"),
        pytest.param(NIGHT, time(5, 59, 59), True, id="just before its end"),
        pytest.param(NIGHT, time(6), False, id="at its end"),
        pytest.param(QuietHours(begin=time(12), end=time(13)), time(12, 30), True, id="within one day"),
        pytest.param(QuietHours(begin=time(12), end=time(13)), time(13), False, id="at the end within one day"),
        pytest.param(None, time(3), False, id="no quiet hours"),
    ],
)
def test_quiet_hours_may_go_past_midnight(quiet: QuietHours | None, clock: time, expected: bool) -> None:
    assert is_quiet(quiet, datetime.combine(NOON.date(), clock, NOON.tzinfo)) is expected


def at_ten_in_the_evening(hours: float) -> datetime:
    return NOON.replace(hour=22) + timedelta(hours=hours)


def test_what_began_in_quiet_hours_is_told_at_their_end_if_it_still_lasts() -> None:
    settings = settings_of(replace(EVERYBODY, quiet=NIGHT))
    night = an_incident(started_at=at_ten_in_the_evening(1))
    assert due([night], [], settings, at_ten_in_the_evening(7.9)) == ()
    assert kinds(due([night], [], settings, at_ten_in_the_evening(8))) == [("ops", NoticeKind.OPENED)]


def test_what_began_and_ended_in_quiet_hours_is_never_told() -> None:
    settings = settings_of(replace(EVERYBODY, quiet=NIGHT))
    assert due([ended(an_incident(started_at=at_ten_in_the_evening(1)))], [], settings, at_ten_in_the_evening(9)) == ()


def test_an_end_in_quiet_hours_is_told_at_their_end() -> None:
    settings = settings_of(replace(EVERYBODY, quiet=NIGHT))
    evening = an_incident(started_at=at_ten_in_the_evening(-0.1))
    deliveries = list(map(told, due([evening], [], settings, at_ten_in_the_evening(-0.05))))
    assert deliveries
    assert due([ended(evening)], deliveries, settings, at_ten_in_the_evening(1)) == ()
    assert kinds(due([ended(evening)], deliveries, settings, at_ten_in_the_evening(8))) == [
        ("ops", NoticeKind.RESOLVED)
    ]


def test_quiet_hours_of_one_rule_do_not_silence_another() -> None:
    settings = settings_of(replace(EVERYBODY, quiet=NIGHT), AlertRule(name="loud", channels=("ops",)))
    (notice,) = due([an_incident()], [], settings, at_ten_in_the_evening(1))
    assert notice.rule == "loud"


def test_tests_of_a_channel_have_ids_of_their_own_and_concern_no_incident() -> None:
    first, second = probe_of_channel("ops", minutes(1)), probe_of_channel("ops", minutes(1.001))
    assert first.id != second.id
    assert first.incident is None
    assert due([an_incident()], [told(first)], settings_of(EVERYBODY), minutes(2)) != ()


STAGES = st.sampled_from(
    [an_incident(health=Health.DEGRADED), an_incident(), an_incident(AgentId.HERMES, AgentId.CLAUDE)]
)


@given(
    stages=st.lists(st.tuples(STAGES, st.integers(0, 400)), min_size=1, max_size=20),
    at_least=st.sampled_from([Health.DEGRADED, Health.DOWN]),
    remind_minutes=st.sampled_from([0, 1, 30]),
    quiet=st.sampled_from([None, NIGHT]),
)
def test_looking_twice_never_sends_twice_and_ids_never_repeat(
    stages: list[tuple[Incident, int]], at_least: Health, remind_minutes: int, quiet: QuietHours | None
) -> None:
    rule = replace(EVERYBODY, at_least=at_least, remind_every_s=60.0 * remind_minutes, quiet=quiet)
    settings, deliveries, now = settings_of(rule), list[Delivery](), NOON
    for incident, step in stages:
        now += timedelta(minutes=step)
        deliveries += map(told, due([incident], deliveries, settings, now))
        assert due([incident], deliveries, settings, now) == ()
    over = due([ended(an_incident())], deliveries, settings, now.replace(hour=12))
    assert len(over) == (1 if deliveries else 0)
    ids = [item.notice_id for item in deliveries]
    assert len(set(ids)) == len(ids)
