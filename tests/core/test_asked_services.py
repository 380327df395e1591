"""A probe that somebody starts runs beside the sweeps, and its verdicts stay without its token."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ProbeError
from core.model.access import Role
from core.model.agent import AgentId, Dialect
from core.model.change import Actor, Origin
from core.model.gateway import Generation
from core.model.probe import Depth, Diagnosis, Health
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.snapshot import Job
from core.services import Services, build_services
from core.settings import Settings
from core.simulator.scenes import scene_named

DEADLINE_S = 30.0
SCENE = scene_named("healthy")
ADA = Actor(name="ada", origin=Origin.PAGE, role=Role.ADMIN, why="ada is this machine's user.")
ROUTE = Route(
    agent=AgentId.COPILOT,
    slot="default",
    model="databricks-claude-haiku-4-5",
    base_url=f"{SCENE.host}/ai-gateway/mlflow/v1",
    dialect=Dialect.OPENAI_CHAT,
    generation=Generation.WORKSPACE,
    identity=Identity.DASHBOARD,
)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder: Path = tmp_path_factory.mktemp("state")
    running = build_services(Settings(scene=SCENE.name, state_dir=folder, confirm_delay_s=0.0))
    running.start()
    yield running
    running.stop()


def ended(services: Services, job_id: str) -> Job:
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while time.monotonic() < deadline:
        job = services.job(job_id)
        assert job is not None
        if job.done:
            return job
        pause.wait(0.02)
    raise AssertionError("the probe did not end")


def test_a_verdict_lands_among_the_extra_results(services: Services) -> None:
    job = ended(services, services.start_probe([ROUTE], depth=Depth.REACH, actor=ADA))

    assert (job.problem, job.progress.done, job.progress.total) == (None, 1, 1)
    assert [(r.route, r.health) for r in services.extra_results(ADA) if r.route == ROUTE] == [(ROUTE, Health.HEALTHY)]


def test_the_same_route_has_to_wait(services: Services) -> None:
    other = replace(ROUTE, model="databricks-claude-opus-4-6")
    services.start_probe([other], depth=Depth.REACH, actor=ADA)

    with pytest.raises(ProbeError):
        services.start_probe([other], depth=Depth.REACH, actor=ADA)


def test_a_given_token_is_asked_with_and_not_kept(services: Services) -> None:
    token = Secret("dapi-of-somebody-else")
    ended(services, services.start_probe([ROUTE], depth=Depth.REACH, tokens={Identity.ONE_PROBE: token}, actor=ADA))

    (result,) = (r for r in services.extra_results(ADA) if r.route.identity is Identity.ONE_PROBE)
    assert (result.health, result.diagnosis) == (Health.DOWN, Diagnosis.CREDENTIAL_DEAD)
    assert result.route.token is None
    assert token.reveal() not in str(result)


def test_a_faithful_probe_climbs_to_the_tools(services: Services) -> None:
    ended(services, services.start_probe([ROUTE], depth=Depth.FAITHFUL, actor=ADA))

    (result,) = (r for r in services.extra_results(ADA) if r.depth is Depth.FAITHFUL)
    assert (result.health, result.rung.value) == (Health.HEALTHY, "tools")
    assert result.evidence is not None and result.evidence.request_headers
