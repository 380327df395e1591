"""Find out who the dashboard's credential is in this workspace, and what is wrong when it is nobody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.detect.flow import Flow, get
from core.detect.hosts import HostForm, ParsedHost
from core.detect.reading import Reading, read_outcome
from core.detect.workspace import routing_headers
from core.model.probe import Diagnosis as D
from core.model.snapshot import Problem
from core.model.workspace import IdentityKind, WorkspaceIdentity

ME_PATH = "/api/2.0/preview/scim/v2/Me"
ADMIN_GROUP = "admins"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NOBODY = WorkspaceIdentity(name=None, kind=IdentityKind.NONE)
_NAMELESS = WorkspaceIdentity(name=None, kind=IdentityKind.TOKEN)

# Diagnosis → (code, sentence, remedy); {host} is the workspace, {said} what came back.
_PROBLEMS: Mapping[D, tuple[str, str, str]] = {
    D.CREDENTIAL_DEAD: (
        "credential_dead",
        "{host} refuses the dashboard's credential: it has expired, was revoked, or belongs elsewhere ({said}).",
        "Make a new token in this workspace and set DATABRICKS_TOKEN, or log in again with the Databricks CLI.",
    ),
    D.CREDENTIAL_MISSING: (
        "credential_missing",
        "{host} got no credential that it accepts ({said}).",
        "Set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.",
    ),
    D.WRONG_WORKSPACE: (
        "wrong_workspace",
        "The dashboard's credential is valid, but not for the workspace {host} ({said}).",
        "Use a token that was made in this workspace, or correct DATABRICKS_HOST.",
    ),
    D.NETWORK_BLOCKED: (
        "network_blocked",
        "{host} blocks the network that the dashboard is in ({said}).",
        "Add this machine's egress address to the workspace's IP access list, or go through Private Link.",
    ),
    D.REDIRECTED: (
        "redirected",
        "{host} answers with a redirect instead of an answer ({said}).",
        "Set DATABRICKS_HOST to the workspace's own URL.",
    ),
}
_UNREACHABLE = (
    "workspace_unreachable",
    "{host} cannot be reached: {said}.",
    "Check DATABRICKS_HOST and the network path from here: DNS, firewall, proxy, VPN.",
)
_UNAVAILABLE = (
    "workspace_unavailable",
    "{host} cannot say who the dashboard is right now ({said}).",
    "Try again in a minute; if it stays, look at the status page of Databricks.",
)
_NOT_SENT = (
    "host_untrusted",
    "Nothing was sent to {host}: {said}.",
    "Correct DATABRICKS_HOST.",
)
_STRANGER = (
    "not_a_workspace",
    "{host} answers, but not as a Databricks workspace does ({said}).",
    "Check that DATABRICKS_HOST is the workspace URL.",
)
_NO_ID = (
    "workspace_id_missing",
    "{host} serves many workspaces, and nothing says which one is meant ({said}).",
    "Add ?o=<workspace id> to DATABRICKS_HOST, or set DATABRICKS_WORKSPACE_ID.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WhoAmI:
    """What the workspace says about the credential; `problem` says why it cannot be used, None when it can."""

    identity: WorkspaceIdentity = _NOBODY
    problem: Problem | None = None
    org_id: str | None = None
    simulated: bool = False
    answer: str = "not asked"


def who_am_i(parsed: ParsedHost, workspace_id: str | None) -> Flow[WhoAmI]:
    """Ask the workspace who we are; `workspace_id` is what is known of it so far."""
    outcome = yield get(parsed.origin + ME_PATH, routing_headers(parsed, workspace_id))
    reading = read_outcome(outcome)
    identity, problem = _conclude(parsed, reading, has_id=workspace_id is not None)
    return WhoAmI(
        identity=identity,
        problem=problem,
        org_id=reading.org_id,
        simulated=reading.simulated,
        answer=reading.clause,
    )


def _conclude(parsed: ParsedHost, reading: Reading, *, has_id: bool) -> tuple[WorkspaceIdentity, Problem | None]:
    if reading.payload is not None:
        identity = _identity(reading.payload)
        return (identity, None) if identity else (_NOBODY, _problem(_STRANGER, parsed, reading))
    if reading.is_forbidden and (reading.diagnosis is not D.UNCLASSIFIED or reading.org_id):
        # A narrow token may not read Me; it is good for what it is scoped to (databricks.md §4, scopes).
        return _NAMELESS, None
    if reading.diagnosis is D.CREDENTIAL_MISSING and reading.was_sent and parsed.form is not HostForm.WORKSPACE:
        # That is what a regional host says when no header names the workspace (databricks.md §5.4).
        return _NOBODY, _problem(_PROBLEMS[reading.diagnosis] if has_id else _NO_ID, parsed, reading)
    return _NOBODY, _problem(_row(reading), parsed, reading)


def _row(reading: Reading) -> tuple[str, str, str]:
    if reading.diagnosis in _PROBLEMS:
        return _PROBLEMS[reading.diagnosis]
    if not reading.was_sent:
        return _NOT_SENT
    if reading.status is None:
        return _UNREACHABLE
    if reading.status == 429 or reading.status >= 499:
        return _UNAVAILABLE
    return _STRANGER


def _problem(row: tuple[str, str, str], parsed: ParsedHost, reading: Reading) -> Problem:
    code, sentence, remedy = row
    message = sentence.replace("{host}", parsed.hostname).replace("{said}", reading.clause.rstrip("."))
    return Problem(code=code, message=message, remedy=remedy)


def _identity(payload: Mapping[str, Any]) -> WorkspaceIdentity | None:
    """Return who a Me document describes; None when it describes nobody."""
    name = payload.get("userName")
    if not isinstance(name, str) or not name.strip():
        return None
    if not _UUID.fullmatch(name):
        return WorkspaceIdentity(name=name[:200], kind=IdentityKind.USER, is_admin=_is_admin(payload))
    shown = payload.get("displayName")
    return WorkspaceIdentity(
        name=shown[:200] if isinstance(shown, str) and shown.strip() else name,
        kind=IdentityKind.SERVICE_PRINCIPAL,
        is_admin=_is_admin(payload),
    )


def _is_admin(payload: Mapping[str, Any]) -> bool:
    groups = payload.get("groups")
    if not isinstance(groups, list):
        return False
    return any(isinstance(group, dict) and group.get("display") == ADMIN_GROUP for group in groups)
