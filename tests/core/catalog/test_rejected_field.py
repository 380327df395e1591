"""The field in the way is read out of the wordings that were seen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.rejected_field import rejected_field


@pytest.mark.parametrize(
    ("message", "field"),
    [
        ('Bad request: json: unknown field "stream_options"', "stream_options"),
        (
            "Invalid JSON payload received. Unknown name \"stream_options\" at 'generation_config': Cannot find field.",
            "stream_options",
        ),
        (
            "system.2.cache_control.ephemeral.scope: Extra inputs are not permitted",
            "system.2.cache_control.ephemeral.scope",
        ),
        ("store: Extra inputs are not permitted", "store"),
        ("invalid beta flag", "anthropic-beta"),
        ("Unrecognized request argument supplied: parallel_tool_calls", "parallel_tool_calls"),
        ("Unsupported parameter: 'temperature' is not supported with this model.", "temperature"),
        ("Unknown parameter: 'client_metadata'.", "client_metadata"),
        (
            "tools.0.custom.eager_input_streaming: Extra inputs are not permitted",
            "tools.0.custom.eager_input_streaming",
        ),
        ("the tag web_search_20250305 is not known", "web_search_20250305"),
        ("schema keyword $schema is not supported", "$schema"),
        ("messages: text content blocks must be non-empty", None),
        ("", None),
    ],
)
def test_field_is_named(message: str, field: str | None) -> None:
    assert rejected_field(message) == field


@given(st.text())
def test_any_message_is_read(message: str) -> None:
    found = rejected_field(message)
    assert found is None or len(found) <= 80
