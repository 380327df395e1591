"""What landed is counted once, only grows, and can be read while it grows."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.history.totals import LATENCY_BOUNDS_S, MOST_KINDS, OTHER_MODELS, Asked, AskedTotals, Totals
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, Diagnosis, ProbeResult, Tokens
from core.model.route import Identity, Route
from tests.fakes.verdicts import verdict

AT = datetime(2030, 1, 2, tzinfo=UTC)
ROUTE = Route(
    agent=AgentId.HERMES,
    slot="primary",
    model="databricks-claude-opus-4-6",
    base_url="https://adb-4455667788990011.11.azuredatabricks.net/ai-gateway/mlflow/v1",
    dialect=Dialect.OPENAI_CHAT,
    identity=Identity.DASHBOARD,
)
KIND = Asked(agent=ROUTE.agent, model=ROUTE.model, dialect=ROUTE.dialect, depth=Depth.REACH)
PASSED = replace(verdict(ROUTE), latency_ms=700.0, ttft_ms=120.0, tokens=Tokens(input=9, output=3), attempts=1)
FAILED = replace(PASSED, diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE, latency_ms=80.0, ttft_ms=None, attempts=2)


def counted(*results: ProbeResult) -> AskedTotals:
    """Return what some results of one kind come to."""
    totals = Totals()
    for result in results:
        totals.take(result)
    return totals.read().asked[KIND]


def test_results_requests_and_tokens_are_counted() -> None:
    told = counted(PASSED, PASSED, FAILED)
    assert told.results == {Diagnosis.OK: 2, Diagnosis.MODEL_NOT_ON_ROUTE: 1}
    assert (told.requests, told.tokens_in, told.tokens_out) == (4, 27, 9)


def test_only_answers_enter_the_latency_histogram() -> None:
    told = counted(PASSED, FAILED)
    assert (told.latency.samples, told.latency.sum_s) == (1, pytest.approx(0.7))
    assert (told.ttft.samples, told.ttft.sum_s) == (1, pytest.approx(0.12))


def test_a_bound_belongs_to_its_own_class() -> None:
    counts = counted(replace(PASSED, latency_ms=6000.0)).latency.counts
    assert counts[LATENCY_BOUNDS_S.index(6.0)] == 1


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf"), -1.0])
def test_what_is_no_time_is_not_measured(nonsense: float) -> None:
    told = counted(replace(PASSED, latency_ms=nonsense))
    assert (told.latency.samples, told.latency.sum_s, told.requests) == (0, 0.0, 1)


def test_a_model_that_does_not_count_its_tokens_adds_none() -> None:
    told = counted(replace(PASSED, tokens=Tokens()))
    assert (told.tokens_in, told.tokens_out) == (0, 0)


def test_sweeps_are_counted_with_their_duration() -> None:
    totals = Totals()
    totals.sweep(1.5, AT)
    totals.sweep(400.0, AT)
    told = totals.read()
    assert (told.sweeps.samples, told.sweeps.sum_s, told.swept_at) == (2, 401.5, AT)
    assert told.sweeps.counts[-1] == 1


def test_nothing_is_counted_before_anything_landed() -> None:
    told = Totals().read()
    assert (dict(told.asked), told.sweeps.samples, told.swept_at) == ({}, 0, None)


def test_what_was_read_stays_as_it_was() -> None:
    totals = Totals()
    totals.take(PASSED)
    before = totals.read()
    totals.take(PASSED)
    assert before.asked[KIND].requests == 1


def test_models_that_people_were_curious_about_do_not_grow_it_without_end() -> None:
    totals = Totals()
    for number in range(MOST_KINDS + 50):
        totals.take(replace(PASSED, route=replace(ROUTE, model=f"model-{number}")))
    told = totals.read().asked
    assert len(told) == MOST_KINDS + 1
    assert told[replace(KIND, model=OTHER_MODELS)].requests == 50


def test_reading_from_another_thread_never_sees_half_a_result() -> None:
    totals, torn, done = Totals(), [], threading.Event()

    def read() -> None:
        while not done.is_set():
            told = totals.read().asked.get(KIND)
            if told and not told.requests == told.latency.samples == told.results[Diagnosis.OK]:
                torn.append(told)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(3000):
        totals.take(PASSED)
    done.set()
    reader.join(timeout=10)
    assert torn == []
    assert totals.read().asked[KIND].requests == 3000


@given(st.lists(st.sampled_from([PASSED, FAILED, replace(PASSED, latency_ms=None)]), max_size=30))
def test_counting_never_goes_back(results: list[ProbeResult]) -> None:
    totals, last = Totals(), 0
    for result in results:
        totals.take(result)
        now = totals.read().asked[KIND]
        assert now.requests > last
        assert sum(now.results.values()) >= now.latency.samples
        last = now.requests
