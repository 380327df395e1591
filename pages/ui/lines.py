"""Lines that fit the window: cells that stand in one line, or in two where that is too narrow, and wide tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.grid_container import GridContainer

_TRACKS = 12
# Twelve of these with their gaps are what a window of 1280 px leaves beside the sidebar; on a tablet seven fit.
_TRACK_PX = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """The shares of a line's cells: `first` take seven twelfths and `second` the rest, or a line of their own."""

    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def all(self) -> tuple[float, ...]:
        """Return the shares of all cells."""
        return (*self.first, *self.second)


def show_line(widths: Widths) -> list[DeltaGenerator]:
    """Return the cells of one line, left to right."""
    grid = _tracks("top")
    cells: list[DeltaGenerator] = []
    for shares, span in ((widths.first, 7), (widths.second, 5)):
        with grid.cell(column_span=span):
            cells += st.columns(shares, gap="small", vertical_alignment="top")
    return cells


def show_text_and_action(action_tracks: int = 2) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return the place of a text and that of its action: at the right, below the text where that is too narrow."""
    grid = _tracks("center")
    return grid.cell(column_span=_TRACKS - action_tracks), grid.cell(column_span=action_tracks)


def show_scrolling(text: str, *, least_px: int) -> None:
    """Show a Markdown table that scrolls sideways within itself where it has less than this width."""
    grid = st.grid(1, min_column_width=least_px, wrap=False)
    grid.markdown(text)


def _tracks(alignment: Literal["top", "center"]) -> GridContainer:
    return st.grid(_TRACKS, min_column_width=_TRACK_PX, gap="small", vertical_alignment=alignment)


def show_boxes(spans: Sequence[int], *, tracks: int, track_px: int) -> list[DeltaGenerator]:
    """Return bordered boxes of equal height, as many in a line as there is room for."""
    grid = st.grid(tracks, min_column_width=track_px, gap="small", border=True)
    boxes: list[DeltaGenerator] = []
    for span in spans:
        with grid.cell(column_span=span):
            boxes.append(st.container(gap="xsmall"))
    return boxes


def show_title(title: str) -> DeltaGenerator:
    """Show the title of a page, and return the place at the right for its actions; they keep their words."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    row.title(title, anchor=False)
    return row
