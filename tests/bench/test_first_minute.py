"""The benchmark of the first minute says what it measured, what missed its goal, and where it is kept."""

from __future__ import annotations

from pathlib import Path

from bench.first_minute import GOALS, SWITCH, FirstMinute, first_minute_table
from bench.report import write


def figures(**changed: list[float]) -> FirstMinute:
    """Return figures that meet every goal, but for those of this name."""
    return FirstMinute(taken={goal.name: [goal.allowed or 1.0] for goal in GOALS} | changed)


def test_every_goal_has_its_row_and_what_meets_it_is_not_missed() -> None:
    table = first_minute_table(figures())

    assert [line.split(" | ")[0] for line in table[2 : 2 + len(GOALS)]] == [f"| {goal.name}" for goal in GOALS]
    assert table[-1] == "Every goal was met in this run."


def test_a_median_above_its_goal_is_missed_and_one_slow_moment_is_told() -> None:
    slow = first_minute_table(figures(**{SWITCH.name: [300.0, 300.0, 900.0]}))[-1]
    missed = first_minute_table(figures(**{SWITCH.name: [301.0]}))[-1]

    assert slow == "- met by the median only: from page to page: up to 900 ms, allowed 300 ms"
    assert missed == "- missed: from page to page: 301 ms, allowed 300 ms"


def test_without_a_chromium_the_table_says_so() -> None:
    assert first_minute_table(None) == ["No Chromium: not measured."]


def test_a_table_takes_the_place_of_the_former_one_and_of_nothing_else(tmp_path: Path) -> None:
    report, rest_of_it = tmp_path / "report.md", "between\n<!-- b -->\nkept\n<!-- /b -->\n"
    report.write_text(f"before\n<!-- a -->\nold\n<!-- /a -->\n{rest_of_it}", encoding="utf-8")
    write("a", ["new"], report)
    first, _, rest = report.read_text(encoding="utf-8").partition("<!-- a -->\n")

    assert first == "before\n"
    assert rest.startswith("Measured ")
    assert rest.endswith(f"\n\nnew\n<!-- /a -->\n{rest_of_it}")
