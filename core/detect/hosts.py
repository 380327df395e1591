"""Read the workspace host and the gateway URL as somebody typed them; nothing here sends anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qsl

from core.catalog.clouds import AZURE_REGIONS, Zone, is_account_console, is_dedicated_gateway, zone_of
from core.detect.trust import TRUST_SETTING, Trust, may_receive_bearer
from core.detect.urls import UrlParts, bad_port, malformed, split_url
from core.errors import ConfigurationError
from core.model.gateway import Generation
from core.model.workspace import Cloud

HOST_SETTING = "DATABRICKS_HOST"
GATEWAY_SETTING = "DATABRICKS_GATEWAY_HOST"
WORKSPACE_GATEWAY_PATH = "/ai-gateway"
SERVING_PATH = "/serving-endpoints"

_AZURE_NAME = re.compile(r"adb-(?:dp-)?([0-9]+)\.[0-9]+\.")
_GCP_NAME = re.compile(r"([0-9]+)\.[0-9]+\.")
_WORKSPACE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_GENERATION_PATHS = {
    WORKSPACE_GATEWAY_PATH: Generation.WORKSPACE,
    SERVING_PATH: Generation.SERVING_ENDPOINTS,
}


class HostForm(StrEnum):
    """How a host names its workspace: by itself, or only together with an id in a header."""

    WORKSPACE = "workspace"
    REGIONAL = "regional"
    CUSTOM = "custom"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedHost:
    """A workspace host; `origin` has no trailing slash, `zone` None means that the name is not one of Databricks'."""

    origin: str
    scheme: str
    hostname: str
    port: int
    is_loopback: bool
    zone: Zone | None
    form: HostForm
    workspace_id_from_query: str | None = None
    workspace_id_from_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedGateway:
    """An explicit gateway; `base_url` has no trailing slash and may have a path."""

    base_url: str
    origin: str
    hostname: str
    generation: Generation


def parse_host(text: str, *, setting: str = HOST_SETTING) -> ParsedHost:
    """Return the workspace host that this text names; raises ConfigurationError when it names none."""
    parts = split_url(text, setting=setting)
    zone = _checked_zone(parts, setting)
    if is_dedicated_gateway(parts.hostname):
        raise ConfigurationError(
            f"{setting} names a gateway, not a workspace.",
            code="host_gateway",
            remedy=f"Set {setting} to the workspace URL, and {GATEWAY_SETTING} to this one if it must be used.",
        )
    return ParsedHost(
        origin=parts.origin,
        scheme=parts.scheme,
        hostname=parts.hostname,
        port=parts.port,
        is_loopback=parts.is_loopback,
        zone=zone,
        form=_form(parts.hostname, zone),
        workspace_id_from_query=_id_in_query(parts.query, setting),
        workspace_id_from_name=_id_in_name(parts.hostname, zone),
    )


def parse_gateway_url(text: str, workspace: ParsedHost, trust: Trust) -> ParsedGateway:
    """Return the gateway that this text names.

    The bare origin of a workspace means its /ai-gateway. Raises ConfigurationError for a URL that cannot be a gateway
    or may not receive the token.
    """
    parts = split_url(text, setting=GATEWAY_SETTING)
    zone = _checked_zone(parts, GATEWAY_SETTING)
    if parts.query:
        raise malformed(GATEWAY_SETTING, "has a query in it", "Remove everything from the ? on.")
    if objection := may_receive_bearer(parts.origin, trust):
        raise ConfigurationError(
            f"{GATEWAY_SETTING} may not receive a token: {objection}",
            code="gateway_untrusted",
            remedy=f"Correct it, unset it to find the gateway, or trust the host in {TRUST_SETTING}.",
        )
    path = re.sub("/+", "/", parts.path).rstrip("/")
    is_workspace = parts.origin == workspace.origin or zone is not None
    if not path and is_workspace and not is_dedicated_gateway(parts.hostname):
        path = WORKSPACE_GATEWAY_PATH
    return ParsedGateway(
        base_url=parts.origin + path,
        origin=parts.origin,
        hostname=parts.hostname,
        generation=_generation(parts, path, is_workspace=is_workspace),
    )


def _generation(parts: UrlParts, path: str, *, is_workspace: bool) -> Generation:
    if is_dedicated_gateway(parts.hostname):
        known = Generation.DEDICATED if not path else None
    elif is_workspace:
        known = _GENERATION_PATHS.get(path)
    else:
        # A host of the admin's own: its paths are those of a dedicated gateway, unless its path says otherwise.
        ending = "/" + path.rpartition("/")[2]
        known = _GENERATION_PATHS.get(ending, Generation.DEDICATED)
    if known is None:
        raise ConfigurationError(
            f"{GATEWAY_SETTING} has a path that is not a gateway's own.",
            code="gateway_path",
            remedy=f"End it at {WORKSPACE_GATEWAY_PATH} on a workspace, or at the host name of a dedicated gateway: "
            "each agent's own path is added to it.",
        )
    return known


def _checked_zone(parts: UrlParts, setting: str) -> Zone | None:
    if is_account_console(parts.hostname):
        raise ConfigurationError(
            f"{setting} is an account console, which is not a workspace.",
            code="host_account_console",
            remedy="Use the URL you see in the browser when you have a workspace open.",
        )
    zone = zone_of(parts.hostname)
    if zone is not None and parts.port != 443:
        raise bad_port(setting, parts.port)
    return zone


def _form(hostname: str, zone: Zone | None) -> HostForm:
    if zone is None:
        return HostForm.UNKNOWN
    label = hostname.removesuffix(zone.suffix)
    if zone.cloud is Cloud.AZURE and label in AZURE_REGIONS:
        return HostForm.REGIONAL
    # `acme.azuredatabricks.net`: real workspaces there have two labels, `adb-<id>.<n>`.
    if zone.custom or (zone.cloud is Cloud.AZURE and "." not in label):
        return HostForm.CUSTOM
    return HostForm.WORKSPACE


def _id_in_name(hostname: str, zone: Zone | None) -> str | None:
    if zone is None:
        return None
    pattern = {Cloud.AZURE: _AZURE_NAME, Cloud.GCP: _GCP_NAME}.get(zone.cloud)
    found = pattern.match(hostname) if pattern else None
    return found.group(1) if found else None


def _id_in_query(query: str, setting: str) -> str | None:
    """Return the workspace id of `?o=`; other parameters of a pasted link mean nothing here."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if query and (not pairs or any("=" not in part for part in query.split("&") if part)):
        raise malformed(setting, "has a query that is not one of a workspace link")
    ids = {value for name, value in pairs if name == "o"}
    if len(ids) > 1 or not all(_WORKSPACE_ID.fullmatch(value) for value in ids):
        raise malformed(setting, "has a ?o= that names no workspace id")
    return ids.pop() if ids else None
