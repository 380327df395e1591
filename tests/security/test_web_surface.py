"""The server as strangers meet it: nothing is done by opening an address, nothing large gets in, no file gets out."""

from __future__ import annotations

import http.client
import re
import socket
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.dashboard import RunApp, free_port, run_shared_app
from tests.fakes.waiting import eventually
from tests.tab import open_tab

__all__ = ["run_shared_app"]

PAGES = ("", "routes", "switch", "fallbacks", "history", "detection")
API = ("status", "health", "metrics", "badge/hermes.svg")
OWN = ("health", "metrics", "host-config", "script-health-check", "upload_file/a/b", "bidi-components/a/b.js", "stream")
OWN += ("agent/openapi.json", "agent/interact", "agent/mcp")
ELSEWHERE = ("media/a.csv", "component/a/b.js", "static/a.js", "app/static/a.js")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
MODEL = "databricks-claude-opus-4-6"
QUERIES = (
    "",
    f"agent=hermes&model={MODEL}&slot=primary&identity=dashboard&depth=reach",
    f"agents=hermes&agents=codex&health=down&dialect=openai-chat&q=opus&models={MODEL}",
    "range=90d&show=changes&agents=hermes&health=down&q=x&route=x&incident=x",
    "show=audit&show=alerts",
    "agent=hermes&failure=throttled",
    "projector=on&step=apply",
    # What nobody offers, in case somebody takes it for a command.
    "probe=1&apply=true&switch=hermes&model=x&reason=x&action=probe_now&admin=1&role=admin&token=x&rollback=chg-1",
    "q=%3Cscript%3Ealert(1)%3C/script%3E&agent=..%2F..%2Fetc%2Fpasswd&incident=%00%0d%0aSet-Cookie:x",
)
# Found in files of this machine or of the dashboard, in none of its answers.
OF_FILES = re.compile(
    rb"root:[x*]?:0:0|st\.App\(|requires-python|gatherUsageStats|SQLite format 3|hermes_model:|\[server\]"
)
FOREIGN = "https://evil.example"


@dataclass(frozen=True)
class Served:
    """The dashboard on a port that others can reach, so that everybody is a viewer; and its database."""

    url: str
    port: int
    database: Path
    client: httpx.Client

    def acted(self) -> tuple[int, int, int]:
        """Return how many audit events and changes there are, and how many requests were sent to models."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as kept:
            counts = [
                kept.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("audit_events", "changes")
            ]
        found = re.findall(r"^switchyard_probe_requests_total\S* (\S+)$", self.get("/api/metrics").text, re.MULTILINE)
        return counts[0], counts[1], round(sum(map(float, found)))

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        return self.client.get(path, headers=headers)

    def say(self, *parts: bytes) -> tuple[bytes, bool]:
        """Return what the server says to these bytes, and whether it then ends the connection at once."""
        heard = b""
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as line:
            try:
                for part in parts:
                    line.sendall(part)
                while more := line.recv(65536):
                    heard += more
            except ConnectionError:
                # Whoever goes on talking to a closed connection may not hear the answer.
                return heard, True
            except TimeoutError:
                return heard, False
        return heard, True


@pytest.fixture(scope="module")
def served(run_shared_app: RunApp) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.address", "0.0.0.0"]
    app = run_shared_app({"SWITCHYARD_SIMULATE": "healthy"}, [*command, "--server.port", str(port)], port)
    with open_tab(app.url) as tab:
        eventually(lambda: "All routes healthy" in tab.open().text)
        assert "Viewer: You are a viewer because this dashboard can be reached from other machines" in tab.text
    with httpx.Client(base_url=app.url, timeout=10, trust_env=False) as client:
        yield Served(app.url, port, app.state_dir / "simulated" / "healthy" / "switchyard.db", client)


# Nothing is done by opening an address.


def test_opening_any_page_with_any_parameter_does_nothing(served: Served) -> None:
    before = served.acted()
    assert before[2] > 0
    with open_tab(served.url) as tab:
        for page in PAGES:
            for query in QUERIES:
                assert "Something went wrong" not in tab.open(page, query).text
    assert served.acted() == before


def test_no_request_of_any_method_does_anything(served: Served) -> None:
    before = served.acted()
    paths = [
        *PAGES,
        *(f"api/{name}" for name in (*API, "probe", "changes")),
        *(f"_stcore/{name}" for name in OWN),
        *ELSEWHERE,
    ]
    for path in paths:
        for method in METHODS:
            for query in ("", "?probe=1&apply=true&agent=hermes"):
                assert served.client.request(method, f"/{path}{query}").status_code < 500
    assert served.acted() == before


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"GET", "HEAD"}))
def test_the_api_is_only_read(served: Served, method: str) -> None:
    for name in API:
        answer = served.client.request(method, f"/api/{name}", content=b"{}" if method != "TRACE" else None)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(("path", "body"), [("interact", b"{}"), ("interact", b'{"page":"routes"}'), ("mcp", b"{}")])
def test_nobody_drives_the_pages_by_program(served: Served, path: str, body: bytes) -> None:
    told = served.get("/_stcore/agent/openapi.json")
    assert "not currently agent-accessible" in told.text
    answer = served.client.request(
        "POST", f"/_stcore/agent/{path}", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 403)
    assert "session_id" not in answer.text and "Overview" not in answer.text


def test_streamlit_writes_nothing_for_a_tab(served: Served) -> None:
    with open_tab(served.url) as tab:
        tab.open()
        message = BackMsg()
        message.backend_operation_request.session_id = tab.session_id
        message.backend_operation_request.install_skills.SetInParent()
        tab.send(message)
        answered = "backend_operation_response"
        told = eventually(lambda: one if (one := tab.received()).WhichOneof("type") == answered else None)
    assert told.backend_operation_response.error_reason == "refused:headless"


# Nothing large gets in.


HEAD = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
MEGABYTE = b"a" * 1024 * 1024


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([HEAD, b"X-Long: ", MEGABYTE, b"\r\n\r\n"], id="a long header"),
        pytest.param([HEAD, b"X-Short: 1\r\n" * 100_000, b"\r\n"], id="many headers"),
        pytest.param([b"GET /api/health?", MEGABYTE, b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"], id="a long address"),
        pytest.param(
            [HEAD, b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Long: ", MEGABYTE, b"\r\n\r\n"], id="a long trailer"
        ),
    ],
)
def test_a_head_that_does_not_end_is_cut_off(served: Served, parts: list[bytes]) -> None:
    assert served.say(*parts)[1]
    assert served.get("/api/health").status_code == 200


@pytest.mark.parametrize("path", ["/api/status", "/_stcore/upload_file/a/b", "/_stcore/agent/mcp", "/routes"])
@pytest.mark.parametrize("length", [b"100000000", b"-1", b"9" * 30])
def test_a_body_that_says_it_is_large_is_refused_before_it_comes(served: Served, path: str, length: bytes) -> None:
    heard, closed = served.say(
        b"PUT " + path.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: " + length + b"\r\n\r\n"
    )
    assert (heard.split()[1] in (b"400", b"413"), closed) == (True, True)


@pytest.mark.parametrize(
    ("message", "codes"),
    [
        pytest.param(2 * MEGABYTE, {1009}, id="2 MB"),
        # Most of it is still on its way when the connection is cut, which may overtake the reason.
        pytest.param(20 * MEGABYTE, {1009, None}, id="20 MB"),
        pytest.param(b"\xff" * 100, {1002}, id="what is no message"),
        pytest.param("text", {None}, id="text"),
    ],
)
def test_a_message_that_no_tab_sends_ends_the_connection(
    served: Served, message: bytes | str, codes: set[int | None]
) -> None:
    with open_tab(served.url) as tab:
        tab.open()
        with pytest.raises(ConnectionClosed) as closed:
            tab.socket.send(message)
            while True:
                tab.received()
    said = closed.value.rcvd
    assert (said.code if said else None) in codes
    assert said is None or "/" not in said.reason


# No file gets out.

_UP = ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "....//", "%252e%252e%252f", "..%c0%af", "..;/")
_ROOTS = ("", "api/", "api/badge/", "static/", "media/", "component/", "component/st/", "app/static/")
_ROOTS += ("_stcore/bidi-components/st/", "_stcore/", "routes/")
_FILES = ("app.py", "pyproject.toml", ".streamlit/config.toml", "etc/passwd", "core/settings/__init__.py")


def test_no_path_leads_to_a_file_of_this_machine(served: Served) -> None:
    targets = [f"/{root}{up * depth}{file}" for root in _ROOTS for up in _UP for depth in (1, 6) for file in _FILES]
    targets += [f"/{root}{file}" for root in _ROOTS for file in _FILES]
    targets += [
        f"/{root}{other}" for root in _ROOTS for other in ("/etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd")
    ]
    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    for target in targets:
        # As it stands: a client that tidies paths up would never send them.
        line.putrequest("GET", target)
        line.endheaders()
        answer = line.getresponse()
        body = answer.read()
        assert answer.status < 500, target
        assert not OF_FILES.search(body), target
        assert b"Traceback" not in body, target
    line.close()


def test_no_page_reads_a_file_that_its_address_names(served: Served) -> None:
    with open_tab(served.url) as tab:
        for page in PAGES:
            for name in ("agent", "model", "models", "q", "route", "incident", "show", "step"):
                drawn = tab.open(page, f"{name}=..%2F..%2F..%2F..%2F..%2Fetc%2Fpasswd").drawn
                assert not OF_FILES.search(drawn.encode())


def test_a_download_has_a_plain_name_and_is_never_a_page(served: Served) -> None:
    with open_tab(served.url) as tab:
        found = re.findall(
            r'url: "(/media/[^"]+)"', tab.open("switch").drawn + tab.open("history", "show=routes").drawn
        )
        assert found
        for path in found:
            headers = served.get(path).headers
            assert re.fullmatch(r'attachment; filename="[\w.-]+"', headers["content-disposition"])
            assert headers["x-content-type-options"] == "nosniff"


# What is told to the browser.


@pytest.mark.parametrize(
    "path", ["/", "/routes", "/static/none.js", "/media/none", *(f"/_stcore/{name}" for name in OWN[:3])]
)
def test_every_answer_keeps_the_browser_strict(served: Served, path: str) -> None:
    headers = served.get(path, headers={"Origin": FOREIGN}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["content-security-policy"] == "frame-ancestors 'self'"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("name", [*API, "none", "badge/none.svg"])
def test_the_api_is_stricter(served: Served, name: str) -> None:
    headers = served.get(f"/api/{name}", headers={"Origin": FOREIGN}).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors 'none'")
    assert headers["cache-control"] == "no-store"
    assert not {"access-control-allow-origin", "set-cookie"} & set(headers)


def test_a_foreign_page_opens_no_session(served: Served) -> None:
    with pytest.raises(InvalidStatus) as refused, open_tab(served.url, origin=FOREIGN):
        pass
    assert refused.value.response.status_code == 403


def test_a_foreign_page_uploads_nothing(served: Served) -> None:
    with open_tab(served.url) as tab:
        path = f"/_stcore/upload_file/{tab.open().session_id}/a"
        answer = served.client.request("PUT", path, files={"file": b"x"}, headers={"Origin": FOREIGN})
    assert answer.status_code == 403


def test_streamlits_own_messages_come_from_no_other_site(served: Served) -> None:
    assert served.get("/_stcore/host-config").json()["allowedOrigins"] == []
