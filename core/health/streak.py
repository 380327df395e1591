"""Count what the checks of one depth amount to: failures until Down, passes until Healthy again (rules R2 to R5).

Which depth decides what is shown is left to `standing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from core.health.one_shot import PARTIAL
from core.health.slowness import slowness_of
from core.model.check import Check
from core.model.probe import Depth, Diagnosis, Health
from core.model.standing import HealthRules, Standing, Streak

# Healths of a check that say nothing about whether the route works: they leave its streaks as they are.
NEUTRAL = (Health.UNKNOWN, Health.PAUSED)
_THROTTLED_WINDOW = timedelta(hours=1)


def is_streak_settled(streak: Streak, rules: HealthRules) -> bool:
    """Say whether its failures or passes have reached their number."""
    if streak.first_failure_at is None:
        return True
    if streak.passes:
        return False
    return streak.health is Health.DOWN or streak.failures >= rules.down_after


def with_streak(standing: Standing, check: Check, rules: HealthRules, *, confirmed: bool, proved: bool) -> Standing:
    """Return the standing with the streak of this check's depth counted on; its beats hold the check already."""
    of_depth = [beat for beat in standing.beats if beat.depth is check.depth and beat.health not in NEUTRAL]
    before = standing.faithful if check.depth is Depth.FAITHFUL else standing.reach
    if check.health is Health.HEALTHY:
        streak = _passed(before, check, of_depth, rules, proved=proved)
    else:
        succeeded_at = [beat.checked_at for beat in standing.beats if beat.health is Health.HEALTHY]
        is_served = bool(succeeded_at) and check.checked_at - max(succeeded_at) <= _THROTTLED_WINDOW
        streak = _failed(before, check, of_depth, rules, confirmed=confirmed, served=is_served)
    if check.depth is Depth.REACH:
        return replace(standing, reach=streak)
    # The agent's own request climbs every rung of the short one, so what proves a change proves both.
    is_proof = proved and check.health is Health.HEALTHY and standing.reach.first_failure_at is not None
    return replace(standing, faithful=streak, reach=streak if is_proof else standing.reach)


def _passed(before: Streak, check: Check, beats: Sequence[Check], rules: HealthRules, *, proved: bool) -> Streak:
    passes = before.passes + 1
    is_recovering = before.first_failure_at is not None and passes < rules.recover_after and not proved
    well = Health.DEGRADED if slowness_of(beats, rules) else Health.HEALTHY
    return Streak(
        health=before.health if is_recovering else well,
        passes=passes,
        last=check,
        last_success_at=check.checked_at,
        first_failure_at=before.first_failure_at if is_recovering else None,
    )


def _failed(
    before: Streak, check: Check, beats: Sequence[Check], rules: HealthRules, *, confirmed: bool, served: bool
) -> Streak:
    failures = before.failures + 1
    trail = _failures_in_a_row(beats)
    is_final = check.health is Health.DOWN and (confirmed or _was_final_before(trail))
    is_down = before.health is Health.DOWN or is_final or _has_lasted(trail, failures, rules, served=served)
    return Streak(
        health=Health.DOWN if is_down else Health.DEGRADED,
        failures=failures,
        last=check,
        last_success_at=before.last_success_at,
        first_failure_at=before.first_failure_at or check.checked_at,
    )


def _failures_in_a_row(beats: Sequence[Check]) -> list[Check]:
    """Return the failed checks since the last passed one, oldest first."""
    passed = [place for place, beat in enumerate(beats) if beat.health is Health.HEALTHY]
    return list(beats[passed[-1] + 1 :] if passed else beats)


def _was_final_before(trail: Sequence[Check]) -> bool:
    """A failure that looks final and could not be asked again at once is confirmed by the next check like it."""
    return len(trail) > 1 and trail[-2].health is Health.DOWN


def _has_lasted(trail: Sequence[Check], failures: int, rules: HealthRules, *, served: bool) -> bool:
    """Say whether failures that pass by themselves have gone on for long enough to be Down (rule R2)."""
    if failures < rules.down_after:
        return False
    newest = trail[-rules.down_after :]
    if any(beat.diagnosis in PARTIAL for beat in newest):
        return False
    return not (served and all(beat.diagnosis is Diagnosis.THROTTLED for beat in newest))
