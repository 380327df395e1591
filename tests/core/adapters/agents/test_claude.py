"""Claude Code's settings.json: what it says, and that only what was asked for changes in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.agents.claude import ClaudeForm
from core.adapters.agents.form import Contents, UnreadableConfig
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.change import CredentialUse
from core.model.secret import Secret
from tests.core.adapters.agents.forms import GATEWAY, after, asked, golden, nothing, to

FORM = ClaudeForm()
ROUTE = to("/anthropic", Dialect.ANTHROPIC_MESSAGES)
SLOTS: dict[str, str | None] = {"default": "a-opus", "opus": "a-opus", "sonnet": "a-sonnet", "haiku": "a-haiku"}


def settings(content: str) -> Contents:
    return {"settings.json": content.encode()}


STORED = settings(
    """{
  // ours
  "permissions": {"deny": ["WebSearch"]},
  "env": {
    "ANTHROPIC_MODEL": "old", "ANTHROPIC_BASE_URL": "https://ws.example/ai-gateway/anthropic/",
    "ANTHROPIC_AUTH_TOKEN": "stored-token",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "old-sonnet[1m]",
    "ANTHROPIC_SMALL_FAST_MODEL": "old-haiku"
  }
}
"""
)


def test_what_the_settings_say() -> None:
    routes = FORM.read(STORED, {})
    assert {route.slot: route.model for route in routes} == {
        "default": "old",
        "sonnet": "old-sonnet",
        "haiku": "old-haiku",
    }
    assert {(route.base_url, route.dialect) for route in routes} == {
        ("https://ws.example/ai-gateway/anthropic", Dialect.ANTHROPIC_MESSAGES)
    }
    assert {(route.token, route.token_from) for route in routes} == {
        (Secret("stored-token"), "ANTHROPIC_AUTH_TOKEN in settings.json")
    }


@pytest.mark.parametrize(
    ("extra", "token", "place"),
    [
        ({"apiKeyHelper": "printenv TEAM_TOKEN"}, Secret("t"), "environment variable TEAM_TOKEN"),
        ({"apiKeyHelper": 'echo "${TEAM_TOKEN}"'}, Secret("t"), "environment variable TEAM_TOKEN"),
        ({"apiKeyHelper": "vault read x"}, None, "the command in apiKeyHelper of settings.json"),
        ({}, None, None),
    ],
)
def test_where_the_token_is(extra: dict[str, str], token: Secret | None, place: str | None) -> None:
    (route,) = FORM.read(settings(json.dumps({"env": {"ANTHROPIC_MODEL": "m"}} | extra)), {"TEAM_TOKEN": Secret("t")})
    assert (route.token, route.token_from) == (token, place)


def test_a_key_that_claude_does_not_send_as_bearer_proves_nothing() -> None:
    env = {"ANTHROPIC_MODEL": "m", "ANTHROPIC_API_KEY": "key"}
    (route,) = FORM.read(settings(json.dumps({"env": env})), {})
    assert route.token is None and "not sent as a bearer token" in (route.token_from or "")


def test_the_model_setting_counts_where_no_variable_names_one() -> None:
    env = {"ANTHROPIC_DEFAULT_OPUS_MODEL": "m-opus"}
    assert FORM.read(settings(json.dumps({"model": "opus", "env": env})), {})[0].model == "m-opus"
    assert FORM.read(settings(json.dumps({"model": "own[1m]"})), {})[0].model == "own"
    assert FORM.read(settings(json.dumps({"model": "sonnet"})), {}) == ()


def test_only_the_asked_for_values_differ() -> None:
    edit = FORM.edit(STORED, asked(AgentId.CLAUDE, {"default": "new", "haiku": "new-haiku"}, {"default": ROUTE}))
    stored = STORED["settings.json"] or b""
    expected = stored.replace(b'"old"', b'"new"').replace(b'"old-haiku"', b'"new-haiku"')
    expected = expected.replace(b"https://ws.example/ai-gateway/anthropic/", ROUTE.base_url.encode())
    assert edit.contents == {"settings.json": expected}
    assert [(entry.field, entry.old, entry.new) for entry in edit.diff] == [
        ("env.ANTHROPIC_MODEL", "old", "new"),
        ("env.ANTHROPIC_SMALL_FAST_MODEL", "old-haiku", "new-haiku"),
        ("env.ANTHROPIC_BASE_URL", "https://ws.example/ai-gateway/anthropic/", f"{GATEWAY}/anthropic"),
    ]


def test_the_token_by_reference_takes_the_stored_one_away() -> None:
    edit = FORM.edit(STORED, asked(AgentId.CLAUDE, {}, credential=CredentialUse.ENVIRONMENT))
    route = FORM.read(after(STORED, edit), {"DATABRICKS_TOKEN": Secret("t")})[0]
    assert (route.token, route.token_from) == (Secret("t"), "environment variable DATABRICKS_TOKEN")
    assert b"stored-token" not in edit.contents["settings.json"] and "stored-token" not in repr(edit.diff)


def test_a_slot_is_removed_and_its_model_follows_claude() -> None:
    edit = FORM.edit(STORED, asked(AgentId.CLAUDE, {"haiku": None}))
    assert [route.slot for route in FORM.read(after(STORED, edit), {})] == ["default", "sonnet"]


def test_nothing_is_written_when_nothing_changes() -> None:
    edit = FORM.edit(STORED, asked(AgentId.CLAUDE, {"default": "old", "sonnet": "old-sonnet"}))
    assert not edit.contents and not edit.diff


def test_a_new_config_is_whole() -> None:
    edit = FORM.edit(nothing(FORM), asked(AgentId.CLAUDE, SLOTS, dict.fromkeys(SLOTS, ROUTE)))
    golden(FORM, "claude", edit)
    routes = FORM.read(edit.contents, {"DATABRICKS_TOKEN": Secret("t")})
    assert {route.slot: route.model for route in routes} == SLOTS
    assert {(route.base_url, route.token) for route in routes} == {(ROUTE.base_url, Secret("t"))}


@pytest.mark.parametrize(
    ("contents", "slots", "code"),
    [
        (settings("{"), {"default": "m"}, "target_broken"),
        (settings("[]"), {"default": "m"}, "target_broken"),
        (settings('{"env": {"ANTHROPIC_MODEL": 5}}'), {"default": "m"}, "target_broken"),
        (settings('{"env": {"ANTHROPIC_MODEL": "a", "ANTHROPIC_MODEL": "b"}}'), {"default": "m"}, "file_ambiguous"),
        (settings('{"env": "text"}'), {"default": "m"}, "file_ambiguous"),
        (STORED, {"fallback": "m"}, "slot_invalid"),
        (STORED, {"default": None}, "slot_invalid"),
        (STORED, {"default": " "}, "slot_invalid"),
        (nothing(FORM), {"default": "m"}, "routing_missing"),
    ],
)
def test_what_cannot_be_changed_is_refused(contents: Contents, slots: dict[str, str | None], code: str) -> None:
    with pytest.raises(ChangeError) as refused:
        FORM.edit(contents, asked(AgentId.CLAUDE, slots))
    assert refused.value.code == code and refused.value.remedy


@pytest.mark.parametrize("content", ["{", "5", '{"env": {"ANTHROPIC_BASE_URL": []}}'])
def test_a_config_that_claude_could_not_mean_is_unreadable(content: str) -> None:
    with pytest.raises(UnreadableConfig):
        FORM.read(settings(content), {})


@given(
    others=st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3) | st.lists(st.none()), max_size=3),
    indent=st.sampled_from([None, 1, 4, "\t"]),
)
def test_there_and_back_is_the_identity(others: dict[str, object], indent: int | str | None) -> None:
    document = {**others, "env": {"X": "1", "ANTHROPIC_MODEL": "one", "ANTHROPIC_BASE_URL": "https://x.example/a"}}
    before = settings(json.dumps(document, indent=indent))
    there = after(before, FORM.edit(before, asked(AgentId.CLAUDE, {"default": "two", "opus": "three"})))
    back = after(there, FORM.edit(there, asked(AgentId.CLAUDE, {"default": "one", "opus": None})))
    assert back == before
