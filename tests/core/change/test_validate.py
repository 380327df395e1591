"""Names and reasons that cannot be meant are refused."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.change.validate import checked_model_name, checked_reason, checked_slots, parsed_duration
from core.errors import ConfigurationError
from core.model.agent import AgentId


@pytest.mark.parametrize(
    "name",
    ["databricks-claude-opus-4-6", "system.ai.gpt-5-5", "main.agents.chat_v2", "vendor/model:free", "m@3", "a" * 200],
)
def test_a_models_name_is_kept_as_it_is(name: str) -> None:
    assert checked_model_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("a" * 300, id="300 characters"),
        pytest.param("a b", id="a space"),
        pytest.param("a\nb", id="a newline"),
        pytest.param("a\n", id="a newline at the end"),
        pytest.param("a\x00b", id="a control character"),
        pytest.param("a\x1b[31m", id="a terminal sequence"),
        pytest.param("a: b", id="a YAML mapping"),
        pytest.param("{a}", id="a YAML flow mapping"),
        pytest.param("*alias", id="a YAML alias"),
        pytest.param('a" # b', id="a quote and a comment"),
        pytest.param("a';id", id="a shell command"),
        pytest.param("$(id)", id="a shell substitution"),
        pytest.param("${DATABRICKS_TOKEN}", id="a variable that Hermes would expand"),
        pytest.param("-model", id="an option"),
        pytest.param("../secret", id="a path"),
        pytest.param("dаtabricks-claude", id="a Cyrillic look-alike"),
        pytest.param("databricks‑claude", id="a look-alike hyphen"),
        pytest.param("１２", id="full-width digits"),
    ],
)
def test_anything_else_is_refused_with_a_sentence_and_a_remedy(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_model_name(name)
    assert caught.value.code == "model_name_invalid"
    assert caught.value.message.isprintable() and caught.value.message.endswith(".")
    assert len(caught.value.message) < 300
    assert caught.value.remedy


@given(st.text())
def test_a_kept_name_is_plain_ascii(name: str) -> None:
    try:
        kept = checked_model_name(name)
    except ConfigurationError:
        return
    assert kept.isascii() and kept.isprintable() and not set(kept) & set(" '\"`$\\{}[]()<>|&;*?!#%=,")


def test_a_reason_is_kept_without_surrounding_space() -> None:
    assert checked_reason("  primary is down – see №7 ") == "primary is down – see №7"


@pytest.mark.parametrize(
    "reason",
    [
        pytest.param("", id="empty"),
        pytest.param(" \n ", id="only space"),
        pytest.param("a" * 501, id="501 characters"),
        pytest.param("a\nb", id="two lines"),
        pytest.param("a\x1b[2Jb", id="a terminal sequence"),
        pytest.param("a\u202eb", id="reversed text"),
        pytest.param("a\u2028b", id="a line separator"),
    ],
)
def test_a_reason_that_cannot_be_shown_is_refused(reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        checked_reason(reason)
    assert caught.value.code == "reason_invalid"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("30min", 1800), ("2h", 7200), (" 1D ", 86_400), ("30d", 2_592_000)],
)
def test_a_duration_is_read_as_people_type_it(text: str, seconds: int) -> None:
    assert parsed_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "2", "h", "-2h", "0s", "31d", "99999999d", "2 h", "٢h", "1h30m", "1e3s", "inf"])
def test_a_duration_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parsed_duration(text)
    assert caught.value.code == "duration_invalid"


def test_the_routes_switches_are_known_by_their_variables() -> None:
    checked_slots(AgentId.HERMES, {"DATABRICKS_GATEWAY_HOST": None, "ENABLE_HERMES": "false", "primary": "a"})


@pytest.mark.parametrize(
    "slots",
    [{"ENABLE_HERMES": "yes"}, {"ENABLE_CODEX": "true"}, {"PATH": "/x"}, {"primary": "a\nb"}, {"primary": "a: [b"}],
)
def test_a_request_that_cannot_be_meant_is_refused(slots: dict[str, str | None]) -> None:
    with pytest.raises(ConfigurationError):
        checked_slots(AgentId.HERMES, slots)
