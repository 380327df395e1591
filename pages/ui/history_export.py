"""Taking history away: what is shown as CSV and JSON, made only when somebody asks for it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import streamlit as st

from core.history.export import export_rows, history_json
from core.model.history import HistoryView
from pages.ui.literals import JSON, offer_file


def show_export(view: HistoryView) -> None:
    """Show the two downloads."""
    name = f"switchyard-history-{view.query.since:%Y%m%dT%H%M}-{view.query.until:%Y%m%dT%H%M}"
    with st.container(horizontal=True, gap="small"):
        offer_file(
            "Export as CSV",
            lambda: csv_text(export_rows(view)),
            file_name=f"{name}.csv",
            mime="text/csv",
            key="export_csv",
            icon=":material/download:",
        )
        offer_file(
            "Export as JSON",
            lambda: history_json(view),
            file_name=f"{name}.json",
            mime=JSON,
            key="export_json",
            icon=":material/download:",
        )


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as CSV with every column that any of them has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
