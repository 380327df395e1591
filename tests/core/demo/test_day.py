"""The made-up day: the same each time, folded as real checks are, and quickly kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time

import pytest

from core.demo.day import DAY, TROUBLES, day_before
from core.demo.house import House
from core.model.agent import AgentId, Dialect
from core.model.history import HistoryQuery
from core.model.probe import Diagnosis, Health
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.settings import Settings

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
BASE = "https://adb-4455667788990011.11.azuredatabricks.net/ai-gateway"
SETTINGS = Settings(scene="demo")
MODELS = {
    AgentId.CODEX: ("databricks-gpt-5-5", "/codex/v1", Dialect.OPENAI_RESPONSES),
    AgentId.GEMINI: ("databricks-gemini-2-5-pro", "/gemini", Dialect.GEMINI_GENERATE),
    AgentId.PI: ("databricks-claude-sonnet-4-6", "/anthropic", Dialect.ANTHROPIC_MESSAGES),
    AgentId.CLAUDE: ("databricks-claude-opus-4-6", "/anthropic", Dialect.ANTHROPIC_MESSAGES),
}
ROUTES = tuple(
    Route(
        agent=agent,
        slot="default",
        model=model,
        base_url=BASE + path,
        dialect=dialect,
        identity=identity,
        token=Secret("dapi-never-to-be-kept") if identity is Identity.STORED else None,
    )
    for agent, (model, path, dialect) in MODELS.items()
    for identity in (Identity.DASHBOARD, Identity.STORED)
)


def test_the_same_seed_tells_the_same_day_and_another_one_another() -> None:
    first, again = list(day_before(NOW, ROUTES, SETTINGS)), list(day_before(NOW, ROUTES, SETTINGS))
    other = list(day_before(NOW, ROUTES, SETTINGS, seed=7))

    assert first == again
    assert first != other


def test_a_day_has_a_check_of_every_route_every_five_minutes_and_says_that_it_is_simulated() -> None:
    batches = list(day_before(NOW, ROUTES, SETTINGS))
    checks = [check for batch in batches for check in batch.checks]

    assert min(check.checked_at for check in checks) == NOW - DAY
    assert NOW - timedelta(minutes=5) < max(check.checked_at for check in checks) < NOW
    assert len(checks) >= len(ROUTES) * 288
    assert all(check.simulated for check in checks)
    assert all(incident.simulated for batch in batches for incident in batch.incidents)


def test_each_trouble_is_one_incident_that_has_ended() -> None:
    incidents = {incident.id: incident for batch in day_before(NOW, ROUTES, SETTINGS) for incident in batch.incidents}

    assert [incident.agents for incident in incidents.values()] == [(trouble.agent,) for trouble in TROUBLES]
    assert [incident.cause.diagnosis for incident in incidents.values()] == [
        Diagnosis.THROTTLED,
        Diagnosis.SERVER_ERROR,
        Diagnosis.CREDENTIAL_DEAD,
    ]
    assert [incident.health for incident in incidents.values()] == [Health.DEGRADED, Health.DOWN, Health.DOWN]
    for incident, trouble in zip(incidents.values(), TROUBLES, strict=True):
        assert incident.ended_at is not None
        lasted = incident.ended_at - incident.started_at
        assert trouble.lasted <= lasted <= trouble.lasted + timedelta(minutes=10)


def test_no_token_is_in_it() -> None:
    assert "dapi-never-to-be-kept" not in repr(list(day_before(NOW, ROUTES, SETTINGS)))
    assert all(kept.result.route.token is None for one in day_before(NOW, ROUTES, SETTINGS) for kept in one.routes)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(scene="demo", state_dir=tmp_path, confirm_delay_s=0)


def test_a_house_and_its_day_are_no_three_seconds_of_work(settings: Settings) -> None:
    # Of the processor's time: what else this machine does meanwhile is not ours.
    began = process_time()
    house = House(settings)
    took_s = process_time() - began
    try:
        now = datetime.now(UTC)
        view = house.services.history(HistoryQuery(since=now - DAY, until=now))
        assert len(view.incidents) == len(TROUBLES)
        assert len(view.routes) >= 20
        assert took_s < 3.0
    finally:
        house.close()


def test_a_house_leaves_nothing_behind(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    house = House(settings)
    written = list(folder.iterdir())
    house.close()

    assert len(written) == 1
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "simulated").exists()
