"""What is shown or handed over as it is, not as Markdown: code, plain text, grids, files. Masked where the tab is.

A test keeps every other module of the pages from calling Streamlit for these.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import streamlit as st
from streamlit.delta_generator import DeltaGenerator
from streamlit.elements.lib.column_types import ColumnConfig

from core.catalog.masking import Mask
from core.catalog.visible import visible
from pages.ui.masking import current_mask, masked

Cell = str | int | float | None
JSON, JSON_LINES = "application/json", "application/jsonl"


def show_code(
    text: str, *, language: str | None = None, width: int | Literal["stretch", "content"] = "stretch"
) -> None:
    """Show a text whole with a button that copies it, its hidden characters made visible.

    Its lines wrap and it takes the height that it needs: one that scrolls by itself cannot be reached by keyboard.
    """
    st.code(visible(masked(text), lines=True), language=language, width=width, wrap_lines=True)


def show_text(text: str) -> None:
    """Show a text as it is."""
    st.text(visible(masked(text)))


def show_grid(
    rows: Sequence[Mapping[str, Cell]],
    *,
    key: str,
    alt: str,
    height: int | Literal["auto", "content"] = "auto",
    columns: Mapping[str, ColumnConfig] | None = None,
) -> None:
    """Show rows as a grid, which sorts numbers as numbers; `alt` is for screen readers."""
    st.dataframe(
        [{name: masked(cell) if isinstance(cell, str) else cell for name, cell in row.items()} for row in rows],
        hide_index=True,
        key=key,
        height=height,
        column_config=columns,
        placeholder="–",
        alt=alt,
    )


def show_chart(
    points: Sequence[Mapping[str, object]], spec: Mapping[str, object], *, height: int, key: str, alt: str
) -> None:
    """Show points as a chart; `alt` is for screen readers."""
    st.vega_lite_chart(
        [{name: masked(value) if isinstance(value, str) else value for name, value in row.items()} for row in points],
        dict(spec),
        height=height,
        key=key,
        alt=masked(alt),
    )


def offer_file(
    label: str,
    text: str | Callable[[], str],
    *,
    file_name: str,
    mime: str,
    key: str,
    place: DeltaGenerator | None = None,
    icon: str | None = None,
) -> None:
    """Show a button that downloads a text; a function is called when it is clicked. A masked file says so."""
    mask = current_mask()
    name, dot, ending = file_name.rpartition(".")
    (place or st).download_button(
        label if mask is None else f"{label}, masked",
        text if mask is None else _masked_data(text, mime, mask),
        file_name=file_name if mask is None else f"{name or ending}-masked{dot and name and dot + ending}",
        mime=mime,
        key=key,
        icon=icon,
        on_click="ignore",
    )


def _masked_data(text: str | Callable[[], str], mime: str, mask: Mask) -> str | Callable[[], str]:
    """Return what is downloaded; what is made at the click is made outside this run, where nobody knows of its mask.

    A text that is there is masked now: a page that runs again between the click and the download takes away the file
    that was made for the click (Streamlit 1.67).
    """
    return masked_file(text, mime, mask) if isinstance(text, str) else lambda: masked_file(text(), mime, mask)


def masked_file(text: str, mime: str, mask: Mask) -> str:
    """Return a file with aliases; numbers in a document are no texts and stay, whatever they look like."""
    if mime == JSON:
        return json.dumps(_marked(json.loads(text), mask), indent=2, ensure_ascii=False)
    if mime == JSON_LINES:
        lines = (json.dumps(_marked(json.loads(line), mask), ensure_ascii=False) for line in text.splitlines())
        return "".join(f"{line}\n" for line in lines)
    return mask.aliased(text)


def _marked(document: object, mask: Mask) -> object:
    value = mask.document(document)
    return {**value, "masked": True} if isinstance(value, dict) else value
