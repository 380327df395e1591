"""Tests for text from elsewhere: what would mislead a reader is shown, never obeyed."""

from __future__ import annotations

import pytest

from core.catalog.visible import file_name, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, no change", "plain text, no change"),
        ("größe 模型 نموذج 🚀", "größe 模型 نموذج 🚀"),
        ("gpt\u202e5-4", "gpt⟨U+202E⟩5-4"),
        ("in\u200bvisible", "in⟨U+200B⟩visible"),
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("two\nlines", "two⟨U+000A⟩lines"),
        ("two\u2028lines", "two⟨U+2028⟩lines"),
        ("half \ud800 pair", "half ⟨U+D800⟩ pair"),
        ("\U000e0041tag", "⟨U+E0041⟩tag"),
    ],
)
def test_marks_that_turn_hide_or_steer_are_shown_as_their_code_point(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_ends_of_lines_and_tabs_stay_where_lines_are_wanted() -> None:
    assert visible("a\n\tb\r\x07", lines=True) == "a\n\tb⟨U+000D⟩⟨U+0007⟩"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("config.toml", "config.toml"),
        ("/home/app/.codex/config.toml", "config.toml"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("../../etc/passwd", "passwd"),
        ("report\u202efdp.exe", "report_fdp.exe"),
        ('a"; filename="b.sh', "a_filename_b.sh"),
        (".env", "env"),
        ("..", "export.txt"),
        ("", "export.txt"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_download_gets_a_name_without_a_folder_or_a_trick(text: str, name: str) -> None:
    assert file_name(text, otherwise="export.txt") == name
