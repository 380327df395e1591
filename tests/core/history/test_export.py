"""History as rows and as JSON: complete, safe in a spreadsheet, without credentials."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health.buckets import bucket_checks, quantiles_of_buckets
from core.health.uptime import uptime_of
from core.history.export import COLUMNS, export_rows, history_json
from core.model.check import route_id
from core.model.history import HistoryQuery, HistoryView, Resolution, RouteHistory
from tests.core.health.checks import START, at, check, route
from tests.core.history.test_report import incident, transition

TOKEN = "dapi" + "0123456789abcdef" * 2


def view(said: str = "gone", remedy: str = "Switch.") -> HistoryView:
    buckets = bucket_checks([check(0, latency_ms=500.0)], resolution=Resolution.HOUR, interval_s=300.0, until=at(3600))
    history = RouteHistory(
        route=route(),
        route_id=route_id(route()),
        uptime=uptime_of(buckets, START, at(3600)),
        quantiles=quantiles_of_buckets(buckets),
        buckets=buckets,
    )
    return HistoryView(
        query=HistoryQuery(since=START, until=at(3600)),
        incidents=(incident(message=said, remedy=remedy),),
        transitions=(transition("inc-1", 10, said),),
        routes=(history,),
    )


def test_every_row_has_the_same_columns_in_the_same_order() -> None:
    assert [tuple(row) for row in export_rows(view())] == [COLUMNS] * 3


def test_rows_tell_incidents_transitions_and_routes() -> None:
    opened, moved, watched = export_rows(view())
    assert (opened["kind"], opened["lasted_s"], opened["routes"], opened["agent"]) == ("incident", 2640.0, 2, "hermes")
    assert (moved["kind"], moved["before"], moved["health"], moved["http_status"]) == (
        "transition",
        "healthy",
        "down",
        404,
    )
    assert (watched["kind"], watched["up"], watched["no_data"], watched["samples"]) == (
        "route",
        1.0,
        pytest.approx(50 / 60),
        1,
    )
    assert (opened["at"], watched["ended_at"]) == ("2026-08-21T09:00:00Z", "2026-08-21T10:00:00Z")


@pytest.mark.parametrize(
    "said", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1", "\n=1", "|x", "%x", "＝1", "\u200b=1", "\ufeff=1"]
)
def test_no_text_is_a_formula(said: str) -> None:
    cells = [row["message"] for row in export_rows(view(said))[:2]]
    assert cells == [f"'{said}"] * 2


@given(st.text(max_size=20))
def test_no_cell_of_text_begins_like_a_formula(said: str) -> None:
    for row in export_rows(view(said)):
        for cell in row.values():
            if isinstance(cell, str):
                assert not cell.strip().startswith(("=", "+", "-", "@"))


def test_harmless_text_stays_as_it_is() -> None:
    assert export_rows(view("a = b, 50 % - c"))[0]["message"] == "a = b, 50 % - c"


def test_no_credential_leaves_the_house() -> None:
    taken = view(f"said {TOKEN}", f"use {TOKEN}")
    assert TOKEN not in str(export_rows(taken))
    assert TOKEN not in history_json(taken)


def test_the_json_document_holds_everything() -> None:
    document = json.loads(history_json(view()))
    assert (document["schema"], document["since"], document["cut"]) == (1, "2026-08-21T09:00:00Z", False)
    (told,) = document["incidents"]
    assert (told["started_at"], told["ended_at"]) == ("2026-08-21T09:00:00Z", "2026-08-21T09:44:00Z")
    assert [step["kind"] for step in told["timeline"]] == ["opened", "resolved"]
    assert [found["route_id"] for found in told["routes"]] == [route_id(found) for found in incident().routes]
    assert document["transitions"][0]["http_status"] == 404
    assert document["routes"][0]["buckets"][0]["healthy_s"] == 600.0


def test_an_incident_that_lasts_has_no_end() -> None:
    lasting = replace(view(), incidents=(incident(ended_at=None),))
    assert json.loads(history_json(lasting))["incidents"][0]["ended_at"] is None
    assert export_rows(lasting)[0]["lasted_s"] is None


@given(st.text(max_size=40))
def test_whatever_was_said_is_json_and_can_be_written(said: str) -> None:
    document = json.loads(history_json(view(said)))
    json.dumps(document).encode()
    assert len(document["incidents"]) == 1


@pytest.mark.parametrize("said", ['api_key: secret12\\" }', "half a \ud83d character"])
def test_texts_that_would_break_a_file_do_not(said: str) -> None:
    taken = view(said)
    assert json.loads(history_json(taken).encode())["schema"] == 1
    for row in export_rows(taken):
        str(row["message"]).encode()
