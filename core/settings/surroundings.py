"""Read what surrounds the process and is no setting of ours: proxy and certificate variables, installed versions."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
BUNDLE_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")

Version = tuple[int, ...]
# From, and below: the ranges of requirements.txt, and the oldest Python of Databricks Apps. None: no upper bound.
RANGES: Mapping[str, tuple[Version, Version | None]] = {
    "python": ((3, 11), None),
    "streamlit": ((1, 67), (2,)),
    "databricks-sdk": ((0, 150), (1,)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What is in force: variables with what may be shown of them, bundles that are no file, versions (None: absent)."""

    variables: Mapping[str, str] = field(default_factory=dict)
    absent_bundles: frozenset[str] = frozenset()
    versions: Mapping[str, str | None] = field(default_factory=dict)


def read_surroundings(environ: Mapping[str, str] | None = None) -> Surroundings:
    """Return what surrounds this process; a proxy's user and password are left out."""
    env = os.environ if environ is None else environ
    proxies = {name: value for name in PROXY_VARIABLES if (value := env.get(name) or env.get(name.lower()))}
    bundles = {name: env[name] for name in BUNDLE_VARIABLES if env.get(name)}
    return Surroundings(
        variables={name: value if name == "NO_PROXY" else _shown(value) for name, value in proxies.items()} | bundles,
        absent_bundles=frozenset(name for name, path in bundles.items() if not Path(path).is_file()),
        versions={name: _version(name) for name in RANGES},
    )


def is_within(name: str, found: str) -> bool:
    """Say whether a version is in the range that was tested; what cannot be read as one is not."""
    low, high = RANGES[name]
    numbers = _numbers(found)
    return numbers >= low and (high is None or numbers < high)


def range_text(name: str) -> str:
    """Return a range for people."""
    low, high = (".".join(map(str, bound)) if bound else "" for bound in RANGES[name])
    return f"{low} or newer, below {high}" if high else f"{low} or newer"


def _numbers(text: str) -> Version:
    numbers: list[int] = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)


def _version(name: str) -> str | None:
    if name == "python":
        return platform.python_version()
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _shown(proxy: str) -> str:
    """Return host and port of a proxy; a password may hold any character, so the last @ is the one that counts."""
    return proxy.partition("://")[2].rpartition("@")[2].split("/")[0] or proxy.rpartition("@")[2].split("/")[0]
