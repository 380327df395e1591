"""The commands that change: plan, apply, rollback, changes."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from typing import Any

import click

from core import documents, texts
from core.access.authority import actor_for_command_line
from core.adapters.exports import ExportFormat, export_files
from core.catalog.agents import AGENTS
from core.change.validate import checked_model_name, parsed_duration
from core.cli.common import BAD_NEWS, FINE, Reply, agent_named, json_option, run
from core.detect.hosts import GATEWAY_SETTING
from core.errors import ConfigurationError, UpstreamError
from core.model.agent import AgentId, AgentSpec
from core.model.change import ChangeOutcome, ChangeRequest, ChangeState, CredentialUse, Decision
from core.model.snapshot import Snapshot
from core.session import Session


def _request_options(command: Callable[..., int]) -> Callable[..., int]:
    for option in reversed(
        (
            click.argument("agent"),
            click.option("--model", help="Model of the agent's first slot."),
            click.option("--fallback", help="Fallback model, or `none` for no fallback."),
            click.option("--slot", "slots", multiple=True, metavar="SLOT=MODEL", help="Model of any slot."),
            click.option("--gateway", metavar="auto|off|URL", help="What DATABRICKS_GATEWAY_HOST is to say."),
            click.option("--enable/--disable", "enabled", default=None, help="Switch the agent on or off."),
            click.option("--target", default="export", show_default=True, help="Where to apply it; see `targets`."),
            click.option(
                "--credential",
                type=click.Choice([use.value for use in CredentialUse]),
                default=CredentialUse.KEEP.value,
                show_default=True,
                help="Keep the stored token, or have the agent read DATABRICKS_TOKEN from its environment.",
            ),
            json_option,
        )
    ):
        command = option(command)
    return command


def _request(
    *,
    agent: str,
    model: str | None,
    fallback: str | None,
    slots: Sequence[str],
    gateway: str | None,
    enabled: bool | None,
    target: str,
    credential: str,
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
    wanted |= _route_switches(spec, gateway, enabled)
    use = CredentialUse(credential)
    if not wanted and use is CredentialUse.KEEP:
        raise ConfigurationError(
            "Nothing to change was given.",
            code="nothing_to_change",
            remedy="Give --model, --fallback, --slot, --gateway, --enable or --disable.",
        )
    return ChangeRequest(agent=spec.agent, target=target, slots=wanted, credential=use)


def _route_switches(spec: AgentSpec, gateway: str | None, enabled: bool | None) -> dict[str, str | None]:
    """Return the variables that switch the route itself."""
    wanted: dict[str, str | None] = {}
    if gateway is not None:
        wanted[GATEWAY_SETTING] = {"auto": None, "off": ""}.get(gateway, gateway)
    if enabled is not None:
        if spec.enable_variable is None:
            raise ConfigurationError(
                f"{spec.label} cannot be switched on or off by a variable.",
                code="unknown_slot",
                remedy="Leave --enable and --disable out.",
            )
        wanted[spec.enable_variable] = "true" if enabled else "false"
    return wanted


@click.command()
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

    return run(work, as_json=as_json)


async def _workspace(session: Session) -> Snapshot:
    """Detect, and refuse to go on without a workspace that answers."""
    seen = await session.detect()
    problem = documents.problem_of(seen)
    if problem is not None:
        raise UpstreamError(problem.message, code=problem.code, remedy=problem.remedy)
    return seen


_REVERTED = (ChangeState.ROLLED_BACK, ChangeState.NO_OP)
_reason = click.option("--reason", required=True, help="Why; kept with the change.")
_yes = click.option("--yes", is_flag=True, help="Really write.")


def _require_yes(yes: bool) -> None:
    if not yes:
        raise ConfigurationError(
            "Nothing was written, because --yes is missing.",
            code="not_confirmed",
            remedy="Look at the plan first, then add --yes.",
        )


@click.command()
@_request_options
@_reason
@click.option("--for", "lasts", metavar="2h", help="End by itself after this time: 30m, 2h, 1d.")
@click.option("--force", is_flag=True, help="Write even though the pre-flight blocks it.")
@_yes
def apply(*, as_json: bool, reason: str, lasts: str | None, force: bool, yes: bool, **wanted: Any) -> int:
    """Carry out a change: plan, pre-flight, write, read back, probe; rolled back if that fails."""
    request = _request(**wanted)
    duration = parsed_duration(lasts) if lasts is not None else None
    _require_yes(yes)

    async def work(session: Session) -> Reply:
        await _workspace(session)
        actor = actor_for_command_line(getpass.getuser(), session.settings.inside_databricks_apps)
        outcome = await session.apply(request, actor=actor, reason=reason, force=force, lasts=duration)
        return _outcome_reply(outcome, {ChangeState.APPLIED, ChangeState.NO_OP})

    return run(work, as_json=as_json)


def _outcome_reply(outcome: ChangeOutcome, good: set[ChangeState]) -> Reply:
    return Reply(
        body=documents.outcome_document(outcome),
        text=texts.outcome_text(outcome),
        exit_code=FINE if outcome.record.state in good else BAD_NEWS,
    )


@click.command()
@click.argument("change_id")
@_reason
@_yes
@json_option
def rollback(change_id: str, reason: str, yes: bool, as_json: bool) -> int:
    """Put back what stood before a change, to the identical bytes."""
    _require_yes(yes)

    async def work(session: Session) -> Reply:
        await session.detect()
        actor = actor_for_command_line(getpass.getuser(), session.settings.inside_databricks_apps)
        outcome = await session.roll_back(change_id, actor=actor, reason=reason)
        return _outcome_reply(outcome, {ChangeState.APPLIED, ChangeState.NO_OP, ChangeState.ROLLED_BACK})

    return run(work, as_json=as_json)


@click.command()
@click.argument("agent")
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ExportFormat]),
    default=ExportFormat.NATIVE.value,
    show_default=True,
    help="The agent's own files, shell variables, or entries for app.yaml or a bundle.",
)
@json_option
def export(agent: str, form: str, as_json: bool) -> int:
    """Print what to hand over for an agent as it is chosen now; tokens are named, never written."""
    wanted = agent_named(agent)

    async def work(session: Session) -> Reply:
        seen = await _workspace(session)
        choice = next(choice for choice in seen.choices if choice.agent is wanted)
        files = export_files(choice, ExportFormat(form))
        return Reply(body=documents.export_document(files), text=texts.export_text(files))

    return run(work, as_json=as_json)


@click.command("revert-expired")
@json_option
def revert_expired(as_json: bool) -> int:
    """End the overrides whose time is over, for a schedule; what others changed since is left as it is."""

    async def work(session: Session) -> Reply:
        await session.detect()
        ended = await session.revert_expired()
        good = all(one.state in _REVERTED for one in ended)
        return Reply(
            body=documents.reverted_document(ended),
            text=texts.reverted_text(ended),
            exit_code=FINE if good else BAD_NEWS,
        )

    return run(work, as_json=as_json)


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@json_option
def changes(limit: int, as_json: bool) -> int:
    """List every attempt to change something, newest first."""

    async def work(session: Session) -> Reply:
        records = session.changes(limit)
        return Reply(body=documents.changes_document(records), text=texts.changes_text(records))

    return run(work, as_json=as_json)
