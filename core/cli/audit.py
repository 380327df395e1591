"""The command that shows, checks and exports the audit."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import click

from core import documents, texts
from core.cli.common import BAD_NEWS, FINE, Reply, json_option, run
from core.errors import ConfigurationError
from core.history.audit_export import AuditForm, plain
from core.history.audit_trail import export_text, verify_all
from core.history.chain import fields_of, head_named
from core.model.audit import AuditEvent, ChainHead, ChainVerdict
from core.model.snapshot import Problem
from core.ports.store import AuditStore
from core.session import Session

_BROKEN = "Keep the database as it is, compare it with an earlier export (--against), and find out who can write it."


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many to list.")
@click.option("--verify", is_flag=True, help="Check that no event was edited, removed or inserted; 1 when one was.")
@click.option("--against", metavar="HEAD|FILE", help="Check against a head noted earlier, or an earlier JSONL export.")
@click.option("--export", "form", type=click.Choice([form.value for form in AuditForm]), help="Print all events.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Export to this new file.")
@json_option
def audit(
    *, limit: int, verify: bool, against: str | None, form: str | None, output: Path | None, as_json: bool
) -> int:
    """List who did what, newest first; refused attempts too."""
    if output is not None and form is None:
        raise ConfigurationError(
            "--output says where, but not what.", code="usage", remedy="Add --export jsonl or csv."
        )
    if as_json and form is not None and output is None:
        raise ConfigurationError(
            "With --json there is one document on stdout.", code="usage", remedy="Export to a file: --output FILE."
        )
    known = _heads(against) if against is not None else ()

    async def work(session: Session) -> Reply:
        store = session.audit
        verdict = verify_all(store, known=known) if verify or known else None
        if form is not None:
            return _export_reply(store, AuditForm(form), output, verdict)
        return _list_reply(store, limit, verdict)

    return run(work, as_json=as_json)


def _list_reply(store: AuditStore, limit: int, verdict: ChainVerdict | None) -> Reply:
    events = store.events(limit=limit)
    body = {"events": [_document(event) for event in events]}
    return _reply(body, _table(events), store.head(), verdict)


def _export_reply(store: AuditStore, form: AuditForm, output: Path | None, verdict: ChainVerdict | None) -> Reply:
    text, head = export_text(store, form), store.head()
    if output is None:
        problem = _problem(verdict)
        return Reply(body={}, text=text.rstrip("\r\n"), problem=problem, exit_code=BAD_NEWS if problem else FINE)
    _write(output, text)
    return _reply({"export": str(output)}, f"Written to {output}.", head, verdict)


def _reply(body: documents.Document, text: str, head: ChainHead | None, verdict: ChainVerdict | None) -> Reply:
    problem = _problem(verdict)
    named = None if head is None else {"sequence": head.sequence, "hash": head.hash}
    lines = [text, ""] if text else []
    lines.append(f"Head: {head}" if head is not None else "Nothing is recorded yet.")
    if verdict is not None:
        lines.append(_verdict_text(verdict))
    return Reply(
        body={**body, "head": named, "verification": None if verdict is None else _verdict_document(verdict)},
        text="\n".join(lines),
        problem=problem,
        exit_code=BAD_NEWS if problem else FINE,
    )


def _problem(verdict: ChainVerdict | None) -> Problem | None:
    if verdict is None or verdict.is_intact:
        return None
    return Problem(code="audit_broken", message=f"The audit is broken. {verdict.message}", remedy=_BROKEN)


def _verdict_text(verdict: ChainVerdict) -> str:
    if verdict.is_intact:
        return f"Intact: {verdict.count} events, each as it was recorded."
    return f"Broken: {verdict.message} Before that, {verdict.count} events are as they were recorded."


def _verdict_document(verdict: ChainVerdict) -> documents.Document:
    return {
        "intact": verdict.is_intact,
        "events": verdict.count,
        "breach": verdict.breach,
        "sequence": verdict.at,
        "message": verdict.message,
    }


def _document(event: AuditEvent) -> documents.Document:
    return {**fields_of(event), "refused": event.is_refused}


def _table(events: Sequence[AuditEvent]) -> str:
    rows: list[tuple[str, ...]] = [("at", "who", "role", "address", "from", "what", "target", "outcome", "reason")]
    for event in events:
        at = event.at.strftime("%Y-%m-%d %H:%M:%SZ")
        outcome = f"refused: {event.outcome}" if event.is_refused else event.outcome
        who = (event.actor, event.role or "-", event.address or "-", event.origin)
        cells = (*who, event.action, event.target, outcome, event.reason)
        rows.append((at, *map(plain, cells)))
    return texts.table(rows) if events else ""


def _heads(text: str) -> tuple[ChainHead, ...]:
    """Return what an earlier look has seen: one head, or the last line of an export."""
    try:
        return (head_named(text),)
    except ValueError:
        pass
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
        return (head_named(next(line for line in reversed(lines) if line.strip())),)
    except (OSError, ValueError, StopIteration, json.JSONDecodeError) as exc:
        raise ConfigurationError(
            "--against is neither a head nor an export of the audit.",
            code="usage",
            remedy="Give NUMBER:HASH as the audit shows it, or a file made with --export jsonl.",
        ) from exc


def _write(path: Path, text: str) -> None:
    """Write a file that does not exist yet, readable by its owner only."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as exc:
        raise ConfigurationError(
            f"The export cannot be written: {exc.strerror}.",
            code="output_unwritable",
            remedy="Name a file that does not exist yet, in a folder that you may write.",
        ) from exc
