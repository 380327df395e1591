"""Decide who may read, probe and change; when it is not certain who somebody is, that is a viewer."""

from __future__ import annotations

import ipaddress

from core.access.roles import NOBODY_LISTED, NOT_LOOKED_UP, Listed, role_of
from core.model.access import Action, Membership, Role
from core.model.change import Actor, Origin
from core.model.snapshot import Problem

_OPEN_PORT = (
    "You are a viewer because this dashboard can be reached from other machines and nothing proves who you are. "
    "Start it on 127.0.0.1 (make run does) to change agents of this machine."
)
_FOREIGN_PAGE = (
    "You are a viewer because this page was opened under a name that is not this machine's loopback name. "
    "Open it as http://localhost or http://127.0.0.1 with the same port."
)
_MACHINE_USER = "{name} is this machine's user and may change its agents."
_COMMAND_INSIDE_APPS = (
    "Inside Databricks Apps nobody may change anything by command, because nothing proves who types it. "
    "Use the pages, or run Switchyard on the machine whose agent you want to change."
)


def actor_for_page(
    *,
    user_name: str,
    bound_to_loopback: bool,
    host_header: str | None,
    inside_databricks_apps: bool,
    email: str | None = None,
    address: str | None = None,
    listed: Listed = NOBODY_LISTED,
    membership: Membership = NOT_LOOKED_UP,
) -> Actor:
    """Return who acts through the browser, and in which role.

    Inside Databricks Apps `email` is the proxy's word; the lists and what the workspace says of that person decide.
    Elsewhere it is not looked at, because whoever connects could have written it: only the machine's user has a role
    beyond viewer, if the request cannot come from anywhere else. The Host header is checked too: a foreign site whose
    name resolves to 127.0.0.1 (DNS rebinding) reaches the server from the person's own browser, but has to send its
    own name.
    """
    targets = frozenset[str]()
    if inside_databricks_apps:
        role, why = role_of(email, listed, membership)
        targets = membership.manages if email else targets
    elif not bound_to_loopback:
        role, why = Role.VIEWER, _OPEN_PORT
    elif not names_loopback(host_header):
        role, why = Role.VIEWER, _FOREIGN_PAGE
    else:
        role, why = Role.ADMIN, _MACHINE_USER.format(name=user_name)
    return Actor(
        name=user_name, origin=Origin.PAGE, role=role, why=why, targets=targets, address=plain_address(address)
    )


def plain_address(text: str | None) -> str:
    """Return an IP address as it is written usually, nothing for what is none: headers may say anything."""
    try:
        return str(ipaddress.ip_address((text or "").strip()))
    except ValueError:
        return ""


def actor_for_command_line(user_name: str, inside_databricks_apps: bool) -> Actor:
    """Return who acts through the command line: the machine's user."""
    if inside_databricks_apps:
        return Actor(name=user_name, origin=Origin.COMMAND_LINE, role=Role.VIEWER, why=_COMMAND_INSIDE_APPS)
    why = _MACHINE_USER.format(name=user_name)
    return Actor(name=user_name, origin=Origin.COMMAND_LINE, role=Role.ADMIN, why=why)


def objection_to(action: Action, actor: Actor, target: str | None = None) -> Problem | None:
    """Return why somebody may not do this, None when it is theirs to do; `target` is what would be changed."""
    if actor.role.includes(action) or (action is Action.CHANGE and target in actor.targets):
        return None
    return Problem(code="not_allowed", message=actor.why, remedy=_REMEDIES[action])


_REMEDIES = {
    Action.SEE: "Open the app's own URL.",
    Action.PROBE: "Ask an operator or an admin to probe it.",
    Action.CHANGE: "Ask an admin of this dashboard, or the user of the machine on which the agent runs.",
    Action.ALERT_TEST: "Ask an admin of this dashboard to send it.",
    Action.TRUST: "Ask an admin of this dashboard to decide which hosts may receive tokens.",
}


def objection_to_reading(
    *, inside_databricks_apps: bool, person: str | None, bound_to_loopback: bool, host_header: str | None
) -> Problem | None:
    """Return why a request that no page makes may not read what the pages show, None when it may.

    Inside Databricks Apps everybody whom the proxy let in may look at the pages; a request without its word did not
    come through it. On loopback a foreign name is a foreign site in the person's own browser (DNS rebinding).
    """
    if inside_databricks_apps:
        return None if person else _UNNAMED
    if bound_to_loopback and not names_loopback(host_header):
        return _FOREIGN_NAME
    return None


_UNNAMED = Problem(
    code="not_signed_in",
    message="This request did not come through the sign-in of Databricks Apps.",
    remedy="Use the app's own URL, with an OAuth token of somebody who may use the app.",
)
_FOREIGN_NAME = Problem(
    code="foreign_host",
    message="This dashboard answers only under this machine's loopback name.",
    remedy="Ask it as http://localhost or http://127.0.0.1 with the same port.",
)


def names_loopback(host_header: str | None) -> bool:
    """Say whether a Host header, with or without a port, is a name of this machine for itself."""
    text = (host_header or "").strip().lower()
    name, bracket, rest = text.partition("]") if text.startswith("[") else text.partition(":")
    port = rest.removeprefix(":") if text.startswith("[") else rest
    if (bracket and port and not (port.isascii() and port.isdigit())) or (text.startswith("[") and not bracket):
        return False
    try:
        return name == "localhost" or ipaddress.ip_address(name.removeprefix("[")).is_loopback
    except ValueError:
        return False
