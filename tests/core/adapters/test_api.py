"""What programs get below /api/: the right document, strict headers, one shape of error, and nothing for strangers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import httpx
import pytest
from starlette.applications import Starlette

from core.access.authority import objection_to_reading
from core.adapters.api import api_routes
from core.errors import ConfigurationError
from core.history.totals import Totals
from core.model.agent import AgentId
from core.model.secret import Secret
from core.model.snapshot import Problem, Snapshot
from core.settings import Settings
from tests.core.surfaces.pictures import NOW, outage, seen_for

T = TypeVar("T")
PAGES = ("status", "health", "metrics", "badge/hermes.svg")
HEADERS = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}


@dataclass
class Clock:
    at: datetime = NOW
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Watch:
    """Services that know one picture."""

    shown: Snapshot
    settings: Settings = field(default_factory=lambda: Settings(scene="healthy"))
    counted: Totals = field(default_factory=Totals)

    def snapshot(self) -> Snapshot:
        return self.shown

    def totals(self) -> Totals:
        return self.counted


def objection(settings: Settings, headers: Mapping[str, str]) -> Problem | None:
    """Decide as the app does, on a dashboard that is bound to loopback."""
    return objection_to_reading(
        inside_databricks_apps=settings.inside_databricks_apps,
        person=headers.get("X-Forwarded-Email"),
        bound_to_loopback=True,
        host_header=headers.get("Host"),
    )


@dataclass
class Client:
    """Asks one app, each time in an event loop of its own."""

    services: Callable[[], Watch]
    host: str = "127.0.0.1:8501"

    def request(self, method: str, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        async def ask(sender: httpx.AsyncClient) -> httpx.Response:
            return await sender.request(method, f"http://{self.host}{path}", headers=headers)

        return self.talk(ask)

    def talk(self, talking: Callable[[httpx.AsyncClient], Awaitable[T]], clock: Clock | None = None) -> T:
        """Let somebody ask one and the same app whatever and as often as wanted."""

        async def talked() -> T:
            app = Starlette(routes=api_routes(self.services, objection, clock=clock or Clock()))
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as sender:
                return await talking(sender)

        return asyncio.run(talked())

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.request("GET", path, headers)


def client(watch: Watch, *, host: str = "127.0.0.1:8501") -> Client:
    return Client(lambda: watch, host)


@pytest.fixture
def asked() -> Client:
    """Return a client of a dashboard during the outage."""
    return client(Watch(outage()))


def test_the_status_is_the_document_of_the_outage(asked: Client) -> None:
    answer = asked.get("/api/status")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    told = answer.json()
    assert (told["schema"], told["error"], told["overall"]["health"]) == (1, None, "down")
    assert told["told_at"] == "2030-01-02T12:00:00.000Z"


def test_the_process_is_fine_while_a_route_is_down_and_the_store_away(asked: Client) -> None:
    answer = asked.get("/api/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert (answer.json()["store"]["up"], answer.json()["monitor"]["age_s"]) == (False, 30.0)


def test_metrics_are_the_text_that_prometheus_reads(asked: Client) -> None:
    answer = asked.get("/api/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "\nswitchyard_store_up 0.0\n" in answer.text


def test_a_badge_is_an_image(asked: Client) -> None:
    answer = asked.get("/api/badge/hermes.svg")
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert ">Down</text>" in answer.text
    assert "simulated" in answer.text


def test_a_badge_grows_grey_when_the_watch_stops() -> None:
    answer = client(Watch(seen_for(timedelta(hours=2)))).get("/api/badge/codex.svg")
    assert "Unknown" in answer.text and "Healthy" not in answer.text


@pytest.mark.parametrize("agent", AgentId)
def test_every_agent_has_a_badge_before_anything_was_seen(agent: AgentId) -> None:
    assert "Unknown" in client(Watch(Snapshot())).get(f"/api/badge/{agent}.svg").text


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("badge/somebody.svg", "unknown_agent"),
        ("badge/HERMES.svg", "unknown_agent"),
        ("badge/%3Cscript%3E.svg", "unknown_agent"),
        ("badge/hermes.png", "not_found"),
        ("badge/hermes", "not_found"),
        ("badge/../status", "not_found"),
        ("status/", "not_found"),
        ("", "not_found"),
        ("changes", "not_found"),
    ],
)
def test_what_there_is_not_is_told_in_the_one_shape(asked: Client, path: str, code: str) -> None:
    answer = asked.get("/api/" + path.replace("../", "%2e%2e/"))
    assert answer.status_code == 404
    assert answer.json().keys() == {"schema", "error"}
    assert answer.json()["error"].keys() == {"code", "message", "remedy"}
    assert answer.json()["error"]["code"] == code
    assert "script" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_done_but_reading(asked: Client, method: str) -> None:
    answer = asked.request(method, "/api/status")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize("page", PAGES)
def test_head_has_the_headers_of_get_and_no_body(asked: Client, page: str) -> None:
    whole, head = asked.get(f"/api/{page}"), asked.request("HEAD", f"/api/{page}")
    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(whole.headers)
    assert whole.headers["content-length"] == str(len(whole.content))


@pytest.mark.parametrize("page", [*PAGES, "nothing", "badge/nobody.svg"])
def test_every_answer_has_the_strict_headers(asked: Client, page: str) -> None:
    headers = asked.get(f"/api/{page}").headers
    assert HEADERS.items() <= dict(headers).items()
    assert not {"access-control-allow-origin", "set-cookie", "etag"} & set(headers)


@pytest.mark.parametrize("page", [*PAGES, "nothing"])
def test_only_badges_are_shown_on_other_sites(asked: Client, page: str) -> None:
    shared = "cross-origin" if page.startswith("badge/") else "same-origin"
    assert asked.get(f"/api/{page}").headers["cross-origin-resource-policy"] == shared


@pytest.mark.parametrize("page", [*PAGES, "nothing"])
def test_a_foreign_name_on_loopback_reads_nothing(page: str) -> None:
    answer = client(Watch(outage()), host="rebound.example").get(f"/api/{page}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "foreign_host")
    assert HEADERS.items() <= dict(answer.headers).items()
    assert "hermes" not in answer.text.lower()


@pytest.mark.parametrize("page", PAGES)
def test_inside_databricks_apps_only_whom_the_proxy_let_in_reads(page: str) -> None:
    inside = client(Watch(outage(), settings=Settings(scene="healthy", inside_databricks_apps=True)), host="10.0.0.7")
    refused = inside.get(f"/api/{page}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "not_signed_in")
    assert inside.get(f"/api/{page}", headers={"X-Forwarded-Email": "riley@example.com"}).status_code == 200


def refusing() -> Watch:
    raise ConfigurationError("There is no scene named 'x'.", code="unknown_scene", remedy="Set another scene.")


@pytest.mark.parametrize("page", ["status", "metrics", "badge/hermes.svg"])
def test_without_services_the_reason_is_told(page: str) -> None:
    answer = Client(refusing).get(f"/api/{page}")
    error = {"code": "unknown_scene", "message": "There is no scene named 'x'.", "remedy": "Set another scene."}
    assert (answer.status_code, answer.json()) == (503, {"schema": 1, "error": error})


def test_without_services_the_process_still_answers() -> None:
    answer = Client(refusing).get("/api/health")
    assert (answer.status_code, answer.json()["status"], answer.json()["monitor"]) == (200, "ok", None)


class Broken(Watch):
    def snapshot(self) -> Snapshot:
        raise RuntimeError("dapi0123456789abcdef at 10.0.0.7")


def test_a_fault_of_ours_is_told_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    answer = client(Broken(outage())).get("/api/status")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "dapi" not in answer.text
    assert "/api/status failed" in caplog.text


def test_no_token_is_in_any_answer() -> None:
    base = outage()
    results = tuple(result for result in base.results)
    assert results
    watch = Watch(base, settings=Settings(scene="healthy", token=Secret("t0ken-of-the-dashboard")))
    for page in PAGES:
        assert "t0ken" not in client(watch).get(f"/api/{page}").text


# Readers of the same moment are given the same text.


class Counting(Watch):
    """Services that know how often their metrics were written."""

    written = 0
    broken = False

    def totals(self) -> Totals:
        self.written += 1
        if self.broken:
            raise RuntimeError("not this time")
        return self.counted


METRICS = "http://127.0.0.1:8501/api/metrics"


async def all_at_once(sender: httpx.AsyncClient) -> set[int]:
    return {answer.status_code for answer in await asyncio.gather(*(sender.get(METRICS) for _ in range(50)))}


def test_many_who_ask_at_the_same_moment_are_given_one_text() -> None:
    watch = Counting(outage())
    assert (client(watch).talk(all_at_once), watch.written) == ({200}, 1)


@pytest.mark.parametrize(("later_s", "anew", "written"), [(0.4, False, 1), (0.5, False, 2), (0.1, True, 2)])
def test_a_text_is_given_to_others_for_half_a_second_of_one_picture(later_s: float, anew: bool, written: int) -> None:
    watch, clock = Counting(outage()), Clock()

    async def twice(sender: httpx.AsyncClient) -> None:
        await sender.get(METRICS)
        clock.seconds = later_s
        watch.shown = outage() if anew else watch.shown
        await sender.get(METRICS)

    client(watch).talk(twice, clock)
    assert watch.written == written


def test_a_failure_is_given_to_nobody_who_asks_later() -> None:
    watch = Counting(outage(), settings=Settings(scene="healthy"))

    async def twice(sender: httpx.AsyncClient) -> tuple[int, int]:
        watch.broken = True
        first = await sender.get(METRICS)
        watch.broken = False
        return first.status_code, (await sender.get(METRICS)).status_code

    assert client(watch).talk(twice) == (500, 200)


def test_what_one_may_read_is_given_to_nobody_who_may_not() -> None:
    async def both(sender: httpx.AsyncClient) -> tuple[int, int]:
        first = await sender.get(METRICS)
        return first.status_code, (await sender.get(METRICS, headers={"Host": "rebound.example"})).status_code

    assert client(Watch(outage())).talk(both) == (200, 403)


def test_what_there_is_not_is_not_remembered(asked: Client) -> None:
    async def many(sender: httpx.AsyncClient) -> set[int]:
        paths = [f"http://127.0.0.1:8501/api/{number}" for number in range(20)]
        return {(await sender.get(path)).status_code for path in paths}

    assert asked.talk(many) == {404}
