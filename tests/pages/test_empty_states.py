"""Where there is nothing to show the pages say what to do next, and what went wrong stays long enough to be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.model.snapshot import Problem
from pages.ui import messages
from pages.ui.filter_bar import CLEAR
from tests.fakes import snapshots
from tests.fakes.services import FakeServices
from tests.pages.conftest import OpenFrame, words

PROBLEM = Problem(code="store_failed", message="It could not be kept.", remedy="Try again.")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Return the time that messages go by, to be set."""
    now = [100.0]
    monkeypatch.setattr(messages.time, "monotonic", lambda: now[0])
    yield now


def test_filters_that_match_nothing_can_be_taken_away_at_once(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.healthy()), page="routes.py")
    app.query_params["q"] = "no such model"
    app.query_params["cells"] = "latency"
    app.run()

    app.button(key=CLEAR).click().run()

    assert "q" not in app.query_params
    assert app.query_params["cells"] == "latency"
    assert [button.key for button in app.button if str(button.key).startswith("open_")]


def test_an_agent_without_a_fallback_says_whether_one_can_be_set(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    choices = tuple(replace(choice, slots=choice.slots[:1]) for choice in shown.choices)
    text = words(open_frame(FakeServices(shown=replace(shown, choices=choices)), page="fallbacks.py"))

    assert "No fallback. Choose one with Switch … on its page." in text
    assert "No fallback: it has none to set" in text


def test_targets_that_are_not_known_say_how_to_look_for_them(open_frame: OpenFrame) -> None:
    shown = replace(snapshots.healthy(), targets=())

    assert "*Look again* asks for them." in words(open_frame(FakeServices(shown=shown), page="switch.py"))


def test_what_went_wrong_outlives_the_reruns_of_a_page_that_follows_its_results(
    open_frame: OpenFrame, clock: list[float]
) -> None:
    app = open_frame(FakeServices(shown=snapshots.healthy()))
    app.session_state["flash_problem"] = messages._Flash(problem=PROBLEM)

    for _ in range(3):
        app.run()
        assert "It could not be kept." in words(app)
        clock[0] += 1.0


def test_what_went_wrong_does_not_stay_for_ever(open_frame: OpenFrame, clock: list[float]) -> None:
    app = open_frame(FakeServices(shown=snapshots.healthy()))
    app.session_state["flash_problem"] = messages._Flash(problem=PROBLEM)
    app.run()

    clock[0] += 13.0
    app.run()

    assert "It could not be kept." not in words(app)


def test_placeholders_stand_for_every_agent_before_anything_is_known(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices())

    assert len(app.get("skeleton")) >= len(snapshots.healthy().choices)
