"""Every table of the documentation is one for whoever renders it."""

from __future__ import annotations

import re

import pytest

from tests.docs.written import PAGES

_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_every_row_belongs_to_a_table_with_a_head_and_as_many_cells(page: str) -> None:
    # A comment between the head and the rows would end the table, and the rows would be shown as text.
    for block in re.findall(r"(?:^\|.*\n)+", _CODE.sub("", PAGES[page]), re.MULTILINE):
        head, line, *rows = block.splitlines()
        assert re.fullmatch(r"(\|-+)+\|", line), head
        assert all(_columns(row) == _columns(head) for row in rows), head


def _columns(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row))
