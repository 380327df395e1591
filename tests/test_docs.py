"""The README lists every setting, variable, command, scene and agent there is, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from core.catalog.agents import AGENTS
from core.catalog.remedies import REMEDIES
from core.cli import commands
from core.model.probe import Diagnosis
from core.settings import SCENES, SETTINGS, agent_variables
from core.simulator.scenes import SCENE_BY_NAME

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def between(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", README, re.DOTALL)
    assert found
    return found.group(1)


def test_the_settings_table_is_the_table_of_the_code() -> None:
    rows = "".join(f"| `{row.name}` | {row.default or '–'} | {row.meaning} |\n" for row in SETTINGS)
    assert between("settings") == rows


def test_the_agents_variables_are_all_named() -> None:
    assert between("agent variables") == " ".join(f"`{name}`" for name in agent_variables()) + "\n"


def test_every_command_is_in_the_command_table() -> None:
    listed = re.findall(r"^\| `([a-z-]+)[ `]", README, re.MULTILINE)
    assert [name for name in listed if name in commands.commands] == list(commands.commands)


def test_every_scene_is_described_and_exists() -> None:
    assert tuple(SCENE_BY_NAME) == SCENES
    assert all(f"| `{scene}` |" in README for scene in SCENES)


def test_every_agent_is_named() -> None:
    assert all(spec.label in README for spec in AGENTS.values())


def test_every_diagnosis_has_a_sentence_and_a_remedy() -> None:
    assert set(REMEDIES) == set(Diagnosis)
    assert all(row.sentence and (row.remedy or code is Diagnosis.OK) for code, row in REMEDIES.items())


def test_pictures_and_pages_that_are_linked_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).is_file(), target
