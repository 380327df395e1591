"""The changelog is in the form it names, and ends where the version is."""

from __future__ import annotations

import re
import tomllib

from tests.docs.written import PAGES, ROOT

CHANGELOG = PAGES["CHANGELOG.md"]
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_its_kinds_are_those_of_keep_a_changelog() -> None:
    assert set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)) <= KINDS


def test_the_version_of_the_project_is_in_it() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert re.search(rf"(^## \[?{re.escape(version)}|be {re.escape(version)}\.)", CHANGELOG, re.MULTILINE)
