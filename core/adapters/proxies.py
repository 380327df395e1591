"""Which hosts are asked through a corporate proxy: what the environment says, read as the databricks-sdk reads it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.request import getproxies_environment

import httpx
from requests.utils import should_bypass_proxies

from core.errors import ConfigurationError
from core.model.secret import Secret

_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """The proxy for https (None for none), how to sign in there, and the names (NO_PROXY) that are asked without it."""

    url: httpx.URL | None = None
    authorization: Secret | None = None
    spared: str = ""

    def serves(self, host: str, port: int) -> bool:
        """Say whether this host is asked through the proxy."""
        return self.url is not None and not _is_spared(host, port, self.spared)

    @property
    def headers(self) -> dict[str, str]:
        """Return what the proxy gets to see besides the host that is asked for."""
        return {"Proxy-Authorization": self.authorization.reveal()} if self.authorization else {}

    @property
    def address(self) -> tuple[str, int] | None:
        """Return where the proxy is."""
        return None if self.url is None else (self.url.host, self.url.port or _PORTS[self.url.scheme])

    @property
    def words(self) -> str:
        """Name the proxy for people."""
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
        url = httpx.URL(text if "://" in text else f"http://{text}")
    except (ValueError, httpx.InvalidURL) as exc:
        raise _unusable(name) from exc
    if url.scheme not in _PORTS or not _HOST.fullmatch(url.host):
        raise _unusable(name)
    told = f"{url.username}:{url.password}" if url.userinfo else ""
    return Proxies(
        url=httpx.URL(scheme=url.scheme, host=url.host, port=url.port),
        authorization=Secret("Basic " + base64.b64encode(told.encode()).decode()) if told else None,
        spared=found.get("no", ""),
    )


def _unusable(name: str) -> ConfigurationError:
    # It does not repeat the text, which may hold a password.
    return ConfigurationError(
        f"{name} names a proxy that cannot be used.",
        code="proxy_unusable",
        remedy=f"Write {name} like http://proxy.example.com:3128; other kinds, such as SOCKS, are not supported.",
    )
