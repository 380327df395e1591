"""Whatever an attacker's server sends is taken in bounded memory and time, and nobody is told that it is well."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from databricks.sdk import WorkspaceClient

from core import documents
from core.adapters import sdk_answers
from core.adapters.apps import DatabricksApps, connection
from core.adapters.clock import SystemClock
from core.adapters.credentials import StaticToken
from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.adapters.people import WorkspacePeople
from core.catalog.agents import AGENTS
from core.detect.flow import Outcome, run_flow
from core.detect.hosts import parse_host
from core.detect.listing import LISTING_BYTES, MAX_MODELS, list_model_services, list_serving_endpoints, listing_flows
from core.detect.models import merge_models
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.models import ListingOutcome
from core.model.probe import Depth, Health
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import HttpAnswer, HttpFailure, HttpRequest, HttpSender
from core.probe.sweep import Prober
from core.simulator.server import SimulatedWorkspace
from tests.core.detect import feeding
from tests.fakes.hostile import ANSWERS, MEGABYTE, HostileServer, hostile_server

TOKEN = Secret("canary-token-of-the-victim")
TOTAL_S = 0.2
# What a busy machine may take beyond what was allowed.
SLACK_S = 10.0
AGENT_OF = {
    Dialect.ANTHROPIC_MESSAGES: AgentId.CLAUDE,
    Dialect.OPENAI_RESPONSES: AgentId.CODEX,
    Dialect.OPENAI_CHAT: AgentId.HERMES,
    Dialect.GEMINI_GENERATE: AgentId.GEMINI,
}


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with hostile_server() as running:
        yield running


@contextmanager
def bounded(*, megabytes: float, seconds: float = TOTAL_S) -> Iterator[None]:
    """Check what the work takes at its peak, and for how long."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        yield
        took_s, peak = time.monotonic() - began, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < megabytes * MEGABYTE, f"{peak / MEGABYTE:.1f} MB"
    assert took_s < seconds + SLACK_S, f"{took_s:.1f} s"


class Hasty:
    """Send with less patience than the product has."""

    def __init__(self, sender: HttpSender) -> None:
        self._sender = sender

    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        return await self._sender.send(replace(request, total_s=TOTAL_S))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_taken_within_bounds(name: str, server: HostileServer) -> None:
    request = HttpRequest(method="GET", url=server.base(name), token=TOKEN, total_s=TOTAL_S)

    async def work() -> HttpAnswer | HttpFailure:
        async with open_sender(Network(), lambda _url: None) as sender:
            return await sender.send(request)

    with bounded(megabytes=6):
        outcome = asyncio.run(work())
    if isinstance(outcome, HttpAnswer):
        assert len(outcome.body) <= request.max_bytes


# What reads whole bodies and knows nothing of streams: one of each kind is enough.
WHOLE = (
    "a body of 10 MB",
    "a body without an end",
    "an error of 10 MB",
    "headers without an end",
    "headers of the largest size",
    "a gzip bomb",
    "a gzip bomb in an error",
    "a bomb in a bomb",
    "a gzip body of nothing",
    "a body byte by byte",
    "headers byte by byte",
    "continue without an end",
    "a chunk larger than everything",
    "trailers without an end",
    "half characters",
    "lists in lists",
    "objects in objects",
    "a number of 5000 digits",
    "no numbers",
    "a million calls",
    "keys twice",
    "keys of another kind",
    "nothing",
)

# Probes.


def route(server: HostileServer, name: str, dialect: Dialect) -> Route:
    """Return a route on which everything is answered in this way."""
    return Route(
        agent=AGENT_OF[dialect],
        slot=AGENTS[AGENT_OF[dialect]].slots[0].name,
        model="databricks-m",
        base_url=server.base(name),
        dialect=dialect,
        generation=Generation.WORKSPACE,
        identity=Identity.DASHBOARD,
    )


@pytest.mark.parametrize(
    ("dialect", "depth"),
    [
        (Dialect.OPENAI_CHAT, Depth.FAITHFUL),
        (Dialect.ANTHROPIC_MESSAGES, Depth.REACH),
        (Dialect.GEMINI_GENERATE, Depth.FAITHFUL),
    ],
)
def test_a_sweep_over_all_of_it_ends_and_finds_nothing_well(
    dialect: Dialect, depth: Depth, server: HostileServer
) -> None:
    routes = [route(server, name, dialect) for name in ANSWERS]

    async def work() -> list[Health]:
        async with open_sender(Network(), lambda _url: None) as sender:
            prober = Prober(
                sender=Hasty(sender),
                checker=SocketHostChecker(Network(), lambda _url: None),
                credentials=StaticToken(TOKEN, "the test"),
                clock=SystemClock(),
                workspace_origin=server.origin,
                concurrency=64,
                confirm_delay_s=0.0,
            )
            report = await prober.sweep(routes, depth=depth)
        document = documents.probe_document(
            report.results, duration_ms=1.0, requests_sent=report.requests_sent, tokens=report.tokens
        )
        shown = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        assert len(shown) < len(routes) * 8_000
        assert TOKEN.reveal().encode() not in shown
        return [result.health for result in report.results]

    with bounded(megabytes=40, seconds=12.0):
        healths = asyncio.run(work())
    well = {name for name, health in zip(ANSWERS, healths, strict=True) if health is Health.HEALTHY}
    assert well <= REALLY_ANSWERS


# What is odd about these is no reason to call the route down: an agent gets its answer.
REALLY_ANSWERS = {"a million calls", "calls in a stream", "words without an end"}


# Detection.


@pytest.mark.parametrize("name", WHOLE)
def test_the_listings_end_and_say_why(name: str, server: HostileServer) -> None:
    server.answer = name

    async def work() -> list[ListingOutcome]:
        async with open_sender(Network(), lambda _url: None) as sender:
            flows = listing_flows(parse_host(server.origin), None)
            listings = await asyncio.gather(*(run_flow(flow, Hasty(sender), TOKEN) for flow in flows))
        catalogue = merge_models(listings)
        assert len(catalogue.models) <= 3 * MAX_MODELS
        assert TOKEN.reveal() not in repr(catalogue)
        return [listing.result.outcome for listing in listings]

    try:
        # Three listings at once, each with its bytes, its text and the JSON of it.
        with bounded(megabytes=3 * 4 * LISTING_BYTES / MEGABYTE, seconds=3 * TOTAL_S):
            outcomes = asyncio.run(work())
    finally:
        server.answer = ""
    assert (ListingOutcome.OK in outcomes) is (name == "headers of the largest size")


def page_of(models: int, *, start: int = 0, token: str = "") -> Outcome:
    services = [{"name": f"model-services/system.ai.m{start + number}"} for number in range(models)]
    return feeding.answer(200, {"model_services": services, "next_page_token": token})


def test_a_listing_of_more_models_than_anybody_has_is_cut() -> None:
    endpoints = [{"name": f"databricks-m{number}", "task": "llm/v1/chat"} for number in range(20_000)]
    fed = feeding.feed(
        list_serving_endpoints("https://h.example.com", {}),
        {"https://h.example.com/api/2.0/serving-endpoints": feeding.answer(200, {"endpoints": endpoints})},
    ).result
    assert (len(fed.models), fed.result.outcome) == (MAX_MODELS, ListingOutcome.PARTIAL)
    assert fed.result.detail == f"only the first {MAX_MODELS} models"


@pytest.mark.parametrize(
    ("models", "page_ms", "pages"),
    [pytest.param(300, 1.0, 4, id="too many models"), pytest.param(1, 14_000.0, 5, id="pages that take too long")],
)
def test_a_listing_without_an_end_is_left(models: int, page_ms: float, pages: int) -> None:
    flow = list_model_services("https://h.example.com", {})
    ask, asked = next(flow), 0
    try:
        while True:
            asked += 1
            page = page_of(models, start=asked * models, token=f"t{asked}")
            assert isinstance(page, HttpAnswer)
            assert parse_qs(urlsplit(ask.request.url).query).get("page_token", ["t0"]) == [f"t{asked - 1}"]
            ask = flow.send(replace(page, elapsed_ms=page_ms))
    except StopIteration as done:
        found = done.value
    assert (asked, found.result.outcome) == (pages, ListingOutcome.PARTIAL)
    assert len(found.models) <= MAX_MODELS


def test_a_model_with_more_api_types_than_there_are_keeps_a_few() -> None:
    service = {"name": "model-services/system.ai.m", "supported_api_types": [f"t{number}" for number in range(50_000)]}
    url = "https://h.example.com/api/2.1/unity-catalog/model-services?parent=schemas/system.ai&page_size=100"
    flow = list_model_services("https://h.example.com", {})
    fed = feeding.feed(flow, {url: feeding.answer(200, {"model_services": [service]})}).result
    assert len(fed.models[0].api_types) < 20


# The databricks-sdk.


@pytest.fixture(scope="module")
def workspace() -> Iterator[SimulatedWorkspace]:
    with SimulatedWorkspace("healthy") as running:
        yield running


@pytest.fixture(scope="module")
def client(workspace: SimulatedWorkspace, server: HostileServer) -> WorkspaceClient:
    """Return a client that was made before its workspace turned hostile."""
    made = connection(workspace.http_origin, StaticToken(TOKEN, "the test"))()
    made.config.host = server.origin
    return sdk_answers.bounded(made, total_s=TOTAL_S)


# urllib3 leaves a connection to the garbage collector whose head it cannot read.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", WHOLE)
def test_the_sdk_is_kept_within_bounds(name: str, server: HostileServer, client: WorkspaceClient) -> None:
    server.answer = name
    apps, said = DatabricksApps(lambda: client), []
    try:
        # The JSON of an answer takes some ten times as much as its text.
        with bounded(megabytes=12 * sdk_answers.LARGEST_ANSWER / MEGABYTE, seconds=2 * TOTAL_S):
            for act in (lambda: apps.get("coda"), lambda: apps.read("/Workspace/Users/robin/app.yaml")):
                try:
                    said.append(repr(act()))
                except ChangeError as exc:
                    said.append(f"{exc.code} {exc.message}")
    finally:
        server.answer = ""
        gc.collect()
    assert not any(TOKEN.reveal() in words for words in said)
    assert max(map(len, said)) < 2 * MEGABYTE


@pytest.mark.parametrize("name", ["a body of 10 MB", "a million calls", "objects in objects", "headers byte by byte"])
def test_nobody_becomes_an_administrator_by_it(name: str, server: HostileServer, client: WorkspaceClient) -> None:
    server.answer = name
    people = WorkspacePeople(lambda: client, lambda _: client)
    try:
        with bounded(megabytes=12 * sdk_answers.LARGEST_ANSWER / MEGABYTE, seconds=4 * TOTAL_S):
            found = people.look_up("robin.vale@switchyard.example", TOKEN, ["app:coda"])
    finally:
        server.answer = ""
    assert not found.manages
    assert not found.groups
