"""Who is looking, at a page or by program, and whether that person may change anything."""

from __future__ import annotations

import getpass
from collections.abc import Mapping

import streamlit as st

from core.access.authority import actor_for_page, objection_to_reading
from core.access.roles import NOT_LOOKED_UP, Listed
from core.model.change import Actor
from core.model.secret import Secret
from core.model.snapshot import Problem
from core.services import Services
from core.settings import Settings

# Set by the proxy of Databricks Apps. Anywhere else whoever connects could have written them, so nobody looks at them.
EMAIL_HEADER = "X-Forwarded-Email"
PERSON_HEADERS = (EMAIL_HEADER, "X-Forwarded-Preferred-Username", "X-Forwarded-User")
HOST_HEADER = "Host"
ADDRESS_HEADER = "X-Real-Ip"
# There with user authorization switched on; it is of the moment in which this tab connected.
TOKEN_HEADER = "X-Forwarded-Access-Token"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def current_actor(services: Services) -> Actor:
    """Return who acts in this session, by the headers of the connection that this run came over."""
    headers, settings = st.context.headers, services.settings
    inside = settings.inside_databricks_apps
    email = (headers.get(EMAIL_HEADER) or "").strip() if inside else ""
    return actor_for_page(
        user_name=person_name(headers, inside_databricks_apps=inside),
        bound_to_loopback=_is_bound_to_loopback(),
        host_header=headers.get(HOST_HEADER),
        inside_databricks_apps=inside,
        email=email,
        address=headers.get(ADDRESS_HEADER) if inside else st.context.ip_address or "127.0.0.1",
        listed=Listed(admins=settings.admins, operators=settings.operators),
        membership=services.membership(email, person_token(settings)) if email else NOT_LOOKED_UP,
    )


def objection_of_request(settings: Settings, headers: Mapping[str, str]) -> Problem | None:
    """Return why a request with these headers, made by no page, may not read; None when it may."""
    return objection_to_reading(
        inside_databricks_apps=settings.inside_databricks_apps,
        person=next((headers[name] for name in PERSON_HEADERS if headers.get(name)), None),
        bound_to_loopback=_is_bound_to_loopback(),
        host_header=headers.get(HOST_HEADER),
    )


def _is_bound_to_loopback() -> bool:
    return st.get_option("server.address") in _LOOPBACK


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
