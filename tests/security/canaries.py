"""Tokens that nobody may ever see again, a workspace that repeats them, and a scanner that finds them anywhere."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

from core.model.agent import Dialect
from core.model.secret import Secret
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.homes import agent_files
from core.simulator.scenes import Scene, TokenState, scene_named
from core.simulator.server import SimulatedWorkspace


class Canary(StrEnum):
    """Each has what encodings change, looks like no token of anybody, and shares no half with another."""

    DASHBOARD = "cnry-Bo4rd+0a7Zq/9.Xw71-eF=="
    STORED = "cnry-St0re+1b8Yp/8.Vu62-dG=="
    DEAD = "cnry-D3add+2c9Xo/7.Ts53-cH=="
    ONE_PROBE = "cnry-0nce0+3d0Wn/6.Sr44-bI=="
    PERSON = "cnry-P3rsn+4e1Vm/5.Rq35-aJ=="
    HOOK = "cnry-H0ok0+5f2Ul.4.Qp26-zK9"


# Where each of them is meant to be.
_STATES = {
    TokenState.LIVE: Canary.DASHBOARD,
    TokenState.AGENT: Canary.STORED,
    TokenState.ROTATED: Canary.DEAD,
    TokenState.NARROW: Canary.PERSON,
    TokenState.SERVICE_PRINCIPAL: Canary.ONE_PROBE,
}
_HALF = 12


def writings(text: str) -> Mapping[str, bytes]:
    """Return the ways in which a token may be written down, and what is left of it where it is cut in half."""
    found = {
        "as it is": text,
        "its first half": text[:_HALF],
        "its second half": text[-_HALF:],
        "for a URL": quote(text, safe=""),
        "for a path": quote(text),
        "as bytes of a URL": "".join(f"%{ord(character):02x}" for character in text),
        "in JSON": text.replace("/", "\\/"),
        "in careful JSON": "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in text),
        "in JSON of escapes": "".join(f"\\u{ord(character):04x}" for character in text),
        "in HTML": "".join(c if c.isalnum() else f"&#{ord(c)};" for c in text),
        "in hexadecimal HTML": "".join(c if c.isalnum() else f"&#x{ord(c):x};" for c in text),
        "in hexadecimal": text.encode().hex(),
        "in UTF-16": text.encode("utf-16-le").decode("latin-1"),
    }
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + text.encode())
        # What is around the token changes what is at the edges.
        core = whole[-(-shift * 8 // 6) : (shift + len(text)) * 8 // 6].decode()
        found[f"in Base64, moved by {shift}"] = core
        found[f"in Base64 of URLs, moved by {shift}"] = core.replace("+", "-").replace("/", "_")
    return {name: written.lower().encode("latin-1") for name, written in found.items()}


_WRITINGS = {canary: writings(canary.value) for canary in Canary}


def leaks(surfaces: Mapping[str, bytes | str], *, but: Iterable[Canary] = ()) -> list[str]:
    """Return which canary is seen where, in whatever form and letter case; those in `but` are meant to be there."""
    found = []
    for where, content in surfaces.items():
        raw = (content.encode() if isinstance(content, str) else content).lower()
        found += [
            f"{canary.name} {how} in {where}"
            for canary in set(Canary) - set(but)
            for how, written in _WRITINGS[canary].items()
            if written in raw
        ]
    return sorted(found)


def files_below(*folders: Path) -> dict[str, bytes]:
    """Return the bytes of every file, a database's and its journal's among them."""
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def canary_workspace(name: str = "incident") -> SimulatedWorkspace:
    """Return a workspace whose tokens are canaries, not started yet."""
    scene = scene_named(name)
    return SimulatedWorkspace(replace(scene, tokens={state: Secret(text.value) for state, text in _STATES.items()}))


def let_repeat(workspace: SimulatedWorkspace) -> None:
    """Make the workspace repeat tokens: in errors, headers, streams, names of models, listings and refusals of apps."""
    error, echo = Behaviour.ECHO_IN_ERROR, Behaviour.ECHO
    workspace.faults.add(
        FaultRule(fault=error, dialect=Dialect.OPENAI_CHAT),
        FaultRule(fault=error, dialect=Dialect.GEMINI_GENERATE),
        FaultRule(fault=echo, dialect=Dialect.ANTHROPIC_MESSAGES),
        FaultRule(fault=echo, dialect=Dialect.OPENAI_RESPONSES),
        FaultRule(fault=echo, path="/api/2.0/serving-endpoints"),
        FaultRule(fault=error, path="/api/2.1/unity-catalog"),
        FaultRule(fault=error, path="/api/2.0/apps"),
        FaultRule(fault=error, path="/ai-gateway/anthropic/v1/models"),
    )


def lay_configs(workspace: SimulatedWorkspace, home: Path) -> frozenset[Path]:
    """Write the agents' configs, which hold their own tokens and lead to this workspace; return the files."""
    scene: Scene = workspace.scene
    paths = set()
    for file in agent_files(scene):
        path = home / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.content.replace(scene.host, workspace.http_origin), encoding="utf-8")
        path.chmod(0o600)
        paths.add(path)
    return frozenset(paths)


ALERTS = """
[channels.ops]
kind = "slack"
url_env = "CANARY_HOOK"

[channels.pager]
kind = "webhook"
url_env = "CANARY_HOOK"
secret_env = "CANARY_KEY"

[[rules]]
name = "everybody"
channels = ["ops", "pager"]
"""
