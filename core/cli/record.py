"""The command that remembers: sweep, for a schedule beside the dashboard or in its place."""

from __future__ import annotations

from contextlib import nullcontext

import click

from core import documents, texts
from core.cli.common import BAD_NEWS, FINE, Reply, exit_code_of_detection, json_option, run
from core.errors import StoreError
from core.model.probe import Depth, Health
from core.model.snapshot import Problem
from core.session import Recorded, Session


@click.command()
@click.option("--record", is_flag=True, help="Keep the verdicts in history.")
@click.option(
    "--depth", type=click.Choice([depth.value for depth in Depth]), default=Depth.REACH.value, show_default=True
)
@click.option("--even-if-watched", is_flag=True, help="Record even though a dashboard watches the same routes.")
@json_option
def sweep(*, record: bool, depth: str, even_if_watched: bool, as_json: bool) -> int:
    """Look at every route of the enabled agents once, and exit."""

    async def work(session: Session) -> Reply:
        guard = session.leading(even_if_watched=even_if_watched) if record else nullcontext()
        async with guard:
            seen, report = await session.sweep(Depth(depth))
            recorded, unkept = await _kept(session) if record else (None, None)
        silent = session.not_probed(seen, ())
        body = documents.probe_document(
            report.results, duration_ms=report.duration_ms, requests_sent=report.requests_sent, tokens=report.tokens
        )
        body |= {"cost": report.cost, "budget": report.budget, "recorded": _document(recorded)}
        body["results"] += [documents.not_probed_document(choice, health) for choice, health in silent]
        bad = unkept is not None or any(result.health is not Health.HEALTHY for result in report.results)
        return Reply(
            body=body,
            text="\n".join([texts.probe_text(report, silent), _text(recorded)]).rstrip(),
            problem=documents.problem_of(seen) or unkept,
            exit_code=exit_code_of_detection(seen) or (BAD_NEWS if bad else FINE),
        )

    return run(work, as_json=as_json)


async def _kept(session: Session) -> tuple[Recorded | None, Problem | None]:
    """Keep what the sweep left behind; what was seen is told even when it cannot be kept."""
    try:
        return await session.keep(), None
    except StoreError as exc:
        return None, Problem(code=exc.code, message=exc.message, remedy=exc.remedy)


def _document(recorded: Recorded | None) -> documents.Document | None:
    if recorded is None:
        return None
    return {
        "batch": recorded.batches[-1].id if recorded.batches else None,
        "checks": sum(len(batch.checks) for batch in recorded.batches),
        "transitions": sum(len(batch.transitions) for batch in recorded.batches),
        "incidents": len({incident.id for batch in recorded.batches for incident in batch.incidents}),
        "place": recorded.place,
    }


def _text(recorded: Recorded | None) -> str:
    if recorded is None:
        return ""
    checks = sum(len(batch.checks) for batch in recorded.batches)
    return f"{checks} checks recorded: {recorded.place}"
