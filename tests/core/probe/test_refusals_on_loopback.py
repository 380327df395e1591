"""Every refusal that is known, sent by the simulator in every dialect and generation, gets its cause."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.health.one_shot import health_of
from core.model.agent import Dialect
from core.model.gateway import Generation
from core.model.probe import Diagnosis as D
from core.model.probe import Health
from core.simulator.errors import REFUSALS
from core.simulator.faults import FaultRule
from core.simulator.server import SimulatedWorkspace
from tests.fakes.loopback import Asker, moved, on_loopback, route_on

MODEL = "databricks-claude-opus-4-6"

# What each means on a gateway; serving-endpoints differ in the rows below.
EXPECTED: Mapping[str, D] = {
    "invalid_token_text": D.CREDENTIAL_DEAD,
    "wrong_audience": D.CREDENTIAL_DEAD,
    "no_credential": D.CREDENTIAL_MISSING,
    "token_dead": D.CREDENTIAL_DEAD,
    "token_other_workspace": D.WRONG_WORKSPACE,
    "token_expiring": D.CREDENTIAL_DEAD,
    "scope_missing": D.SCOPE_MISSING,
    "permission_denied": D.GRANT_MISSING,
    "ip_blocked": D.NETWORK_BLOCKED,
    "private_link": D.NETWORK_BLOCKED,
    "login_redirect": D.REDIRECTED,
    "no_api": D.GATEWAY_OFF,
    "gateway_not_found": D.GATEWAY_OFF,
    "gateway_not_implemented": D.GATEWAY_OFF,
    "path_form": D.WRONG_PATH,
    "unknown_api_type": D.WRONG_PATH,
    "codex_models_off": D.GATEWAY_OFF,
    "feature_disabled": D.GATEWAY_OFF,
    "model_services_disabled": D.GATEWAY_OFF,
    "rpc_not_found": D.GATEWAY_OFF,
    "listing_forbidden": D.GRANT_MISSING,
    "listing_cancelled": D.SERVER_ERROR,
    "app_not_found": D.MODEL_NOT_ON_ROUTE,
    "endpoint_not_found": D.MODEL_NOT_ON_ROUTE,
    "model_not_found": D.MODEL_NOT_ON_ROUTE,
    "bad_model_name": D.MODEL_ABSENT,
    "spelling_retired": D.SPELLING_RETIRED,
    "endpoint_retired": D.SPELLING_RETIRED,
    "rate_limit_zero": D.RATE_LIMIT_ZERO,
    "not_ready": D.NOT_READY,
    "responses_passthrough": D.DIALECT_MISMATCH,
    "dialect_mismatch": D.DIALECT_MISMATCH,
    "malformed_json": D.UNCLASSIFIED,
    "model_field_missing": D.UNCLASSIFIED,
    "field_required": D.UNCLASSIFIED,
    "field_rejected": D.FIELD_REJECTED,
    "unknown_field": D.FIELD_REJECTED,
    "gemini_unknown_field": D.FIELD_REJECTED,
    "output_cap": D.OUTPUT_CAP,
    "invalid_beta_flag": D.FIELD_REJECTED,
    "empty_blocks": D.FIELD_REJECTED,
    "guardrail": D.GUARDRAIL,
    "payload_too_large": D.UNCLASSIFIED,
    "unprocessable": D.UNCLASSIFIED,
    "payment_required": D.UNCLASSIFIED,
    "request_timeout": D.TIMED_OUT,
    "throttled": D.THROTTLED,
    "internal_error": D.SERVER_ERROR,
    "bad_gateway": D.SERVER_ERROR,
    "unavailable": D.OVERLOADED,
    "deadline_exceeded": D.TIMED_OUT,
    "overloaded": D.OVERLOADED,
    "empty_error": D.SERVER_ERROR,
    "html_200": D.NOT_AN_ANSWER,
    "empty_200": D.EMPTY_ANSWER,
    "wrong_shape": D.NOT_AN_ANSWER,
}
EXPECTED_ON_SERVING_ENDPOINTS = {
    "no_api": D.WRONG_PATH,
    "codex_models_off": D.MODEL_NOT_ON_ROUTE,
    "rpc_not_found": D.WRONG_PATH,
}

# Other wordings of the same rows: (status, body, cause).
WORDINGS: Mapping[str, tuple[int, str, D]] = {
    "a dead token in plain text": (403, "Forbidden: Invalid Token", D.CREDENTIAL_DEAD),
    "a scope of the gateway": (
        403,
        '{"error_code": 403, "message": "Invalid scope, required scopes: ai-gateway"}',
        D.SCOPE_MISSING,
    ),
    "a retired provisioned endpoint": (
        403,
        '{"error_code": "PERMISSION_DENIED", "message": "Querying provisioned throughput foundation model endpoint '
        "'x' directly is disabled for this workspace.\"}",
        D.SPELLING_RETIRED,
    ),
    "private link as a code": (
        403,
        '{"error_code": "PRIVATE_LINK_VALIDATION_ERROR", "message": "x"}',
        D.NETWORK_BLOCKED,
    ),
    "a switch that an administrator pulled": (
        403,
        '{"error_code": "PERMISSION_DENIED", "message": "PERMISSION_DENIED"}',
        D.GRANT_MISSING,
    ),
    "a key that another service expects": (
        401,
        '{"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}}',
        D.CREDENTIAL_DEAD,
    ),
    "a beta field without a code": (
        400,
        '{"message": "system.2.cache_control.ephemeral.scope: Extra inputs are not permitted"}',
        D.FIELD_REJECTED,
    ),
    "a tool of the vendor": (400, "tools.0: Input tag 'web_search_20250305' found", D.FIELD_REJECTED),
    "a schema keyword": (400, "tools.0.input_schema: exclusiveMinimum", D.FIELD_REJECTED),
    "a schema reference": (400, "tools.0.input_schema: $schema", D.FIELD_REJECTED),
    "a streaming hint": (400, "tools.0.eager_input_streaming", D.FIELD_REJECTED),
    "a prompt that is too long": (400, '{"message": "prompt is too long"}', D.UNCLASSIFIED),
    "a web page instead of an error": (500, "<html><pre>oops</pre></html>", D.SERVER_ERROR),
}
FAULTS: Mapping[str, FaultRule] = {name: FaultRule(fault=name) for name in REFUSALS} | {
    name: FaultRule(fault="custom", status=status, body=body) for name, (status, body, _) in WORDINGS.items()
}
GENERATIONS = (Generation.WORKSPACE, Generation.SERVING_ENDPOINTS)
Seen = dict[tuple[str, Generation], dict[Dialect, D]]


@pytest.fixture(scope="module")
def seen() -> Seen:
    """Return the cause that every dialect's route gave for every fault, asked over the same few connections."""
    with SimulatedWorkspace("healthy") as workspace:

        async def ask_all(asker: Asker) -> Seen:
            causes: Seen = {}
            for name, rule in FAULTS.items():
                workspace.faults.clear()
                workspace.faults.add(rule)
                for generation in GENERATIONS:
                    routes = [moved(route_on(asker.scene, MODEL, one), asker.scene, generation) for one in Dialect]
                    verdicts = [await asker.verdict(route) for route in routes]
                    causes[name, generation] = dict(zip(Dialect, (one.diagnosis for one in verdicts), strict=True))
            return causes

        return on_loopback(workspace, ask_all)


def test_no_refusal_of_the_simulator_is_left_out() -> None:
    assert set(EXPECTED) == set(REFUSALS)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_gets_its_cause_in_every_dialect(seen: Seen, name: str, generation: Generation) -> None:
    is_legacy = generation is Generation.SERVING_ENDPOINTS
    expected = EXPECTED_ON_SERVING_ENDPOINTS.get(name, EXPECTED[name]) if is_legacy else EXPECTED[name]
    assert seen[name, generation] == dict.fromkeys(Dialect, expected)
    assert health_of(expected) is not Health.HEALTHY


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", WORDINGS)
def test_another_wording_gets_the_same_cause(seen: Seen, name: str, generation: Generation) -> None:
    assert seen[name, generation] == dict.fromkeys(Dialect, WORDINGS[name][2])
