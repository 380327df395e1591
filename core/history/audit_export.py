"""Put audit events into lines to take away: JSON that can be checked without this product, CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from enum import StrEnum

from core.history.chain import canonical, fields_of
from core.history.export import safe_cell
from core.model.audit import AuditLink

_COLUMNS = (
    "sequence at actor role address origin action target outcome reason before after evidence id previous hash".split()
)
# What a program shows as nothing at all, or lets it turn the text around it.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


class AuditForm(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


def audit_lines(links: Iterable[AuditLink], form: AuditForm) -> Iterator[str]:
    """Return the lines of an export, oldest event first, without their ends."""
    return map(json_line, links) if form is AuditForm.JSONL else _csv_lines(links)


def json_line(link: AuditLink) -> str:
    """Return one event as one line; its hash is the SHA-256 of this line without `hash`."""
    fields = {"id": link.id} if link.event is None else fields_of(link.event)
    return canonical({**fields, "sequence": link.sequence, "previous": link.previous, "hash": link.hash})


def plain(text: str) -> str:
    """Return text in one line in which nothing is hidden."""
    seen = " ".join(text.splitlines())
    return "".join("\ufffd" if unicodedata.category(character) in _UNSEEN else character for character in seen)


def _csv_lines(links: Iterable[AuditLink]) -> Iterator[str]:
    yield _csv_line(_COLUMNS)
    for link in links:
        fields = {} if link.event is None else fields_of(link.event)
        row = {**fields, "id": link.id, "sequence": link.sequence, "previous": link.previous, "hash": link.hash}
        yield _csv_line([_cell(row.get(name, "")) for name in _COLUMNS])


def _csv_line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, dict):
        value = canonical(value) if value else ""
    elif isinstance(value, list):
        value = "; ".join(value)
    return str(safe_cell(plain(str(value))))
