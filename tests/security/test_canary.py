"""Tokens that are canaries go through every feature, and are found nowhere but in the agents' own files."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from core.cli import main
from core.simulator.server import SimulatedWorkspace
from tests.security.canaries import ALERTS, Canary, canary_workspace, files_below, lay_configs, leaks, let_repeat

WORKING = "databricks-claude-opus-4-6"


@pytest.fixture(scope="module")
def workspace() -> Iterator[SimulatedWorkspace]:
    with canary_workspace() as running:
        yield running


# The scanner must be able to fail.

MARKED: dict[str, Callable[[str], str | bytes]] = {
    "as it is": str,
    "in upper case": str.upper,
    "cut at its end": lambda text: text[:20],
    "cut at its beginning": lambda text: text[8:],
    "in a header": lambda text: f"Authorization: Bearer {text}",
    "as Basic credentials": lambda text: base64.b64encode(f"token:{text}".encode()),
    "as credentials of somebody": lambda text: base64.urlsafe_b64encode(f"robin.vale:{text}".encode()),
    "in a URL": lambda text: f"https://h.example.com/?key={quote(text, safe='')}",
    "in JSON": lambda text: json.dumps({"token": text}),
    "in JSON with an escape": lambda text: (
        json.dumps({"token": text})
        .replace("-", "\\u002D")
        .replace("+", "\\u002b")
        .replace("/", "\\u002f")
        .replace(".", "\\u002e")
        .replace("=", "\\u003d")
    ),
    "among bytes": lambda text: b"\x00\xff" + text.encode() + b"\x00",
}


@pytest.mark.parametrize("mark", MARKED.values(), ids=MARKED)
@pytest.mark.parametrize("canary", Canary)
def test_the_scanner_finds_what_is_leaked(canary: Canary, mark: Callable[[str], str | bytes]) -> None:
    found = leaks({"a log": b"before ", "a page": mark(canary.value)})
    assert found
    assert all(leak.startswith(canary.name) and leak.endswith("a page") for leak in found)


def test_the_scanner_finds_what_is_leaked_into_a_file(tmp_path: Path) -> None:
    (tmp_path / "history.db-wal").write_bytes(b"SQLite\0" + Canary.STORED.value.encode())
    assert leaks(files_below(tmp_path))
    assert leaks(files_below(tmp_path), but=[Canary.STORED]) == []


# By command line.


class Shell:
    """Run commands in this process, with everything printed and everything logged kept."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        self.said: dict[str, str] = {}

    def run(self, *argv: str, stdin: str = "") -> str:
        """Return what a command printed."""
        self._capsys.readouterr()
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(argv)
        printed = self._capsys.readouterr()
        self.said[" ".join(argv)] = f"{code}\n{printed.out}\n{printed.err}"
        return printed.out


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """Return everything that any logger says, at the lowest level, with tracebacks."""
    text, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def shell(
    workspace: SimulatedWorkspace,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Shell:
    workspace.faults.clear()
    variables = {
        "HOME": str(tmp_path / "home"),
        "SWITCHYARD_STATE_DIR": str(tmp_path / "state"),
        "SWITCHYARD_CONFIRM_DELAY_S": "0",
        "DATABRICKS_HOST": workspace.http_origin,
        "DATABRICKS_TOKEN": Canary.DASHBOARD.value,
        "SWITCHYARD_ALERTS": str(tmp_path / "alerts.toml"),
        "CANARY_HOOK": f"{workspace.http_origin}/hooks/{Canary.HOOK.value}",
        "CANARY_KEY": Canary.HOOK.value,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "alerts.toml").write_text(ALERTS, encoding="utf-8")
    return Shell(capsys, monkeypatch)


LOOKING = (
    ("status",),
    ("models",),
    ("targets",),
    ("changes",),
    ("audit",),
    ("audit", "--verify"),
    ("check",),
    ("grants",),
    ("export", "hermes"),
    ("export", "claude", "--format", "env"),
    ("export", "opencode", "--format", "app-yaml"),
    ("plan", "hermes", "--model", WORKING, "--target", "file:hermes"),
    ("plan", "claude", "--model", WORKING, "--target", "app:coda"),
    ("sweep", "--record"),
    ("probe", "hermes", "nobody"),
    ("probe", "--model", Canary.DASHBOARD.value[:4]),
)


def test_no_command_shows_logs_or_keeps_a_token(
    shell: Shell, workspace: SimulatedWorkspace, logged: io.StringIO, tmp_path: Path
) -> None:
    configs = lay_configs(workspace, tmp_path / "home")
    for repeats in (False, True):
        if repeats:
            let_repeat(workspace)
        for command in LOOKING:
            shell.run(*command, "--json")
            if repeats:
                shell.run(*command)
        for depth in ("reach", "faithful"):
            shell.run("probe", "--depth", depth, "--token-stdin", "--json", stdin=Canary.ONE_PROBE.value)
        shell.run("probe", "--token-stdin", stdin=Canary.ONE_PROBE.value)
        change = ("--target", "file:hermes", "--reason", "a canary", "--force", "--yes", "--json")
        applied = json.loads(shell.run("apply", "hermes", "--model", f"{WORKING}-{repeats}".lower(), *change))
        shell.run("rollback", str(applied.get("change_id")), "--reason", "a canary", "--yes")
        shell.run("revert-expired")
        for form in ("jsonl", "csv"):
            shell.run("audit", "--export", form)

    assert any("[redacted]" in said for said in shell.said.values()), "nothing was ever repeated"
    kept = files_below(tmp_path)
    own = {str(path) for path in configs} | {path for path in kept if path.endswith(".bak")}
    assert any(path.endswith(".db") for path in kept)
    assert leaks({**shell.said, "the log": logged.getvalue()}) == []
    assert leaks({path: content for path, content in kept.items() if path not in own}) == []
    assert leaks({path: kept[path] for path in own}, but=[Canary.STORED, Canary.DEAD]) == []
    assert all(Path(path).stat().st_mode & 0o077 == 0 for path in own)
