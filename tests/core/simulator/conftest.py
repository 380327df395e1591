"""Running workspaces, one per scene and test file, and a client that speaks to them by their own names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from core.simulator.scenes import TokenState
from core.simulator.server import SimulatedWorkspace

Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], SimulatedWorkspace]]:
    """Return a function that gives the running workspace of a scene; each is started once."""
    started: dict[str, SimulatedWorkspace] = {}
    with ExitStack() as stack:

        def workspace(name: str) -> SimulatedWorkspace:
            if name not in started:
                started[name] = stack.enter_context(SimulatedWorkspace(name))
            found = started[name]
            found.faults.clear()
            found.requests.reset()
            return found

        yield workspace


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """Return a function that sends one request to any URL of a workspace, as its own host names would get it."""
    with httpx.Client(timeout=5, trust_env=False) as client:

        def send(
            workspace: SimulatedWorkspace,
            method: str,
            url: str,
            *,
            token: TokenState | str = TokenState.LIVE,
            json: Any = None,
            headers: dict[str, str] | None = None,
        ) -> httpx.Response:
            parsed = httpx.URL(url)
            named = {"Host": parsed.host} if parsed.host else {}
            named |= authorization(workspace, token) | (headers or {})
            target = workspace.http_origin + parsed.raw_path.decode()
            return client.request(method, target, json=json, headers=named)

        yield send


def authorization(workspace: SimulatedWorkspace, token: TokenState | str) -> dict[str, str]:
    """Return the header for a token, by its name in the scene or as a text of its own."""
    if token is TokenState.NONE:
        return {}
    text = workspace.scene.tokens[token].reveal() if isinstance(token, TokenState) else token
    return {"Authorization": f"Bearer {text}"}
