"""The README lists every setting, variable, command, scene and agent there is, and nothing else."""

from __future__ import annotations

import re

import pytest

from core.catalog.agents import AGENTS
from core.catalog.remedies import REMEDIES
from core.cli import commands
from core.model.probe import Diagnosis, Health
from core.settings import SCENES, SETTINGS, agent_variables
from core.simulator.scenes import SCENE_BY_NAME
from tests.docs.written import PAGES, README, ROOT, between, cells, rows

COMMAND_ROWS = {name: row for row, name in re.findall(r"^(\| `([a-z-]+)[ `].*)$", README, re.MULTILINE)}


def test_the_settings_table_is_the_table_of_the_code() -> None:
    assert rows(README, "settings") == [f"| `{row.name}` | {row.default or '–'} | {row.meaning} |" for row in SETTINGS]


def test_the_agents_variables_are_all_named() -> None:
    assert between(README, "agent variables") == " ".join(f"`{name}`" for name in agent_variables()) + "\n"


def test_every_command_is_in_the_command_table() -> None:
    assert [name for name in COMMAND_ROWS if name in commands.commands] == list(commands.commands)


@pytest.mark.parametrize("name", commands.commands)
def test_a_command_is_listed_with_options_that_it_has(name: str) -> None:
    known = {
        option
        for parameter in commands.commands[name].params
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    assert set(re.findall(r"--[a-z-]+", COMMAND_ROWS[name])) <= known


def test_every_scene_is_described_and_exists() -> None:
    assert tuple(SCENE_BY_NAME) == SCENES
    assert all(f"| `{scene}` |" in README for scene in SCENES)


def test_every_agent_and_every_health_is_named() -> None:
    assert all(spec.label in README for spec in AGENTS.values())
    assert all(health.value.capitalize() in README for health in Health)


def test_every_diagnosis_has_a_sentence_and_a_remedy() -> None:
    assert set(REMEDIES) == set(Diagnosis)
    assert all(row.sentence and (row.remedy or code is Diagnosis.OK) for code, row in REMEDIES.items())


def test_its_symptoms_are_those_of_the_faq() -> None:
    shown = [cells(row) for row in rows(README, "symptoms")]
    faq = [cells(row) for row in PAGES["docs/faq.md"].splitlines() if row.startswith("| `")]
    assert len(shown) > 3
    assert all(any(row[0] == error and row[2].startswith(f"{code} ") for row in faq) for error, code in shown)


def test_every_picture_is_shown_in_both_themes() -> None:
    pictures = re.findall(r'srcset="(\S+)-dark\.png">\n  <img alt="[^"]+" src="(\S+)-light\.png">', README)
    assert all(dark == light for dark, light in pictures)
    shown = {name for name, _ in pictures}
    assert shown == {f"docs/screenshots/{path.stem.rpartition('-')[0]}" for path in ROOT.glob("docs/screenshots/*.png")}


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    assert all(f"({page})" in README for page in PAGES if page != "README.md")
