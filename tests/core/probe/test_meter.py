"""The meter counts per model and day, keeps on counting when nothing can be kept, and knows when it is enough."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.adapters.usage_file import UsageFile
from core.errors import StoreError
from core.model.probe import Tokens
from core.model.usage import Price, Usage
from core.probe.meter import Meter
from tests.fakes.network import FakeClock

DAY_S = 86_400.0
TOKENS = Tokens(input=9, output=1)


class BrokenStore:
    def add(self, counted: Usage) -> Usage:
        raise StoreError("disk full", code="usage_unwritable", remedy="free some space")


def flushed(meter: Meter) -> Meter:
    asyncio.run(meter.settle())
    return meter


def test_requests_and_tokens_add_up_whatever_spelling_the_model_has() -> None:
    meter = Meter(clock=FakeClock())
    meter.count("databricks-claude-opus-4-6", TOKENS)
    meter.count("system.ai.claude-opus-4-6", TOKENS)
    assert (meter.today.requests, meter.today.tokens) == (2, Tokens(input=18, output=2))
    assert list(meter.today.models) == ["claude-opus-4-6"]


def test_a_refusal_is_a_request_without_tokens() -> None:
    meter = Meter(clock=FakeClock())
    meter.count("m", Tokens())
    assert (meter.today.requests, meter.today.total_tokens) == (1, 0)


def test_what_was_counted_survives_a_restart(tmp_path: Path) -> None:
    store = UsageFile(tmp_path / "state" / "usage.json")
    first = Meter(clock=FakeClock(), store=store)
    first.count("m", TOKENS)
    flushed(first)
    again = flushed(Meter(clock=FakeClock(), store=store, daily_tokens=10))
    assert again.today.total_tokens == 10
    assert again.exhausted()


def test_two_processes_count_into_the_same_day(tmp_path: Path) -> None:
    store = UsageFile(tmp_path / "usage.json")
    one, other = Meter(clock=FakeClock(), store=store), Meter(clock=FakeClock(), store=store)
    one.count("m", TOKENS)
    other.count("m", TOKENS)
    flushed(one)
    assert flushed(other).today.requests == 2


def test_a_new_day_begins_at_nothing(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
    meter = Meter(clock=clock, store=UsageFile(tmp_path / "usage.json"), daily_tokens=10)
    meter.count("m", TOKENS)
    flushed(meter)
    assert meter.exhausted()
    clock.move(DAY_S)
    assert meter.exhausted() is None
    assert meter.today.requests == 0
    assert flushed(meter).today.total_tokens == 0


def test_a_budget_of_nothing_is_no_limit() -> None:
    meter = Meter(clock=FakeClock(), daily_tokens=0)
    meter.count("m", Tokens(input=10**9, output=0))
    assert meter.exhausted() is None


def test_counting_goes_on_where_nothing_can_be_kept(caplog: pytest.LogCaptureFixture) -> None:
    meter = Meter(clock=FakeClock(), store=BrokenStore(), daily_tokens=10)
    meter.count("m", TOKENS)
    assert flushed(meter).exhausted()
    assert "disk full" in caplog.text


def test_money_is_known_only_where_every_price_is() -> None:
    meter = Meter(clock=FakeClock(), prices={"databricks-m": Price(input=1.0, output=10.0)})
    meter.count("m", Tokens(input=1_000_000, output=100_000))
    assert meter.today.cost(meter.prices) == 2.0
    meter.count("unpriced", TOKENS)
    assert meter.today.cost(meter.prices) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"day": "x"}', '{"day": "2026-01-01", "requests": 1, "models": 3}']
)
def test_a_damaged_usage_file_counts_as_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "usage.json"
    path.write_text(content, encoding="utf-8")
    counted = Usage(day=FakeClock().now().date(), requests=1, models={"m": (9, 1)})
    assert UsageFile(path).add(counted) == counted
    assert UsageFile(path).add(counted).requests == 2


def test_a_usage_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError):
        UsageFile(tmp_path / "file" / "usage.json").add(Usage(day=FakeClock().now().date()))
