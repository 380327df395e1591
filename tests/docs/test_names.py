"""What the documentation names is there: settings, commands, options, files, tests, metrics, targets of make."""

from __future__ import annotations

import ast
import re

import pytest

from core.cli import commands
from core.settings import SETTINGS, agent_variables
from tests.docs.test_operating import everything
from tests.docs.written import PAGES, ROOT

# Set by Databricks Apps or read as they are; not settings of ours.
_GIVEN = {"DATABRICKS_APP_PORT"}
# Of the agent that docs/extend.md adds.
_OF_EXAMPLES = {"ENABLE_QUILL", "QUILL_MODEL"}
_FOLDERS = r"(?:core|pages|tests|docs|scripts|bench)"
each_page = pytest.mark.parametrize("page", PAGES)


@each_page
def test_every_setting_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"\b(?:SWITCHYARD|DATABRICKS)_[A-Z_]*[A-Z]\b", PAGES[page]))
    # In the alerts file people choose the names of the variables themselves.
    chosen = set(re.findall(r"_env = \"(\w+)\"", PAGES[page]))
    assert named - chosen - _GIVEN <= {setting.name for setting in SETTINGS}


@each_page
def test_every_variable_of_an_agent_that_is_named_exists(page: str) -> None:
    named = set(re.findall(r"\b(?:ENABLE_[A-Z]+|[A-Z]+(?:_[A-Z]+)*_MODEL)\b", PAGES[page]))
    assert named - _OF_EXAMPLES <= set(agent_variables())


@each_page
def test_every_command_and_option_that_is_named_exists(page: str) -> None:
    for line in re.findall(r"python -m core ([a-z][^\n`]*)", PAGES[page]):
        name, *rest = line.partition("#")[0].split()
        known = {
            option
            for parameter in commands.commands[name].params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        assert {word for word in rest if word.startswith("--")} <= known, line


@each_page
def test_every_target_of_make_that_is_named_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name in re.findall(r"(?:^|`|=\w+ )make ([a-z-]+)", PAGES[page], re.MULTILINE):
        assert re.search(rf"^{name}:", makefile, re.MULTILINE), name


@each_page
def test_every_metric_that_is_named_exists(page: str) -> None:
    families = {family.name for family in everything().collect()}
    for name in re.findall(r"\bswitchyard_[a-z_]+\b", PAGES[page]):
        assert re.sub(r"_(total|info|bucket|sum|count)$", "", name) in families, name


@each_page
def test_every_address_of_the_api_that_is_named_exists(page: str) -> None:
    served = (ROOT / "core" / "adapters" / "api.py").read_text(encoding="utf-8")
    for name in re.findall(r"/api/([a-z]+)", PAGES[page]):
        assert f'"{name}"' in served or f'r"{name}/' in served, name


@each_page
def test_every_file_and_test_that_is_named_exists(page: str) -> None:
    for path, name in re.findall(rf"`({_FOLDERS}/[\w./-]*\w/?)(?:::(\w+))?`", PAGES[page]):
        assert (ROOT / path).exists(), path
        assert not name or name in _functions(path), f"{path}::{name}"


def _functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
