"""Decide how a value gets into a deployed app: in its file, or sent along with a deployment; writes nothing."""

from __future__ import annotations

from enum import StrEnum

from core.adapters.app_facts import AppFacts, SourceKind
from core.adapters.apps import DatabricksApps


class Way(StrEnum):
    """How a value gets into the app: in its file, or sent along with one deployment, which the next one drops."""

    FILE = "file"
    ENVIRONMENT = "environment"


EFFECTIVE = {
    Way.FILE: "after the redeploy; every terminal in the app restarts",
    Way.ENVIRONMENT: "after the redeploy, until the next one from elsewhere; every terminal in the app restarts",
}


def chosen_way(apps: DatabricksApps, facts: AppFacts) -> Way:
    """Return the way that lasts longest among those that are open; raises ChangeError.

    Whether the file may be edited is only believed to be no when the folder's permissions say so: where they are not
    shown, a write that is refused changes nothing.
    """
    if facts.kind is not SourceKind.WORKSPACE or facts.source is None:
        return Way.FILE
    return Way.ENVIRONMENT if apps.may_edit(facts.source) is False else Way.FILE


def words_for(way: Way, facts: AppFacts) -> str:
    """Return the sentence that says what a change of an app that can be changed would do."""
    if way is Way.FILE:
        return f"{facts.name} can be changed in its app.yaml and redeployed."
    return (
        f"{facts.name} can be redeployed with new values, which last until its next deployment from elsewhere: "
        f"grant the dashboard's identity CAN_EDIT on {facts.source} to change its app.yaml instead."
    )
