"""The Detection page in its states."""

from __future__ import annotations

from core.settings import Settings
from tests.fakes import snapshots
from tests.fakes.services import FakeServices
from tests.pages.conftest import OpenFrame, words


def _text(open_frame: OpenFrame, services: FakeServices) -> str:
    return words(open_frame(services, "detection.py"))


def test_each_trace_step_stands_with_outcome_and_reason(open_frame: OpenFrame) -> None:
    text = _text(open_frame, FakeServices(shown=snapshots.healthy()))

    assert "DATABRICKS_GATEWAY_HOST is not set" in text
    assert "an authenticated model list of the right shape" in text
    assert "a gateway was found before" in text


def test_the_generations_stand_side_by_side(open_frame: OpenFrame) -> None:
    text = _text(open_frame, FakeServices(shown=snapshots.healthy()))

    assert "**Workspace gateway**" in text
    assert "**Dedicated gateway**" in text
    assert "**Serving endpoints**" in text


def test_each_listing_says_what_it_gave_and_upstream_marks_stay_text(open_frame: OpenFrame) -> None:
    text = _text(open_frame, FakeServices(shown=snapshots.healthy()))

    assert "model-services" in text
    assert "403 *no grant*" in text


def test_the_agents_variables_show_what_is_set(open_frame: OpenFrame) -> None:
    settings = Settings(scene="healthy", agent_environment={"HERMES_MODEL": "databricks-x", "PI_MODEL": ""})
    text = _text(open_frame, FakeServices(shown=snapshots.healthy(), settings=settings))

    assert "| `HERMES_MODEL` | Hermes | `databricks-x` |" in text
    assert "| `PI_MODEL` | Pi | empty |" in text


def test_curls_leave_the_token_in_the_readers_environment(open_frame: OpenFrame) -> None:
    text = _text(open_frame, FakeServices(shown=snapshots.healthy()))

    assert '-H "Authorization: Bearer $DATABRICKS_TOKEN"' in text
    assert f"{snapshots.HOST}/ai-gateway/mlflow/v1/chat/completions" in text


def test_before_detection_every_section_says_so(open_frame: OpenFrame) -> None:
    text = _text(open_frame, FakeServices())

    assert "No workspace has been detected." in text
    assert "No gateway has been looked for yet." in text
    assert "No listing has answered yet." in text
