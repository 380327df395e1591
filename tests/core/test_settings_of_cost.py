"""What probing may cost: the daily budget and the price table, taken as they are meant or refused at the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.model.usage import Price
from core.settings import load_settings

SIMULATED = {"SWITCHYARD_SIMULATE": "healthy"}


def test_the_price_table_is_read_per_model(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('["databricks-m"]\ninput = 1.5\noutput = 7\n', encoding="utf-8")
    settings = load_settings({**SIMULATED, "SWITCHYARD_PRICES": str(path)})
    assert settings.prices == {"databricks-m": Price(input=1.5, output=7.0)}


@pytest.mark.parametrize(
    "content",
    ["not toml", "[m]\ninput = 1", '[m]\ninput = "a"\noutput = 1', "m = 3", "[m]\ninput = -1\noutput = 1", None],
    ids=["no TOML", "half a price", "words", "no table", "negative", "missing file"],
)
def test_a_price_table_that_cannot_be_meant_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "prices.toml"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_settings({**SIMULATED, "SWITCHYARD_PRICES": str(path)})
    assert raised.value.code == "prices_invalid"


def test_without_a_price_table_there_is_no_money() -> None:
    assert load_settings(SIMULATED).prices == {}


@pytest.mark.parametrize(("text", "tokens"), [("", 5_000_000), ("0", 0), ("1000", 1000)])
def test_the_daily_budget_has_a_default_and_can_be_lifted(text: str, tokens: int) -> None:
    assert load_settings({**SIMULATED, "SWITCHYARD_DAILY_TOKENS": text}).daily_tokens == tokens


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        load_settings({**SIMULATED, "SWITCHYARD_DAILY_TOKENS": "-1"})
