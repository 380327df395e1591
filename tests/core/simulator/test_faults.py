"""Faults put in front of answers, in process and over the control paths, and the request log."""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable

import httpx
import pytest

from core.model.agent import Dialect
from core.model.gateway import Generation
from core.simulator.errors import REFUSALS
from core.simulator.faults import Behaviour, FaultBook, FaultRule, Request
from core.simulator.scenes import TokenState
from core.simulator.server import SimulatedWorkspace
from tests.core.simulator.conftest import Ask, authorization

Running = Callable[[str], SimulatedWorkspace]
CHAT = "/ai-gateway/mlflow/v1/chat/completions"
MODEL = "databricks-claude-opus-4-6"
BODY = {"model": MODEL, "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_can_be_put_in_front_of_a_route(name: str, running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=name))
    answer = ask(workspace, "POST", CHAT, json=BODY)
    assert answer.status_code == REFUSALS[name].status
    assert "{" + "model}" not in answer.text
    assert answer.headers["x-switchyard-simulated"] == "healthy"


@pytest.mark.parametrize(
    ("rule", "hit"),
    [
        pytest.param(FaultRule(fault="throttled", generation=Generation.WORKSPACE), True, id="generation"),
        pytest.param(FaultRule(fault="throttled", generation=Generation.DEDICATED), False, id="other generation"),
        pytest.param(FaultRule(fault="throttled", dialect=Dialect.OPENAI_CHAT), True, id="dialect"),
        pytest.param(FaultRule(fault="throttled", dialect=Dialect.GEMINI_GENERATE), False, id="other dialect"),
        pytest.param(FaultRule(fault="throttled", model="system.ai.claude-opus-4-6"), True, id="model, other spelling"),
        pytest.param(FaultRule(fault="throttled", model="databricks-gpt-5-5"), False, id="other model"),
        pytest.param(FaultRule(fault="throttled", token=TokenState.LIVE), True, id="token"),
        pytest.param(FaultRule(fault="throttled", token=TokenState.AGENT), False, id="other token"),
        pytest.param(FaultRule(fault="throttled", path="/ai-gateway/mlflow"), True, id="path"),
        pytest.param(FaultRule(fault="throttled", path="/api"), False, id="other path"),
    ],
)
def test_rule_hits_what_it_names(rule: FaultRule, hit: bool, running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(rule)
    assert ask(workspace, "POST", CHAT, json=BODY).status_code == (429 if hit else 200)


def test_rule_ends_after_its_times(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault="overloaded", times=2))
    assert [ask(workspace, "POST", CHAT, json=BODY).status_code for _ in range(3)] == [529, 529, 200]


def test_custom_answer(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    rule = FaultRule(fault="custom", status=418, body="{model} is a teapot", headers=(("Server", "tea"),))
    workspace.faults.add(FaultRule.from_json(json.loads(json.dumps(rule.to_json()))))
    answer = ask(workspace, "POST", CHAT, json=BODY)
    assert (answer.status_code, answer.text, answer.headers["server"]) == (418, f"{MODEL} is a teapot", "tea")


def test_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="no such fault"):
        FaultRule(fault="gremlins")


@pytest.mark.parametrize("fault", [Behaviour.HANG, Behaviour.DRIP])
def test_caller_that_gives_up_is_not_held(fault: Behaviour, running: Running) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=fault, delay_s=0.02, times=1))
    headers = authorization(workspace, TokenState.LIVE)
    with httpx.Client(trust_env=False, timeout=0.1) as client, pytest.raises(httpx.ReadTimeout):
        _read_at_most(client, workspace.http_origin + CHAT, headers)


def _read_at_most(client: httpx.Client, url: str, headers: dict[str, str]) -> None:
    """Read an answer, giving up like a caller with a total deadline when it only trickles."""
    with client.stream("POST", url, json=BODY, headers=headers) as answer:
        for number, _ in enumerate(answer.iter_raw()):
            if number >= 2:
                raise httpx.ReadTimeout("trickles")


def test_delay_is_only_late(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.DELAY, delay_s=0.05))
    answer = ask(workspace, "POST", CHAT, json=BODY)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() >= 0.05


@pytest.mark.parametrize("fault", [Behaviour.RESET, Behaviour.CUT])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_connection_breaks(fault: Behaviour, stream: bool, running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=fault))
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        ask(workspace, "POST", CHAT, json=BODY | {"stream": stream})


def test_reset_is_a_reset_on_the_wire(running: Running) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.RESET))
    with socket.create_connection(("127.0.0.1", workspace.http_port), timeout=5) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            raw.recv(1)


def test_truncated_json_is_no_json(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.TRUNCATED_JSON))
    answer = ask(workspace, "POST", CHAT, json=BODY)
    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


def test_oversized_answer(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.OVERSIZED))
    assert len(ask(workspace, "POST", CHAT, json=BODY).content) > 1024 * 1024


def test_stream_that_says_it_broke(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.STREAM_ERROR))
    answer = ask(workspace, "POST", CHAT, json=BODY | {"stream": True})
    assert answer.status_code == 200
    assert "The model broke off." in answer.text
    assert "[DONE]" not in answer.text


def test_stream_error_of_a_whole_answer_is_a_500(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.STREAM_ERROR))
    assert ask(workspace, "POST", CHAT, json=BODY).status_code == 500


def test_empty_stream(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.EMPTY_STREAM))
    answer = ask(workspace, "POST", CHAT, json=BODY | {"stream": True})
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("path", "body", "nothing"),
    [
        (CHAT, BODY, '"content": ""'),
        ("/ai-gateway/anthropic/v1/messages", BODY, '"content": []'),
        ("/ai-gateway/codex/v1/responses", {"model": "databricks-gpt-5-4-mini", "input": "hi"}, '"output": []'),
        ("/ai-gateway/gemini/v1beta/models/databricks-gemini-2-5-pro:generateContent", {}, '"parts": []'),
    ],
    ids=["chat", "messages", "responses", "gemini"],
)
def test_empty_and_substituted_answers(
    path: str, body: dict[str, object], nothing: str, running: Running, ask: Ask
) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=Behaviour.EMPTY_ANSWER, times=1), FaultRule(fault=Behaviour.SUBSTITUTED))
    assert nothing in ask(workspace, "POST", path, json=body).text
    assert "claude-haiku-4-5" in ask(workspace, "POST", path, json=body).text


@pytest.mark.parametrize("fault", [Behaviour.ECHO, Behaviour.ECHO_IN_ERROR])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_token_is_repeated(fault: Behaviour, stream: bool, running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    workspace.faults.add(FaultRule(fault=fault))
    answer = ask(workspace, "POST", CHAT, json=BODY | {"stream": stream})
    token = workspace.scene.token.reveal()
    assert token in answer.text
    assert token in answer.headers["x-request-id"]


def test_faults_over_the_control_paths(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    rule = {"fault": "throttled", "generation": "workspace", "dialect": "openai_chat", "token": "live", "times": 5}
    assert ask(workspace, "POST", "/_simulator/faults", json=rule).json()["faults"][0]["times"] == 5
    assert ask(workspace, "POST", CHAT, json=BODY).status_code == 429
    assert len(ask(workspace, "GET", "/_simulator/faults").json()["faults"]) == 1
    assert ask(workspace, "DELETE", "/_simulator/faults").json() == {"faults": []}
    assert ask(workspace, "POST", CHAT, json=BODY).status_code == 200


@pytest.mark.parametrize(
    "rule",
    [{"fault": "gremlins"}, {"fault": "hang", "colour": "red"}, {"fault": "hang", "times": "x"}, 7, {"dialect": 1}],
)
def test_malformed_fault_is_refused_and_not_kept(rule: object, running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    assert ask(workspace, "POST", "/_simulator/faults", json=rule).status_code == 400
    assert workspace.faults.rules == ()


def test_unknown_control_path(running: Running, ask: Ask) -> None:
    assert ask(running("healthy"), "GET", "/_simulator/nothing").status_code == 404


def test_control_root_names_the_scene(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    described = ask(workspace, "GET", "/_simulator").json()
    assert (described["scene"], tuple(described["host_names"])) == ("healthy", workspace.scene.host_names)


def test_log_has_one_line_per_request(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    sent = ask(workspace, "POST", f"{workspace.scene.host}{CHAT}", token=TokenState.ROTATED, json=BODY).request.content
    (line,) = ask(workspace, "GET", "/_simulator/requests").json()["requests"]
    assert line.pop("number") > 0
    assert line == {
        "method": "POST",
        "host": workspace.scene.workspace_host,
        "path": CHAT,
        "generation": "workspace",
        "dialect": "openai_chat",
        "model": MODEL,
        "token": "rotated",
        "body_sha256": hashlib.sha256(sent).hexdigest(),
    }


def test_log_can_be_reset_and_waited_for(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    ask(workspace, "POST", CHAT, json=BODY)
    ask(workspace, "POST", "/_simulator/requests/reset")
    assert workspace.requests.all() == ()
    assert not workspace.requests.wait_for(lambda kept: len(kept) > 0, timeout_s=0.01)
    ask(workspace, "POST", CHAT, json=BODY)
    assert workspace.requests.wait_for(lambda kept: len(kept) == 1, timeout_s=5)
    assert len(workspace.requests.posts()) == 1


class _Hours:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_a_fault_switches_itself_off_when_its_time_is_over() -> None:
    time = _Hours()
    book, rule = FaultBook(time), FaultRule(fault="throttled", lasts_s=300)
    book.add(rule)
    time.s = 299.0
    assert book.take(_request()) == rule
    assert book.lasting == ((rule, 1.0),)
    time.s = 300.0
    assert book.take(_request()) is None
    assert book.lasting == ()


def test_the_first_requests_are_let_through_where_the_fault_says_so() -> None:
    book, rule = FaultBook(), FaultRule(fault="throttled", after=2, times=1)
    book.add(rule)
    assert [book.take(_request()) for _ in range(4)] == [None, None, rule, None]


def test_one_of_several_faults_is_removed() -> None:
    book, other = FaultBook(), FaultRule(fault="overloaded")
    book.add(FaultRule(fault="throttled"), other)
    book.remove(FaultRule(fault="throttled"))
    book.remove(FaultRule(fault="hang"))
    assert book.rules == (other,)


def _request() -> Request:
    return Request(
        number=1,
        method="POST",
        host="adb.example",
        path="/ai-gateway/mlflow/v1/chat/completions",
        generation=None,
        dialect=None,
        model="gpt-5-5",
        token=TokenState.LIVE,
        body_sha256="",
    )
