"""What the tests of the agents' forms share."""

from __future__ import annotations

from pathlib import Path

from core.adapters.agents.form import AgentForm, Contents, FileEdit
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse, SlotRouting

GOLDEN = Path(__file__).parent / "golden"
GATEWAY = "https://1234567890123456.ai-gateway.cloud.databricks.com"


def to(path: str, dialect: Dialect) -> SlotRouting:
    return SlotRouting(base_url=GATEWAY + path, dialect=dialect)


def asked(
    agent: AgentId,
    slots: dict[str, str | None],
    routing: dict[str, SlotRouting] | None = None,
    *,
    credential: CredentialUse = CredentialUse.KEEP,
) -> ChangeRequest:
    return ChangeRequest(agent=agent, target=f"file:{agent}", slots=slots, routing=routing or {}, credential=credential)


def nothing(form: AgentForm) -> Contents:
    return dict.fromkeys(form.files)


def after(contents: Contents, edit: FileEdit) -> Contents:
    return {**contents, **edit.contents}


def golden(form: AgentForm, name: str, edit: FileEdit) -> None:
    """Compare an edit that makes a new config with the files kept for it."""
    folder = GOLDEN / name
    kept = {
        path.name.replace("dot", "", 1) if path.name.startswith("dot.") else path.name: path.read_bytes()
        for path in folder.iterdir()
    }
    assert dict(edit.contents) == kept
