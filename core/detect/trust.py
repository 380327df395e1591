"""Decide which URLs may receive a bearer token: Databricks' zones, the configured workspace, hosts an admin trusts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

from core.catalog.clouds import zone_of
from core.detect.urls import DEFAULT_PORTS, UrlParts, split_url
from core.errors import ConfigurationError

TRUST_SETTING = "SWITCHYARD_TRUSTED_HOSTS"
_URL = "The URL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The origins that may receive bearers besides Databricks' own zones."""

    workspace_origin: str | None = None
    trusted_origins: frozenset[str] = frozenset()


def make_trust(workspace_origin: str | None, trusted_hosts: Iterable[str] = ()) -> Trust:
    """Return the trust of these settings; raises ConfigurationError for an entry that names no host."""
    origins = (origin for entry in trusted_hosts for origin in _origins(entry))
    return Trust(workspace_origin=workspace_origin, trusted_origins=frozenset(origins))


def may_receive_bearer(url: str, trust: Trust) -> str | None:
    """Return None when this URL may receive a bearer, else the reason why not, in one sentence."""
    head = _head(url)
    if head is None:
        return "The URL does not start with https:// and a host name."
    try:
        parts = split_url(head, setting=_URL)
    except ConfigurationError as exc:
        return exc.message
    if parts.origin == trust.workspace_origin or parts.origin in trust.trusted_origins:
        return None
    if parts.is_loopback:
        return f"{parts.origin} is on this machine, but it is neither the configured workspace nor trusted by name."
    if zone_of(parts.hostname) is None:
        return f"{parts.hostname} is neither a Databricks host nor the configured workspace nor trusted by name."
    if parts.port != DEFAULT_PORTS["https"]:
        return f"{parts.hostname} may receive a token on port 443 only, not on {parts.port}."
    return None


def _head(url: str) -> str | None:
    """Return scheme and authority; None when they are not plainly there.

    Only they decide who receives a request. What follows the first slash may be anything, a model's name for example.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in DEFAULT_PORTS:
        return None
    authority = rest.partition("/")[0].partition("?")[0]
    # A percent sign or a stray character would be read in different ways by different libraries.
    return f"{scheme}://{authority}" if authority and authority == unquote(authority) == authority.strip() else None


def _origins(entry: str) -> tuple[str, ...]:
    parts = split_url(entry, setting=TRUST_SETTING)
    if parts.path.strip("/") or parts.query:
        raise ConfigurationError(
            f"{TRUST_SETTING} holds an entry with a path; trust is given to whole hosts.",
            code="trusted_host_malformed",
            remedy="Write each entry as a host name, or as host:port.",
        )
    if not parts.is_loopback:
        return (parts.origin,)
    if "://" in entry:
        return (parts.origin,)
    return _loopback_origins(parts, entry)


def _loopback_origins(parts: UrlParts, entry: str) -> tuple[str, ...]:
    if not entry.strip().removesuffix("/").endswith(f":{parts.port}"):
        raise ConfigurationError(
            f"{TRUST_SETTING} trusts a loopback host without its port, which would trust every program here.",
            code="trusted_host_malformed",
            remedy=f"Write it with its port, like {parts.hostname}:8080.",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return tuple(
        f"{scheme}://{name}" + ("" if port == parts.port else f":{parts.port}")
        for scheme, port in DEFAULT_PORTS.items()
    )
