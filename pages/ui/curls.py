"""The same requests as the probes, for a terminal; the token stays in the reader's environment."""

from __future__ import annotations

import json
import shlex

from core.catalog.dialects import reach_body, request_headers, request_path
from core.catalog.redact import MASK
from core.model.choice import AgentChoice
from core.model.probe import ProbeResult
from core.model.snapshot import Snapshot


def workspace_curls(snapshot: Snapshot) -> list[tuple[str, str]]:
    """Return what detection asks the workspace, each with its title."""
    if snapshot.workspace is None:
        return []
    host = snapshot.workspace.host
    asked = (
        ("What the workspace says about itself", "/.well-known/databricks-config", False),
        ("Who the credential is", "/api/2.0/preview/scim/v2/Me", True),
        ("Serving endpoints", "/api/2.0/serving-endpoints", True),
    )
    return [(title, _curl(f"{host}{path}", token=token)) for title, path, token in asked]


def agent_curls(choice: AgentChoice) -> list[tuple[str, str]]:
    """Return one request per slot of an agent, as the agent would send it."""
    curls = []
    for slot in choice.slots:
        base, dialect = slot.base_url or choice.base_url, slot.dialect or choice.dialect
        if base is None or dialect is None or slot.model is None:
            continue
        url = base + request_path(dialect, base, slot.model)
        body = json.dumps(reach_body(dialect, slot.model))
        curls.append((slot.slot, _curl(url, headers=request_headers(dialect), body=body)))
    return curls


def evidence_curl(result: ProbeResult) -> str:
    """Return the request of a verdict as it was sent, without its credential."""
    evidence, dialect = result.evidence, result.route.dialect
    headers = dict(evidence.request_headers if evidence else {}) or request_headers(dialect)
    body = evidence.request_body if evidence else ""
    return _curl(result.url, headers=headers, body=body or json.dumps(reach_body(dialect, result.route.model)))


def _curl(url: str, *, headers: dict[str, str] | None = None, body: str | None = None, token: bool = True) -> str:
    parts = [f"curl -sS -i {shlex.quote(url)}"]
    if token:
        parts.append('-H "Authorization: Bearer $DATABRICKS_TOKEN"')
    for name, value in (headers or {}).items():
        # Some agents send the token a second time under a name of their own.
        parts.append(f'-H "{name}: $DATABRICKS_TOKEN"' if value == MASK else f"-H {shlex.quote(f'{name}: {value}')}")
    if body is not None:
        parts.append(f"-d {shlex.quote(body)}")
    return " \\\n  ".join(parts)
