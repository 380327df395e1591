"""Say what share of a window a route was up (rule R12); the seconds themselves come from `buckets`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.health.buckets import length_s
from core.model.history import Bucket, Uptime


def uptime_of(buckets: Sequence[Bucket], since: datetime, until: datetime) -> Uptime:
    """Return the shares of a window, over one route or over all routes that the buckets are of.

    `up`, `degraded` and `down` are shares of the time in which the health was known, so that up and down make one;
    `no_data`, which holds the unknown time too, and `paused` are shares of the whole window.
    """
    weighted = [(bucket, _weight(bucket, since, until)) for bucket in buckets]
    healthy = sum(bucket.healthy_s * weight for bucket, weight in weighted)
    degraded = sum(bucket.degraded_s * weight for bucket, weight in weighted)
    down = sum(bucket.down_s * weight for bucket, weight in weighted)
    paused = sum(bucket.paused_s * weight for bucket, weight in weighted)
    known = healthy + degraded + down
    routes = len({bucket.route_id for bucket in buckets}) or 1
    window = (until - since).total_seconds() * routes
    if window <= 0:
        return Uptime(up=None, degraded=0.0, down=0.0, no_data=1.0)
    return Uptime(
        up=min(1.0, (healthy + degraded) / known) if known else None,
        degraded=degraded / known if known else 0.0,
        down=down / known if known else 0.0,
        no_data=min(1.0, max(0.0, 1.0 - (known + paused) / window)),
        paused=min(1.0, paused / window),
    )


def _weight(bucket: Bucket, since: datetime, until: datetime) -> float:
    """Return how much of a bucket counts: all of it, unless it holds more seconds than it shares with the window."""
    end = bucket.start + timedelta(seconds=length_s(bucket.resolution))
    shared = (min(end, until) - max(bucket.start, since)).total_seconds()
    held = bucket.healthy_s + bucket.degraded_s + bucket.down_s + bucket.unknown_s + bucket.paused_s
    return min(1.0, max(0.0, shared) / held) if held else 0.0
