"""How slow a cell of the matrix is, as a figure, a mark and a shade; pure."""

from __future__ import annotations

from dataclasses import dataclass

from pages.ui.formats import Color, every_text, ms_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """One step of the scale: it ends at `share` of the limit; the mark grows with it, so that no colour is needed."""

    share: float
    mark: str
    color: Color


# Green and red would say Healthy and Down; what is above the limit is Degraded, and as orange as that.
STEPS = (
    Heat(share=1 / 6, mark="▂", color="gray"),
    Heat(share=1 / 3, mark="▄", color="blue"),
    Heat(share=1.0, mark="▆", color="violet"),
)
ABOVE = Heat(share=float("inf"), mark="█", color="orange")


def heat_of(latency_ms: float, limit_ms: float) -> Heat:
    """Return the step of a latency, by the limit above which a route is Degraded."""
    return next((step for step in STEPS if latency_ms <= step.share * limit_ms), ABOVE)


def heat_badge(latency_ms: float, limit_ms: float) -> str:
    """Return the shaded figure as Markdown."""
    heat = heat_of(latency_ms, limit_ms)
    return f":{heat.color}-badge[{heat.mark} {ms_text(latency_ms)}]"


def heat_legend(limit_ms: float) -> str:
    """Return what the shades mean as Markdown."""
    steps = [f":{step.color}-badge[{step.mark} up to {every_text(step.share * limit_ms / 1000)}]" for step in STEPS]
    return f"p95 of the last 50 checks: {' '.join(steps)} :{ABOVE.color}-badge[{ABOVE.mark} more, which is Degraded]"
