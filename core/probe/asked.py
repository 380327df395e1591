"""Probes that people ask for: how soon a route may be asked again, what it costs, and the newest verdicts."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from core.errors import ProbeError
from core.model.probe import Cost, Depth, ProbeResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import Clock, HttpRequest
from core.probe.budget import ONE_SHOT_BUDGET_S
from core.probe.request import build_request, key_of

COOL_DOWN_S = 10.0
_KEPT_RESULTS = 4000
_CAPS = ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens")


def routes_as(selection: Sequence[Route], tokens: Mapping[Identity, Secret]) -> tuple[Route, ...]:
    """Return the selection as it is, or with tokens each of its routes once per given token and nothing else."""
    if not tokens:
        return tuple(selection)
    plain = dict.fromkeys(replace(route, identity=Identity.DASHBOARD, token=None) for route in selection)
    return tuple(
        replace(route, identity=identity, token=token) for route in plain for identity, token in tokens.items()
    )


def cost_of(routes: Sequence[Route], depth: Depth, *, concurrency: int) -> Cost:
    """Return what asking these routes takes at most."""
    requests = {}
    for route in routes:
        request = build_request(route, depth, route.token)
        requests[key_of(request), route.identity is Identity.DASHBOARD] = request
    caps = [_output_cap(request) for request in requests.values()]
    known = [cap for cap in caps if cap is not None]
    return Cost(
        routes=len(routes),
        requests=len(requests),
        output_tokens=sum(known) if len(known) == len(caps) else None,
        seconds=math.ceil(len(requests) / concurrency) * ONE_SHOT_BUDGET_S,
    )


def _output_cap(request: HttpRequest) -> int | None:
    body = json.loads(request.body or b"{}")
    places = (body, body.get("generationConfig") or {})
    return next((place[name] for place in places for name in _CAPS if name in place), None)


class AskedProbes:
    """What people asked for lately; safe to use from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[Hashable, float] = {}
        self._kept: dict[Hashable, tuple[str | None, ProbeResult]] = {}
        self._results: dict[str, tuple[ProbeResult, ...]] = {}

    def admit(self, routes: Sequence[Route], depth: Depth) -> tuple[Route, ...]:
        """Return the routes that may be asked now, and count them as asked; raises ProbeError when none may."""
        if not routes:
            raise ProbeError("There is no route to probe.", code="nothing_to_probe", remedy="Select another route.")
        now = self._clock.monotonic()
        with self._lock:
            self._asked = {key: at for key, at in self._asked.items() if now - at < COOL_DOWN_S}
            cooling = [self._asked[key] for route in routes if (key := _place(route, depth)) in self._asked]
            free = tuple(route for route in routes if _place(route, depth) not in self._asked)
            self._asked.update((_place(route, depth), now) for route in free)
        if not free:
            wait_s = math.ceil(COOL_DOWN_S - (now - min(cooling)))
            raise ProbeError(
                f"Asked less than {COOL_DOWN_S:.0f} s ago.",
                code="cooling_down",
                remedy=f"It may be asked again in {max(wait_s, 1)} s; every probe costs tokens.",
            )
        return free

    def keep(self, result: ProbeResult, asker: str) -> None:
        """Keep a verdict in place of the former one of the same route, identity and depth.

        What somebody's own token is answered tells what that person may use, so it is kept for that person.
        """
        owner = asker if result.route.identity.is_personal else None
        with self._lock:
            key = owner, _place(result.route, result.depth)
            self._kept.pop(key, None)
            self._kept[key] = owner, result
            while len(self._kept) > _KEPT_RESULTS:
                del self._kept[next(iter(self._kept))]
            self._results = {}

    def results(self, reader: str) -> tuple[ProbeResult, ...]:
        """Return the verdicts kept for somebody, the newest last; the same tuple as long as nothing came in."""
        with self._lock:
            if reader not in self._results:
                self._results[reader] = tuple(one for owner, one in self._kept.values() if owner in (None, reader))
            return self._results[reader]


def _place(route: Route, depth: Depth) -> Hashable:
    return replace(route, token=None), depth


def left_out(asked: Iterable[Route], admitted: Sequence[Route]) -> int:
    """Return how many routes have to wait."""
    return len(tuple(asked)) - len(admitted)
