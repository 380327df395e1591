"""The frame in Streamlit's own test harness, over services that the test hands in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.model.access import Role
from core.model.change import Actor, Origin
from tests.fakes.services import FakeServices

ROOT = Path(__file__).resolve().parent.parent.parent
ADMIN = Actor(name="riley", origin=Origin.PAGE, role=Role.ADMIN, why="riley is this machine's user.")
VISITOR = Actor(name="sam", origin=Origin.PAGE, role=Role.VIEWER, why="Nobody is proven to be an administrator here.")

OpenFrame = Callable[..., AppTest]


@pytest.fixture
def open_frame(monkeypatch: pytest.MonkeyPatch) -> OpenFrame:
    """Return a function that opens the dashboard on a page, as an actor, and checks that nothing was raised."""
    st.cache_resource.clear()
    st.cache_data.clear()

    def open_page(services: FakeServices, page: str = "overview.py", actor: Actor = ADMIN) -> AppTest:
        monkeypatch.setattr("pages.ui.services.build_services", lambda: services)
        monkeypatch.setattr("pages.ui.identity.current_actor", lambda settings: actor)
        app = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=30).run()
        if page != "overview.py":
            app = app.switch_page(page).run()
        assert not app.exception
        return app

    return open_page


def words(app: AppTest) -> str:
    """Return all text of the page as a reader meets it: no marks of Markdown escaping, plain spaces."""
    kinds = (
        "title",
        "header",
        "subheader",
        "markdown",
        "caption",
        "info",
        "warning",
        "error",
        "success",
        "code",
        "text",
    )
    found = [str(element.value) for kind in kinds for element in app.get(kind)]
    return "\n".join(found).replace("\\", "").replace("\u00a0", " ")
