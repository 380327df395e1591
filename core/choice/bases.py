"""Give an agent its base URL on a gateway, and recognise which generation a base URL belongs to."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from core.catalog.clouds import is_dedicated_gateway, zone_of
from core.model.agent import AgentSpec, Dialect
from core.model.gateway import Gateway, Generation

_PATHS = {"ai-gateway": Generation.WORKSPACE, "serving-endpoints": Generation.SERVING_ENDPOINTS}


def agent_base_url(spec: AgentSpec, dialect: Dialect | None, gateway: Gateway | None) -> str | None:
    """Return what this agent is configured with for this dialect; None when there is no such route."""
    if dialect is None or gateway is None or gateway.base_url is None or gateway.generation is None:
        return None
    path = spec.bases.get((gateway.generation, dialect))
    return None if path is None else gateway.base_url + path


def generation_of(base_url: str, gateway: Gateway | None) -> Generation | None:
    """Return the generation of a base URL that an agent has stored; None for a host that is not of Databricks."""
    base = gateway.base_url if gateway else None
    if gateway and base and (base_url == base or base_url.startswith(base + "/")):
        return gateway.generation
    stored = _split(base_url)
    if stored is None or not stored.hostname:
        return None
    if zone_of(stored.hostname) is None and not _is_same_origin(stored, _split(base or "")):
        return None
    if is_dedicated_gateway(stored.hostname):
        return Generation.DEDICATED
    return _PATHS.get(stored.path.strip("/").partition("/")[0])


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        # Reading the port is what finds a port that is none.
        return parts if parts.port is None or parts.port >= 0 else None
    except ValueError:
        return None


def _is_same_origin(one: SplitResult, other: SplitResult | None) -> bool:
    return other is not None and (one.scheme, one.netloc.lower()) == (other.scheme, other.netloc.lower())
