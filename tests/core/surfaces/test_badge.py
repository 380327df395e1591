"""A badge says a word, has a colour that is never green for what is unknown, and is XML whatever it says."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.agent import AgentId
from core.model.probe import Health
from core.model.snapshot import Snapshot
from core.surfaces.badge import agent_badge, badge
from core.surfaces.watched import watched
from tests.core.surfaces.pictures import NOW, RULES, outage, seen_for

SVG = "{http://www.w3.org/2000/svg}"
GREEN, GREY = "#11663A", "#55636F"


def drawn(snapshot: Snapshot, agent: AgentId, *, simulated: bool = False) -> ElementTree.Element:
    seen = watched(snapshot, now=NOW, rules=RULES)
    return ElementTree.fromstring(agent_badge(seen.agent(agent), simulated=simulated))


def words(svg: ElementTree.Element) -> list[str | None]:
    return [text.text for text in svg.iter(f"{SVG}text")]


def colour(svg: ElementTree.Element) -> str | None:
    return svg.findall(f"{SVG}rect")[1].get("fill")


def test_a_healthy_agent_is_green() -> None:
    svg = drawn(seen_for(timedelta(seconds=30)), AgentId.CODEX)
    assert (words(svg), colour(svg)) == (["Codex", "Healthy"], GREEN)
    assert svg.get("aria-label") == "Codex: Healthy"


def test_an_agent_that_is_down_says_so() -> None:
    assert words(drawn(outage(), AgentId.HERMES)) == ["Hermes", "Down"]


@pytest.mark.parametrize(
    "snapshot", [Snapshot(), seen_for(timedelta(hours=2))], ids=["nothing was seen", "the watch stopped"]
)
def test_unknown_is_grey(snapshot: Snapshot) -> None:
    svg = drawn(snapshot, AgentId.CODEX)
    assert (words(svg)[1], colour(svg)) in [("Unknown", GREY), ("Unknown · stale", GREY)]


def test_what_was_seen_too_long_ago_is_said_to_be_stale() -> None:
    assert words(drawn(seen_for(timedelta(minutes=15)), AgentId.CODEX))[1] == "Healthy · stale"


def test_a_simulated_agent_is_named_so() -> None:
    assert words(drawn(outage(), AgentId.HERMES, simulated=True)) == ["Hermes · simulated", "Down"]


def test_only_healthy_is_green() -> None:
    colours = {health: colour(ElementTree.fromstring(badge("a", "b", health))) for health in Health}
    assert [health for health, found in colours.items() if found == GREEN] == [Health.HEALTHY]
    assert len(set(colours.values())) == len(Health)


@given(st.text(st.characters(codec=None, categories=None)), st.text(), st.sampled_from(Health))
def test_whatever_it_says_it_stays_text(label: str, word: str, health: Health) -> None:
    svg = ElementTree.fromstring(badge(label, word, health).encode())
    assert [element.tag for element in svg.iter()].count(f"{SVG}text") == 2
    assert not list(svg.iter(f"{SVG}script"))


def test_marks_and_quotes_are_escaped() -> None:
    hostile = '"><script>alert(1)</script>&'
    svg = ElementTree.fromstring(badge(hostile, hostile, Health.DOWN))
    assert words(svg) == [hostile, hostile]
    assert svg.get("aria-label") == f"{hostile}: {hostile}"
