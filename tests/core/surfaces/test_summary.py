"""The status as Markdown: the line first, a row per agent, and nothing that breaks out of its table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.model.snapshot import Snapshot
from core.surfaces.summary import status_summary
from core.surfaces.watched import watched
from tests.core.surfaces.pictures import NOW, RULES, outage, seen_for


def summary_of(snapshot: Snapshot) -> str:
    return status_summary(watched(snapshot, now=NOW, rules=RULES))


def test_the_line_over_all_agents_comes_first() -> None:
    assert summary_of(seen_for(timedelta(seconds=30))).startswith("# All routes healthy\n")
    assert summary_of(outage()).startswith("# 1 agent down\n")


def test_before_anything_was_seen_nothing_is_healthy() -> None:
    text = summary_of(Snapshot())
    assert text.startswith("# Status unknown\n")
    assert "Healthy" not in text and "none yet" in text


def test_an_outage_names_the_rung_and_its_incident() -> None:
    text = summary_of(outage())
    row = next(line for line in text.splitlines() if line.startswith("| Hermes |"))
    assert "| Down |" in row and "404" in row
    assert "## Open incidents" in text


def test_what_is_simulated_says_so_and_upstream_text_stays_in_its_cell() -> None:
    seen = outage()
    loud = replace(
        seen,
        scene="demo",
        incidents=tuple(
            replace(one, message="a | b\n# c dapi0123456789abcdef0123456789abcdef") for one in seen.incidents
        ),
    )
    text = summary_of(loud)
    assert "**Simulated**" in text
    assert "\n# c" not in text
    assert "dapi0123456789abcdef" not in text
