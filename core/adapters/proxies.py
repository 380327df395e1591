"""The way out that the environment names for a host: HTTPS_PROXY, ALL_PROXY and NO_PROXY, as others read them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Proxy:
    """A proxy that opens a tunnel to a host; its URL may hold a password, so nothing shows it."""

    url: str

    @property
    def host(self) -> str:
        """Return the name or address of the proxy itself."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """Return where it listens."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_secure(self) -> bool:
        """Say whether it is spoken to over TLS itself."""
        return urlsplit(self.url).scheme == "https"

    @property
    def bare_url(self) -> str:
        """Return the URL without the user and the password, which go into a header."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def headers(self) -> dict[str, str]:
        """Return what names us to the proxy."""
        parts = urlsplit(self.url)
        if not parts.username:
            return {}
        word = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return {"Proxy-Authorization": f"Basic {b64encode(word.encode()).decode()}"}

    def asking_for(self, host: str, port: int) -> bytes:
        """Return the request for a tunnel to a host."""
        lines = [f"CONNECT {host}:{port} HTTP/1.1", f"Host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


def named_proxies() -> Mapping[str, str]:
    """Return what the environment says about proxies, small letters before large ones."""
    return getproxies_environment()


def proxy_for(named: Mapping[str, str], host: str, port: int) -> Proxy | None:
    """Return the proxy for an https host, None for one that is asked without."""
    url = named.get("https") or named.get("all")
    if not url or proxy_bypass(f"{host}:{port}"):
        return None
    return Proxy(url=url if "://" in url else f"http://{url}")
