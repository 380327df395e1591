"""The rooms stay apart: imports point down, foreign packages stay in their adapters, modules stay small."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each room may import of the house, besides itself.
_BASE = {"core.model", "core.errors"}
_TABLES = _BASE | {"core.catalog", "core.settings"}
_PORTS = _TABLES | {"core.ports"}
_PURE = _PORTS | {"core.detect", "core.choice", "core.health"}
_SHELL = _PURE | {"core.access", "core.probe", "core.change"}
_KEPT = _SHELL | {"core.history", "core.alerts"}
_OUTER = _KEPT | {"core.adapters", "core.simulator"}
ALLOWED = {
    "core.model": {"core.errors"},
    "core.errors": set(),
    "core.catalog": _TABLES,
    "core.settings": _TABLES,
    "core.ports": _TABLES,
    "core.detect": _PURE,
    "core.choice": _PURE,
    "core.health": _PURE,
    "core.access": _PURE,
    "core.probe": _SHELL,
    "core.change": _SHELL,
    "core.history": _SHELL,
    "core.alerts": _SHELL,
    "core.surfaces": _KEPT | {"core.documents"},
    "core.adapters": _OUTER | {"core.documents", "core.surfaces"},
    "core.simulator": _OUTER,
    "core.documents": _SHELL,
    "core.texts": _SHELL,
    "core.apps": _OUTER,
    "core.people": _OUTER,
    "core.trusted_hosts": _SHELL | {"core.audit", "core.gate"},
    "core.wiring": _OUTER | {"core.apps", "core.people", "core.trusted_hosts"},
    "core.audit": _BASE,
    "core.memory": _KEPT,
    "core.landing": _KEPT,
    "core.detection": _OUTER | {"core.wiring"},
    "core.placing": _OUTER | {"core.wiring", "core.detection"},
    "core.observer": _OUTER | {"core.placing", "core.wiring", "core.detection", "core.memory", "core.landing"},
    "core.keeping": _OUTER | {"core.wiring", "core.memory", "core.observer"},
    "core.jobs": _SHELL | {"core.observer"},
    "core.switchboard": _OUTER | {"core.wiring", "core.observer", "core.audit"},
    "core.expiry": _OUTER | {"core.observer", "core.switchboard"},
    "core.session": _OUTER | {"core.wiring", "core.memory", "core.observer", "core.switchboard", "core.trusted_hosts"},
    "core.gate": _SHELL,
    "core.noting": _SHELL | {"core.observer"},
    "core.services": _OUTER
    | {"core.wiring", "core.detection", "core.observer", "core.switchboard", "core.keeping", "core.jobs", "core.audit"}
    | {"core.expiry", "core.gate", "core.noting", "core.trusted_hosts"},
    "core.demo": _OUTER | {"core.wiring", "core.observer", "core.services"},
    "core.cli": _OUTER | {"core.session", "core.documents", "core.texts"},
    "core.__main__": _OUTER | {"core.services", "core.cli"},
    "core": set(),
    "pages": _BASE
    | _PORTS
    | _PURE
    | {"core.access", "core.change", "core.history", "core.services"}
    | {"core.demo", "core.surfaces"},
    "app": _BASE | {"core.adapters", "core.services", "core.settings", "pages"},
}
_OUTSIDE_WORLD = {"httpx", "httpx_aiohttp", "aiohttp", "databricks", "sqlalchemy", "alembic", "ruamel", "starlette"}
_OUTSIDE_WORLD |= {"uvicorn", "trustme", "requests", "urllib3", "prometheus_client"}


def _modules() -> list[Path]:
    return sorted([*(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py"), ROOT / "app.py"])


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _room(name: str) -> str:
    parts = name.split(".")
    return parts[0] if parts[0] != "core" else ".".join(parts[:2])


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            # `from core import errors` names the room in the second half.
            yield from (f"core.{alias.name}" for alias in node.names) if node.module == "core" else [node.module or ""]


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_imports_point_down(path: Path) -> None:
    room = _room(_name(path))
    ours = {_room(name) for name in _imports(path) if name.split(".")[0] in ("core", "pages", "app")}
    assert ours - {room} <= ALLOWED[room]


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_foreign_packages_stay_in_their_rooms(path: Path) -> None:
    room = _room(_name(path))
    tops = {name.split(".")[0] for name in _imports(path)}
    if room.startswith("core"):
        assert "streamlit" not in tops
    if room not in ("core.adapters", "core.simulator"):
        assert not tops & _OUTSIDE_WORLD


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_modules_stay_small(path: Path) -> None:
    is_page = path.parent == ROOT / "pages"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= (80 if is_page else 350)


def test_whatever_drives_a_browser_stands_where_make_test_looks_for_it() -> None:
    mark = "mark." + "browser"
    marked = [path for path in (ROOT / "tests").rglob("*.py") if mark in path.read_text(encoding="utf-8")]

    assert {path.parent for path in marked} == {ROOT / "tests" / "browser"}
