"""What all commands share: one reply, one way to print it, one way to end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from core import documents
from core.catalog.agents import AGENTS
from core.catalog.visible import visible
from core.errors import ConfigurationError, SwitchyardError, UpstreamError
from core.model.agent import AgentId
from core.model.snapshot import Problem, Snapshot
from core.session import Session, open_session
from core.settings import load_settings

FINE, BAD_NEWS, WRONG_USAGE, UNREACHABLE = 0, 1, 2, 3

json_option = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command found out: the document's body, the text for people, a problem if any, and the exit code."""

    body: Mapping[str, Any]
    text: str
    problem: Problem | None = None
    exit_code: int = FINE


def agent_named(name: str) -> AgentId:
    """Return the agent of this name; raises ConfigurationError for one we do not know."""
    try:
        return AgentId(name.lower())
    except ValueError:
        raise ConfigurationError(
            f"There is no agent named {name!r}.",
            code="unknown_agent",
            remedy="Agents: " + ", ".join(AGENTS) + ".",
        ) from None


def _answer(reply: Reply, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(documents.document(reply.body, reply.problem)))
        return reply.exit_code
    click.echo(visible(reply.text, lines=True))
    if reply.problem is not None:
        click.echo(visible(f"\n{reply.problem.message}\n{reply.problem.remedy}", lines=True), err=True)
    return reply.exit_code


def run(work: Callable[[Session], Awaitable[Reply]], *, as_json: bool) -> int:
    async def whole() -> Reply:
        async with open_session(load_settings()) as session:
            return await work(session)

    return _answer(asyncio.run(whole()), as_json=as_json)


def exit_code_of(exc: SwitchyardError) -> int:
    if isinstance(exc, ConfigurationError):
        return WRONG_USAGE
    if isinstance(exc, UpstreamError) and exc.code == "workspace_unreachable":
        return UNREACHABLE
    return BAD_NEWS


def fail(problem: Problem, exit_code: int, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(documents.document({}, problem)))
    else:
        click.echo(visible(f"{problem.message}\n{problem.remedy}".strip(), lines=True), err=True)
    return exit_code


def exit_code_of_detection(seen: Snapshot) -> int:
    if seen.offline or (seen.problem and seen.problem.code == "workspace_unreachable"):
        return UNREACHABLE
    if seen.problem and seen.problem.code == "credential_missing":
        return WRONG_USAGE
    return BAD_NEWS if seen.problem else FINE
