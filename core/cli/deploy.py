"""The commands for whoever deploys: grants and check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

import click

from core.access.grants import AppToChange, Grant, GrantKind, Needed, Wanted, needed_grants
from core.adapters.alerts_file import read_alerts
from core.cli.common import BAD_NEWS, FINE, Reply, exit_code_of_detection, json_option, run
from core.detect.self_check import Facts, self_check
from core.documents import Document, problem_of
from core.errors import ConfigurationError
from core.model.app import AppsSeen
from core.model.self_check import SelfCheckItem, Verdict
from core.session import Session
from core.settings import Settings
from core.settings.surroundings import read_surroundings
from core.texts import table

_HEADINGS = {
    GrantKind.SQL: "-- In a SQL editor of the workspace:",
    GrantKind.CLI: "# In a shell, with the Databricks CLI:",
    GrantKind.LAKEBASE: "-- In Lakebase, connected to that database:",
}
_ICONS = {
    Verdict.FINE: "✓",
    Verdict.ATTENTION: "▲",
    Verdict.MISSING: "✕",
    Verdict.UNKNOWN: "?",
    Verdict.NOT_USED: "–",
}


@click.command()
@click.option("--principal", help="Client id of the service principal (default: DATABRICKS_CLIENT_ID).")
@click.option("--app", help="The app whose agents are changed (default: SWITCHYARD_APP, else those that are seen).")
@click.option("--database", help="The Lakebase database that keeps history (default: the one in use).")
@json_option
def grants(*, principal: str | None, app: str | None, database: str | None, as_json: bool) -> int:
    """Print what the dashboard's service principal has to be granted, ready to copy; nothing is granted."""

    async def work(session: Session) -> Reply:
        settings = session.settings
        named = _principal(principal, settings)
        seen = await session.detect()
        lakebase = settings.lakebase.database if settings.lakebase else None
        needed = needed_grants(
            Wanted(
                principal=named,
                choices=seen.choices,
                apps=_apps(app or settings.agents_app, session.apps()),
                database=database or lakebase,
            )
        )
        return Reply(
            body=_document(needed),
            text=_text(needed),
            problem=problem_of(seen),
            exit_code=exit_code_of_detection(seen),
        )

    return run(work, as_json=as_json)


@click.command()
@json_option
def check(*, as_json: bool) -> int:
    """Say what the dashboard lacks where it runs, and what to run for it."""

    async def work(session: Session) -> Reply:
        settings, seen = session.settings, await session.detect()
        items = self_check(
            Facts(
                seen=replace(seen, keeping=await session.keeping()),
                settings=settings,
                around=read_surroundings(),
                channels=len(read_alerts(settings.alerts, settings.alerts_environment).channels)
                if settings.alerts
                else 0,
            )
        )
        lacks = any(item.verdict is Verdict.MISSING for item in items)
        return Reply(
            body={"items": [asdict(item) for item in items]},
            text=_check_text(items),
            problem=problem_of(seen),
            exit_code=exit_code_of_detection(seen) or (BAD_NEWS if lacks else FINE),
        )

    return run(work, as_json=as_json)


def _check_text(items: Sequence[SelfCheckItem]) -> str:
    rows = []
    for item in items:
        word = f"{_ICONS[item.verdict]} {item.verdict.replace('_', ' ').capitalize()}"
        rows.append((word, item.name, item.sentence))
        rows += [("", "", text) for text in (item.remedy, item.command) if text]
    return table(rows)


def _principal(given: str | None, settings: Settings) -> str:
    principal = (given or settings.client_id or "").strip()
    if not principal or not principal.isprintable():
        raise ConfigurationError(
            "It is not known whom to grant the rights to.",
            code="principal_missing",
            remedy="Add --principal with the app's service_principal_client_id, which `databricks apps get` shows.",
        )
    return principal


def _apps(named: str | None, seen: AppsSeen) -> tuple[AppToChange, ...]:
    """Return the named app, seen or not, else all that are seen."""
    known = tuple(AppToChange(name=app.name, folder=app.folder) for app in seen.apps)
    if named is None:
        return known
    return tuple(app for app in known if app.name == named) or (AppToChange(name=named),)


def _document(needed: Needed) -> Document:
    return {
        "principal": needed.principal,
        "grants": [
            {"kind": grant.kind, "purpose": grant.purpose, "statement": grant.statement} for grant in needed.grants
        ],
        "notes": list(needed.notes),
    }


def _text(needed: Needed) -> str:
    blocks = [_block(kind, [grant for grant in needed.grants if grant.kind is kind]) for kind in GrantKind]
    notes = "\n".join(f"# {note}" for note in needed.notes)
    return "\n\n".join(filter(None, [f"# Rights for {needed.principal}", *blocks, notes]))


def _block(kind: GrantKind, grants: list[Grant]) -> str:
    if not grants:
        return ""
    return "\n".join([_HEADINGS[kind], *(grant.statement for grant in grants)])
