"""The refusals of a real workspace, word for word, by a name of our own (databricks.md §4)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

_JSON = "application/json"
_TEXT = "text/plain; charset=utf-8"
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One error answer; `{model}`, `{workspace_id}`, `{path}` and `{field}` in it are filled in when it is sent."""

    status: int
    body: str
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    def filled(self, **values: str) -> str:
        """Return the body with its placeholders replaced; anything that looks like one but is not stays."""
        text = self.body
        for name, value in values.items():
            text = text.replace("{" + name + "}", value)
        return text


def _coded(status: int, code: str | int, message: str, **headers: str) -> Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(status=status, body=json.dumps({"error_code": code, "message": message}), headers=named)


def _text(status: int, text: str, content_type: str = _TEXT, **headers: str) -> Refusal:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Refusal(status=status, body=text, content_type=content_type, headers=named)


def _anthropic(status: int, kind: str, message: str) -> Refusal:
    return Refusal(status=status, body=json.dumps({"type": "error", "error": {"type": kind, "message": message}}))


def _openai(status: int, kind: str, message: str) -> Refusal:
    return Refusal(status=status, body=json.dumps({"error": {"message": message, "type": kind, "code": None}}))


_PATH_FORMS = (
    "Path must be of form /serving-endpoints/<endpoint_name>/invocations or "
    "/serving-endpoints/<endpoint_name>/served-models/<served_model_name>/invocations"
)

REFUSALS: Mapping[str, Refusal] = {
    # Credentials
    "invalid_token_text": _text(400, "Invalid Token"),
    "wrong_audience": _coded(400, "BAD_REQUEST", "Expected aud claim to be: 2ff814a6-3304-4ab8-85cb-cd0e6f879c1d"),
    "no_credential": _text(401, "Credential was not sent or was of an unsupported type for this API."),
    "token_dead": _coded(403, 403, "Invalid access token.", X_Databricks_Reason_Phrase="Invalid access token."),
    "token_other_workspace": _coded(403, 403, "Invalid access to Org: {workspace_id}"),
    "token_expiring": _coded(403, 403, "Token is expiring within 30 seconds. (token expired)"),
    "scope_missing": _coded(
        403, "PERMISSION_DENIED", "Provided OAuth token does not have required scopes: model-serving"
    ),
    "permission_denied": _coded(403, "PERMISSION_DENIED", "User does not have CAN_QUERY on endpoint '{model}'."),
    "ip_blocked": _coded(
        403, 403, "Source IP address: 203.0.113.7 is blocked by Databricks IP ACL for workspace: {workspace_id}"
    ),
    "private_link": _text(302, "", Location="/login.html?error=private-link-validation-error"),
    "login_redirect": _text(303, "", Location="/login.html"),
    # Routes
    "no_api": _coded(404, "ENDPOINT_NOT_FOUND", "No API found for '{path}'"),
    "gateway_not_found": _coded(501, "ENDPOINT_NOT_FOUND", "No API found for '{path}'"),
    "gateway_not_implemented": _coded(501, "NOT_IMPLEMENTED", "AI Gateway is not available in this workspace."),
    "path_form": _coded(404, "ENDPOINT_NOT_FOUND", _PATH_FORMS),
    "unknown_api_type": _coded(400, "BAD_REQUEST", "Request path {path} doesn't match any known API type."),
    "codex_models_off": _coded(404, "ENDPOINT_NOT_FOUND", "codex/v1/models is not enabled for this workspace."),
    "feature_disabled": _coded(
        404, "FEATURE_DISABLED", "AI Gateway legacy endpoint is not available for CSP-enabled workspaces."
    ),
    "model_services_disabled": _coded(404, "FEATURE_DISABLED", "Model services are not enabled for this workspace."),
    "rpc_not_found": _coded(404, "RESOURCE_DOES_NOT_EXIST", "RPC not found"),
    "listing_forbidden": _coded(403, "PERMISSION_DENIED", "User does not have USE SCHEMA on Schema 'system.ai'."),
    "listing_cancelled": _coded(499, "CANCELLED", ""),
    "app_not_found": _coded(404, "RESOURCE_DOES_NOT_EXIST", "App with name {model} does not exist or is deleted."),
    # Models
    "endpoint_not_found": _coded(
        404,
        "ENDPOINT_NOT_FOUND",
        "The given endpoint does not exist, please retry after checking the specified model and version deployment "
        "exists.",
    ),
    "model_not_found": _coded(404, "NOT_FOUND", "'{model}' does not exist"),
    "bad_model_name": _coded(400, "BAD_REQUEST", "{model} is not a supported Unity Catalog endpoint name"),
    "spelling_retired": _coded(
        501, "NOT_IMPLEMENTED", "'{model}' is no longer available. Use Unity Catalog model services (v3)."
    ),
    "endpoint_retired": _coded(
        403,
        "PERMISSION_DENIED",
        "Querying pay-per-token foundation model endpoint '{model}' is disabled for this workspace. "
        "Please use Unity Gateway.",
    ),
    "rate_limit_zero": _coded(
        403,
        "PERMISSION_DENIED",
        "PERMISSION_DENIED: The endpoint is temporarily disabled due to a Databricks-set rate limit of 0.",
    ),
    "not_ready": _coded(503, "TEMPORARILY_UNAVAILABLE", "The endpoint '{model}' is not ready."),
    "responses_passthrough": _coded(400, "BAD_REQUEST", "Responses API passthrough is not supported for model {model}"),
    "dialect_mismatch": _coded(400, "BAD_REQUEST", "Model {model} does not support API type {field}"),
    # Bodies
    "malformed_json": _coded(400, "MALFORMED_REQUEST", "Could not parse request object"),
    "model_field_missing": _coded(400, "INVALID_PARAMETER_VALUE", "Missing required field: model"),
    "field_required": _coded(400, "BAD_REQUEST", "{field}: Field required"),
    "field_rejected": _coded(400, "BAD_REQUEST", "{field}: Extra inputs are not permitted"),
    "unknown_field": _coded(400, "BAD_REQUEST", 'Bad request: json: unknown field "{field}"'),
    "gemini_unknown_field": _coded(
        400,
        "INVALID_ARGUMENT",
        "Invalid JSON payload received. Unknown name \"{field}\" at 'generation_config': Cannot find field.",
    ),
    "output_cap": _coded(
        400, "BAD_REQUEST", "max_tokens: {field}, which is the maximum allowed number of output tokens for {model}"
    ),
    "invalid_beta_flag": _anthropic(400, "invalid_request_error", "invalid beta flag"),
    "empty_blocks": _anthropic(400, "invalid_request_error", "messages: text content blocks must be non-empty"),
    "guardrail": _openai(400, "input_guardrail_triggered", "input_guardrail: the request was blocked by a guardrail."),
    "payload_too_large": _coded(413, "BAD_REQUEST", "Request body is too large."),
    "unprocessable": _coded(422, "INVALID_PARAMETER_VALUE", "Request validation failed."),
    # Capacity and faults of the server
    "payment_required": _coded(402, "BAD_REQUEST", "Payment required."),
    "request_timeout": _coded(408, "DEADLINE_EXCEEDED", "Request timed out."),
    "throttled": _coded(
        429,
        "REQUEST_LIMIT_EXCEEDED",
        "Exceeded workspace input tokens per minute rate limit for {model}",
        Retry_After="2",
    ),
    "internal_error": _coded(500, "INTERNAL_ERROR", "An internal error occurred."),
    "bad_gateway": _text(502, "<html><head><title>502 Bad Gateway</title></head><body></body></html>", _HTML),
    "unavailable": _coded(503, "TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
    "deadline_exceeded": _coded(504, "DEADLINE_EXCEEDED", "upstream request timeout"),
    "overloaded": _anthropic(529, "overloaded_error", "Overloaded"),
    "empty_error": _text(500, ""),
    # Answers that are none
    "html_200": _text(200, "<!doctype html><html><title>Databricks</title><body>Sign in</body></html>", _HTML),
    "empty_200": _text(200, "", _JSON),
    "wrong_shape": _text(200, '{"status": "ok", "uptime": 12}', _JSON),
}
