"""The command line: parse, call the same functions as the pages, print one document or readable text, exit."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import click

from core.cli.audit import audit
from core.cli.common import BAD_NEWS, FINE, WRONG_USAGE, exit_code_of, fail
from core.cli.deploy import check, grants
from core.cli.record import sweep
from core.cli.see import models, probe, status, targets
from core.cli.switch import apply, changes, export, plan, revert_expired, rollback
from core.cli.trust import trust
from core.errors import SwitchyardError
from core.model.snapshot import Problem
from core.settings import DEFAULT_SCENE, SCENES
from core.simulator.standalone import run_simulator

_DEFAULT_PORT = 8099


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; with --json, stdout carries exactly one document in every case."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    as_json = "--json" in argv
    try:
        result = commands.main(args=list(argv), prog_name="python -m core", standalone_mode=False)
        return result if isinstance(result, int) else FINE
    except click.ClickException as exc:
        problem = Problem(code="usage", message=exc.format_message(), remedy="See: python -m core --help")
        return fail(problem, WRONG_USAGE, as_json=as_json)
    except click.Abort:
        return fail(Problem(code="aborted", message="Stopped.", remedy=""), BAD_NEWS, as_json=as_json)
    except SwitchyardError as exc:
        problem = Problem(code=exc.code, message=exc.message, remedy=exc.remedy)
        return fail(problem, exit_code_of(exc), as_json=as_json)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """See, prove and switch what your coding agents run on."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=_DEFAULT_PORT, show_default=True)
@click.option("--scene", type=click.Choice(SCENES), default=DEFAULT_SCENE, show_default=True)
def simulate(port: int, scene: str) -> int:
    """Run the simulated workspace alone, until interrupted."""
    run_simulator(scene, port, click.echo)
    return FINE


for _command in (
    status,
    probe,
    sweep,
    models,
    targets,
    plan,
    apply,
    rollback,
    revert_expired,
    changes,
    audit,
    export,
    check,
    grants,
    trust,
    simulate,
):
    commands.add_command(_command)
