"""Decide which URLs may receive a bearer token: Databricks' zones, the configured workspace, hosts an admin trusts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from core.catalog.clouds import zone_of
from core.detect.addresses import Reach, objection_to_address
from core.detect.urls import DEFAULT_PORTS, UrlParts, names_this_machine, split_url
from core.errors import ConfigurationError
from core.model.trust import RefusedHost, TrustedHost

TRUST_SETTING = "SWITCHYARD_TRUSTED_HOSTS"
_URL = "The URL"
_PRIVATE = "=private"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """The origins that may receive bearers besides Databricks' own zones.

    `private_origins` are those of the trusted ones whose addresses may be private; of the others only public ones are
    connected to.
    """

    workspace_origin: str | None = None
    trusted_origins: frozenset[str] = frozenset()
    private_origins: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustView:
    """Which hosts may receive tokens: those of the settings, and those that admins trust here; and which were refused.

    `problem` says why it is not known whom admins trust. `proxy` names the proxy that resolves names in our place, if
    there is one.
    """

    settings: Trust
    hosts: tuple[TrustedHost, ...] = ()
    refused: tuple[RefusedHost, ...] = ()
    problem: str = ""
    proxy: str = ""


def make_trust(workspace_origin: str | None, trusted_hosts: Iterable[str] = ()) -> Trust:
    """Return the trust of these settings; raises ConfigurationError for an entry that names no host."""
    origins, private = set[str](), set[str]()
    for entry in trusted_hosts:
        host = entry.strip().removesuffix(_PRIVATE)
        found = trusted_origins(host, setting=TRUST_SETTING)
        origins.update(found)
        if host != entry.strip():
            private.update(found)
    return Trust(
        workspace_origin=workspace_origin, trusted_origins=frozenset(origins), private_origins=frozenset(private)
    )


def with_hosts(trust: Trust, hosts: Iterable[TrustedHost]) -> Trust:
    """Return the trust with what admins trusted besides."""
    listed = tuple(hosts)
    return replace(
        trust,
        trusted_origins=trust.trusted_origins | {host.origin for host in listed},
        private_origins=trust.private_origins | {host.origin for host in listed if host.private},
    )


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


def objection_to_connecting(host: str, port: int, address: str, trust: Trust) -> str | None:
    """Return why a connection to this host may not go to this address, None when it may.

    Who owns a name decides where it leads, and may have it lead elsewhere at any time (DNS rebinding), so the address
    is looked at whenever a connection is made. Databricks' own names and the workspace may be private (Private Link).
    """
    return objection_to_address(host, address, _reach(host.lower().removesuffix("."), port, trust))


def _reach(host: str, port: int, trust: Trust) -> Reach:
    if names_this_machine(host):
        return Reach.LOOPBACK
    origin = f"https://{host}" + ("" if port == DEFAULT_PORTS["https"] else f":{port}")
    is_private = zone_of(host) is not None or origin == trust.workspace_origin or origin in trust.private_origins
    return Reach.PRIVATE if is_private else Reach.PUBLIC


def origin_to_trust(url: str) -> str:
    """Return whom trusting would let a URL's tokens go to, for people; never what could hold a token itself."""
    try:
        return split_url(_head(url) or "", setting=_URL).origin
    except ConfigurationError:
        return "a URL that names no host"


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


def trusted_origins(entry: str, *, setting: str) -> tuple[str, ...]:
    """Return the origins that an entry means: both schemes for a loopback host without one.

    Raises ConfigurationError for what names no whole host; `setting` is who is to blame in its sentence.
    """
    parts = split_url(entry, setting=setting)
    if parts.path.strip("/") or parts.query:
        raise ConfigurationError(
            f"{setting} holds an entry with a path; trust is given to whole hosts.",
            code="trusted_host_malformed",
            remedy="Write each entry as a host name, or as host:port.",
        )
    if not parts.is_loopback:
        return (parts.origin,)
    if "://" in entry:
        return (parts.origin,)
    return _loopback_origins(parts, entry, setting)


def _loopback_origins(parts: UrlParts, entry: str, setting: str) -> tuple[str, ...]:
    if not entry.strip().removesuffix("/").endswith(f":{parts.port}"):
        raise ConfigurationError(
            f"{setting} trusts a loopback host without its port, which would trust every program here.",
            code="trusted_host_malformed",
            remedy=f"Write it with its port, like {parts.hostname}:8080.",
        )
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return tuple(
        f"{scheme}://{name}" + ("" if port == parts.port else f":{parts.port}")
        for scheme, port in DEFAULT_PORTS.items()
    )
