"""The head of a list whose rows are bordered containers of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages.ui.lines import Widths, show_line

# The rows stand within a border; an empty column with its gap moves the head in by about as much (at 1440 px).
_EDGE_SHARE = 0.028


def show_head(widths: Widths, titles: Sequence[str], help_of: Mapping[str, str] | None = None) -> None:
    """Show the titles above the columns of such rows, each with the explanation it has."""
    left, right = (_EDGE_SHARE * sum(shares) for shares in (widths.first, widths.second))
    columns = show_line(Widths(first=(left, *widths.first), second=(*widths.second, right)))
    for column, title in zip(columns[1:-1], titles, strict=True):
        column.caption(title, help=(help_of or {}).get(title))
