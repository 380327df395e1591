"""Which hosts may receive tokens, on the command line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]
GIVEN = ("trust", "gateway.example.com", "--private", "--reason", "we run it", "--yes")


@pytest.fixture
def line(command_line: Made) -> CommandLine:
    return command_line(SWITCHYARD_SIMULATE="healthy", SWITCHYARD_TRUSTED_HOSTS="listed.example.com")


def test_the_list_says_of_each_host_where_its_trust_comes_from(line: CommandLine) -> None:
    assert line.json(*GIVEN)[0] == 0
    code, document = line.json("trust")
    assert code == 0
    assert [(row["source"], row["origin"], row["private"]) for row in document["trusted"][1:]] == [
        ("setting", "https://listed.example.com", False),
        ("admin", "https://gateway.example.com", True),
    ]
    assert document["trusted"][0]["source"] == "workspace"
    assert document["trusted"][2]["reason"] == "we run it"
    assert "gateway.example.com" in line.text("trust")[1]


def test_what_was_trusted_is_revoked_and_both_are_in_the_audit(line: CommandLine) -> None:
    line.json(*GIVEN)
    origin = "https://gateway.example.com"
    assert line.json("trust", origin, "--revoke", "--reason", "gone", "--yes")[0] == 0
    assert [row["source"] for row in line.json("trust")[1]["trusted"]] == ["workspace", "setting"]
    events = line.json("audit")[1]["events"]
    assert [(event["action"], event["outcome"], event["target"]) for event in reversed(events)] == [
        ("trust.add", "started", origin),
        ("trust.add", "done", origin),
        ("trust.revoke", "started", origin),
        ("trust.revoke", "done", origin),
    ]


@pytest.mark.parametrize(
    ("argv", "exit_code", "code"),
    [
        (["gateway.example.com", "--reason", "r"], 2, "yes_missing"),
        (["--reason", "r", "--yes"], 2, "usage"),
        (["gateway.example.com", "--yes"], 2, "reason_invalid"),
        (["http://gateway.example.com", "--reason", "r", "--yes"], 2, "host_insecure"),
        (["listed.example.com", "--reason", "r", "--yes"], 1, "already_trusted"),
        (["https://nobody.example.com", "--revoke", "--reason", "r", "--yes"], 1, "not_trusted"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    line: CommandLine, argv: list[str], exit_code: int, code: str
) -> None:
    found, document = line.json("trust", *argv)
    assert (found, document["error"]["code"]) == (exit_code, code)
    assert len(line.json("trust")[1]["trusted"]) == 2
