"""The databricks-sdk over our adapter: large, slow and redirecting answers end, and none holds the token."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from core.adapters import sdk_answers
from core.adapters.apps import DatabricksApps, connection
from core.adapters.credentials import StaticToken
from core.adapters.people import WorkspacePeople
from core.errors import ChangeError
from core.model.secret import Secret
from core.simulator.faults import FaultRule
from tests.fakes.app_workspace import AppWorkspace, app_workspace
from tests.fakes.waiting import eventually

TOKEN = Secret("canary-token-of-the-sdk")
APP = "/api/2.0/apps/coda"


@pytest.fixture(scope="module")
def shared() -> Iterator[AppWorkspace]:
    with app_workspace() as found:
        yield found


@pytest.fixture
def place(shared: AppWorkspace) -> AppWorkspace:
    shared.running.faults.clear()
    return shared


def apps_of(origin: str, *, total_s: float = 5.0) -> DatabricksApps:
    client = connection(origin, StaticToken(TOKEN, "the test"))()
    return DatabricksApps(lambda: sdk_answers.bounded(client, total_s=total_s))


def refusal(act: Callable[[], object]) -> ChangeError:
    with pytest.raises(ChangeError) as raised:
        act()
    return raised.value


def test_the_sdk_asks_over_our_adapter() -> None:
    """A new SDK that keeps its session elsewhere has to be noticed here."""
    with app_workspace() as found:
        client = connection(found.running.http_origin, StaticToken(TOKEN, "the test"))()
        session = client.api_client._api_client._session
        adapters = {type(session.get_adapter(f"{scheme}://any.example.com/")) for scheme in ("http", "https")}
        assert (adapters, session.max_redirects) == ({sdk_answers.BoundedAdapter}, 0)


def test_an_answer_that_is_too_large_is_not_read(place: AppWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk_answers, "LARGEST_ANSWER", 1024 * 1024)
    body = json.dumps({"name": "coda", "description": "x" * 2 * 1024 * 1024})
    place.running.faults.add(FaultRule(fault="custom", status=200, body=body, path=APP))
    assert refusal(lambda: apps_of(place.running.http_origin).get("coda")).code == "workspace_odd_answer"


def test_of_a_refusal_that_is_too_large_the_beginning_is_read(place: AppWorkspace) -> None:
    place.running.faults.add(FaultRule(fault="oversized", path=APP))
    assert refusal(lambda: apps_of(place.running.http_origin).get("coda")).code == "credential_dead"


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_a_slow_answer_is_not_waited_for(place: AppWorkspace, fault: str) -> None:
    place.running.faults.add(FaultRule(fault=fault, path=APP, delay_s=0.05))
    began = time.monotonic()
    assert refusal(lambda: apps_of(place.running.http_origin, total_s=0.5).get("coda")).code == "workspace_unreachable"
    assert time.monotonic() - began < 3


def test_a_redirect_is_not_followed(place: AppWorkspace) -> None:
    place.running.faults.add(FaultRule(fault="login_redirect", path=APP))
    place.running.requests.reset()
    refusal(lambda: apps_of(place.running.http_origin).get("coda"))
    assert [one.path for one in place.running.requests.all() if one.path.startswith("/login")] == []


def test_json_that_is_too_deep_is_an_odd_answer(place: AppWorkspace) -> None:
    place.running.faults.add(FaultRule(fault="custom", status=200, body='{"a":' * 100_000, path=APP))
    assert refusal(lambda: apps_of(place.running.http_origin).get("coda")).code == "workspace_odd_answer"


def test_a_refusal_that_repeats_the_token_is_not_repeated(place: AppWorkspace) -> None:
    body = json.dumps({"error_code": "BAD_REQUEST", "message": f"no app for {TOKEN.reveal()}"})
    place.running.faults.add(FaultRule(fault="custom", status=400, body=body, path=APP))
    told = refusal(lambda: apps_of(place.running.http_origin).get("coda"))
    assert told.message == "The workspace refused to read the app coda: no app for [redacted]."


def test_what_the_workspace_says_of_a_person_never_holds_the_persons_token(place: AppWorkspace) -> None:
    body = json.dumps({"error_code": "BAD_REQUEST", "message": f"no: {TOKEN.reveal()}"})
    place.running.faults.add(FaultRule(fault="custom", status=400, body=body, path="/api/2.0/preview/scim"))
    connect = connection(place.running.http_origin, StaticToken(TOKEN, "the test"))
    found = WorkspacePeople(connect, lambda _: connect()).look_up("robin.vale@switchyard.example", TOKEN, ["app:coda"])
    assert "no: [redacted]" in found.problem
    assert TOKEN.reveal() not in repr(found)


def test_headers_that_never_end_are_not_waited_for() -> None:
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        with closing(server.accept()[0]) as caller:
            caller.recv(4096)
            caller.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.02):
                caller.sendall(b"a")

    with socket.create_server(("127.0.0.1", 0)) as server, app_workspace() as found:
        client = connection(found.running.http_origin, StaticToken(TOKEN, "the test"))()
        threading.Thread(target=drip, args=(server,), daemon=True).start()
        sdk_answers.bounded(client, total_s=0.4)
        began = time.monotonic()
        client.config.host = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert refusal(lambda: DatabricksApps(lambda: client).get("coda")).code == "workspace_unreachable"
        assert time.monotonic() - began < 3
        # Its thread does not go on for as long as the server likes.
        assert eventually(lambda: not [one for one in threading.enumerate() if one.name == "switchyard-sdk"])
        over.set()
