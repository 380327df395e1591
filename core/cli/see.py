"""The commands that look: status, probe, models, targets."""

from __future__ import annotations

import sys
from dataclasses import replace

import click

from core import documents, texts
from core.change.validate import checked_model_name
from core.cli.common import (
    BAD_NEWS,
    FINE,
    Reply,
    agent_named,
    exit_code_of_detection,
    json_option,
    run,
)
from core.errors import ConfigurationError
from core.model.probe import Depth, Health
from core.model.secret import Secret
from core.session import Session


@click.command()
@json_option
def status(as_json: bool) -> int:
    """Show workspace, identity, gateway and what each agent is set to."""

    async def work(session: Session) -> Reply:
        seen = await session.detect()
        problem = documents.problem_of(seen)
        return Reply(
            body=documents.status_document(seen),
            text=texts.status_text(seen),
            problem=problem,
            exit_code=exit_code_of_detection(seen),
        )

    return run(work, as_json=as_json)


@click.command()
@click.argument("agents", nargs=-1, metavar="[AGENT]...")
@click.option("--model", help="Probe this model instead of the one each agent is set to.")
@click.option(
    "--depth", type=click.Choice([depth.value for depth in Depth]), default=Depth.REACH.value, show_default=True
)
@click.option("--all-models", is_flag=True, help="Probe every listed model that an agent can use.")
@click.option("--token-stdin", is_flag=True, help="Read a token from stdin and ask with it too; it is not kept.")
@json_option
def probe(
    *, agents: tuple[str, ...], model: str | None, depth: str, all_models: bool, token_stdin: bool, as_json: bool
) -> int:
    """Ask the routes of these agents (default: all enabled ones) whether they answer."""
    wanted = tuple(agent_named(name) for name in agents)
    if model is not None:
        checked_model_name(model)
    token = _token_from_stdin() if token_stdin else None

    async def work(session: Session) -> Reply:
        seen = await session.detect()
        report = await session.probe(
            seen, agents=wanted, model=model, all_models=all_models, depth=Depth(depth), token=token
        )
        silent = session.not_probed(seen, wanted)
        body = documents.probe_document(
            report.results, duration_ms=report.duration_ms, requests_sent=report.requests_sent, tokens=report.tokens
        )
        body |= {"cost": report.cost, "budget": report.budget}
        body["results"] += [documents.not_probed_document(choice, health) for choice, health in silent]
        seen = replace(seen, offline=report.offline or seen.offline)
        bad = any(result.health is not Health.HEALTHY for result in report.results)
        return Reply(
            body=body,
            text=texts.probe_text(report, silent),
            problem=documents.problem_of(seen),
            exit_code=exit_code_of_detection(seen) or (BAD_NEWS if bad else FINE),
        )

    return run(work, as_json=as_json)


def _token_from_stdin() -> Secret:
    """Return the token on the first line of stdin; an argument would be seen by everybody on this machine."""
    text = sys.stdin.readline().strip()
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        raise ConfigurationError(
            "There is no token on stdin.", code="token_missing", remedy="Write it as one line to stdin."
        )
    return Secret(text)


@click.command()
@json_option
def models(as_json: bool) -> int:
    """List the models of the workspace, all spellings, and which agents can use them."""

    async def work(session: Session) -> Reply:
        seen = await session.detect()
        return Reply(
            body=documents.models_document(seen.catalogue),
            text=texts.models_text(seen.catalogue),
            problem=documents.problem_of(seen),
            exit_code=exit_code_of_detection(seen),
        )

    return run(work, as_json=as_json)


@click.command()
@json_option
def targets(as_json: bool) -> int:
    """List the places where a choice can be applied."""

    async def work(session: Session) -> Reply:
        seen = await session.places()
        return Reply(
            body=documents.targets_document(seen.targets, seen.apps_problem),
            text=texts.targets_text(seen.targets, seen.apps_problem),
        )

    return run(work, as_json=as_json)
