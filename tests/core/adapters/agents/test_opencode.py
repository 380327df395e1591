"""OpenCode's opencode.json: what it says, and that only what was asked for changes in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.agents.form import Contents, UnreadableConfig
from core.adapters.agents.opencode import OpenCodeForm
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse, SlotRouting
from core.model.secret import Secret
from tests.core.adapters.agents.forms import GATEWAY, asked, golden, nothing, to

FORM = OpenCodeForm()
WAYS = {
    "claude": to("/anthropic/v1", Dialect.ANTHROPIC_MESSAGES),
    "gpt": to("/codex/v1", Dialect.OPENAI_RESPONSES),
    "gemini": to("/gemini/v1beta", Dialect.GEMINI_GENERATE),
    "oss": to("/mlflow/v1", Dialect.OPENAI_CHAT),
}
TEXT = """\
{
  // ours
  "model": "databricks-anthropic/old",
  "theme": "dusk",
  "provider": {
    "databricks-anthropic": {
      "npm": "@ai-sdk/anthropic",
      "options": {
        "baseURL": "https://old.example/anthropic/v1",
        "apiKey": "stored", "headers": {"Authorization": "Bearer stored"}
      },
      "models": {"old": {"options": {"toolStreaming": false}}}
    }
  },
}
"""


def config(text: str = TEXT) -> Contents:
    return {"opencode.json": text.encode()}


def changed_to(contents: Contents, request: ChangeRequest) -> Contents:
    return {**contents, **FORM.edit(contents, request).contents}


def text_of(contents: Contents) -> str:
    return (contents["opencode.json"] or b"").decode()


def test_what_the_config_says() -> None:
    (route,) = FORM.read(config(), {})
    assert (route.slot, route.model, route.base_url) == ("default", "old", "https://old.example/anthropic/v1")
    assert (route.token, route.dialect) == (Secret("stored"), Dialect.ANTHROPIC_MESSAGES)
    assert route.token_from == "the options of databricks-anthropic in opencode.json"


def test_a_key_that_is_not_sent_as_bearer_is_no_token() -> None:
    (route,) = FORM.read(config(TEXT.replace(', "headers": {"Authorization": "Bearer stored"}', "")), {})
    assert route.token is None and "not sent as a bearer token" in (route.token_from or "")


@pytest.mark.parametrize("reference", ["{file:~/.token}", "x{env:TEAM}", "Bearer {file:/run/token}"])
def test_a_reference_that_cannot_be_followed_from_here_is_never_taken_for_the_token(reference: str) -> None:
    (route,) = FORM.read(config(TEXT.replace("Bearer stored", reference)), {"TEAM": Secret("t")})
    assert route.token is None
    assert route.token_from == "what the options of databricks-anthropic in opencode.json refer to"


def test_a_token_by_name_comes_from_the_environment() -> None:
    (route,) = FORM.read(config(TEXT.replace("Bearer stored", "Bearer {env:TEAM}")), {"TEAM": Secret("t")})
    assert (route.token, route.token_from) == (Secret("t"), "environment variable TEAM")


def test_the_title_has_a_model_of_its_own() -> None:
    text = TEXT.replace('"theme"', '"small_model": "databricks-anthropic/small",\n  "theme"')
    assert {route.slot: route.model for route in FORM.read(config(text), {})} == {"default": "old", "title": "small"}


def test_a_model_of_the_same_dialect_changes_its_name_and_is_listed() -> None:
    changed = text_of(changed_to(config(), asked(AgentId.OPENCODE, {"default": "new"})))
    assert '"model": "databricks-anthropic/new"' in changed and "// ours" in changed
    (route,) = FORM.read(config(changed), {})
    assert (route.model, route.base_url) == ("new", "https://old.example/anthropic/v1")
    assert changed.count("toolStreaming") == 2


def test_a_model_of_another_dialect_takes_a_provider_of_ours_and_the_token_along() -> None:
    edit = FORM.edit(config(), asked(AgentId.OPENCODE, {"default": "g"}, {"default": WAYS["gpt"]}))
    (route,) = FORM.read({"opencode.json": edit.contents["opencode.json"]}, {})
    assert (route.model, route.base_url) == ("g", f"{GATEWAY}/codex/v1")
    assert (route.dialect, route.token) == (Dialect.OPENAI_RESPONSES, Secret("stored"))
    assert "Secret" not in str(edit.diff) and "stored'" not in str(edit.diff)


def test_the_environments_token_is_named_in_the_key_and_in_the_header() -> None:
    edit = FORM.edit(config(), asked(AgentId.OPENCODE, {}, credential=CredentialUse.ENVIRONMENT))
    changed = edit.contents["opencode.json"].decode()
    assert '"apiKey": "{env:DATABRICKS_TOKEN}"' in changed and '"Bearer {env:DATABRICKS_TOKEN}"' in changed
    assert '"stored"' not in changed


@pytest.mark.parametrize("name", list(WAYS))
def test_a_new_config_is_whole(name: str) -> None:
    slots: dict[str, str | None] = {"default": f"a-{name}", "title": f"a-small-{name}"}
    routing: dict[str, SlotRouting] = {"default": WAYS[name], "title": WAYS[name]}
    golden(FORM, f"opencode-{name}", FORM.edit(nothing(FORM), asked(AgentId.OPENCODE, slots, routing)))


def test_without_a_route_nothing_new_is_made() -> None:
    with pytest.raises(ChangeError) as caught:
        FORM.edit(nothing(FORM), asked(AgentId.OPENCODE, {"default": "m"}))
    assert caught.value.code == "routing_missing"


@pytest.mark.parametrize("text", ["{", "[]", '{"model": 1}', "\x00"])
def test_a_broken_config_is_refused(text: str) -> None:
    with pytest.raises(UnreadableConfig):
        FORM.read(config(text), {})
    with pytest.raises(ChangeError) as caught:
        FORM.edit(config(text), asked(AgentId.OPENCODE, {"default": "new"}))
    assert caught.value.code == "target_broken"


@pytest.mark.parametrize("slots", [{"haiku": "m"}, {"default": None}, {"default": " "}])
def test_a_slot_that_opencode_does_not_have_is_refused(slots: dict[str, str | None]) -> None:
    with pytest.raises(ChangeError) as caught:
        FORM.edit(config(), asked(AgentId.OPENCODE, slots))
    assert caught.value.code == "slot_invalid"


_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)


@given(others=st.dictionaries(st.text(alphabet="abcdefg", min_size=1, max_size=5), _VALUES, max_size=4))
def test_whatever_else_the_file_holds_stays(others: dict[str, object]) -> None:
    provider = {"npm": "@ai-sdk/openai", "options": {"baseURL": "https://x.example/v1"}, "models": {"a": {}, "b": {}}}
    whole = {**others, "model": "p/a", "provider": {"p": provider}}
    contents = config(json.dumps(whole, ensure_ascii=False, indent=3))
    there = changed_to(contents, asked(AgentId.OPENCODE, {"default": "b"}))
    assert text_of(there) == text_of(contents).replace('"p/a"', '"p/b"')
    assert changed_to(there, asked(AgentId.OPENCODE, {"default": "a"})) == contents
