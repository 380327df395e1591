"""An address is where a person went, not what a refresh on its way still said."""

from __future__ import annotations

from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from pages.ui.address import ROUTES, drawing_page, rerun_page

# What runs next: the whole page, a part of it that refreshes by itself, or that part asking for the whole page.
WHOLE, PART, PART_THEN_WHOLE = "whole", "part", "part then whole"
SCRIPT = "from tests.pages.test_address import draw; draw()"


def draw() -> None:
    """Draw what the session asks for, as the frame and a part that refreshes by itself do."""
    if st.session_state.get("runs", WHOLE) == PART:
        st.text(ROUTES.read().text)
        return
    if st.session_state.get("runs") == PART_THEN_WHOLE:
        st.session_state["runs"] = WHOLE
        rerun_page()
    with drawing_page():
        st.button("go", key="go", on_click=_go)
        st.text(ROUTES.read().text)


def _go() -> None:
    ROUTES.write(replace(ROUTES.read(), text=st.session_state["to"]))


@pytest.fixture
def app() -> AppTest:
    """Return a page that was opened at `a`, from where a click went to `b`."""
    opened = AppTest.from_string(SCRIPT, default_timeout=20)
    opened.query_params["q"] = "a"
    opened.run()
    assert shown(opened) == "a"
    return go(opened, "b")


def go(app: AppTest, text: str) -> AppTest:
    app.session_state["to"] = text
    app.button(key="go").click().run()
    assert not app.exception
    return app


def run(app: AppTest, said: str, runs: str) -> str:
    """Run what the browser asked for while it still said this address, and return what is shown."""
    app.query_params["q"] = said
    app.session_state["runs"] = runs
    app.run()
    assert not app.exception
    return shown(app)


def shown(app: AppTest) -> str:
    (text,) = app.text
    return str(text.value)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything arrive later than a click ever does."""
    monkeypatch.setattr("pages.ui.address._IN_FLIGHT_S", -1.0)


def test_a_click_writes_the_address(app: AppTest) -> None:
    assert (shown(app), app.query_params["q"]) == ("b", "b")


@pytest.mark.usefixtures("late")
@pytest.mark.parametrize("runs", [PART, PART_THEN_WHOLE])
def test_a_refresh_does_not_bring_back_the_former_address_however_late_it_is(app: AppTest, runs: str) -> None:
    assert run(app, "a", runs) == "b"


def test_a_click_on_its_way_does_not_bring_it_back(app: AppTest) -> None:
    assert run(app, "a", WHOLE) == "b"
    assert app.query_params["q"] == "b"


def test_of_several_clicks_the_last_one_counts(app: AppTest) -> None:
    go(app, "c")

    assert [run(app, said, WHOLE) for said in ("a", "b", "c")] == ["c", "c", "c"]


@pytest.mark.usefixtures("late")
def test_a_person_may_go_back(app: AppTest) -> None:
    assert run(app, "a", WHOLE) == "a"
    assert run(app, "b", WHOLE) == "b"


@pytest.mark.parametrize("runs", [WHOLE, PART_THEN_WHOLE])
def test_an_address_that_was_never_left_is_gone_to_at_once(app: AppTest, runs: str) -> None:
    assert run(app, "elsewhere", runs) == "elsewhere"
