"""What is written for people: every page of the documentation, by its path in the repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES: Mapping[str, str] = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md")))
}
README = PAGES["README.md"]


def between(page: str, mark: str) -> str:
    """Return what stands between the two comments of this mark."""
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", page, re.DOTALL)
    assert found, mark
    return found.group(1)


def rows(page: str, mark: str) -> list[str]:
    """Return the rows of the table of this mark; the mark stands above its head, where it does not break it."""
    return between(page, mark).splitlines()[2:]


def cells(row: str) -> list[str]:
    """Return the cells of one row of a table."""
    return [cell.strip() for cell in row.strip().strip("|").split(" | ")]


def plain(text: str) -> str:
    """Return a text in one line, as it reads without its line breaks and quote marks."""
    return " ".join(re.sub(r"^> ?", "", text, flags=re.MULTILINE).split())
