"""Decide who may read by program, and who may change anything; when that is not certain, nobody may."""

from __future__ import annotations

import ipaddress

from core.model.change import Actor, Origin
from core.model.snapshot import Problem

_INSIDE_APPS = (
    "Inside Databricks Apps nobody may change anything yet, because being an administrator cannot be proven there. "
    "Run Switchyard on the machine whose agent you want to change."
)


def actor_for_page(
    *, user_name: str, bound_to_loopback: bool, host_header: str | None, inside_databricks_apps: bool
) -> Actor:
    """Return who acts through the browser: the machine's user, if the request cannot come from anywhere else.

    The Host header is checked too: a foreign site whose name resolves to 127.0.0.1 (DNS rebinding) reaches the server
    from the person's own browser, but has to send its own name.
    """
    if inside_databricks_apps:
        return _actor(user_name, Origin.PAGE, _INSIDE_APPS, may_change=False)
    if not bound_to_loopback:
        why = (
            "This dashboard can be reached from other machines, so nobody may change anything. "
            "Start it on 127.0.0.1 (make run does) to change agents of this machine."
        )
        return _actor(user_name, Origin.PAGE, why, may_change=False)
    if not names_loopback(host_header):
        why = (
            "This page was opened under a name that is not this machine's loopback name, so nothing may be changed. "
            "Open it as http://localhost or http://127.0.0.1 with the same port."
        )
        return _actor(user_name, Origin.PAGE, why, may_change=False)
    return _actor(user_name, Origin.PAGE, f"{user_name} is this machine's user and may change its agents.")


def actor_for_command_line(user_name: str, inside_databricks_apps: bool) -> Actor:
    """Return who acts through the command line: the machine's user."""
    if inside_databricks_apps:
        return _actor(user_name, Origin.COMMAND_LINE, _INSIDE_APPS, may_change=False)
    return _actor(user_name, Origin.COMMAND_LINE, f"{user_name} is this machine's user and may change its agents.")


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


def _actor(name: str, origin: Origin, why: str, *, may_change: bool = True) -> Actor:
    return Actor(name=name, origin=origin, may_change=may_change, why=why)
