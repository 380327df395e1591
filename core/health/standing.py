"""Fold results into how a route stands (rules R2 to R5), each depth by itself; pure, so that any state can be resumed.

What the checks of one depth amount to is left to `streak`, what routes fail together to `incidents`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from core.health.one_shot import PARTIAL
from core.health.slowness import slowness_of
from core.health.spans import span_text
from core.health.streak import NEUTRAL, is_streak_settled, with_streak
from core.model.check import Check, check_of, route_id, without_token
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.route import Route
from core.model.standing import KEPT_BEATS, HealthRules, Standing, Transition
from core.settings import Settings

_SEVERITY = {Health.UNKNOWN: -1, Health.PAUSED: -1, Health.HEALTHY: 0, Health.DEGRADED: 1, Health.DOWN: 2}
# A host that cannot be reached needs no second request to be sure: none was sent.
_HOST_RUNGS = (Rung.DNS, Rung.TCP, Rung.TLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What one result leads to; `transition` None means that the word is the same as before.

    `message` and `remedy` are those of the result, which a check does not keep.
    """

    standing: Standing
    check: Check
    transition: Transition | None = None
    message: str = ""
    remedy: str = ""


def rules_of(settings: Settings) -> HealthRules:
    """Return the rules as the settings ask for them.

    Without faithful sweeps of its own the dashboard still hears of some that people ask for; those count as long as
    the usual interval would let them.
    """
    return HealthRules(
        down_after=settings.down_after,
        recover_after=settings.recover_after,
        latency_limit_ms=settings.latency_limit_s * 1000,
        ttft_limit_ms=settings.ttft_limit_s * 1000,
        reach_interval_s=settings.sweep_interval_s,
        faithful_interval_s=settings.faithful_interval_s or HealthRules().faithful_interval_s,
    )


def new_standing(route: Route, *, simulated: bool) -> Standing:
    """Return how a route stands that was never checked."""
    return Standing(route_id=route_id(route), route=without_token(route), simulated=simulated)


def is_recorded(result: ProbeResult) -> bool:
    """Say whether a result is about its route at all.

    An offline dashboard, a used-up budget and a fault of ours are not (rule R8); that its own credential is missing, or
    that its host may not be given one, is.
    """
    if result.health is not Health.UNKNOWN:
        return True
    return result.diagnosis is Diagnosis.CREDENTIAL_MISSING or result.attempts > 0


def fold(standing: Standing, result: ProbeResult, rules: HealthRules, *, proved: bool = False) -> Folded:
    """Return how the route stands after this result; `proved` lets one pass end a failure (a verified change)."""
    check = check_of(result, standing=standing.health, simulated=standing.simulated)
    if not is_recorded(result):
        return Folded(standing=standing, check=check)
    beats = (*standing.beats, check)[-KEPT_BEATS:]
    moved = replace(standing, beats=beats)
    if check.health not in NEUTRAL:
        moved = with_streak(moved, check, rules, confirmed=_is_confirmed(result), proved=proved)
    word = _word_after(standing, moved, check, rules)
    check = replace(check, standing=word)
    is_new_word = word is not standing.health
    since = check.checked_at if is_new_word or standing.since is None else standing.since
    moved = replace(_with_last(moved, check), health=word, since=since, beats=(*beats[:-1], check))
    # Being seen well for the first time changes nothing for anybody.
    is_told = is_new_word and not (standing.since is None and word in (Health.HEALTHY, Health.PAUSED))
    transition = _transition(standing, moved, result, rules) if is_told else None
    return Folded(standing=moved, check=check, transition=transition, message=result.message, remedy=result.remedy)


def is_settled(standing: Standing, rules: HealthRules) -> bool:
    """Say whether more checks at once would not change the word by the next usual time."""
    return not unsettled_depths(standing, rules)


def unsettled_depths(standing: Standing, rules: HealthRules) -> tuple[Depth, ...]:
    """Return the depths at which failures or passes have not reached their number yet."""
    if standing.health in NEUTRAL:
        return ()
    streaks = ((Depth.REACH, standing.reach), (Depth.FAITHFUL, standing.faithful))
    return tuple(depth for depth, streak in streaks if not is_streak_settled(streak, rules))


def _is_confirmed(result: ProbeResult) -> bool:
    return result.attempts != 1 or result.rung in _HOST_RUNGS


def _with_last(standing: Standing, check: Check) -> Standing:
    if check.health in NEUTRAL:
        return standing
    if check.depth is Depth.FAITHFUL:
        return replace(standing, faithful=replace(standing.faithful, last=check))
    return replace(standing, reach=replace(standing.reach, last=check))


def _word_after(before: Standing, moved: Standing, check: Check, rules: HealthRules) -> Health:
    if check.health in NEUTRAL:
        return check.health
    word = _worse_of_depths(moved, check.checked_at, rules)
    if check.health is Health.HEALTHY:
        return word
    # The other depth may have grown too old to count just now; a failure is no reason to say something better.
    return max(word, before.health, key=_SEVERITY.__getitem__)


def _worse_of_depths(standing: Standing, now: datetime, rules: HealthRules) -> Health:
    words = [standing.reach.health]
    faithful = standing.faithful
    limit_s = rules.stale_intervals * rules.faithful_interval_s
    if faithful.last is not None and (now - faithful.last.checked_at).total_seconds() <= limit_s:
        words.append(faithful.health)
    return max(words, key=_SEVERITY.__getitem__)


def _transition(before: Standing, after: Standing, result: ProbeResult, rules: HealthRules) -> Transition:
    of_depth = [beat for beat in after.beats if beat.depth is result.depth]
    is_slow = result.diagnosis is Diagnosis.OK and after.health is Health.DEGRADED
    slow = slowness_of(of_depth, rules) if is_slow else ""
    return Transition(
        id=f"{result.checked_at:%Y%m%dT%H%M%S.%f}-{after.route_id}",
        at=result.checked_at,
        route_id=after.route_id,
        route=after.route,
        before=before.health,
        after=after.health,
        rung=result.rung,
        diagnosis=result.diagnosis,
        http_status=result.http_status,
        message=f"The model answers, but {slow}" if slow else result.message,
        remedy=result.remedy,
        simulated=after.simulated,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a standing reads at one moment (rule R6); `qualifier` is the small text beside the word, "" for none."""

    health: Health
    stale: bool = False
    qualifier: str = ""


def shown(standing: Standing, now: datetime, rules: HealthRules) -> Shown:
    """Return how the standing reads now: what was seen too long ago is stale, and then unknown."""
    seen_at = [streak.last.checked_at for streak in (standing.reach, standing.faithful) if streak.last is not None]
    if standing.health in NEUTRAL or not seen_at:
        return Shown(health=standing.health)
    age_s = (now - max(seen_at)).total_seconds()
    is_stale = age_s > rules.stale_intervals * rules.reach_interval_s
    is_too_old = age_s > rules.unknown_intervals * rules.reach_interval_s
    return Shown(
        health=Health.UNKNOWN if is_too_old else standing.health,
        stale=is_stale,
        qualifier=_last_pass(standing, now) if is_stale else _qualifier(standing, now, rules),
    )


def as_shown(result: ProbeResult, standing: Standing, now: datetime, rules: HealthRules) -> ProbeResult:
    """Return the result with its route's health; one that says nothing of its route stays unknown."""
    if result.health is Health.UNKNOWN:
        return result
    health = shown(standing, now, rules).health
    return result if health is result.health else replace(result, health=health)


def _qualifier(standing: Standing, now: datetime, rules: HealthRules) -> str:
    streak = standing.decisive_streak
    if streak.first_failure_at is None:
        if standing.health is not Health.DEGRADED:
            return ""
        decisive = standing.decisive
        return slowness_of([beat for beat in standing.beats if beat.depth is decisive], rules) or "slow"
    if streak.passes:
        return f"{streak.passes} of {rules.recover_after} passes"
    if not is_streak_settled(streak, rules) and streak.last is not None and streak.last.diagnosis not in PARTIAL:
        # A failure that looks final needs only one more like it.
        needed = min(2, rules.down_after) if streak.last.health is Health.DOWN else rules.down_after
        return f"{streak.failures} of {needed} failures"
    return _last_pass(standing, now)


def _last_pass(standing: Standing, now: datetime) -> str:
    passed = [at for at in (standing.reach.last_success_at, standing.faithful.last_success_at) if at is not None]
    return f"last pass {span_text((now - max(passed)).total_seconds())} ago" if passed else "never passed"
