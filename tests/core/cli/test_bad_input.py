"""Bad input gets one clear sentence with a remedy, exit code 2, no traceback, and nothing is sent anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from core.simulator.server import SimulatedWorkspace
from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]
ROOT = Path(__file__).resolve().parents[3]
HOST = "https://adb-1234567890123456.16.azuredatabricks.net"

WRONG_ENVIRONMENTS = {
    "a host with spaces": ({"DATABRICKS_HOST": "not a host"}, "host_malformed"),
    "http to a public host": ({"DATABRICKS_HOST": "http://acme.cloud.databricks.com"}, "host_insecure"),
    "an IP literal": ({"DATABRICKS_HOST": "https://203.0.113.9"}, "host_ip_literal"),
    "an IPv6 literal": ({"DATABRICKS_HOST": "https://[2001:db8::1]"}, "host_ip_literal"),
    "a decimal IP": ({"DATABRICKS_HOST": "https://3405803785"}, "host_ip_literal"),
    "userinfo in the host": ({"DATABRICKS_HOST": "https://me:pw@acme.cloud.databricks.com"}, "host_userinfo"),
    "an account console": ({"DATABRICKS_HOST": "https://accounts.azuredatabricks.net"}, "host_account_console"),
    "two credentials": (
        {"DATABRICKS_HOST": HOST, "DATABRICKS_CLIENT_ID": "id", "DATABRICKS_CLIENT_SECRET": "secret"},
        "credentials_conflict",
    ),
    "userinfo in the gateway": (
        {"DATABRICKS_HOST": HOST, "DATABRICKS_GATEWAY_HOST": "https://x@1.ai-gateway.cloud.databricks.com"},
        "host_userinfo",
    ),
    "a gateway in the clear": (
        {"DATABRICKS_HOST": HOST, "DATABRICKS_GATEWAY_HOST": "http://1.ai-gateway.cloud.databricks.com"},
        "host_insecure",
    ),
    "a gateway that is a stranger": (
        {"DATABRICKS_HOST": HOST, "DATABRICKS_GATEWAY_HOST": "https://azuredatabricks.net.evil.example"},
        "gateway_untrusted",
    ),
    "an unknown scene": ({"SWITCHYARD_SIMULATE": "paradise"}, "unknown_scene"),
    "a credential without a workspace": ({}, "host_missing"),
    "a number that is none": (
        {"SWITCHYARD_SIMULATE": "healthy", "SWITCHYARD_CONCURRENCY": "many"},
        "setting_invalid",
    ),
    "a profile that is not there": ({"DATABRICKS_CONFIG_PROFILE": "nowhere"}, "unknown_profile"),
}


@pytest.mark.parametrize(
    ("environment", "code"), [pytest.param(*row, id=name) for name, row in WRONG_ENVIRONMENTS.items()]
)
def test_settings_that_cannot_be_meant_are_refused(command_line: Made, environment: dict[str, str], code: str) -> None:
    run = command_line(**({"DATABRICKS_TOKEN": "canary-token"} | environment))
    exit_code, document = run.json("probe")
    assert (exit_code, document["error"]["code"]) == (2, code)
    assert document["error"]["remedy"]
    assert "canary-token" not in str(document)


def test_a_gateway_on_loopback_that_is_not_the_workspace_receives_nothing(command_line: Made) -> None:
    with SimulatedWorkspace("healthy") as stranger:
        run = command_line(
            DATABRICKS_HOST=HOST, DATABRICKS_TOKEN="canary-token", DATABRICKS_GATEWAY_HOST=stranger.http_origin
        )
        exit_code, document = run.json("status")
        assert (exit_code, document["error"]["code"]) == (2, "gateway_untrusted")
        assert stranger.requests.all() == ()


APPLY = ("apply", "hermes", "--reason", "r", "--yes")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        pytest.param(("probe", "clippy"), "unknown_agent", id="an unknown agent"),
        pytest.param(("frobnicate",), "usage", id="an unknown command"),
        pytest.param(("probe", "--depth", "abyss"), "usage", id="an unknown depth"),
        pytest.param(("probe", "--model", "x\ny"), "model_name_invalid", id="a newline in a model name"),
        pytest.param(("plan", "hermes"), "nothing_to_change", id="a plan of nothing"),
        pytest.param(("plan", "hermes", "--slot", "primary"), "slot_invalid", id="a slot without a model"),
        pytest.param(("plan", "codex", "--slot", "opus=m"), "unknown_slot", id="a slot the agent does not have"),
        pytest.param(("plan", "codex", "--fallback", "m"), "unknown_slot", id="a fallback for an agent without one"),
        pytest.param(("plan", "hermes", "--model", "m", "--target", "moon"), "unknown_target", id="an unknown target"),
        pytest.param(("apply", "hermes", "--model", "m", "--reason", "r"), "not_confirmed", id="apply without --yes"),
        pytest.param(("apply", "hermes", "--model", "m", "--yes"), "usage", id="apply without a reason"),
        pytest.param(("rollback", "x", "--reason", "r"), "not_confirmed", id="rollback without --yes"),
        pytest.param(("changes", "--limit", "0"), "usage", id="no changes at all"),
        pytest.param((*APPLY, "--model", ""), "model_name_invalid", id="an empty name"),
        pytest.param((*APPLY, "--model", "m" * 300), "model_name_invalid", id="a name of 300 characters"),
        pytest.param((*APPLY, "--model", "a: [b]"), "model_name_invalid", id="YAML in a name"),
        pytest.param((*APPLY, "--model", 'a"\nb = 1'), "model_name_invalid", id="TOML in a name"),
        pytest.param((*APPLY, "--model", "$(id)"), "model_name_invalid", id="a shell's command in a name"),
        pytest.param((*APPLY, "--model", "m\x00"), "model_name_invalid", id="a control character in a name"),
        pytest.param((*APPLY, "--model", "m\u0430"), "model_name_invalid", id="a Cyrillic letter in a name"),
        pytest.param((*APPLY, "--model", "m", "--for=-2h"), "duration_invalid", id="a negative duration"),
        pytest.param((*APPLY, "--model", "m", "--for=9999d"), "duration_invalid", id="a huge duration"),
        pytest.param((*APPLY, "--model", "m", "--for=soon"), "duration_invalid", id="a duration that is none"),
        pytest.param((*APPLY, "--model", "m", "--target", "app:../x"), "unknown_target", id="a target that is a path"),
        pytest.param((*APPLY, "--gateway", "http://evil.example"), "host_insecure", id="a gateway in the clear"),
        pytest.param((*APPLY, "--gateway", "https://evil.example"), "gateway_untrusted", id="a stranger's gateway"),
        pytest.param(
            ("apply", "hermes", "--model", "m", "--reason", "a\x1b[2J", "--yes"), "reason_invalid", id="a reason"
        ),
        pytest.param(("plan", "cursor", "--enable"), "unknown_slot", id="a switch that the agent does not have"),
        pytest.param(("export", "clippy"), "unknown_agent", id="an export of nobody"),
        pytest.param(("export", "hermes", "--format", "docx"), "usage", id="an export in no format"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(command_line: Made, argv: tuple[str, ...], code: str) -> None:
    exit_code, document = command_line(SWITCHYARD_SIMULATE="healthy").json(*argv)
    assert (exit_code, document["error"]["code"]) == (2, code)
    assert document["error"]["remedy"]


def test_an_unwritable_state_folder_is_named(command_line: Made, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    run = command_line(SWITCHYARD_SIMULATE="healthy", SWITCHYARD_STATE_DIR=str(tmp_path / "file"))
    exit_code, document = run.json("status")
    assert (exit_code, document["error"]["code"]) == (2, "state_dir_unwritable")


def test_a_refusal_for_people_is_two_lines_on_stderr(command_line: Made) -> None:
    code, out, err = command_line(DATABRICKS_HOST="http://acme.cloud.databricks.com").text("status")
    assert (code, out, len(err.strip().splitlines())) == (2, "", 2)


def test_the_module_runs_as_a_command_and_never_shows_a_traceback(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "DATABRICKS_HOST": "https://[::1"}
    done = subprocess.run(
        [sys.executable, "-m", "core", "status", "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.count("\n")) == (2, 1)
    assert "Traceback" not in done.stderr
