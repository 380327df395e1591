"""Which hosts are asked through a corporate proxy: what the environment says, read as the databricks-sdk reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.request import getproxies_environment

import httpx
from requests.utils import should_bypass_proxies

from core.errors import ConfigurationError

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The proxy for https, None for none, and the names (NO_PROXY) that are asked without it."""

    proxy: httpx.Proxy | None = None
    spared: str = ""

    def proxy_for(self, host: str, port: int) -> httpx.Proxy | None:
        """Return the proxy that this host is asked through."""
        return None if self.proxy is None or _is_spared(host, port, self.spared) else self.proxy

    @property
    def address(self) -> tuple[str, int] | None:
        """Return where the proxy is."""
        if self.proxy is None:
            return None
        url = self.proxy.url
        return url.host, url.port or _PORTS[url.scheme]

    @property
    def words(self) -> str:
        """Name the proxy for people, without its password."""
        return "{}:{}".format(*self.address) if self.address else ""


@lru_cache(maxsize=1024)
def _is_spared(host: str, port: int, spared: str) -> bool:
    """Say whether NO_PROXY names this host, as the databricks-sdk would have it, which asks through requests."""
    name = f"[{host}]" if ":" in host else host
    return bool(spared) and bool(should_bypass_proxies(f"https://{name}:{port}", spared))


def environment_proxies(environ: Mapping[str, str] | None = None) -> Proxies:
    """Return what HTTPS_PROXY, ALL_PROXY and NO_PROXY say; raises ConfigurationError for a proxy that is none."""
    found = getproxies_environment() if environ is None else dict(environ)
    name = "HTTPS_PROXY" if found.get("https") else "ALL_PROXY"
    text = (found.get("https") or found.get("all") or "").strip()
    if not text:
        return Proxies()
    try:
        proxy = httpx.Proxy(text if "://" in text else f"http://{text}")
    except (ValueError, httpx.InvalidURL) as exc:
        raise _unusable(name) from exc
    if proxy.url.scheme not in _PORTS or not proxy.url.host:
        raise _unusable(name)
    return Proxies(proxy=proxy, spared=found.get("no", ""))


def _unusable(name: str) -> ConfigurationError:
    # It does not repeat the text, which may hold a password.
    return ConfigurationError(
        f"{name} names a proxy that cannot be used.",
        code="proxy_unusable",
        remedy=f"Write {name} like http://proxy.example.com:3128; other kinds, such as SOCKS, are not supported.",
    )
