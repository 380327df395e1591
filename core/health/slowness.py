"""Say whether a route that answers answers too slowly (rule R5)."""

from __future__ import annotations

from collections.abc import Sequence

from core.health.buckets import nearest_rank
from core.model.check import Check
from core.model.probe import Health
from core.model.standing import HealthRules


def slowness_of(beats: Sequence[Check], rules: HealthRules) -> str:
    """Return in words how slow the newest passed checks of one depth are, "" when they are fast enough or too few."""
    passed = [beat for beat in beats if beat.health is Health.HEALTHY][-rules.latency_samples :]
    whole = _over([beat.latency_ms for beat in passed], rules.latency_limit_ms, rules.latency_least)
    if whole is not None:
        return f"slow: p95 {whole / 1000:.1f} s"
    first = _over([beat.ttft_ms for beat in passed], rules.ttft_limit_ms, rules.latency_least)
    return "" if first is None else f"slow: p95 to the first token {first / 1000:.1f} s"


def _over(measured: Sequence[float | None], limit_ms: float, least: int) -> float | None:
    known = sorted(ms for ms in measured if ms is not None)
    p95 = nearest_rank(known, 0.95)
    return p95 if p95 is not None and len(known) >= least and p95 > limit_ms else None
