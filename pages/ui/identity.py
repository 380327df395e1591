"""Who is looking at the page, and whether that person may change anything."""

from __future__ import annotations

import getpass
from collections.abc import Mapping

import streamlit as st

from core.change.authority import actor_for_page
from core.model.change import Actor
from core.model.secret import Secret
from core.settings import Settings

# Set by the proxy of Databricks Apps. Anywhere else whoever connects could have written them, so nobody looks at them.
PERSON_HEADERS = ("X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-User")
HOST_HEADER = "Host"
# There with user authorization switched on; it is of the moment in which this tab connected.
TOKEN_HEADER = "X-Forwarded-Access-Token"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def current_actor(settings: Settings) -> Actor:
    """Return who acts in this session."""
    headers = st.context.headers
    return actor_for_page(
        user_name=person_name(headers, inside_databricks_apps=settings.inside_databricks_apps),
        bound_to_loopback=st.get_option("server.address") in _LOOPBACK,
        host_header=headers.get(HOST_HEADER),
        inside_databricks_apps=settings.inside_databricks_apps,
    )


def person_name(headers: Mapping[str, str], *, inside_databricks_apps: bool) -> str:
    """Return the person's name as far as it can be trusted: the proxy's word, or the user of this machine."""
    if inside_databricks_apps:
        return next((headers[name] for name in PERSON_HEADERS if headers.get(name)), "unknown person")
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a user id that has no name.
        return "local user"


def person_token(settings: Settings) -> Secret | None:
    """Return the person's own token where the proxy of Databricks Apps forwards it."""
    token = st.context.headers.get(TOKEN_HEADER) if settings.inside_databricks_apps else None
    return Secret(token) if token else None
