"""Decide what the dashboard lacks in the place where it runs, from what is set and seen already; asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.detect.self_check_place import around_items, place_items
from core.model.change import TargetInfo, TargetKind
from core.model.gateway import GatewaySource
from core.model.models import ListingOutcome
from core.model.self_check import SelfCheckItem, Verdict
from core.model.snapshot import Snapshot
from core.model.workspace import IdentityKind
from core.settings import Settings
from core.settings.surroundings import Surroundings

GRANTS = "python -m core grants"
_CREDENTIAL_CODES = frozenset({"credential_missing", "credential_dead", "credential_unsupported"})
_KINDS = {
    IdentityKind.USER: "a user",
    IdentityKind.SERVICE_PRINCIPAL: "a service principal",
    IdentityKind.TOKEN: "a token",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the self-check looks at. `channels` counts those that alerts go to.

    `token_forwarded` says whether the person's own token came with the page, None where there is no page to see it.
    """

    seen: Snapshot
    settings: Settings
    around: Surroundings
    channels: int = 0
    token_forwarded: bool | None = None


def self_check(facts: Facts) -> tuple[SelfCheckItem, ...]:
    """Return one item per thing, the workspace's first, then those of the place it runs in."""
    asked: tuple[Callable[[Facts], SelfCheckItem], ...] = (_credential, _workspace, _models, _gateway, _apps, _database)
    return (
        *(ask(facts) for ask in asked),
        *place_items(facts.settings, channels=facts.channels, token_forwarded=facts.token_forwarded),
        *around_items(
            facts.around,
            # A simulated workspace is asked past every proxy, so it proves none.
            reached=_workspace(facts).verdict is Verdict.FINE and not facts.settings.simulated,
        ),
    )


def _credential(facts: Facts) -> SelfCheckItem:
    seen = facts.seen
    described = seen.credential or "the credential in use"
    identity = seen.identity
    if seen.problem and seen.problem.code in _CREDENTIAL_CODES:
        verdict, sentence, remedy = Verdict.MISSING, seen.problem.message, seen.problem.remedy
    elif seen.offline or identity is None or identity.kind is IdentityKind.NONE or not identity.name:
        verdict, sentence = Verdict.UNKNOWN, f"The workspace has not said whom it belongs to: {described}."
        remedy = "Look again once the workspace answers."
    else:
        verdict, remedy = Verdict.FINE, ""
        sentence = f"The workspace knows it as {_KINDS[identity.kind]}, {identity.name} ({described})."
    return SelfCheckItem(code="credential", name="Credential", verdict=verdict, sentence=sentence, remedy=remedy)


def _workspace(facts: Facts) -> SelfCheckItem:
    seen, workspace = facts.seen, facts.seen.workspace
    what = "The simulated workspace" if facts.settings.simulated else "The workspace"
    host = workspace.host if workspace else facts.settings.host or "no host"
    remedy = ""
    if seen.offline or (seen.problem and seen.problem.code == "workspace_unreachable"):
        verdict = Verdict.MISSING
        sentence = seen.offline or (seen.problem.message if seen.problem else "")
        remedy = "Check DATABRICKS_HOST, the network path from here, and the proxy and certificates below."
    elif seen.detected_at is None or workspace is None or not _answered(seen):
        verdict, sentence = Verdict.UNKNOWN, f"{what} {host} has not answered yet."
    elif workspace.contradictions:
        verdict, sentence = Verdict.ATTENTION, "; ".join(workspace.contradictions) + "."
        remedy = "Check that host, workspace id and credential are of one workspace."
    else:
        verdict, sentence = Verdict.FINE, f"{what} {host} answers."
    return SelfCheckItem(code="workspace", name="Workspace", verdict=verdict, sentence=sentence, remedy=remedy)


def _answered(seen: Snapshot) -> bool:
    """Say whether anything of the workspace's own came back."""
    listed = any(one.outcome in (ListingOutcome.OK, ListingOutcome.PARTIAL) for one in seen.catalogue.sources)
    return listed or bool(seen.identity and seen.identity.name)


def _models(facts: Facts) -> SelfCheckItem:
    catalogue = facts.seen.catalogue
    failed = [one.source.replace("_", " ") for one in catalogue.sources if one.outcome is not ListingOutcome.OK]
    remedy = command = ""
    if facts.seen.offline or not catalogue.sources:
        verdict, sentence = Verdict.UNKNOWN, "No listing of models has answered yet."
    elif not catalogue.models:
        verdict, sentence = Verdict.MISSING, "No listing shows a model to this credential."
        remedy, command = "Grant the dashboard's principal the models that the agents use.", GRANTS
    elif failed and not any(one.outcome is ListingOutcome.OK and one.count for one in catalogue.sources):
        verdict, sentence = Verdict.ATTENTION, f"Models are listed in part only: {', '.join(failed)}."
        remedy, command = "See the listings above; the rights that they need:", GRANTS
    else:
        verdict, sentence = Verdict.FINE, f"{len(catalogue.models)} models are listed."
        if failed:
            sentence += f" Not all listings answered in full: {', '.join(failed)}."
    return SelfCheckItem(
        code="models", name="Models", verdict=verdict, sentence=sentence, remedy=remedy, command=command
    )


def _gateway(facts: Facts) -> SelfCheckItem:
    gateway = facts.seen.gateway
    remedy = ""
    if facts.seen.offline or gateway is None:
        verdict, sentence = Verdict.UNKNOWN, "No gateway has been looked for yet."
    elif gateway.source is GatewaySource.DISABLED:
        verdict = Verdict.NOT_USED
        sentence = "DATABRICKS_GATEWAY_HOST is empty, so agents use serving-endpoints."
    elif gateway.source is GatewaySource.NONE:
        verdict, sentence = Verdict.ATTENTION, "No gateway was found, so agents use serving-endpoints."
        remedy = "Have the gateway enabled for the workspace, or set DATABRICKS_GATEWAY_HOST to empty to say so."
    else:
        verdict, sentence = Verdict.FINE, f"{gateway.base_url} is in use."
    return SelfCheckItem(code="gateway", name="Gateway", verdict=verdict, sentence=sentence, remedy=remedy)


def _apps(facts: Facts) -> SelfCheckItem:
    named, problem = facts.settings.agents_app, facts.seen.apps_problem
    apps = [target for target in facts.seen.targets if target.kind is TargetKind.APP]
    if named is not None:
        apps = [target for target in apps if target.id.partition(":")[2] == named]
    remedy = command = ""
    if apps:
        verdict, sentence, remedy = _of_targets(apps)
        command = GRANTS if remedy else ""
    elif problem is not None or (named is not None and facts.seen.targets):
        # On somebody's own machine agents run there, and a workspace without apps lacks nothing.
        is_none = problem is not None and problem.code == "no_app_seen"
        needed = named is not None or facts.settings.inside_databricks_apps or not is_none
        verdict = Verdict.MISSING if needed else Verdict.NOT_USED
        sentence = problem.message if problem else f"The app {named} is not among those that this credential sees."
        remedy = (problem.remedy if problem else "Grant the dashboard's principal the app and its folder.") * needed
        command = GRANTS * needed
    else:
        verdict, sentence = Verdict.UNKNOWN, "Apps that run agents are being looked for."
    return SelfCheckItem(
        code="apps", name="Apps to change", verdict=verdict, sentence=sentence, remedy=remedy, command=command
    )


def _of_targets(apps: list[TargetInfo]) -> tuple[Verdict, str, str]:
    """Return what is to be said of apps that are seen; one may be fixed for want of a right, or by its nature."""
    fixed = [app for app in apps if not app.writable]
    names = ", ".join(app.id.partition(":")[2] for app in apps if app.writable)
    told = f"May be changed: {names}." if names else ""
    if not fixed:
        return Verdict.FINE, told, ""
    reasons = " ".join(f"{app.id.partition(':')[2]}: {app.reason}" for app in fixed)
    return Verdict.ATTENTION, f"{told} Not to be changed: {reasons}".strip(), "Where a right is missing, grant it:"


def _database(facts: Facts) -> SelfCheckItem:
    keeping = facts.seen.keeping
    remedy = command = ""
    if keeping.problem:
        verdict, sentence, remedy = Verdict.MISSING, keeping.problem, keeping.remedy
    elif not keeping.place:
        verdict, sentence = Verdict.UNKNOWN, "The database has not been opened yet."
    elif not keeping.durable:
        verdict, sentence = Verdict.ATTENTION, f"History ends with this container: {keeping.place}."
        remedy = "Deploy with a Lakebase database, or set SWITCHYARD_DATABASE_URL."
        command = "databricks bundle deploy --target lakebase"
    else:
        verdict, sentence = Verdict.FINE, f"History is kept: {keeping.place}."
    return SelfCheckItem(
        code="database", name="Database", verdict=verdict, sentence=sentence, remedy=remedy, command=command
    )
