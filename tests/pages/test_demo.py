"""The demo bar in Streamlit's own harness, over a real demo: who may play, and what an address may not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.demo.player import Demo
from core.demo.story import STEPS
from pages.ui.services import get_demo, stop_running
from tests.fakes import snapshots
from tests.fakes.services import FakeServices
from tests.fakes.waiting import eventually
from tests.pages.conftest import ADMIN, ROOT, VISITOR, OpenFrame, words

_KEYS = ("demo_back", "demo_next", "demo_reset", "demo_fault_put")


@pytest.fixture
def open_demo(open_frame: OpenFrame, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OpenFrame]:
    monkeypatch.setenv("SWITCHYARD_SIMULATE", "demo")
    monkeypatch.setenv("SWITCHYARD_STATE_DIR", str(tmp_path))
    yield lambda **given: open_frame(FakeServices(), **given)
    stop_running()


def running() -> Demo:
    """Return the demo of this process when nothing is being played."""
    demo = get_demo()
    assert demo is not None
    return eventually(lambda: demo if demo.state.going_to is None else None)


def test_without_the_demo_scene_there_is_no_bar(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.healthy()))
    assert not {"demo_next", "demo_reset"} & {button.key for button in app.button}


def test_an_admin_plays_and_the_page_of_the_step_opens(open_demo: OpenFrame) -> None:
    app = open_demo(actor=ADMIN)
    demo = running()
    app.run()
    assert "1 of 10 · All healthy" in words(app) and "Simulated" in words(app)
    app.button(key="demo_next").click().run()
    eventually(lambda: demo.state.at == 1)
    app.run()

    assert "2 of 10 · The incident" in words(app)
    assert "1 agent down" in words(app)


def test_the_page_of_the_step_stays_open_when_the_former_one_is_refreshed_late(open_demo: OpenFrame) -> None:
    app = open_demo(actor=ADMIN)
    demo = running()
    for step in ("incident", "explained"):
        app.run()
        app.button(key="demo_next").click().run()
        eventually(lambda step=step: STEPS[demo.state.at].id == step)
    assert app.title[0].value == "Detection"

    # What the browser asked for on the former page before it heard of this one.
    app.session_state["address_own_rerun"] = True
    assert app.switch_page("overview.py").run().title[0].value == "Detection"
    # Where somebody goes by themselves they stay.
    assert app.switch_page("overview.py").run().title[0].value == "Overview"
    assert app.run().title[0].value == "Overview"


def test_a_viewer_watches_and_reads_why(open_demo: OpenFrame) -> None:
    app = open_demo(actor=VISITOR)
    running()
    app.run()

    buttons = {button.key: button for button in app.button}
    assert all(buttons[key].disabled and VISITOR.why in str(buttons[key].help) for key in _KEYS)
    assert app.selectbox(key="demo_jump").disabled


def test_an_address_plays_nothing(open_demo: OpenFrame) -> None:
    open_demo(actor=ADMIN)
    demo = running()
    app = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=30)
    app.query_params["step"] = "rolled_back"
    app.run()

    assert "This address leads to" in words(app)
    assert not app.button(key="demo_go").disabled
    assert (demo.state.at, demo.state.going_to) == (0, None)


def test_an_address_of_no_step_is_no_address_of_one(open_demo: OpenFrame) -> None:
    open_demo(actor=ADMIN)
    running()
    app = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=30)
    app.query_params["step"] = "<b>nowhere"
    app.run()

    assert not app.exception
    assert "This address leads to" not in words(app) and "nowhere" not in words(app)
