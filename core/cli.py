"""The command line: parse, call the same functions as the pages, print one document or readable text, exit."""

from __future__ import annotations

import asyncio
import getpass
import json
import logging
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import click

from core import documents, texts
from core.catalog.agents import AGENTS
from core.change.authority import actor_for_command_line
from core.change.validate import checked_model_name
from core.errors import ConfigurationError, SwitchyardError, UpstreamError
from core.model.agent import AgentId
from core.model.change import ChangeOutcome, ChangeRequest, ChangeState, CredentialUse, Decision
from core.model.probe import Health, Tokens
from core.model.snapshot import Problem, Snapshot
from core.services import Session, open_session
from core.settings import DEFAULT_SCENE, SCENES, Settings, load_settings
from core.simulator.standalone import run_simulator

FINE, BAD_NEWS, WRONG_USAGE, UNREACHABLE = 0, 1, 2, 3

_json = click.option("--json", "as_json", is_flag=True, help="Print exactly one JSON document.")
_DEFAULT_PORT = 8099


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command found out: the document's body, the text for people, a problem if any, and the exit code."""

    body: Mapping[str, Any]
    text: str
    problem: Problem | None = None
    exit_code: int = FINE


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; with --json, stdout carries exactly one document in every case."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    as_json = "--json" in argv
    try:
        result = commands.main(args=list(argv), prog_name="python -m core", standalone_mode=False)
        return result if isinstance(result, int) else FINE
    except click.ClickException as exc:
        problem = Problem(code="usage", message=exc.format_message(), remedy="See: python -m core --help")
        return _fail(problem, WRONG_USAGE, as_json=as_json)
    except click.Abort:
        return _fail(Problem(code="aborted", message="Stopped.", remedy=""), BAD_NEWS, as_json=as_json)
    except SwitchyardError as exc:
        problem = Problem(code=exc.code, message=exc.message, remedy=exc.remedy)
        return _fail(problem, _exit_code_of(exc), as_json=as_json)


def _exit_code_of(exc: SwitchyardError) -> int:
    if isinstance(exc, ConfigurationError):
        return WRONG_USAGE
    if isinstance(exc, UpstreamError) and exc.code == "workspace_unreachable":
        return UNREACHABLE
    return BAD_NEWS


def _fail(problem: Problem, exit_code: int, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(documents.document({}, problem)))
    else:
        click.echo(f"{problem.message}\n{problem.remedy}".strip(), err=True)
    return exit_code


def _answer(reply: Reply, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps(documents.document(reply.body, reply.problem)))
        return reply.exit_code
    click.echo(reply.text)
    if reply.problem is not None:
        click.echo(f"\n{reply.problem.message}\n{reply.problem.remedy}", err=True)
    return reply.exit_code


def _run(work: Callable[[Session], Awaitable[Reply]], *, as_json: bool, settings: Settings | None = None) -> int:
    async def whole() -> Reply:
        async with open_session(settings or load_settings()) as session:
            return await work(session)

    return _answer(asyncio.run(whole()), as_json=as_json)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """See, prove and switch what your coding agents run on."""


@commands.command()
@_json
def status(as_json: bool) -> int:
    """Show workspace, identity, gateway and what each agent is set to."""

    async def work(session: Session) -> Reply:
        seen = await session.detect()
        problem = _problem_of(seen)
        return Reply(
            body=documents.status_document(seen),
            text=texts.status_text(seen),
            problem=problem,
            exit_code=_exit_code_of_detection(seen),
        )

    return _run(work, as_json=as_json)


def _problem_of(seen: Snapshot) -> Problem | None:
    if seen.offline:
        return Problem(
            code="workspace_unreachable",
            message=seen.offline,
            remedy="Check the host name and the network path from here.",
        )
    return seen.problem


def _exit_code_of_detection(seen: Snapshot) -> int:
    if seen.offline or (seen.problem and seen.problem.code == "workspace_unreachable"):
        return UNREACHABLE
    if seen.problem and seen.problem.code == "credential_missing":
        return WRONG_USAGE
    return BAD_NEWS if seen.problem else FINE


@commands.command()
@click.argument("agents", nargs=-1, metavar="[AGENT]...")
@click.option("--model", help="Probe this model instead of the one each agent is set to.")
@click.option("--depth", type=click.Choice(["reach"]), default="reach", show_default=True)
@click.option("--all-models", is_flag=True, help="Probe every listed model that an agent can use.")
@_json
def probe(agents: tuple[str, ...], model: str | None, depth: str, all_models: bool, as_json: bool) -> int:
    """Ask the routes of these agents (default: all enabled ones) whether they answer."""
    wanted = tuple(agent_named(name) for name in agents)
    if model is not None:
        checked_model_name(model)

    async def work(session: Session) -> Reply:
        seen = await session.detect()
        if seen.offline or seen.problem:
            body = documents.probe_document((), duration_ms=None, requests_sent=0, tokens=Tokens())
            code = _exit_code_of_detection(seen)
            return Reply(body=body, text="Nothing was probed.", problem=_problem_of(seen), exit_code=code)
        report = await session.probe(seen, agents=wanted, model=model, all_models=all_models)
        silent = session.not_probed(seen, wanted)
        body = documents.probe_document(
            report.results, duration_ms=report.duration_ms, requests_sent=report.requests_sent, tokens=report.tokens
        )
        body["results"] += [documents.not_probed_document(choice, health) for choice, health in silent]
        seen = replace(seen, offline=report.offline)
        bad = any(result.health is not Health.HEALTHY for result in report.results)
        return Reply(
            body=body,
            text=texts.probe_text(report, silent),
            problem=_problem_of(seen),
            exit_code=_exit_code_of_detection(seen) or (BAD_NEWS if bad else FINE),
        )

    return _run(work, as_json=as_json)


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


@commands.command()
@_json
def models(as_json: bool) -> int:
    """List the models of the workspace, all spellings, and which agents can use them."""

    async def work(session: Session) -> Reply:
        seen = await session.detect()
        return Reply(
            body=documents.models_document(seen.catalogue),
            text=texts.models_text(seen.catalogue),
            problem=_problem_of(seen),
            exit_code=_exit_code_of_detection(seen),
        )

    return _run(work, as_json=as_json)


@commands.command()
@_json
def targets(as_json: bool) -> int:
    """List the places where a choice can be applied."""

    async def work(session: Session) -> Reply:
        found = session.targets()
        return Reply(body=documents.targets_document(found), text=texts.targets_text(found))

    return _run(work, as_json=as_json)


def _request_options(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(
        (
            click.argument("agent"),
            click.option("--model", help="Model of the agent's first slot."),
            click.option("--fallback", help="Fallback model, or `none` for no fallback."),
            click.option("--slot", "slots", multiple=True, metavar="SLOT=MODEL", help="Model of any slot."),
            click.option("--target", default="export", show_default=True, help="Where to apply it; see `targets`."),
            click.option(
                "--credential",
                type=click.Choice([use.value for use in CredentialUse]),
                default=CredentialUse.KEEP.value,
                show_default=True,
                help="Keep the stored token, or have the agent read DATABRICKS_TOKEN from its environment.",
            ),
            _json,
        )
    ):
        command = option(command)
    return command


def _request(
    *, agent: str, model: str | None, fallback: str | None, slots: Sequence[str], target: str, credential: str
) -> ChangeRequest:
    spec = AGENTS[agent_named(agent)]
    wanted: dict[str, str | None] = {}
    if model is not None:
        wanted[spec.slots[0].name] = checked_model_name(model)
    if fallback is not None:
        wanted["fallback"] = None if fallback == "none" else checked_model_name(fallback)
    for text in slots:
        name, separator, value = text.partition("=")
        if not separator:
            raise ConfigurationError(
                f"{text!r} does not name a slot and a model.",
                code="slot_invalid",
                remedy="Write it as --slot SLOT=MODEL.",
            )
        wanted[name] = checked_model_name(value)
    names = {slot.name for slot in spec.slots}
    for name in wanted:
        if name not in names and not (spec.agent is AgentId.HERMES and name.startswith("fallback_")):
            raise ConfigurationError(
                f"{spec.label} has no slot named {name!r}.",
                code="unknown_slot",
                remedy="Its slots: " + ", ".join(slot.name for slot in spec.slots) + ".",
            )
    use = CredentialUse(credential)
    if not wanted and use is CredentialUse.KEEP:
        raise ConfigurationError(
            "Nothing to change was given.", code="nothing_to_change", remedy="Give --model, --fallback or --slot."
        )
    return ChangeRequest(agent=spec.agent, target=target, slots=wanted, credential=use)


@commands.command()
@_request_options
def plan(*, as_json: bool, **wanted: Any) -> int:
    """Work out a change to the end, without writing anything."""
    request = _request(**wanted)

    async def work(session: Session) -> Reply:
        await _workspace(session)
        made = await session.plan(request)
        good = made.decision in (Decision.READY, Decision.NO_OP)
        return Reply(
            body=documents.plan_document(made), text=texts.plan_text(made), exit_code=FINE if good else BAD_NEWS
        )

    return _run(work, as_json=as_json)


async def _workspace(session: Session) -> Snapshot:
    """Detect, and refuse to go on without a workspace that answers."""
    seen = await session.detect()
    problem = _problem_of(seen)
    if problem is not None:
        raise UpstreamError(problem.message, code=problem.code, remedy=problem.remedy)
    return seen


_reason = click.option("--reason", required=True, help="Why; kept with the change.")
_yes = click.option("--yes", is_flag=True, help="Really write.")


def _require_yes(yes: bool) -> None:
    if not yes:
        raise ConfigurationError(
            "Nothing was written, because --yes is missing.",
            code="not_confirmed",
            remedy="Look at the plan first, then add --yes.",
        )


@commands.command()
@_request_options
@_reason
@click.option("--force", is_flag=True, help="Write even though the pre-flight blocks it.")
@_yes
def apply(*, as_json: bool, reason: str, force: bool, yes: bool, **wanted: Any) -> int:
    """Carry out a change: plan, pre-flight, write, read back, probe; rolled back if that fails."""
    request = _request(**wanted)
    _require_yes(yes)

    async def work(session: Session) -> Reply:
        await _workspace(session)
        actor = actor_for_command_line(getpass.getuser(), session.settings.inside_databricks_apps)
        outcome = await session.apply(request, actor=actor, reason=reason, force=force)
        return _outcome_reply(outcome, {ChangeState.APPLIED, ChangeState.NO_OP})

    return _run(work, as_json=as_json)


def _outcome_reply(outcome: ChangeOutcome, good: set[ChangeState]) -> Reply:
    return Reply(
        body=documents.outcome_document(outcome),
        text=texts.outcome_text(outcome),
        exit_code=FINE if outcome.record.state in good else BAD_NEWS,
    )


@commands.command()
@click.argument("change_id")
@_reason
@_yes
@_json
def rollback(change_id: str, reason: str, yes: bool, as_json: bool) -> int:
    """Put back what stood before a change, to the identical bytes."""
    _require_yes(yes)

    async def work(session: Session) -> Reply:
        await session.detect()
        actor = actor_for_command_line(getpass.getuser(), session.settings.inside_databricks_apps)
        outcome = await session.roll_back(change_id, actor=actor, reason=reason)
        return _outcome_reply(outcome, {ChangeState.APPLIED, ChangeState.NO_OP, ChangeState.ROLLED_BACK})

    return _run(work, as_json=as_json)


@commands.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@_json
def changes(limit: int, as_json: bool) -> int:
    """List every attempt to change something, newest first."""

    async def work(session: Session) -> Reply:
        records = session.changes(limit)
        return Reply(body=documents.changes_document(records), text=texts.changes_text(records))

    return _run(work, as_json=as_json)


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), default=_DEFAULT_PORT, show_default=True)
@click.option("--scene", type=click.Choice(SCENES), default=DEFAULT_SCENE, show_default=True)
def simulate(port: int, scene: str) -> int:
    """Run the simulated workspace alone, until interrupted."""
    run_simulator(scene, port, click.echo)
    return FINE
