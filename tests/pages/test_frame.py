"""The frame gates every page, says who is there, and turns misconfiguration into a page."""

from __future__ import annotations

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.errors import ConfigurationError
from tests.fakes import snapshots
from tests.fakes.services import FakeServices
from tests.pages.conftest import ROOT, VISITOR, OpenFrame, words


@pytest.mark.parametrize("page", ["overview.py", "routes.py", "detection.py"])
def test_a_page_opened_past_the_frame_shows_nothing(page: str) -> None:
    app = AppTest.from_file(str(ROOT / "pages" / page), default_timeout=30).run()

    assert not app.exception
    assert [box.value for box in app.info] == ["This page opens from the dashboard only."]
    assert not app.title and not app.markdown


def test_the_frame_stays_in_charge_on_every_run(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.healthy()))

    for _ in range(2):
        app.run()
        assert app.title[0].value == "Overview"
        assert "You are `riley`" in words(app)


def test_somebody_who_may_not_change_reads_why(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.healthy()), actor=VISITOR)

    assert "Viewer: Nobody is proven to be an administrator here." in words(app)


def test_a_button_asks_as_who_clicks_it_not_as_who_it_was_drawn_for(
    open_frame: OpenFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_frame(services)
    monkeypatch.setattr("pages.ui.identity.current_actor", lambda services: VISITOR)

    app.button(key="probe_now").click().run()

    assert services.askers == [VISITOR]


def test_settings_that_cannot_be_meant_become_a_page_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> FakeServices:
        raise ConfigurationError("There is no scene named 'x'.", code="unknown_scene", remedy="Set another scene.")

    st.cache_resource.clear()
    monkeypatch.setattr("pages.ui.services.build_services", refuse)
    app = AppTest.from_file(str(ROOT / "pages" / "frame.py"), default_timeout=30).run()

    assert not app.exception
    assert app.title[0].value == "Switchyard cannot start"
    assert "There is no scene named 'x'." in words(app)
    assert "Set another scene." in words(app)


def test_an_unexpected_error_of_a_page_is_told_without_its_text(open_frame: OpenFrame) -> None:
    class Broken(FakeServices):
        def changes(self, limit: int = 50) -> list[object]:
            raise RuntimeError("dapi0123456789abcdef at 10.0.0.7")

    app = open_frame(Broken(shown=snapshots.healthy()))

    assert "Something went wrong here" in words(app)
    assert "dapi0123456789abcdef" not in words(app)
