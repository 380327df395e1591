"""The top edge of the pages: whatever goes wrong is logged with an id, and people read a sentence instead."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec

from core.errors import SwitchyardError
from core.model.snapshot import Problem
from pages.ui.messages import flash_problem, problem_box

logger = logging.getLogger(__name__)
P = ParamSpec("P")


@contextmanager
def shown_errors() -> Iterator[None]:
    """Show an error of this block as a box; the rest of the page goes on."""
    try:
        yield
    except Exception as error:
        problem_box(problem_of(error))


def reporting(callback: Callable[P, None]) -> Callable[P, None]:
    """Make a widget callback tell its error at the top of the next run instead of breaking it."""

    @functools.wraps(callback)
    def safely(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except Exception as error:
            flash_problem(problem_of(error))

    return safely


def show_unexpected(error: Exception) -> bool:
    """Show an error that no block caught, and keep Streamlit from showing its text."""
    problem_box(problem_of(error))
    return True


def problem_of(error: Exception) -> Problem:
    """Return what people read about an error; only our own errors have a text meant for them."""
    if isinstance(error, SwitchyardError):
        logger.warning("shown to a person: %s (%s)", error.message, error.code)
        return Problem(code=error.code, message=error.message, remedy=error.remedy)
    incident = secrets.token_hex(4)
    logger.error("unexpected error %s", incident, exc_info=error)
    return Problem(
        code="unexpected",
        message="Something went wrong here that should not have.",
        remedy=f"Reload the page. If it stays, look for {incident} in the log of this app.",
    )
