"""The command that shows and changes which hosts may receive tokens."""

from __future__ import annotations

import getpass

import click

from core import documents, texts
from core.access.authority import actor_for_command_line
from core.cli.common import Reply, json_option, run
from core.detect.trust import TrustView
from core.documents import timestamp
from core.errors import ConfigurationError
from core.session import Session


@click.command()
@click.argument("host", required=False)
@click.option("--private", is_flag=True, help="Its addresses may be those of a private network.")
@click.option("--revoke", is_flag=True, help="Trust it no longer.")
@click.option("--reason", metavar="R", help="Why; kept in the audit.")
@click.option("--yes", is_flag=True, help="Really write.")
@json_option
def trust(*, host: str | None, private: bool, revoke: bool, reason: str | None, yes: bool, as_json: bool) -> int:
    """List the hosts that may receive tokens, or trust HOST, or trust it no longer."""
    if host is None and (private or revoke or reason is not None or yes):
        raise ConfigurationError("No host is named.", code="usage", remedy="Name the host to trust, or give no option.")
    if host is not None and not yes:
        raise ConfigurationError(
            "Nothing was written, because --yes is missing.", code="yes_missing", remedy="Add --yes to write it."
        )

    async def work(session: Session) -> Reply:
        trusted = session.trusted
        trusted.reload()
        actor = actor_for_command_line(getpass.getuser(), session.settings.inside_databricks_apps)
        if host is not None and revoke:
            trusted.revoke(host, reason=reason or "", actor=actor)
        elif host is not None:
            trusted.add(host, private=private, reason=reason or "", actor=actor)
        return _reply(trusted.view)

    return run(work, as_json=as_json)


def _reply(view: TrustView) -> Reply:
    rows: list[documents.Document] = []
    if view.settings.workspace_origin:
        rows.append(_entry(view.settings.workspace_origin, "workspace", private=True))
    for origin in sorted(view.settings.trusted_origins):
        rows.append(_entry(origin, "setting", private=origin in view.settings.private_origins))
    for host in view.hosts:
        entry = _entry(host.origin, "admin", private=host.private)
        rows.append({**entry, "actor": host.actor, "at": timestamp(host.at), "reason": host.reason})
    table: list[tuple[str, ...]] = [("host", "because of", "addresses", "who", "at", "reason")]
    for row in rows:
        told = (str(row[key] or "-") for key in ("actor", "at", "reason"))
        table.append((row["origin"], row["source"], "private too" if row["private"] else "public only", *told))
    text = "Databricks' own host names receive tokens, and these:\n\n" + texts.table(table)
    return Reply(body={"trusted": rows, "problem": view.problem or None}, text=text)


def _entry(origin: str, source: str, *, private: bool) -> documents.Document:
    return {"origin": origin, "source": source, "private": private, "actor": None, "at": None, "reason": None}
