"""Every verdict has words in every dialect, and no words and no evidence hold a token."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from core.catalog.agents import AGENTS
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.probe import Depth, Diagnosis, Rung
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import FailureKind, HttpAnswer, HttpFailure
from core.probe.judge import Verdict
from core.probe.request import build_request
from core.probe.verdict_text import describe, evidence_of

TOKEN = Secret("opaque-t0ken-of-the-test")
SAID = "the workspace's own words"
AGENT_OF = {
    Dialect.ANTHROPIC_MESSAGES: (AgentId.CLAUDE, "haiku"),
    Dialect.OPENAI_RESPONSES: (AgentId.CODEX, "default"),
    Dialect.OPENAI_CHAT: (AgentId.HERMES, "fallback_2"),
    Dialect.GEMINI_GENERATE: (AgentId.GEMINI, "default"),
}


def route_in(dialect: Dialect, identity: Identity = Identity.STORED, model: str = "databricks-{x}") -> Route:
    """Return a route with a name that a careless template would trip over."""
    agent, slot = AGENT_OF[dialect]
    return Route(
        agent=agent,
        slot=slot,
        model=model,
        base_url="https://ws.example/serving-endpoints",
        dialect=dialect,
        generation=Generation.SERVING_ENDPOINTS,
        identity=identity,
        token=TOKEN,
    )


def verdict_of(diagnosis: Diagnosis, *, status: int | None = 404, said: str = SAID) -> Verdict:
    """Return a verdict with this cause."""
    return Verdict(diagnosis=diagnosis, rung=Rung.MODEL, status=status, said=said)


@pytest.mark.parametrize(("diagnosis", "dialect"), list(itertools.product(Diagnosis, Dialect)))
def test_every_cause_in_every_dialect_has_a_whole_sentence_and_a_remedy(diagnosis: Diagnosis, dialect: Dialect) -> None:
    for identity, status in itertools.product(Identity, (404, None)):
        sentence, remedy = describe(route_in(dialect, identity), verdict_of(diagnosis, status=status))
        assert sentence
        assert bool(remedy) is (diagnosis is not Diagnosis.OK)
        text = (sentence + remedy).replace("databricks-{x}", "").replace("{x}", "")
        assert not set("{}") & set(text)
        assert TOKEN.reveal() not in text


def test_without_an_answer_the_sentence_ends_with_what_went_wrong() -> None:
    sentence, _ = describe(route_in(Dialect.OPENAI_CHAT), verdict_of(Diagnosis.DNS_FAILED, status=None))
    assert sentence == f"ws.example does not resolve: {SAID}"


def test_a_request_that_was_not_sent_says_why_and_not_that_the_route_is_bad() -> None:
    verdict = Verdict(diagnosis=Diagnosis.UNCLASSIFIED, rung=Rung.DNS, said="not trusted", refused_to_send=True)
    assert describe(route_in(Dialect.OPENAI_CHAT), verdict)[0] == "Not probed: not trusted"


def test_whose_credential_was_refused_is_said() -> None:
    dead = verdict_of(Diagnosis.CREDENTIAL_DEAD)
    assert "token stored in Hermes' config" in describe(route_in(Dialect.OPENAI_CHAT), dead)[0]
    own = describe(route_in(Dialect.OPENAI_CHAT, Identity.DASHBOARD), dead)[0]
    assert Identity.DASHBOARD.label in own


def test_what_to_grant_depends_on_who_guards_the_model() -> None:
    legacy = route_in(Dialect.OPENAI_CHAT, model="databricks-m")
    missing = verdict_of(Diagnosis.GRANT_MISSING)
    assert "CAN QUERY on the serving endpoint databricks-m" in describe(legacy, missing)[1]
    on_gateway = Route(
        agent=AgentId.HERMES,
        slot="primary",
        model="databricks-m",
        base_url="https://ws.example/ai-gateway/mlflow/v1",
        dialect=Dialect.OPENAI_CHAT,
        generation=Generation.WORKSPACE,
        identity=Identity.DASHBOARD,
    )
    assert "MODEL SERVICE system.ai.m" in describe(on_gateway, missing)[1]


# Evidence.


def answer(body: bytes, **headers: str) -> HttpAnswer:
    """Return a refusal with this body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpAnswer(status=403, headers=named, body=body, truncated=False, elapsed_ms=1.0, first_byte_ms=1.0)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(answer(b"token opaque-t0ken-of-the-test was refused"), id="in the body"),
        pytest.param(answer(b"x" * 1990 + b"opaque-t0ken-of-the-test"), id="where the excerpt is cut"),
        pytest.param(answer(b"", location="/login?t=opaque-t0ken-of-the-test"), id="in a header"),
        pytest.param(
            HttpFailure(kind=FailureKind.LOST, detail="at opaque-t0ken-of-the-test", elapsed_ms=1.0), id="in an error"
        ),
    ],
)
def test_evidence_never_holds_the_token_nor_a_part_of_it(dialect: Dialect, outcome: HttpAnswer | HttpFailure) -> None:
    route = route_in(dialect)
    evidence = evidence_of(
        build_request(route, Depth.REACH, TOKEN), outcome, verdict_of(Diagnosis.CREDENTIAL_DEAD), (TOKEN,)
    )
    assert "opaque-t0" not in repr(evidence)


def test_the_id_of_a_request_is_neither_a_token_nor_endless() -> None:
    request = build_request(route_in(Dialect.OPENAI_CHAT), Depth.REACH, TOKEN)
    for given in (TOKEN.reveal(), "dapi" + "0123456789abcdef", "r\u202e" + "x" * 5000):
        verdict = replace(verdict_of(Diagnosis.SERVER_ERROR), request_id=given)
        headers = {"x_request_id": given, "server": "y" * 5000}
        kept = evidence_of(request, answer(b"no", **headers), verdict, (TOKEN,))
        assert kept.request_id is not None
        assert given not in repr(kept)
        assert len(kept.request_id) <= 128
        assert len(repr(kept.response_headers)) < 1200


def test_evidence_of_an_answer_that_is_fine_does_not_keep_what_the_model_said() -> None:
    request = build_request(route_in(Dialect.OPENAI_CHAT), Depth.REACH, TOKEN)
    evidence = evidence_of(request, answer(b"a poem"), verdict_of(Diagnosis.OK), ())
    assert evidence.response_excerpt == ""


def test_evidence_keeps_the_question_and_the_headers_that_help() -> None:
    route = route_in(Dialect.OPENAI_CHAT)
    kept = answer(b"no", x_request_id="r-1", set_cookie="session=1", retry_after="2")
    evidence = evidence_of(build_request(route, Depth.REACH, TOKEN), kept, verdict_of(Diagnosis.THROTTLED), ())
    assert json.loads(evidence.request_body)["model"] == route.model
    assert evidence.response_headers == {"x-request-id": "r-1", "retry-after": "2"}


def test_every_agent_is_spoken_of_by_its_label() -> None:
    for dialect, (agent, _) in AGENT_OF.items():
        assert AGENTS[agent].label in describe(route_in(dialect), verdict_of(Diagnosis.WRONG_PATH))[1]
