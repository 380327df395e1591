"""Faults that can be put in front of any answer, and the log of requests that came in."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeVar

from core.catalog.spellings import model_id
from core.model.agent import Dialect
from core.model.gateway import Generation
from core.simulator.errors import REFUSALS
from core.simulator.scenes import TokenState

_LOG_LENGTH = 20_000
_E = TypeVar("_E", bound=StrEnum)


class Behaviour(StrEnum):
    """Faults that are no answer of their own but something done to one; refusals are faults by their name."""

    HANG = "hang"
    DELAY = "delay"
    DRIP = "drip"
    RESET = "reset"
    CUT = "cut"
    TRUNCATED_JSON = "truncated_json"
    OVERSIZED = "oversized"
    STREAM_ERROR = "stream_error"
    EMPTY_STREAM = "empty_stream"
    EMPTY_ANSWER = "empty_answer"
    SUBSTITUTED = "substituted"
    ECHO = "echo"
    ECHO_IN_ERROR = "echo_in_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """Do `fault` to every request that matches; what is None matches anything.

    `fault` is a Behaviour, the name of a refusal, or "custom" with `status`, `body` and `headers`. `model` matches in
    either spelling, `path` is a prefix. The first `after` of them are let through. `times` None means until removed,
    and `lasts_s` None for as long; `delay_s` is for delay and drip.
    """

    fault: str
    generation: Generation | None = None
    dialect: Dialect | None = None
    model: str | None = None
    token: TokenState | None = None
    path: str | None = None
    after: int = 0
    times: int | None = None
    lasts_s: float | None = None
    delay_s: float = 0.2
    status: int = 500
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        known = self.fault == "custom" or self.fault in REFUSALS or self.fault in tuple(Behaviour)
        if not known:
            raise ValueError(f"no such fault: {self.fault}")

    def matches(self, request: Request) -> bool:
        """Say whether this rule is about that request."""
        return (
            (self.generation is None or self.generation is request.generation)
            and (self.dialect is None or self.dialect is request.dialect)
            and (self.token is None or self.token is request.token)
            and (self.path is None or request.path.startswith(self.path))
            and (self.model is None or (request.model is not None and model_id(self.model) == model_id(request.model)))
        )

    @property
    def is_answer(self) -> bool:
        """Say whether this takes the place of an answer, so that what was asked for is not done."""
        return self.fault not in tuple(Behaviour)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FaultRule:
        """Return the rule that this object describes; raises ValueError or TypeError when it describes none."""
        unknown = set(value) - set(cls.__slots__)
        if unknown:
            raise ValueError(f"a fault has no {sorted(unknown)[0]}")
        times, lasts_s = value.get("times"), value.get("lasts_s")
        return cls(
            fault=str(value.get("fault")),
            generation=_enum(Generation, value.get("generation")),
            dialect=_enum(Dialect, value.get("dialect")),
            model=value.get("model"),
            token=_enum(TokenState, value.get("token")),
            path=value.get("path"),
            after=int(value.get("after", 0)),
            times=None if times is None else int(times),
            lasts_s=None if lasts_s is None else float(lasts_s),
            delay_s=float(value.get("delay_s", 0.2)),
            status=int(value.get("status", 500)),
            body=str(value.get("body", "")),
            headers=tuple((str(name), str(text)) for name, text in dict(value.get("headers", ())).items()),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the rule as from_json takes it."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One line of the request log; tokens by name, bodies by their hash."""

    number: int
    method: str
    host: str
    path: str
    generation: Generation | None
    dialect: Dialect | None
    model: str | None
    token: TokenState
    body_sha256: str


def _enum(kind: type[_E], value: str | None) -> _E | None:
    return None if value is None else kind(value)


@dataclass(slots=True)
class _InForce:
    """A rule with how many it still lets through, how many it still hits, and when it ends (monotonic seconds)."""

    rule: FaultRule
    spared: int
    left: int | None
    ends_at: float | None


class FaultBook:
    """Hold the faults in force; the first rule that matches is used, and one whose time is over is none."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._monotonic = monotonic
        self._kept: list[_InForce] = []

    def add(self, *rules: FaultRule) -> None:
        """Put these rules in force, after those that are."""
        now = self._monotonic()
        with self._lock:
            self._kept += [
                _InForce(rule, rule.after, rule.times, None if rule.lasts_s is None else now + rule.lasts_s)
                for rule in rules
            ]

    def remove(self, rule: FaultRule) -> None:
        """Remove a rule; nothing happens when it is not in force any more."""
        with self._lock:
            self._kept = [kept for kept in self._kept if kept.rule != rule]

    def clear(self) -> None:
        """Remove all rules."""
        with self._lock:
            self._kept = []

    @property
    def rules(self) -> tuple[FaultRule, ...]:
        """Return the rules in force."""
        return tuple(rule for rule, _ in self.lasting)

    @property
    def lasting(self) -> tuple[tuple[FaultRule, float | None], ...]:
        """Return the rules in force with the seconds that each has left, None for one without an end."""
        with self._lock:
            now = self._forget_ended()
            return tuple((kept.rule, None if kept.ends_at is None else kept.ends_at - now) for kept in self._kept)

    def take(self, request: Request) -> FaultRule | None:
        """Return the rule for this request, if any, and count it."""
        if not self._kept:
            return None
        with self._lock:
            self._forget_ended()
            for kept in self._kept:
                if not kept.rule.matches(request):
                    continue
                if kept.spared:
                    kept.spared -= 1
                    continue
                self._count(kept)
                return kept.rule
        return None

    def _count(self, kept: _InForce) -> None:
        if kept.left is None:
            return
        kept.left -= 1
        if not kept.left:
            self._kept.remove(kept)

    def _forget_ended(self) -> float:
        now = self._monotonic()
        self._kept = [kept for kept in self._kept if kept.ends_at is None or kept.ends_at > now]
        return now


class RequestLog:
    """Keep the newest requests, in order of arrival."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._requests: deque[Request] = deque(maxlen=_LOG_LENGTH)

    def add(self, request: Request) -> None:
        """Keep one more request."""
        with self._arrived:
            self._requests.append(request)
            self._arrived.notify_all()

    def reset(self) -> None:
        """Forget all requests."""
        with self._arrived:
            self._requests.clear()

    def all(self) -> tuple[Request, ...]:
        """Return the requests kept, oldest first."""
        with self._arrived:
            return tuple(self._requests)

    def posts(self) -> tuple[Request, ...]:
        """Return the requests that asked a model."""
        return tuple(request for request in self.all() if request.method == "POST" and request.dialect is not None)

    def wait_for(self, condition: Callable[[tuple[Request, ...]], bool], *, timeout_s: float) -> bool:
        """Wait until the condition holds of the requests kept; say whether it did in time."""
        with self._arrived:
            return self._arrived.wait_for(lambda: condition(tuple(self._requests)), timeout=timeout_s)
