"""How slow a cell is, told by a mark and a figure and not by its shade alone."""

from __future__ import annotations

import pytest

from pages.ui.heat import ABOVE, STEPS, heat_badge, heat_legend, heat_of

LIMIT_MS = 6000.0


@pytest.mark.parametrize(
    ("latency_ms", "mark"),
    [(900.0, "▂"), (1000.0, "▂"), (1001.0, "▄"), (2500.0, "▆"), (6000.0, "▆"), (6001.0, "█")],
)
def test_a_slower_route_has_a_higher_mark(latency_ms: float, mark: str) -> None:
    assert heat_of(latency_ms, LIMIT_MS).mark == mark


def test_every_step_has_a_mark_and_a_shade_of_its_own_that_mean_no_health() -> None:
    steps = (*STEPS, ABOVE)

    assert len({step.mark for step in steps}) == len({step.color for step in steps}) == len(steps)
    assert not {step.color for step in steps} & {"green", "red"}


def test_the_figure_stands_in_the_badge() -> None:
    assert heat_badge(1400.0, LIMIT_MS) == ":blue-badge[▄ 1.4 s]"


def test_the_legend_says_what_each_mark_means() -> None:
    legend = heat_legend(LIMIT_MS)

    assert ":gray-badge[▂ up to 1 s]" in legend
    assert ":orange-badge[█ more, which is Degraded]" in legend
