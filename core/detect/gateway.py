"""Find the base URL of all agent routes, and keep for every candidate why it was taken or not.

An HTTP answer alone proves nothing: a proxy, a login page and a parked host answer too. Proof is an authenticated
answer of the right shape. A 403 that does not kill the token proves nothing either way, so it is never called "off".
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from core.catalog.clouds import dedicated_gateway_hosts
from core.detect.flow import Ask, Flow, Outcome, get
from core.detect.hosts import GATEWAY_SETTING, SERVING_PATH, WORKSPACE_GATEWAY_PATH, ParsedGateway, ParsedHost
from core.detect.proof import is_endpoint_list, is_model_list, is_no_gateway, is_service_list, model_list_words, why_not
from core.detect.reading import Reading, read_outcome
from core.detect.trust import Trust, may_receive_bearer
from core.detect.workspace import routing_headers
from core.model.gateway import Gateway, GatewaySource, Generation, TraceOutcome, TraceStep
from core.model.probe import Diagnosis as D
from core.model.workspace import Workspace

MODELS_PATH = "/anthropic/v1/models"
SERVICES_PATH = "/api/2.1/unity-catalog/model-services?parent=schemas/system.ai&page_size=1"
V2_PATH = "/api/ai-gateway/v2/endpoints"
SERVING_LIST_PATH = "/api/2.0/serving-endpoints"
LIST_BYTES = 4 * 1024 * 1024
DEDICATED_TIMEOUT_S = 4.0
MAX_LISTED_HOSTS = 3

_Steps: TypeAlias = Generator[Ask, Outcome, None]
_NAMED = "named by the v2 endpoint listing"
_GUESSED = "a guess from workspace id and cloud"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    base_url: str
    generation: Generation
    source: GatewaySource


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guess:
    step: str
    origin: str
    source: GatewaySource
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proof:
    is_given: bool
    reason: str
    ms: float


@dataclass(slots=True)
class _Search:
    """What one resolution is about and how far it has come; lives only as long as its flow."""

    parsed: ParsedHost
    workspace: Workspace
    trust: Trust
    trace: list[TraceStep] = field(default_factory=list)
    chosen: _Chosen | None = None
    # Set when nothing further may be asked, in words.
    stopped: str | None = None
    # Set when the workspace's own origin does not let us in, in words.
    shut: str | None = None
    # Set when further guesses would only cost time, in words.
    silent: str | None = None

    @property
    def origin(self) -> str:
        return self.parsed.origin

    @property
    def headers(self) -> Mapping[str, str]:
        return routing_headers(self.parsed, self.workspace.workspace_id)

    def reject(self, step: str, candidate: str | None, reason: str, ms: float | None) -> None:
        self.trace.append(_step(step, candidate, TraceOutcome.REJECTED, reason, ms))

    def skip(self, step: str, candidate: str | None, reason: str) -> None:
        self.trace.append(_step(step, candidate, TraceOutcome.SKIPPED, reason, None))

    def choose(self, step: str, chosen: _Chosen, reason: str, ms: float | None) -> None:
        self.trace.append(_step(step, chosen.base_url, TraceOutcome.CHOSEN, reason, ms))
        self.chosen = chosen
        self.stopped = "not needed: a candidate before it was chosen"

    def stop_for(self, reading: Reading) -> None:
        """Stop everything when the credential is refused or may not be sent: no later answer could prove anything."""
        if reading.is_dead_credential:
            self.stopped = f"not asked: the credential was refused ({reading.clause})"
        elif not reading.was_sent:
            self.stopped = f"not asked: nothing may be sent to the workspace ({reading.clause})"


def resolve_gateway(
    parsed: ParsedHost,
    workspace: Workspace,
    *,
    trust: Trust,
    now: Callable[[], datetime],
    explicit: ParsedGateway | None = None,
    disabled: bool = False,
) -> Flow[Gateway]:
    """Resolve the gateway; `explicit` and `disabled` are the two states of a set DATABRICKS_GATEWAY_HOST.

    An explicit gateway and a disabled one stay chosen even when they do not answer, because the agents use them then
    too; the reason says that they did not. Only a search can end with no base URL at all.
    """
    search = _Search(parsed=parsed, workspace=workspace, trust=trust)
    if explicit is not None:
        yield from _explicit(search, explicit)
    elif disabled:
        yield from _disabled(search)
    yield from _workspace_origin(search)
    listed: list[str] = []
    yield from _listed_dedicated(search, listed)
    yield from _constructed_dedicated(search, listed)
    if explicit is not None or not disabled:
        yield from _serving_endpoints(search)
    return _found(search, now())


def _found(search: _Search, at: datetime) -> Gateway:
    return Gateway(
        base_url=search.chosen.base_url if search.chosen else None,
        generation=search.chosen.generation if search.chosen else None,
        source=search.chosen.source if search.chosen else GatewaySource.NONE,
        trace=tuple(search.trace),
        resolved_at=at,
    )


def _explicit(search: _Search, explicit: ParsedGateway) -> _Steps:
    if explicit.generation is Generation.SERVING_ENDPOINTS:
        proof = yield from _prove_serving_endpoints(search, explicit.origin)
    elif explicit.base_url == search.origin + WORKSPACE_GATEWAY_PATH:
        proof = yield from _prove_workspace_gateway(search)
    else:
        reading = read_outcome((yield get(explicit.base_url + MODELS_PATH)), explicit.generation)
        proof = _Proof(is_given=is_model_list(reading), reason=model_list_words(reading), ms=reading.ms)
    link = "" if proof.is_given else "but it did not answer as one: "
    chosen = _Chosen(base_url=explicit.base_url, generation=explicit.generation, source=GatewaySource.EXPLICIT)
    search.choose("explicit", chosen, f"set explicitly in {GATEWAY_SETTING}; {link}{proof.reason}", proof.ms)
    search.stopped = f"not asked: {GATEWAY_SETTING} names the gateway"


def _disabled(search: _Search) -> _Steps:
    proof = yield from _prove_serving_endpoints(search, search.origin)
    link = "" if proof.is_given else "they did not answer: "
    chosen = _Chosen(
        base_url=search.origin + SERVING_PATH, generation=Generation.SERVING_ENDPOINTS, source=GatewaySource.DISABLED
    )
    off = f"the gateway is switched off on purpose ({GATEWAY_SETTING} is empty), so agents use serving-endpoints"
    search.choose("disabled", chosen, f"{off}; {link}{proof.reason}", proof.ms)
    search.stopped = f"not asked: {GATEWAY_SETTING} is empty"


def _workspace_origin(search: _Search) -> _Steps:
    step, candidate = "workspace_origin", search.origin + WORKSPACE_GATEWAY_PATH
    if search.stopped:
        search.skip(step, candidate, search.stopped)
        return
    proof = yield from _prove_workspace_gateway(search)
    if proof.is_given:
        chosen = _Chosen(base_url=candidate, generation=Generation.WORKSPACE, source=GatewaySource.DISCOVERED)
        search.choose(step, chosen, proof.reason, proof.ms)
    else:
        search.reject(step, candidate, proof.reason, proof.ms)


def _prove_workspace_gateway(search: _Search) -> Generator[Ask, Outcome, _Proof]:
    """Ask the gateway's model listing; where that is closed for its own reasons, the listing of model services."""
    url = search.origin + WORKSPACE_GATEWAY_PATH + MODELS_PATH
    first = read_outcome((yield get(url, search.headers)), Generation.WORKSPACE)
    if is_model_list(first):
        return _Proof(is_given=True, reason=model_list_words(first), ms=first.ms)
    search.stop_for(first)
    if first.diagnosis is D.NETWORK_BLOCKED:
        search.shut = "not asked: the workspace blocks this network"
    elif first.is_unreachable:
        search.shut = "not asked: the workspace did not answer"
    if search.stopped or search.shut or is_no_gateway(first):
        return _Proof(is_given=False, reason=why_not(first), ms=first.ms)
    second = read_outcome((yield get(search.origin + SERVICES_PATH, search.headers)))
    ms = first.ms + second.ms
    if is_service_list(second):
        reason = f"its model listing said {first.clause}, but the workspace lists model services, so it is enabled"
        return _Proof(is_given=True, reason=reason, ms=ms)
    search.stop_for(second)
    return _Proof(is_given=False, reason=f"{why_not(first)}; model services: {why_not(second)}", ms=ms)


def _prove_serving_endpoints(search: _Search, origin: str) -> Generator[Ask, Outcome, _Proof]:
    headers = search.headers if origin == search.origin else {}
    reading = read_outcome((yield get(origin + SERVING_LIST_PATH, headers, max_bytes=LIST_BYTES)))
    given = is_endpoint_list(reading)
    reason = "the workspace lists its serving endpoints" if given else why_not(reading)
    return _Proof(is_given=given, reason=reason, ms=reading.ms)


def _listed_dedicated(search: _Search, listed: list[str]) -> _Steps:
    """Ask the deprecated v2 listing, the only place that tells a dedicated host's real name (databricks.md §1.1)."""
    step, candidate = "listed_dedicated", search.origin + V2_PATH
    if reason := search.stopped or search.shut:
        search.skip(step, None, reason)
        return
    reading = read_outcome((yield get(candidate, search.headers, max_bytes=LIST_BYTES)))
    search.stop_for(reading)
    if not is_endpoint_list(reading):
        search.reject(step, None, f"the v2 endpoint listing tells no host: {why_not(reading)}", reading.ms)
        return
    hosts = _gateway_origins(reading.payload or {})
    if not hosts:
        search.reject(step, None, "the v2 endpoint listing answered, but names no dedicated host", reading.ms)
    for origin in hosts:
        listed.append(origin)
        guess = _Guess(step=step, origin=origin, source=GatewaySource.DISCOVERED, label=_NAMED)
        yield from _dedicated(search, guess)


def _constructed_dedicated(search: _Search, listed: list[str]) -> _Steps:
    step, workspace = "constructed_dedicated", search.workspace
    hosts = dedicated_gateway_hosts(workspace.cloud, workspace.environment, workspace.workspace_id)
    origins = [f"https://{host}" for host in hosts if f"https://{host}" not in listed]
    if not hosts:
        unknown = "the workspace id is not known" if not workspace.workspace_id else "no form of such a host is known"
        search.skip(step, None, search.stopped or search.shut or f"nothing to guess: {unknown} here")
    for origin in origins:
        if reason := search.stopped or search.shut or search.silent:
            search.skip(step, origin, reason)
            continue
        yield from _dedicated(search, _Guess(step=step, origin=origin, source=GatewaySource.DERIVED, label=_GUESSED))


def _dedicated(search: _Search, guess: _Guess) -> _Steps:
    if search.stopped:
        search.skip(guess.step, guess.origin, search.stopped)
        return
    if objection := may_receive_bearer(guess.origin, search.trust):
        reason = f"{guess.label}, but it may not receive the token: {objection}"
        search.reject(guess.step, guess.origin, reason, None)
        return
    # A refused credential ends nothing here: this host may belong to another workspace, or to nobody.
    answer = yield get(guess.origin + MODELS_PATH, total_s=DEDICATED_TIMEOUT_S)
    reading = read_outcome(answer, Generation.DEDICATED)
    reason = f"{guess.label}; {model_list_words(reading)}"
    if is_model_list(reading):
        chosen = _Chosen(base_url=guess.origin, generation=Generation.DEDICATED, source=guess.source)
        search.choose(guess.step, chosen, reason, reading.ms)
    else:
        search.reject(guess.step, guess.origin, reason, reading.ms)
    if reading.diagnosis is D.TIMED_OUT:
        search.silent = "not asked: a guess before it got no answer in time, and each would cost as long"


def _serving_endpoints(search: _Search) -> _Steps:
    step, candidate = "serving_endpoints", search.origin + SERVING_PATH
    if search.stopped:
        search.skip(step, candidate, search.stopped)
        return
    proof = yield from _prove_serving_endpoints(search, search.origin)
    if proof.is_given:
        chosen = _Chosen(base_url=candidate, generation=Generation.SERVING_ENDPOINTS, source=GatewaySource.NONE)
        search.choose(step, chosen, f"no gateway was found, but {proof.reason}", proof.ms)
    else:
        search.reject(step, candidate, proof.reason, proof.ms)


def _step(step: str, candidate: str | None, outcome: TraceOutcome, reason: str, ms: float | None) -> TraceStep:
    latency = None if ms is None else round(ms, 1)
    return TraceStep(step=step, candidate=candidate, outcome=outcome, reason=reason, latency_ms=latency)


def _gateway_origins(payload: Mapping[str, Any]) -> list[str]:
    """Return the distinct origins of `ai_gateway_url`, in order; anything else in the listing is passed over."""
    origins: dict[str, None] = {}
    for endpoint in payload.get("endpoints") or ():
        url = endpoint.get("ai_gateway_url") if isinstance(endpoint, dict) else None
        if isinstance(url, str) and (origin := _origin(url)):
            origins[origin] = None
        if len(origins) == MAX_LISTED_HOSTS:
            break
    return list(origins)


def _origin(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    plain = parts.netloc.isprintable() and "@" not in parts.netloc and len(url) < 500
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc and plain else None
