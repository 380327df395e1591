"""Keep requests to this machine away from a corporate proxy, which could not reach it and would see their tokens."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_OURSELVES = ("127.0.0.1", "localhost", "::1")


def spare_loopback(environ: MutableMapping[str, str] | None = None) -> None:
    """Name this machine in NO_PROXY where a proxy is set.

    The databricks-sdk asks through requests, which takes proxies from the environment and nowhere else.
    """
    env = os.environ if environ is None else environ
    if not any(env.get(name) or env.get(name.upper()) for name in _PROXIES):
        return
    # Small letters win in requests, so both have to say the same.
    listed = env.get("no_proxy") or env.get("NO_PROXY") or ""
    names = [part.strip() for part in listed.split(",") if part.strip()]
    if "*" not in names:
        names += [name for name in _OURSELVES if name not in names]
    env["NO_PROXY"] = env["no_proxy"] = ",".join(names)
