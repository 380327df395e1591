"""Everything a workspace says besides inference: metadata, tokens, identity, listings, databases; apps by others."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from core.simulator.answers import Json
from core.simulator.apps import SimulatedApps
from core.simulator.exchange import Answer, Exchange, json_answer, refusal_answer
from core.simulator.inference import token_refusal
from core.simulator.lakebase import SimulatedLakebase
from core.simulator.models import SimulatedModel
from core.simulator.scenes import Person, Quirk, Scene, TokenState

_ENDPOINTS = "/api/2.0/serving-endpoints"
_DATABASE = "/api/2.0/database"
_LARGEST_CALM_PAGE = 25
_DEFAULT_PAGE = 200
_FORBIDDEN_PAGE = 1000


class Catalogue:
    """Answer the workspace's own paths; the listings are rendered once, because a benchmark reads them too."""

    def __init__(self, scene: Scene, apps: SimulatedApps, lakebase: SimulatedLakebase) -> None:
        self._apps = apps
        self._endpoints = json_answer({"endpoints": [*map(_endpoint, scene.models), _custom_endpoint(scene)]})
        self._foundation = json_answer({"endpoints": [_foundation_model(model) for model in scene.models]})
        self._open: Mapping[tuple[str, str], Callable[[Exchange], Answer]] = {
            ("GET", "/"): lambda exchange: refusal_answer("login_redirect", exchange),
            ("GET", "/login.html"): lambda exchange: refusal_answer("html_200", exchange),
            ("GET", "/.well-known/databricks-config"): _metadata,
            ("GET", "/oidc/.well-known/oauth-authorization-server"): _authorization_server,
            ("POST", "/oidc/v1/token"): _mint_token,
        }
        self._closed: Mapping[tuple[str, str], Callable[[Exchange], Answer]] = {
            ("GET", "/api/2.0/preview/scim/v2/Me"): _me,
            ("GET", "/api/2.0/preview/scim/v2/Users"): _users,
            ("GET", _ENDPOINTS): lambda exchange: self._endpoints,
            ("GET", f"{_ENDPOINTS}:foundation-models"): lambda exchange: self._foundation,
            ("GET", "/api/2.1/unity-catalog/model-services"): _model_services,
            ("GET", "/api/ai-gateway/v2/endpoints"): _v2_endpoints,
            ("GET", f"{_DATABASE}/instances"): lambda exchange: _paged(
                exchange, "database_instances", lakebase.instances
            ),
            ("POST", f"{_DATABASE}/credentials"): lakebase.mint,
        }

    def answer(self, exchange: Exchange) -> Answer:
        """Return what this path says."""
        key = (exchange.method, exchange.path)
        if key in self._open:
            return self._open[key](exchange)
        refused = token_refusal(exchange, None)
        if refused:
            return refusal_answer(refused, exchange)
        if key in self._closed:
            return self._closed[key](exchange)
        if exchange.method == "GET" and exchange.path.startswith(f"{_ENDPOINTS}/"):
            return _one_endpoint(exchange, exchange.path.removeprefix(f"{_ENDPOINTS}/"))
        answer = self._apps.files.answer(exchange) or self._apps.answer(exchange)
        return answer or refusal_answer("no_api", exchange)


def _metadata(exchange: Exchange) -> Answer:
    scene = exchange.scene
    return json_answer(
        {
            "oidc_endpoint": f"{exchange.origin}/oidc",
            "account_id": scene.account_id,
            "workspace_id": scene.workspace_id,
            "cloud": scene.cloud.value.upper(),
        }
    )


def _authorization_server(exchange: Exchange) -> Answer:
    return json_answer(
        {
            "issuer": f"{exchange.origin}/oidc",
            "authorization_endpoint": f"{exchange.origin}/oidc/v1/authorize",
            "token_endpoint": f"{exchange.origin}/oidc/v1/token",
            "grant_types_supported": ["client_credentials"],
        }
    )


def _mint_token(exchange: Exchange) -> Answer:
    """Give the service principal its token; the client may name itself in the header or in the form."""
    form = parse_qs(exchange.body.decode("utf-8", "replace"))
    given = _basic_credentials(exchange.headers.get("authorization", ""))
    client = given or (form.get("client_id", [""])[0], form.get("client_secret", [""])[0])
    scene = exchange.scene
    if client != (scene.client_id, scene.client_secret.reveal()):
        problem = {"error": "invalid_client", "error_description": "Client authentication failed"}
        return json_answer(problem, 401)
    if form.get("grant_type") != ["client_credentials"]:
        return json_answer({"error": "unsupported_grant_type", "error_description": "Use client_credentials"}, 400)
    token = scene.tokens[TokenState.SERVICE_PRINCIPAL].reveal()
    return json_answer({"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "all-apis"})


def _basic_credentials(header: str) -> tuple[str, str] | None:
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        name, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return name, secret


def _me(exchange: Exchange) -> Answer:
    scene, person = exchange.scene, exchange.scene.person
    if exchange.token is TokenState.SERVICE_PRINCIPAL:
        robot = {"id": "7788", "userName": scene.client_id, "displayName": "switchyard-dashboard", "active": True}
        return json_answer(robot)
    return json_answer(_described(person))


def _users(exchange: Exchange) -> Answer:
    """Answer the one filter that is asked for, `userName eq "…"`, without regard to letter case as SCIM has it."""
    wanted = exchange.query.get("filter", "").removeprefix('userName eq "').removesuffix('"').casefold()
    scene = exchange.scene
    if exchange.query.get("startIndex", "1") != "1":
        # One page holds everybody whom the filter finds; the SDK asks on until a page is empty.
        return json_answer({"totalResults": 0, "itemsPerPage": 0})
    found = [_described(one) for one in (scene.person, *scene.colleagues) if one.user_name.casefold() == wanted]
    listed = {"Resources": found, "totalResults": len(found), "itemsPerPage": len(found), "startIndex": 1}
    return json_answer(listed)


def _described(person: Person) -> Json:
    groups = [
        {"display": name, "value": str(9000 + number), "type": "direct", "$ref": f"Groups/{9000 + number}"}
        for number, name in enumerate(person.groups)
    ]
    described: Json = {
        "id": person.id,
        "userName": person.user_name,
        "displayName": person.display_name,
        "active": True,
        "emails": [{"value": person.user_name, "primary": True}],
    }
    # The platform leaves the key out where there are none.
    return {**described, "groups": groups} if groups else described


def _endpoint(model: SimulatedModel) -> Json:
    entity = {"name": model.id, "entity_name": model.service, "foundation_model": {"name": model.service}}
    return {
        "name": model.endpoint,
        "task": model.task,
        "creator": None,
        "state": {"ready": "READY" if model.ready else "NOT_READY", "config_update": "NOT_UPDATING"},
        "config": {"served_entities": [entity]},
        "route_optimized": False,
    }


def _custom_endpoint(scene: Scene) -> Json:
    return {
        "name": "churn-forecast",
        "creator": scene.person.user_name,
        "state": {"ready": "READY", "config_update": "NOT_UPDATING"},
        "config": {"served_entities": [{"name": "churn-3", "entity_name": "main.crm.churn", "entity_version": "3"}]},
        "route_optimized": False,
    }


def _foundation_model(model: SimulatedModel) -> Json:
    described = {
        "ai_gateway_v2_supported": True,
        "api_types": list(model.api_types),
        "description": "A simulated model with a context window of 200K tokens.",
    }
    return {
        "name": model.endpoint,
        "state": {"ready": "READY" if model.ready else "NOT_READY"},
        "capabilities": {"function_calling": model.task == "llm/v1/chat"},
        "config": {"served_entities": [{"foundation_model": described}]},
    }


def _one_endpoint(exchange: Exchange, name: str) -> Answer:
    model = next((model for model in exchange.scene.models if model.endpoint == name), None)
    return json_answer(_endpoint(model)) if model else refusal_answer("endpoint_not_found", exchange)


def _page_size(exchange: Exchange) -> int:
    text = exchange.query.get("page_size", "")
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= _FORBIDDEN_PAGE else _DEFAULT_PAGE


def _paged(exchange: Exchange, key: str, items: list[Any]) -> Answer:
    text = exchange.query.get("page_token", "")
    start = int(text) if text.isascii() and text.isdigit() else 0
    size = _page_size(exchange)
    if Quirk.EMPTY_FIRST_PAGE in exchange.scene.quirks and not text:
        return json_answer({"next_page_token": "0"})
    end = start + size
    return json_answer({key: items[start:end], "next_page_token": str(end) if end < len(items) else ""})


def _model_services(exchange: Exchange) -> Answer:
    scene = exchange.scene
    if not scene.unity_features:
        return refusal_answer("model_services_disabled", exchange)
    if Quirk.CANCEL_LARGE_PAGES in scene.quirks and _page_size(exchange) > _LARGEST_CALM_PAGE:
        return refusal_answer("listing_cancelled", exchange)
    if Quirk.NULL_LIST in scene.quirks:
        return json_answer({"model_services": None})
    if exchange.query.get("parent", "schemas/system.ai") != "schemas/system.ai":
        return json_answer({})
    services = [
        {"name": f"model-services/{model.service}", "supported_api_types": list(model.api_types)}
        for model in scene.models
        if model.has_service and model.executable
    ]
    return _paged(exchange, "model_services", services)


def _v2_endpoints(exchange: Exchange) -> Answer:
    scene = exchange.scene
    if not scene.unity_features:
        return refusal_answer("feature_disabled", exchange)
    destination_type = "DESTINATION_TYPE_PAY_PER_TOKEN_FOUNDATION_MODEL"
    endpoints = [
        {
            "name": model.endpoint,
            "ai_gateway_url": f"https://{scene.dedicated_host}" if scene.dedicated_host else None,
            "supported_api_types": list(model.api_types),
            "config": {
                "destinations": [{"name": model.id, "type": destination_type, "traffic_percentage": 100}],
                "rate_limits": [],
            },
        }
        for model in scene.models
    ]
    return _paged(exchange, "endpoints", endpoints)
