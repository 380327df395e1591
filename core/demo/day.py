"""Make up a day of checks for the demo, folded as real ones are; the same routes, time and seed give the same day."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.catalog.spellings import family_of
from core.health.standing import rules_of
from core.history.journal import Journal
from core.model.agent import AgentId
from core.model.check import route_id
from core.model.history import Batch
from core.model.probe import Depth, Diagnosis, ProbeResult, Rung, RungOutcome, Tokens
from core.model.route import Identity, Route
from core.ports import HostCheck, HttpAnswer
from core.probe.composing import Composer, Exchange
from core.probe.judge import Verdict, judge
from core.probe.request import build_request
from core.settings import Settings
from core.simulator.errors import REFUSALS

SEED = 20261
DAY = timedelta(hours=24)
_EVERY = timedelta(minutes=5)
_AGAIN = (timedelta(seconds=5), timedelta(seconds=10))
_ROUNDS_PER_BATCH = 24
_USUAL_MS = {"claude": 900.0, "gpt": 700.0, "gemini": 620.0}
_OTHER_MS = 450.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What went wrong for a while: which agent's routes, with whose credential (None: anybody's), and how it looked."""

    agent: AgentId
    ago: timedelta
    lasted: timedelta
    refusal: str
    identity: Identity | None = None

    def hits(self, route: Route, before_end: timedelta) -> bool:
        """Say whether this route failed so long before the end of the day."""
        is_then = self.ago - self.lasted < before_end <= self.ago
        return is_then and route.agent is self.agent and self.identity in (None, route.identity)


TROUBLES = (
    Trouble(agent=AgentId.CODEX, ago=timedelta(hours=19), lasted=timedelta(minutes=25), refusal="throttled"),
    Trouble(agent=AgentId.GEMINI, ago=timedelta(hours=11), lasted=timedelta(minutes=40), refusal="internal_error"),
    Trouble(
        agent=AgentId.PI,
        ago=timedelta(hours=5),
        lasted=timedelta(minutes=15),
        refusal="invalid_token_text",
        identity=Identity.STORED,
    ),
)


class _Then:
    """A clock that stands at the moment that is being made up."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


def day_before(now: datetime, routes: Sequence[Route], settings: Settings, *, seed: int = SEED) -> Iterator[Batch]:
    """Yield what a day of checks up to `now` leaves behind, in few batches."""
    teller = _Teller(now, routes, settings, random.Random(seed))
    rounds: list[Batch] = []
    ticks = int(DAY / _EVERY)
    for tick in range(ticks, 0, -1):
        rounds += teller.tick(tick * _EVERY)
        if len(rounds) >= _ROUNDS_PER_BATCH or tick == 1:
            yield _merged(rounds)
            rounds = []


def _merged(rounds: Sequence[Batch]) -> Batch:
    """Return several rounds as one: of what stands only the newest counts."""
    return Batch(
        id=f"demo-{rounds[0].checks[0].checked_at:%Y%m%dT%H%M%S}",
        checks=tuple(check for one in rounds for check in one.checks),
        routes=tuple({kept.standing.route_id: kept for one in rounds for kept in one.routes}.values()),
        transitions=tuple(transition for one in rounds for transition in one.transitions),
        incidents=tuple({incident.id: incident for one in rounds for incident in one.incidents}.values()),
    )


class _Teller:
    """Tell the checks of each moment, and fold them as the watch does."""

    def __init__(self, now: datetime, routes: Sequence[Route], settings: Settings, dice: random.Random) -> None:
        self._end = now
        self._routes = [replace(route, token=None) for route in routes]
        self._present = frozenset(route_id(route) for route in routes)
        self._dice = dice
        self._clock = _Then(now - DAY)
        self._journal = Journal(rules_of(settings), simulated=True, clock=self._clock)
        self._composer = Composer(clock=self._clock, secrets=(), depth=Depth.REACH)
        self._failing: frozenset[str] = frozenset()

    def tick(self, before_end: timedelta) -> Iterator[Batch]:
        """Yield the rounds of one moment: all routes, and at once again those whose state is new."""
        troubles = {id(route): _trouble_of(route, before_end) for route in self._routes}
        yield self._round(self._routes, troubles, before_end)
        failing = frozenset(route_id(route) for route in self._routes if troubles[id(route)])
        news, self._failing = failing ^ self._failing, failing
        again = [route for route in self._routes if route_id(route) in news]
        for later in _AGAIN if again else ():
            yield self._round(again, troubles, before_end - later)

    def _round(self, routes: Sequence[Route], troubles: dict[int, Trouble | None], before_end: timedelta) -> Batch:
        start = self._end - before_end
        for number, route in enumerate(routes):
            # Not all at one moment, as with a real sweep.
            self._clock.at = start + timedelta(milliseconds=40 * number)
            self._journal.take(self._result(route, troubles[id(route)]))
        present = self._present if len(routes) == len(self._routes) else None
        return self._journal.end_round(present).batch

    def _result(self, route: Route, trouble: Trouble | None) -> ProbeResult:
        took_ms = self._took_ms(route)
        answer = _refused(route, trouble.refusal, took_ms) if trouble else _answered(took_ms)
        exchange = Exchange(
            request=build_request(route, Depth.REACH, None),
            outcome=answer,
            check=HostCheck(dns_ms=1.2, tcp_ms=8.4, tls_ms=17.9),
            verdict=judge(route, answer) if trouble else _passed(route, self._dice),
            attempts=2 if trouble else 1,
        )
        return self._composer.result(route, exchange)

    def _took_ms(self, route: Route) -> float:
        usual = next((ms for word, ms in _USUAL_MS.items() if word in family_of(route.model)), _OTHER_MS)
        return round(usual * self._dice.lognormvariate(0.0, 0.22), 1)


def _trouble_of(route: Route, before_end: timedelta) -> Trouble | None:
    return next((trouble for trouble in TROUBLES if trouble.hits(route, before_end)), None)


def _refused(route: Route, name: str, took_ms: float) -> HttpAnswer:
    refusal = REFUSALS[name]
    body = refusal.filled(model=route.model).encode()
    headers = {key.lower(): value for key, value in refusal.headers.items()} | {"content-type": refusal.content_type}
    return HttpAnswer(
        status=refusal.status, headers=headers, body=body, truncated=False, elapsed_ms=took_ms / 6, first_byte_ms=9.0
    )


def _answered(took_ms: float) -> HttpAnswer:
    body = json.dumps({"simulated": True}).encode()
    return HttpAnswer(status=200, headers={}, body=body, truncated=False, elapsed_ms=took_ms, first_byte_ms=took_ms / 2)


def _passed(route: Route, dice: random.Random) -> Verdict:
    return Verdict(
        diagnosis=Diagnosis.OK,
        rung=Rung.MODEL,
        auth=RungOutcome.PASSED,
        route=RungOutcome.PASSED,
        status=200,
        answered_model=route.model,
        tokens=Tokens(input=dice.randint(9, 14), output=dice.randint(1, 6)),
    )
