"""What is installed is locked with its hashes, within the ranges, under licences that we may ship, and has a reason."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.audit import verdict

ROOT = Path(__file__).resolve().parent.parent
FILES = ("requirements", "requirements-dev")
# Zlib, 0BSD and CC0 ask for less than MIT does; numpy bundles parts under them.
ALLOWED = re.compile(r"(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL-2\.0|Mozilla|Zlib|0BSD|CC0)", re.I)
# LGPL only where it is used unmodified, as a library that anybody can exchange.
LGPL = {"psycopg", "psycopg-binary"}


def asked(name: str) -> list[Requirement]:
    """Return the ranges of a requirements file and of those it includes."""
    found = []
    for line in (ROOT / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found += asked(line[3:].strip().removesuffix(".txt"))
        elif line and not line.startswith("#"):
            found.append(Requirement(line.partition("  #")[0]))
    return found


def locked(name: str) -> dict[str, list[str]]:
    """Return the versions of each locked package; one per Python where they differ."""
    text = (ROOT / f"{name}.lock").read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, flags=re.M):
        found.setdefault(canonicalize_name(package), []).append(version)
    return found


@pytest.mark.parametrize("name", FILES)
def test_the_lock_keeps_every_range(name: str) -> None:
    pinned = locked(name)
    for requirement in asked(name):
        versions = pinned[canonicalize_name(requirement.name)]
        assert all(Version(version) in requirement.specifier for version in versions), requirement


@pytest.mark.parametrize("name", FILES)
def test_every_locked_package_has_its_hashes_and_names_no_host(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=\w)", text.strip())

    assert len(blocks) > 60
    assert all("==" in block.splitlines()[0] and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text


@pytest.mark.parametrize("name", [*FILES, "requirements-audit"])
def test_every_dependency_has_its_reason(name: str) -> None:
    lines = (ROOT / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    dependencies = [line for line in lines if line and not line.startswith(("#", "-r "))]

    assert dependencies
    assert all(re.fullmatch(r"\S+  # .{10,}", line) for line in dependencies)


def licence(package: str) -> str:
    """Return the licence that an installed package states, as its newest way of stating it has it."""
    stated = metadata.metadata(package)
    expression = stated.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [line.split(" :: ")[-1] for line in stated.get_all("Classifier") or [] if line.startswith("License")]
    text = " AND ".join(classifiers) or str(stated.get("License") or "")
    return "BSD" if "Redistribution and use in source and binary forms" in text else text


@pytest.mark.parametrize("package", sorted(locked("requirements")))
def test_a_licence_is_one_that_we_may_ship(package: str) -> None:
    try:
        text = licence(package)
    except metadata.PackageNotFoundError:
        pytest.skip("locked for another platform or Python")
    parts = [part.strip(" ()") for part in re.split(r" AND | OR |,", text)]

    assert parts and all(parts)
    for part in parts:
        assert ALLOWED.search(part) or (package in LGPL and part.startswith("LGPL")), f"{package}: {text[:80]}"


@pytest.mark.parametrize(
    ("packages", "code", "says"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0, "Nothing is known against any of the 1 packages."),
        ([{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}], 1, "a 1: X-1, fixed in 2"),
        ([{"name": "a", "skip_reason": "not found"}], 3, "Not audited"),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "?"}], 3, "for 1 packages"),
        ([], 3, "no package at all"),
    ],
)
def test_an_audit_that_could_not_ask_is_not_a_good_one(packages: list[dict[str, Any]], code: int, says: str) -> None:
    found, text = verdict({"dependencies": packages})

    assert found == code
    assert says in text
