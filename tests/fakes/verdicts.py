"""Probe results made by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.route import Route


def verdict(route: Route, health: Health = Health.HEALTHY, diagnosis: Diagnosis | None = None) -> ProbeResult:
    """Return a verdict on a route with a message that names its model."""
    fallback = Diagnosis.OK if health is Health.HEALTHY else Diagnosis.MODEL_NOT_ON_ROUTE
    return ProbeResult(
        route=route,
        depth=Depth.REACH,
        health=health,
        rung=Rung.MODEL,
        rungs=(),
        diagnosis=diagnosis or fallback,
        message=f"{route.model} answered with {health}",
        remedy="Choose another model.",
        url=route.base_url + "/chat/completions",
        checked_at=datetime(2030, 1, 2, tzinfo=UTC),
    )
