"""Decide which rights the dashboard's own principal needs for what is set and seen here; a person grants them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.catalog import grants as words
from core.catalog.agents import AGENTS
from core.model.choice import AgentChoice
from core.model.gateway import Generation


class GrantKind(StrEnum):
    """Where a statement is run: a SQL editor, a shell with the Databricks CLI, or Lakebase's own SQL."""

    SQL = "sql"
    CLI = "cli"
    LAKEBASE = "lakebase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One right: what it is for, where it is granted, and the statement to copy."""

    kind: GrantKind
    purpose: str
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AppToChange:
    """An app that the dashboard changes; `folder` None where it has none in the workspace, or nobody may see it."""

    name: str
    folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the principal is to be able to do. `database` is the Lakebase database, None for none."""

    principal: str
    choices: Sequence[AgentChoice] = ()
    apps: Sequence[AppToChange] = ()
    database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """The rights to grant, each once, and what could not be said."""

    principal: str
    grants: tuple[Grant, ...]
    notes: tuple[str, ...]


def needed_grants(wanted: Wanted) -> Needed:
    """Return the rights that all of it needs."""
    found = (*_models(wanted), *_apps(wanted), *_database(wanted))
    grants: dict[str, Grant] = {}
    for grant in found:
        grants.setdefault(grant.statement, grant)
    return Needed(principal=wanted.principal, grants=tuple(grants.values()), notes=tuple(_notes(wanted)))


def _models(wanted: Wanted) -> Iterator[Grant]:
    for (model, generation), users in _asked(wanted.choices).items():
        if not words.is_nameable(model):
            continue
        if generation is not Generation.SERVING_ENDPOINTS:
            for statement in words.grant_statements(model, wanted.principal):
                purpose = f"ask {model} on the gateway ({users})" if "EXECUTE" in statement else "see the models"
                yield Grant(kind=GrantKind.SQL, purpose=purpose, statement=statement)
        if generation in (None, Generation.SERVING_ENDPOINTS):
            statement = words.endpoint_command(model, wanted.principal)
            yield Grant(kind=GrantKind.CLI, purpose=f"ask {model} on serving-endpoints ({users})", statement=statement)


def _asked(choices: Sequence[AgentChoice]) -> dict[tuple[str, Generation | None], str]:
    """Return who asks which model on which generation; one that is not known yet may turn out to be either."""
    users: dict[tuple[str, Generation | None], list[str]] = {}
    for choice in choices:
        if choice.enabled and AGENTS[choice.agent].probeable:
            for slot in choice.slots:
                if slot.model:
                    users.setdefault((slot.model, slot.generation), []).append(
                        f"{AGENTS[choice.agent].label} {slot.slot}"
                    )
    return {asked: ", ".join(names) for asked, names in users.items()}


def _apps(wanted: Wanted) -> Iterator[Grant]:
    for app in wanted.apps:
        if not words.is_nameable(app.name):
            continue
        purpose = f"change and redeploy the app {app.name}"
        yield Grant(kind=GrantKind.CLI, purpose=purpose, statement=words.app_command(app.name, wanted.principal))
        if app.folder and words.is_nameable(app.folder):
            statement = words.folder_command(app.folder, wanted.principal)
            yield Grant(kind=GrantKind.CLI, purpose=f"edit the app.yaml of {app.name}", statement=statement)


def _database(wanted: Wanted) -> Iterator[Grant]:
    if wanted.database and words.is_nameable(wanted.database):
        for statement in words.lakebase_statements(wanted.database, wanted.principal):
            purpose = "keep history in Lakebase, where the database is no resource of the app"
            yield Grant(kind=GrantKind.LAKEBASE, purpose=purpose, statement=statement)


def _notes(wanted: Wanted) -> Iterator[str]:
    names = [model for model, _ in _asked(wanted.choices)] + [app.name for app in wanted.apps]
    hidden = {name for name in names if not words.is_nameable(name)}
    for name in sorted(hidden):
        yield f"{name!r} has characters that cannot be seen, so no statement is made for it. Correct the name first."
    if any(generation is None for _, generation in _asked(wanted.choices)):
        yield "It is not known yet on which route the models are asked, so the rights for either are listed."
    if not wanted.apps:
        yield "No app that runs agents is seen. Name the one to change with --app, once it exists."
    for app in wanted.apps:
        if not app.folder and app.name not in hidden:
            yield (
                f"Where the files of the app {app.name} lie is not seen, or they are not in the workspace. Where they "
                "are, it needs CAN_EDIT on their folder too: grant the right on the app, then run this again."
            )
    if not wanted.database:
        yield "Lakebase is not in use here. The bundle's target lakebase grants its right with the app's resource."
