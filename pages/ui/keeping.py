"""How history is being kept, said only when something about it must be known."""

from __future__ import annotations

from collections.abc import Iterator

import streamlit as st

from core.model.history import Keeping
from pages.ui.formats import escape, plural


def show_keeping(keeping: Keeping) -> None:
    """Show what is wrong or not durable about history, one line each; nothing when it is as it should be."""
    for line in keeping_lines(keeping):
        if keeping.problem and line.startswith("**History"):
            st.warning(line, icon=":material/database_off:")
        else:
            st.caption(f":material/info: {line}")


def keeping_lines(keeping: Keeping) -> tuple[str, ...]:
    """Return the lines as Markdown."""
    return tuple(_lines(keeping))


def _lines(keeping: Keeping) -> Iterator[str]:
    if keeping.problem:
        waiting = f"{plural(keeping.waiting, 'round')} of checks will be caught up." if keeping.waiting else ""
        said = ("**History is not being kept.**", escape(keeping.problem), escape(keeping.remedy), waiting)
        yield " ".join(part for part in said if part)
    if keeping.dropped:
        yield f"{plural(keeping.dropped, 'check')} could not be kept and left gaps in history."
    if not keeping.durable:
        yield (
            f"History ends with the container: it is kept in {escape(keeping.place or 'a file inside it')}. "
            "To keep it, add a Lakebase database to the app, or set `SWITCHYARD_DATABASE_URL`."
        )
    if not keeping.probing:
        if keeping.prober:
            yield f"Another instance probes: {escape(keeping.prober)}. This one shows what it finds."
        else:
            yield "Who probes is not known yet. Until then this shows what was found last."
