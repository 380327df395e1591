"""docs/architecture.md and its picture show the house as tests/test_house.py keeps it."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tests.docs.written import PAGES, ROOT, cells, rows
from tests.test_house import ALLOWED

ARCHITECTURE = PAGES["docs/architecture.md"]
_SVG = "{http://www.w3.org/2000/svg}"
# The package itself holds nothing.
ROOMS = {room for room in ALLOWED if room != "core"}


def _places() -> dict[str, tuple[str, float, float, float]]:
    """Return of each room in the picture its storey, how high that is, and the room's own place in it."""
    found = {}
    for storey in ElementTree.parse(ROOT / "docs" / "house.svg").getroot().iter(f"{_SVG}g"):
        height = float(storey[0].get("y", "nan"))
        for text in storey.iter(f"{_SVG}text"):
            if room := text.get("data-room"):
                found[room] = (storey.get("id", ""), height, float(text.get("y", "nan")), float(text.get("x", "nan")))
    return found


PLACES = _places()


def test_every_room_has_its_row() -> None:
    assert sorted(cells(row)[0].strip("`") for row in rows(ARCHITECTURE, "rooms")) == sorted(ROOMS)


def test_every_room_on_disk_is_one_of_them() -> None:
    found = {
        path.stem for path in (ROOT / "core").iterdir() if (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert {f"core.{name}" for name in found - {"__init__"}} | {"pages", "app"} == ROOMS


def test_every_room_is_in_the_picture_by_its_name() -> None:
    picture = (ROOT / "docs" / "house.svg").read_text(encoding="utf-8")
    assert set(PLACES) == ROOMS
    assert all(f'data-room="{room}">{room.removeprefix("core.")}<' in picture for room in ROOMS)


@pytest.mark.parametrize("room", sorted(PLACES))
def test_what_a_room_may_import_lies_in_its_storey_or_below(room: str) -> None:
    assert all(PLACES[other][1] >= PLACES[room][1] for other in ALLOWED.get(room, set()) & set(PLACES))


@pytest.mark.parametrize("room", [room for room in sorted(PLACES) if PLACES[room][0] == "process"])
def test_where_a_process_is_put_together_rooms_import_only_those_before_them(room: str) -> None:
    beside = {other for other in ALLOWED.get(room, set()) & set(PLACES) if PLACES[other][0] == "process"}
    assert all(PLACES[other][2:] < PLACES[room][2:] for other in beside)


def test_every_thread_that_is_named_is_started() -> None:
    started = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "core").rglob("*.py"))
    for name in re.findall(r"`(switchyard-[a-z]+)`", ARCHITECTURE):
        assert f'"{name}"' in started, name
