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
from tests.fakes.refusals import OF_REFUSAL

MODEL = "databricks-claude-opus-4-6"

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
    assert set(OF_REFUSAL) == set(REFUSALS)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_gets_its_cause_in_every_dialect(seen: Seen, name: str, generation: Generation) -> None:
    is_legacy = generation is Generation.SERVING_ENDPOINTS
    expected = EXPECTED_ON_SERVING_ENDPOINTS.get(name, OF_REFUSAL[name]) if is_legacy else OF_REFUSAL[name]
    assert seen[name, generation] == dict.fromkeys(Dialect, expected)
    assert health_of(expected) is not Health.HEALTHY


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", WORDINGS)
def test_another_wording_gets_the_same_cause(seen: Seen, name: str, generation: Generation) -> None:
    assert seen[name, generation] == dict.fromkeys(Dialect, WORDINGS[name][2])
