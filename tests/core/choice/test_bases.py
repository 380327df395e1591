"""A stored base URL shows its generation; a host that is not of Databricks has none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choice.bases import generation_of
from core.model.gateway import Gateway, GatewaySource, Generation

ADB = "https://adb-2718281828459045.5.azuredatabricks.net"


def gateway(base_url: str | None, generation: Generation | None) -> Gateway:
    return Gateway(
        base_url=base_url,
        generation=generation,
        source=GatewaySource.EXPLICIT,
        trace=(),
        resolved_at=datetime(2026, 5, 1, tzinfo=UTC),
    )


LOOPBACK = gateway("http://127.0.0.1:7777/ai-gateway", Generation.WORKSPACE)
PROXY = gateway("https://gw.example.com/dbx", Generation.DEDICATED)


@pytest.mark.parametrize(
    ("base_url", "found", "generation"),
    [
        (f"{ADB}/ai-gateway/mlflow/v1", None, Generation.WORKSPACE),
        (f"{ADB}/serving-endpoints", None, Generation.SERVING_ENDPOINTS),
        (f"{ADB}/serving-endpoints/anthropic", LOOPBACK, Generation.SERVING_ENDPOINTS),
        ("https://27.3.ai-gateway.azuredatabricks.net/mlflow/v1", None, Generation.DEDICATED),
        (f"{ADB}/other", None, None),
        (ADB, None, None),
        ("http://127.0.0.1:7777/ai-gateway/mlflow/v1", LOOPBACK, Generation.WORKSPACE),
        ("http://127.0.0.1:7777/serving-endpoints", LOOPBACK, Generation.SERVING_ENDPOINTS),
        ("http://127.0.0.1:7778/ai-gateway", LOOPBACK, None),
        ("https://gw.example.com/dbx/mlflow/v1", PROXY, Generation.DEDICATED),
        ("https://gw.example.com/dbx", PROXY, Generation.DEDICATED),
        ("https://gw.example.com/dbxx", PROXY, None),
        ("https://api.example.com/v1", None, None),
        ("http://[::1", PROXY, None),
        ("https://x:port/ai-gateway", PROXY, None),
        ("", PROXY, None),
    ],
)
def test_the_generation_is_read_from_host_and_path(
    base_url: str, found: Gateway | None, generation: Generation | None
) -> None:
    assert generation_of(base_url, found) is generation


@given(st.text())
def test_arbitrary_text_never_raises(base_url: str) -> None:
    generation_of(base_url, PROXY)
