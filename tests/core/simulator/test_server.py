"""Starting, stopping and reaching the listeners, plain and over TLS by name."""

from __future__ import annotations

import gc
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest

from core.errors import ConfigurationError
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.scenes import TokenState
from core.simulator.server import SimulatedWorkspace
from tests.core.simulator.conftest import authorization

Running = Callable[[str], SimulatedWorkspace]
ME = "/api/2.0/preview/scim/v2/Me"


def over_tls(workspace: SimulatedWorkspace, name: str, path: str) -> str:
    """Return the status line that this host gives when it is reached by name through the resolve map."""
    where = workspace.resolve_map[name, 443]
    token = authorization(workspace, TokenState.LIVE)["Authorization"]
    request = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nAuthorization: {token}\r\nConnection: close\r\n\r\n"
    with (
        socket.create_connection(where, timeout=5) as raw,
        workspace.client_ssl_context().wrap_socket(raw, server_hostname=name) as secure,
    ):
        secure.sendall(request.encode())
        return secure.makefile("rb").readline().decode().strip()


def test_workspace_is_reached_over_tls_by_its_own_name(running: Running) -> None:
    workspace = running("healthy")
    assert over_tls(workspace, workspace.scene.workspace_host, ME) == "HTTP/1.1 200 OK"


def test_dedicated_host_is_another_host(running: Running) -> None:
    workspace = running("healthy")
    dedicated = workspace.scene.dedicated_host
    assert dedicated is not None
    assert over_tls(workspace, dedicated, "/anthropic/v1/models") == "HTTP/1.1 200 OK"
    assert over_tls(workspace, dedicated, ME) == "HTTP/1.1 404 Not Found"


def test_without_a_dedicated_host_only_the_workspace_resolves(running: Running) -> None:
    workspace = running("incident")
    assert set(workspace.resolve_map) == {(workspace.scene.workspace_host, 443)}


def test_nobody_else_trusts_the_certificate(running: Running) -> None:
    workspace = running("healthy")
    with (
        socket.create_connection(("127.0.0.1", workspace.tls_port), timeout=5) as raw,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(raw, server_hostname=workspace.scene.workspace_host)


def test_certificate_can_be_for_another_name() -> None:
    with (
        SimulatedWorkspace("healthy", certificate_names=("wrong.example",)) as workspace,
        pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname"),
    ):
        over_tls(workspace, workspace.scene.workspace_host, ME)


def test_first_answer_comes_within_a_second() -> None:
    began = time.perf_counter()
    with SimulatedWorkspace("healthy") as workspace:
        httpx.get(workspace.http_origin + ME, trust_env=False)
    assert time.perf_counter() - began < 1


def test_stopped_workspace_refuses_and_comes_back_on_the_same_port() -> None:
    with SimulatedWorkspace("healthy") as workspace, httpx.Client(trust_env=False) as client:
        url, ports = workspace.http_origin + ME, (workspace.http_port, workspace.tls_port)
        assert client.get(url).status_code == 401
        workspace.stop()
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, trust_env=False)
        workspace.start()
        assert (workspace.http_port, workspace.tls_port) == ports
        assert client.get(url).status_code == 401


def test_stop_does_not_wait_for_a_hanging_request() -> None:
    with SimulatedWorkspace("healthy") as workspace:
        workspace.faults.add(FaultRule(fault=Behaviour.HANG))
        failures: list[Exception] = []

        def call() -> None:
            try:
                httpx.get(workspace.http_origin + ME, trust_env=False, timeout=30)
            except httpx.TransportError as exc:
                failures.append(exc)

        caller = threading.Thread(target=call)
        caller.start()
        assert workspace.requests.wait_for(lambda kept: len(kept) == 1, timeout_s=5)
        began = time.perf_counter()
        workspace.stop()
        caller.join(5)
        assert time.perf_counter() - began < 1
        assert len(failures) == 1


def test_who_connects_while_it_stops_is_not_left_connected() -> None:
    workspace = SimulatedWorkspace("healthy")
    with ExitStack() as clients, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(60):
            workspace.start()
            for _ in range(4):
                clients.enter_context(socket.create_connection(("127.0.0.1", workspace.http_port)))
            workspace.stop()
        gc.collect()

    assert [str(warning.message) for warning in caught] == []


def test_starting_and_stopping_twice_is_harmless() -> None:
    workspace = SimulatedWorkspace("healthy")
    workspace.stop()
    workspace.start()
    port = workspace.http_port
    workspace.start()
    assert workspace.http_port == port
    workspace.stop()
    workspace.stop()


@pytest.mark.parametrize("which", ["http_port", "tls_port"])
def test_taken_port_is_a_clear_refusal(which: str, running: Running) -> None:
    taken = running("healthy").http_port
    ports = {"http_port": taken} if which == "http_port" else {"tls_port": taken}
    with pytest.raises(ConfigurationError, match=f"Port {taken} ") as refused:
        SimulatedWorkspace("healthy", **ports).start()
    assert refused.value.code == "port_taken"


def test_two_scenes_run_side_by_side(running: Running) -> None:
    names = [
        httpx.get(running(name).http_origin, trust_env=False).headers["x-switchyard-simulated"]
        for name in ("healthy", "gcp")
    ]
    assert names == ["healthy", "gcp"]
