"""docs/extend.md: its fragments, applied to a copy of the code, do there what the page says of them."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core.model.agent import Dialect
from tests.docs.written import PAGES, ROOT, cells, rows

EXTEND = PAGES["docs/extend.md"]
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", EXTEND, re.MULTILINE | re.DOTALL))
_DIFF = re.compile(r"^```diff\n--- (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^```python\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Copy:
    """A copy of the core, to which sections of the page are applied."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "core", root / "core", ignore=shutil.ignore_patterns("__pycache__"))

    def apply(self, *sections: str) -> None:
        """Make the new files and the changes of these sections; each place must be there exactly once."""
        for section in sections:
            for path, text in _FILE.findall(SECTIONS[section]):
                assert not (self.root / path).exists(), path
                (self.root / path).write_text(text, encoding="utf-8")
            for path, lines in _DIFF.findall(SECTIONS[section]):
                self._change(self.root / path, lines.splitlines(keepends=True))

    def _change(self, path: Path, lines: list[str]) -> None:
        old = "".join(line[1:] for line in lines if line[0] != "+")
        new = "".join(line[1:] for line in lines if line[0] != "-")
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{path.name}: {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *command: str) -> str:
        """Run Python in the copy, with a simulated workspace, and return what it prints."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.root), "SWITCHYARD_SIMULATE": "healthy"}
        environment |= {"SWITCHYARD_STATE_DIR": str(self.root / "state")}
        done = subprocess.run(
            [sys.executable, *command], cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    def command(self, *argv: str) -> dict[str, Any]:
        """Run a command of Switchyard in the copy and return its document."""
        document: dict[str, Any] = json.loads(self.run("-m", "core", *argv, "--json"))
        return document


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_an_added_agent_is_listed_probed_planned_and_exported(copy: Copy) -> None:
    copy.apply("An agent")

    (result,) = copy.command("probe", "quill", "--depth", "faithful")["results"]
    plan = copy.command("plan", "quill", "--model", "databricks-claude-opus-4-6")
    (exported,) = copy.command("export", "quill", "--format", "env")["files"]

    assert (result["agent"], result["dialect"], result["health"]) == ("quill", "openai_chat", "healthy")
    assert (plan["decision"], plan["diff"][0]["field"]) == ("ready", "QUILL_MODEL")
    assert "export QUILL_MODEL=databricks-claude-sonnet-4-6" in exported["content"]


def test_an_added_config_is_read_changed_and_rolled_back(copy: Copy) -> None:
    copy.apply("An agent", "An agent's own config")
    config = copy.root / "state" / "simulated" / "healthy" / "home" / ".quill" / "settings.json"
    config.parent.mkdir(parents=True)
    before = '{"theme": "dark", "model": "databricks-claude-sonnet-4-6"}\n'
    config.write_text(before, encoding="utf-8")

    why = ("--reason", "try it", "--yes")
    changed = copy.command("apply", "quill", "--model", "databricks-claude-opus-4-6", "--target", "file:quill", *why)
    after = json.loads(config.read_text(encoding="utf-8"))
    copy.command("rollback", changed["change_id"], *why)

    assert changed["state"] == "applied"
    assert after == {"theme": "dark", "model": "databricks-claude-opus-4-6"}
    assert config.read_text(encoding="utf-8") == before


def test_an_added_diagnosis_is_recognised_said_remedied_and_kept(copy: Copy) -> None:
    copy.apply("A diagnosis")

    found = copy.run("-c", _JUDGED).splitlines()

    assert found == [
        "prompt_too_long down",
        "databricks-claude-opus-4-6 takes shorter prompts than Hermes sends",
        "Choose a model with a longer context for Hermes' primary model (HERMES_MODEL).",
        "33",
    ]


_JUDGED = """
from core.adapters.database.codes import DIAGNOSIS_NUMBER
from core.health.one_shot import health_of
from core.model.agent import AgentId, Dialect
from core.model.route import Identity, Route
from core.ports import HttpAnswer
from core.probe.judge import judge
from core.probe.verdict_text import describe

route = Route(agent=AgentId.HERMES, slot="primary", model="databricks-claude-opus-4-6",
              base_url="https://adb-1.1.azuredatabricks.net/serving-endpoints", dialect=Dialect.OPENAI_CHAT,
              identity=Identity.STORED)
said = HttpAnswer(status=400, headers={}, body=b'{"message": "prompt is too long"}', truncated=False,
                  elapsed_ms=1.0, first_byte_ms=1.0)
verdict = judge(route, said)
print(verdict.diagnosis, health_of(verdict.diagnosis))
print(*describe(route, verdict), sep="\\n")
print(DIAGNOSIS_NUMBER[verdict.diagnosis])
"""


def test_an_added_target_is_listed_and_planned(copy: Copy) -> None:
    copy.apply("A target")

    listed = [target["id"] for target in copy.command("targets")["targets"]]
    plan = copy.run("-m", "core", "plan", "hermes", "--model", "databricks-claude-haiku-4-5", "--target", "tfvars")

    assert listed[-2:] == ["export", "tfvars"]
    assert 'hermes_model = "databricks-claude-haiku-4-5"' in plan


def test_an_added_dialect_is_asked_and_read_at_both_depths(copy: Copy) -> None:
    copy.apply("A dialect")

    assert copy.run("-c", _ASKED).splitlines() == ["/murmur say", "ok", "/murmur say", "ok tools", "not_an_answer"]


_ASKED = """
import json
from core.catalog.faithful import faithful_request
from core.catalog.dialects import reach_body, request_path
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth
from core.model.route import Identity, Route
from core.ports import HttpAnswer
from core.probe.judge import judge

base = "https://adb-1.1.azuredatabricks.net/ai-gateway"
route = Route(agent=AgentId.PI, slot="default", model="m", base_url=base, dialect=Dialect.MURMUR,
              identity=Identity.DASHBOARD)

def verdict(body, depth=Depth.REACH):
    return judge(route, HttpAnswer(status=200, headers={}, body=body, truncated=False, elapsed_ms=1.0,
                                   first_byte_ms=1.0), depth)

def event(**told):
    return b"data: " + json.dumps(told).encode() + b"\\n\\n"

print(request_path(Dialect.MURMUR, base, "m"), *(key for key in reach_body(Dialect.MURMUR, "m") if key == "say"))
print(verdict(b'{"model": "m", "said": "OK"}').diagnosis)
faithful = faithful_request(AgentId.PI, "default", Dialect.MURMUR, base, "m")
print(faithful.path, *(key for key in faithful.body if key == "say"))
told = verdict(event(model="m", said="so") + event(calls="bash", **{"with": {"command": "true"}}) + event(done=True),
               Depth.FAITHFUL)
print(told.diagnosis, told.rung)
print(verdict(b'{"choices": []}').diagnosis)
"""


def test_the_tables_of_a_dialect_are_those_that_the_page_lists() -> None:
    listed = {cells(row)[1].strip("`"): re.findall(r"\w+", cells(row)[0]) for row in _dialect_rows()}
    for path, names in listed.items():
        assert set(names) <= _top_level(path), path
    # Whatever else names all of them by hand is missing in the list.
    naming_all = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "core").rglob("*.py")
        if "simulator" not in path.parts and "agents" not in path.parts and _names_every_dialect(path)
    }
    assert naming_all - {"core/model/agent.py"} <= set(listed)
    assert set(listed) == {path for path, _ in _DIFF.findall(SECTIONS["A dialect"])}


def _dialect_rows() -> list[str]:
    return rows(EXTEND, "dialect tables")


def _names_every_dialect(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return all(f"Dialect.{dialect.name}" in text for dialect in Dialect)


def _top_level(path: str) -> set[str]:
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def test_every_table_of_the_core_that_is_named_is_there() -> None:
    named = re.findall(r"`(_?[A-Z][A-Za-z_]+)`(?: of|\s+in|\s+\|)?\s+`(core/[\w/.]+\.py)`", EXTEND)
    assert len(named) > 3
    assert all(name in _top_level(path) for name, path in named), named
