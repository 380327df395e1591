"""A scrape is valid, says what is known, and leaves out what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from core.adapters.metrics import WatchCollector, metrics_text
from core.history.totals import LATENCY_BOUNDS_S, Counted, Totals
from core.model.agent import AgentId
from core.model.history import Keeping
from core.model.probe import Health, Tokens
from core.model.snapshot import Snapshot
from core.model.usage import Usage
from core.surfaces.watched import watched
from tests.core.surfaces.pictures import NOW, RULES, outage, result_of, seen_for

FRESH = timedelta(seconds=30)


def scrape(snapshot: Snapshot, counted: Counted | None = None) -> dict[str, Metric]:
    """Return what Prometheus reads, by family."""
    text = metrics_text(watched(snapshot, now=NOW, rules=RULES), counted or Counted()).decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def values(families: dict[str, Metric], name: str, **labels: str) -> list[float]:
    """Return the values of a family's samples with these labels."""
    found = families[name].samples
    return [sample.value for sample in found if labels.items() <= sample.labels.items()]


def test_routes_that_answer_are_up_and_those_that_are_down_are_not() -> None:
    families = scrape(outage())
    assert values(families, "switchyard_route_up", agent="codex") == [1.0]
    assert values(families, "switchyard_route_up", agent="hermes", slot="primary", identity="dashboard") == [0.0]
    (sample,) = [item for item in families["switchyard_route_up"].samples if item.labels["agent"] == "codex"]
    assert set(sample.labels) == {"agent", "slot", "model", "dialect", "generation", "identity"}


def test_an_unknown_route_is_neither_up_nor_down() -> None:
    families = scrape(seen_for(timedelta(hours=2)))
    assert families["switchyard_route_up"].samples == []
    assert values(families, "switchyard_route_health", agent="codex", health="unknown") == [1.0]
    assert values(families, "switchyard_route_health", agent="codex", health="healthy") == [0.0]


def test_a_degraded_route_still_answers() -> None:
    base = seen_for(FRESH)
    codex = result_of(base, AgentId.CODEX, "default")
    results = tuple(replace(item, health=Health.DEGRADED) if item is codex else item for item in base.results)
    families = scrape(replace(base, results=results, standings={}))
    assert values(families, "switchyard_route_up", agent="codex") == [1.0]
    assert values(families, "switchyard_route_health", agent="codex", health="degraded") == [1.0]


def test_each_route_and_agent_has_exactly_one_health() -> None:
    families = scrape(outage())
    routes = len(outage().results)
    assert sum(values(families, "switchyard_route_health")) == routes
    assert sum(values(families, "switchyard_agent_health")) == len(AgentId)
    assert values(families, "switchyard_agent_health", agent="hermes", health="down") == [1.0]


def test_ages_grow_and_a_route_that_never_passed_has_no_last_success() -> None:
    families = scrape(outage())
    assert values(families, "switchyard_route_last_check_age_seconds", agent="codex") == [30.0]
    assert values(families, "switchyard_route_last_success_age_seconds", agent="codex") == [30.0]
    assert values(families, "switchyard_route_last_success_age_seconds", agent="hermes", slot="primary") == []
    assert values(families, "switchyard_sweep_last_age_seconds") == [30.0]


def test_the_store_and_the_incident_are_told() -> None:
    families = scrape(outage())
    told = {name: values(families, f"switchyard_{name}") for name in ("store_up", "store_waiting_batches", "leader")}
    assert told == {"store_up": [0.0], "store_waiting_batches": [2.0], "leader": [0.0]}
    assert values(families, "switchyard_store_dropped_checks") == [7.0]
    assert values(families, "switchyard_store_size_bytes") == [1234.0]
    assert values(families, "switchyard_store_limit_bytes") == [5678.0]
    assert values(families, "switchyard_incidents_open", health="down") == [1.0]
    assert values(families, "switchyard_incidents_open", health="degraded") == [0.0]


def test_an_incident_that_ended_is_not_open() -> None:
    base = outage()
    ended = tuple(replace(incident, ended_at=NOW) for incident in base.incidents)
    assert values(scrape(replace(base, incidents=ended)), "switchyard_incidents_open") == [0.0, 0.0]


def test_a_size_that_was_never_measured_is_not_zero() -> None:
    families = scrape(replace(seen_for(FRESH), keeping=Keeping()))
    assert families["switchyard_store_size_bytes"].samples == []


def test_a_simulated_workspace_is_named_so() -> None:
    assert values(scrape(seen_for(FRESH)), "switchyard_workspace_info", simulated="true", cloud="azure") == [1.0]


def test_what_the_day_used_is_told() -> None:
    usage = Usage(day=datetime(2030, 1, 2, tzinfo=UTC).date(), requests=12, models={"opus": (90, 30)})
    families = scrape(replace(seen_for(FRESH), usage=usage))
    assert values(families, "switchyard_day_requests") == [12.0]
    assert values(families, "switchyard_day_tokens", direction="in") == [90.0]
    assert values(families, "switchyard_day_tokens", direction="out") == [30.0]


def counted() -> Counted:
    """Return the totals of two answers of Codex and one sweep."""
    totals = Totals()
    codex = result_of(seen_for(FRESH), AgentId.CODEX, "default")
    for latency_ms in (700.0, 90_000.0):
        totals.take(replace(codex, latency_ms=latency_ms, ttft_ms=50.0, tokens=Tokens(input=9, output=3)))
    totals.sweep(1.5, NOW)
    return totals.read()


def test_histograms_are_cumulative_and_end_with_all() -> None:
    families = scrape(seen_for(FRESH), counted())
    samples = families["switchyard_probe_latency_seconds"].samples
    buckets = {item.labels["le"]: item.value for item in samples if item.name.endswith("_bucket")}
    assert list(buckets) == [*map(str, LATENCY_BOUNDS_S), "+Inf"]
    assert (buckets["0.5"], buckets["1.0"], buckets["60.0"], buckets["+Inf"]) == (0.0, 1.0, 1.0, 2.0)
    assert [item.value for item in samples if item.name.endswith("_sum")] == [90.7]
    assert [item.value for item in samples if item.name.endswith("_count")] == [2.0]


def test_totals_are_told_per_agent_model_dialect_and_depth() -> None:
    families = scrape(seen_for(FRESH), counted())
    assert values(families, "switchyard_probe_results", agent="codex", depth="reach", diagnosis="ok") == [2.0]
    assert values(families, "switchyard_probe_requests", agent="codex") == [2.0]
    assert values(families, "switchyard_probe_tokens", agent="codex", direction="in") == [18.0]
    assert values(families, "switchyard_probe_tokens", agent="codex", direction="out") == [6.0]
    assert values(families, "switchyard_sweep_duration_seconds", le="2.0") == [1.0]


def _models(snapshot: Snapshot, models: Sequence[str]) -> Snapshot:
    codex = result_of(snapshot, AgentId.CODEX, "default")
    results = tuple(replace(codex, route=replace(codex.route, model=model)) for model in models)
    return replace(snapshot, results=results, standings={})


def test_model_names_are_text_whatever_they_hold() -> None:
    names = ['quote"d', "back\\slash", "two\nlines", "half \ud83d", "ünï"]
    told = {item.labels["model"] for item in scrape(_models(seen_for(FRESH), names))["switchyard_route_up"].samples}
    assert told == {'quote"d', "back\\slash", "two\nlines", "half ?", "ünï"}


def test_the_same_route_twice_is_told_once() -> None:
    families = scrape(_models(seen_for(FRESH), ["same", "same"]))
    assert values(families, "switchyard_route_up", model="same") == [1.0]


def test_every_family_is_there_before_anything_happened() -> None:
    seen = watched(Snapshot(), now=NOW, rules=RULES)
    empty = {family.name for family in WatchCollector(seen, Counted()).collect()}
    full = {family.name for family in WatchCollector(watched(outage(), now=NOW, rules=RULES), counted()).collect()}
    assert empty == full
    assert all(name.startswith("switchyard_") for name in full)
