"""Behind a proxy and a company's own certificates: what the databricks-sdk goes by, and that loopback is spared."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from core.adapters.apps import DatabricksApps, connection
from core.adapters.credentials import StaticToken
from core.adapters.loopback import spare_loopback
from core.errors import ChangeError
from core.model.secret import Secret

_VARIABLES = (
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
)


class NoApps(BaseHTTPRequestHandler):
    """A workspace without apps."""

    def do_GET(self) -> None:
        content = b'{"apps": []}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*_VARIABLES, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        # Set first, so that whatever the product sets in its place is taken back too.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "company.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
def port(authority: trustme.CA) -> Iterator[int]:
    """Serve the workspace over TLS with a certificate that only the company's bundle vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), NoApps) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def _listed(port: int) -> int:
    credentials = StaticToken(Secret("a-token"), "a test")
    return DatabricksApps(connection(f"https://127.0.0.1:{port}", credentials)).find().listed


def test_the_sdk_believes_the_bundle_of_requests(port: int, bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    assert _listed(port) == 0


def test_the_sdk_does_not_know_ssl_cert_file_which_the_self_check_says(
    port: int, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", bundle)
    with pytest.raises(ChangeError) as raised:
        _listed(port)
    assert raised.value.code == "workspace_unreachable"


@pytest.mark.parametrize("proxy", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_loopback_is_asked_past_a_proxy(proxy: str, port: int, bundle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    assert _listed(port) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"NO_PROXY": "a.example.com"}, {"NO_PROXY": "a.example.com"}),
        ({"HTTP_PROXY": "p"}, {"NO_PROXY": "127.0.0.1,localhost,::1", "no_proxy": "127.0.0.1,localhost,::1"}),
        (
            {"https_proxy": "p", "NO_PROXY": "not read", "no_proxy": "a.example.com, localhost"},
            {"NO_PROXY": "a.example.com,localhost,127.0.0.1,::1", "no_proxy": "a.example.com,localhost,127.0.0.1,::1"},
        ),
        ({"HTTPS_PROXY": "p", "NO_PROXY": "*"}, {"NO_PROXY": "*", "no_proxy": "*"}),
    ],
    ids=["no proxy", "no proxy but exceptions", "a proxy", "small letters win", "none for anything"],
)
def test_what_was_spared_before_is_spared_still(before: dict[str, str], after: dict[str, str]) -> None:
    environment = dict(before)
    spare_loopback(environment)
    assert environment == before | after
