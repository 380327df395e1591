"""Audit events to take away: a spreadsheet runs none of them, and nothing in them is hidden."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.history.audit_export import AuditForm, audit_lines, plain
from core.history.audit_trail import AuditTrail
from core.history.chain import chained
from tests.core.history.test_chain import EVENT
from tests.fakes.audit import MemoryAudit


def cells(text: str) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO(text))
    return row


def exported(**fields: object) -> dict[str, str]:
    return cells(AuditTrail(MemoryAudit([replace(EVENT, **fields)])).export(AuditForm.CSV))


def test_a_row_has_every_field_and_its_place_in_the_chain() -> None:
    (link,) = chained([EVENT], None)
    assert exported() == {
        "sequence": "1",
        "at": "2030-01-02T03:04:05.000006+00:00",
        "actor": "ada",
        "role": "admin",
        "address": "192.0.2.7",
        "origin": "page",
        "action": "change.apply",
        "target": "file:hermes",
        "outcome": "applied",
        "reason": "primary is down – № 7",
        "before": '{"fallback":null,"primary":"old"}',
        "after": '{"primary":"new"}',
        "evidence": "c1; r1",
        "id": "a1",
        "previous": "0" * 64,
        "hash": link.hash,
    }


@pytest.mark.parametrize(
    "reason", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1", "\u200b=1", "\uff1d1", "|calc"]
)
def test_no_cell_begins_a_formula(reason: str) -> None:
    cell = exported(reason=reason, actor=reason, target=reason)
    for name in ("reason", "actor", "target"):
        assert cell[name][0] in "'\ufffd"


@given(st.text(max_size=20))
def test_any_text_stays_one_cell_without_anything_hidden(text: str) -> None:
    cell = exported(reason=text)
    assert cell["id"] == "a1"
    assert cell["reason"] in (plain(text), f"'{plain(text)}")
    assert not cell["reason"].startswith(("=", "+", "-", "@", "\t", "\r"))


def test_what_hides_or_turns_text_is_shown_as_a_mark() -> None:
    assert plain("a\x1b[31mb\u202ec\u2028d\ne") == "a\ufffd[31mb\ufffdc d e"


def test_a_credential_is_struck_out_of_a_spreadsheet() -> None:
    token = "dapi" + "0123456789abcdef" * 2
    assert token not in exported(reason=f"with {token}")["reason"]


def test_a_row_that_is_no_event_any_more_is_exported_as_far_as_it_goes() -> None:
    (link,) = chained([EVENT], None)
    gone = replace(link, event=None)
    (line,) = audit_lines([gone], AuditForm.JSONL)
    assert json.loads(line) == {"id": "a1", "sequence": 1, "previous": link.previous, "hash": link.hash}
    _, row = audit_lines([gone], AuditForm.CSV)
    assert row.startswith("1,,,")


def test_more_events_than_one_read_brings_are_exported_in_order() -> None:
    events = [replace(EVENT, id=f"a{number}") for number in range(2345, 0, -1)]
    lines = AuditTrail(MemoryAudit(events)).export(AuditForm.JSONL).splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == list(range(1, 2346))
