"""Ask the three listings of models; each gives what it has, and one that fails says why without touching the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from core.detect.flow import Ask, Flow, get
from core.detect.hosts import ParsedHost
from core.detect.reading import Reading, read_outcome
from core.detect.workspace import routing_headers
from core.model.models import ListingOutcome, ListingResult

SERVING_ENDPOINTS = "serving_endpoints"
FOUNDATION_MODELS = "foundation_models"
MODEL_SERVICES = "model_services"

LISTING_BYTES = 4 * 1024 * 1024
LISTING_TIMEOUT_S = 15.0
MAX_PAGES = 100
MAX_REQUESTS = 120
# Far more than any workspace has; each is a row on the pages, for every agent.
MAX_MODELS = 1000
# What all pages together may take; whoever answers each of them just in time would hold detection up for half an hour.
LONGEST_WALK_MS = 60_000
# The model services cancel large pages with 499, now and then also under load (databricks.md §3.3).
PAGE_SIZES = (100, 25, 5)
_TOO_MUCH_AT_ONCE = (499, 504)
_ABSENT = (404, 405, 501)
_NAME_LIMIT = 200
_MOST_TYPES = 16
_CHAT_TASKS = ("llm/v1/chat", "agent/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One model as one listing describes it; `chat` None means that the listing does not say what it is for."""

    spelling: str
    api_types: tuple[str, ...] = ()
    ready: bool | None = None
    chat: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What one source gave: its result for people, and its models."""

    result: ListingResult
    models: tuple[ListedModel, ...] = ()


def listing_flows(parsed: ParsedHost, workspace_id: str | None) -> tuple[Flow[Listing], ...]:
    """Return one flow per source; they do not depend on each other and may run at the same time."""
    headers = routing_headers(parsed, workspace_id)
    return (
        list_serving_endpoints(parsed.origin, headers),
        list_foundation_models(parsed.origin, headers),
        list_model_services(parsed.origin, headers),
    )


def list_serving_endpoints(origin: str, headers: Mapping[str, str]) -> Flow[Listing]:
    """List the endpoints that serve language models; other machine learning endpoints are passed over."""
    reading = read_outcome((yield _get(f"{origin}/api/2.0/serving-endpoints", headers)))
    return _one_page(SERVING_ENDPOINTS, reading, _endpoint)


def list_foundation_models(origin: str, headers: Mapping[str, str]) -> Flow[Listing]:
    """List the foundation models with the API types they speak."""
    reading = read_outcome((yield _get(f"{origin}/api/2.0/serving-endpoints:foundation-models", headers)))
    return _one_page(FOUNDATION_MODELS, reading, _foundation_model)


def list_model_services(origin: str, headers: Mapping[str, str]) -> Flow[Listing]:
    """List the Unity Catalog model services of system.ai page by page; what came before a failure is kept."""
    walk = _Walk()
    while walk.wants_more():
        reading = read_outcome((yield _get(origin + walk.path(), headers)))
        walk.take(reading)
    return walk.listing()


@dataclass(slots=True)
class _Walk:
    """One walk over the pages of the model services; lives only as long as its flow."""

    size: int = 0
    pages: int = 0
    requests: int = 0
    ms: float = 0.0
    token: str = ""
    seen: set[str] = field(default_factory=set)
    models: list[ListedModel] = field(default_factory=list)
    ended: bool = False
    trouble: Reading | str | None = None

    def wants_more(self) -> bool:
        too_much = self.pages >= MAX_PAGES or self.requests >= MAX_REQUESTS or len(self.models) > MAX_MODELS
        if not self.ended and (too_much or self.ms >= LONGEST_WALK_MS):
            self.ended, self.trouble = True, f"stopped after {_counted(self.pages, 'page')}"
        return not self.ended

    def path(self) -> str:
        page = f"&page_token={quote(self.token, safe='')}" if self.token else ""
        # Without a parent the server walks every schema, which takes most of a minute.
        base = "/api/2.1/unity-catalog/model-services?parent=schemas/system.ai"
        return f"{base}&page_size={PAGE_SIZES[self.size]}{page}"

    def take(self, reading: Reading) -> None:
        self.requests += 1
        self.ms += reading.ms
        if reading.status in _TOO_MUCH_AT_ONCE and self.size + 1 < len(PAGE_SIZES):
            self.size += 1
            return
        items = _items(reading, "model_services")
        if items is None or reading.payload is None:
            self.ended, self.trouble = True, reading
            return
        self.pages += 1
        self.models.extend(model for item in items if (model := _service(item)))
        # A page can be empty and still have a successor: its items were filtered by permission.
        self._turn(reading.payload.get("next_page_token"))

    def _turn(self, token: object) -> None:
        if not isinstance(token, str) or not token:
            self.ended = True
        elif token in self.seen:
            self.ended, self.trouble = True, f"stopped after {_counted(self.pages, 'page')}, because a page came again"
        else:
            self.seen.add(token)
            self.token = token

    def listing(self) -> Listing:
        models = tuple(self.models)
        if self.trouble is None:
            return _listing(MODEL_SERVICES, ListingOutcome.OK, models, "")
        if isinstance(self.trouble, Reading):
            if self.pages:
                detail = f"stopped after {_counted(self.pages, 'page')}: {_why(self.trouble)}"
                return _listing(MODEL_SERVICES, ListingOutcome.PARTIAL, models, detail)
            return _failed(MODEL_SERVICES, self.trouble)
        return _listing(MODEL_SERVICES, ListingOutcome.PARTIAL, models, self.trouble)


def _get(url: str, headers: Mapping[str, str]) -> Ask:
    return get(url, headers, total_s=LISTING_TIMEOUT_S, max_bytes=LISTING_BYTES)


def _one_page(source: str, reading: Reading, parse: Callable[[Mapping[str, Any]], ListedModel | None]) -> Listing:
    items = _items(reading, "endpoints")
    if items is None:
        return _failed(source, reading)
    models = tuple(model for item in items if (model := parse(item)))
    return _listing(source, ListingOutcome.OK, models, "")


def _items(reading: Reading, key: str) -> list[Mapping[str, Any]] | None:
    """Return the objects of a listing; None when it is none. An empty list may be left out or null."""
    payload = reading.payload
    if payload is None:
        return None
    found = payload.get(key)
    if found is None and set(payload) <= {key, "next_page_token"}:
        return []
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else None


def _listing(source: str, outcome: ListingOutcome, models: tuple[ListedModel, ...], detail: str) -> Listing:
    if len(models) > MAX_MODELS:
        models, outcome = models[:MAX_MODELS], ListingOutcome.PARTIAL
        detail = f"only the first {MAX_MODELS} models" + (f"; {detail}" if detail else "")
    count = len(models)
    words = detail or _counted(count, "model")
    return Listing(result=ListingResult(source=source, outcome=outcome, count=count, detail=words), models=models)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _failed(source: str, reading: Reading) -> Listing:
    outcome = ListingOutcome.UNAVAILABLE if reading.status in _ABSENT else ListingOutcome.FAILED
    return _listing(source, outcome, (), _why(reading))


def _why(reading: Reading) -> str:
    if reading.payload is not None:
        return f"{reading.clause}, but not the shape of this listing"
    if reading.is_forbidden:
        return f"no permission to list ({reading.clause})"
    return reading.clause


def _endpoint(item: Mapping[str, Any]) -> ListedModel | None:
    entities = _entities(item)
    tasks = [item.get("task"), *(_part(entity, "external_model").get("task") for entity in entities)]
    task = next((task for task in tasks if isinstance(task, str) and task), None)
    is_language_model = any(entity.get("foundation_model") or entity.get("external_model") for entity in entities)
    if task is None and not is_language_model:
        return None
    return _model(item.get("name"), ready=_ready(item), chat=None if task is None else task.startswith(_CHAT_TASKS))


def _foundation_model(item: Mapping[str, Any]) -> ListedModel | None:
    described = [_part(entity, "foundation_model") for entity in _entities(item)]
    types = [
        kind
        for entity in described
        if entity.get("ai_gateway_v2_supported") is True
        for kind in _texts(entity.get("api_types"))
    ]
    return _model(item.get("name"), api_types=types, ready=_ready(item))


def _service(item: Mapping[str, Any]) -> ListedModel | None:
    name = item.get("name")
    spelling = name.removeprefix("model-services/") if isinstance(name, str) else None
    return _model(spelling, api_types=_texts(item.get("supported_api_types")))


def _model(
    spelling: object, *, api_types: Iterable[str] = (), ready: bool | None = None, chat: bool | None = None
) -> ListedModel | None:
    """Return the model; None for a name that nobody could set as a model."""
    if not isinstance(spelling, str) or not spelling.isprintable() or not 0 < len(spelling) <= _NAME_LIMIT:
        return None
    return ListedModel(spelling=spelling, api_types=tuple(dict.fromkeys(api_types)), ready=ready, chat=chat)


def _entities(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entities = _part(item, "config").get("served_entities")
    return [entity for entity in entities if isinstance(entity, dict)] if isinstance(entities, list) else []


def _part(item: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = item.get(key)
    return part if isinstance(part, dict) else {}


def _texts(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    texts = [text for text in value if isinstance(text, str) and 0 < len(text) <= _NAME_LIMIT]
    return list(dict.fromkeys(texts))[:_MOST_TYPES]


def _ready(item: Mapping[str, Any]) -> bool | None:
    return {"READY": True, "NOT_READY": False}.get(str(_part(item, "state").get("ready")))
