"""What the tests with real agents share: our config in an empty home, one prompt, and what the workspace was asked."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from core.adapters.agents import FORMS
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse, SlotRouting
from core.simulator.scenes import TokenState
from core.simulator.server import SimulatedWorkspace


def lay(home: Path, agent: AgentId, way: SlotRouting, slots: Mapping[str, str | None]) -> None:
    """Write the config that an export or a first switch makes."""
    form = FORMS[agent]
    request = ChangeRequest(
        agent=agent,
        target=f"file:{agent}",
        slots=slots,
        credential=CredentialUse.ENVIRONMENT,
        routing=dict.fromkeys(slots, way),
    )
    for name, content in form.edit(dict.fromkeys(form.files), request).contents.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)


def way_of(workspace: SimulatedWorkspace, path: str, dialect: Dialect) -> SlotRouting:
    """Return the way to a path of the workspace's gateway."""
    return SlotRouting(base_url=f"{workspace.http_origin}/ai-gateway{path}", dialect=dialect)


def say_hi(
    home: Path, workspace: SimulatedWorkspace, command: Sequence[str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """Let an agent answer one prompt; its token is the one that its environment names."""
    return subprocess.run(
        list(command),
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "DATABRICKS_TOKEN": workspace.scene.token.reveal(),
            **environment,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def asked(workspace: SimulatedWorkspace, path: str) -> list[str | None]:
    """Return the models that were asked for on a path, in their order; each with the token that was named."""
    found = [one for one in workspace.requests.all() if one.path == path]
    assert {one.token for one in found} <= {TokenState.LIVE}
    return [one.model for one in found]
