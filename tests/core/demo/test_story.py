"""The steps as values: named once, shown on pages that exist, and nothing claimed of an empty picture."""

from __future__ import annotations

import pytest

from core.demo.story import STEPS, Picture, Step, number_of
from core.model.snapshot import Snapshot
from tests.test_house import ROOT


def test_each_step_has_a_number_by_its_name() -> None:
    assert [number_of(step.id) for step in STEPS] == list(range(len(STEPS)))
    assert number_of("nowhere") is None


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_a_step_is_shown_on_a_page_and_tells_something(step: Step) -> None:
    assert (ROOT / "pages" / f"{step.page}.py").is_file()
    assert all((step.title, step.tells, step.notes))
    assert step.id.replace("_", "").isalpha()


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.id)
def test_nothing_is_claimed_before_anything_was_seen(step: Step) -> None:
    assert not step.holds(Picture(snapshot=Snapshot()))
