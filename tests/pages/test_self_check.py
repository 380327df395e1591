"""The self-check on the Detection page: a word, an icon and a remedy per thing, with nobody's text as markup."""

from __future__ import annotations

from dataclasses import replace

from core.model.history import Keeping
from core.model.self_check import SelfCheckItem, Verdict
from core.settings import Settings
from pages.ui.formats import NOTHING
from pages.ui.self_check import VERDICT_SIGNS, rows_for_self_check, summary
from tests.fakes.services import FakeServices
from tests.fakes.snapshots import healthy
from tests.pages.conftest import OpenFrame, words


def one(verdict: Verdict, **more: str) -> SelfCheckItem:
    return SelfCheckItem(
        code="thing", name="Thing", verdict=verdict, sentence=more.pop("sentence", "So it is."), **more
    )


def test_every_verdict_has_a_word_and_an_icon_and_only_fine_is_green() -> None:
    assert set(VERDICT_SIGNS) == set(Verdict)
    assert all(sign.word and sign.icon for sign in VERDICT_SIGNS.values())
    assert [verdict for verdict, sign in VERDICT_SIGNS.items() if sign.color == "green"] == [Verdict.FINE]
    assert len({sign.icon for sign in VERDICT_SIGNS.values()}) == len(VERDICT_SIGNS)


def test_a_row_says_what_to_do_and_what_to_run() -> None:
    item = one(Verdict.MISSING, remedy="Grant it:", command="python -m core grants")
    (row,) = rows_for_self_check([item])
    assert row["What to do"] == "Grant it\\: `python -m core grants`"
    assert rows_for_self_check([one(Verdict.FINE)])[0]["What to do"] == NOTHING


def test_what_others_wrote_is_no_markup() -> None:
    (row,) = rows_for_self_check([one(Verdict.MISSING, sentence="[x](https://evil.example) | `a`")])
    assert "[x](" not in row["Finding"] and "\\|" in row["Finding"]


def test_the_summary_counts_the_worst_first() -> None:
    items = [one(Verdict.UNKNOWN), one(Verdict.ATTENTION), one(Verdict.MISSING), one(Verdict.FINE)]
    assert summary(items) == "1 missing · 1 to look at · 1 unknown"
    assert summary([one(Verdict.FINE), one(Verdict.NOT_USED)]) == "Nothing is missing."


def test_the_page_says_that_history_ends_with_the_container_and_what_to_run(open_frame: OpenFrame) -> None:
    seen = replace(healthy(), keeping=Keeping(place="SQLite in this container", durable=False))
    app = open_frame(FakeServices(shown=seen, settings=Settings(scene="healthy")), "detection.py")

    assert "Self-check" in [element.value for element in app.header]
    assert "databricks bundle deploy --target lakebase" in words(app)
