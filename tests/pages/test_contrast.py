"""The contrast of every pair of colours that the theme puts on a page, by the formula of WCAG 2.2."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from core.model.probe import Health
from pages.ui.bars import HEALTH_COLORS
from pages.ui.charts import BLUE, FAILED, GREY, VIOLET

ROOT = Path(__file__).resolve().parent.parent.parent
THEMES = ("light", "dark")
# What Streamlit writes on its primary buttons, and how much of the text's colour its captions and heads keep.
WHITE, FAINT = "#FFFFFF", 0.6
TEXT, DRAWN = 4.5, 3.0
BADGES = ("green", "orange", "yellow", "red", "violet", "blue", "gray")
CHARTS = {
    "latency p50": BLUE,
    "latency p95": VIOLET,
    "time to first token": GREY,
    "failed check": FAILED,
    **{f"history of {health}": color for health, color in HEALTH_COLORS.items()},
}


def theme(name: str) -> dict[str, str]:
    """Return the colours of a theme; those of its sidebar begin with sidebar."""
    options = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"][name]
    sidebar = options.pop("sidebar")
    return {**options, **{f"sidebar {key}": value for key, value in sidebar.items()}}


def channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return red, green, blue


def blended(color: str, background: str, share: float) -> str:
    """Return what is seen of a colour that is partly transparent."""
    mixed = (
        round(255 * (share * one + (1 - share) * other))
        for one, other in zip(channels(color), channels(background), strict=True)
    )
    return "#" + "".join(f"{part:02X}" for part in mixed)


def luminance(color: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def grounds(colors: dict[str, str]) -> dict[str, str]:
    """Return everything that text stands on besides badges and code."""
    return {
        "page": colors["backgroundColor"],
        "box": colors["secondaryBackgroundColor"],
        "head of a grid": colors["dataframeHeaderBackgroundColor"],
        "sidebar": colors["sidebar backgroundColor"],
        "chosen page": colors["sidebar secondaryBackgroundColor"],
    }


def text_pairs(colors: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Return what is read, as text and what is behind it."""
    pairs = {
        "code": (colors["codeTextColor"], colors["codeBackgroundColor"]),
        "primary button": (WHITE, colors["primaryColor"]),
    }
    for name, ground in grounds(colors).items():
        pairs[f"text on {name}"] = (colors["textColor"], ground)
        pairs[f"link on {name}"] = (colors["linkColor"], ground)
        pairs[f"caption on {name}"] = (blended(colors["textColor"], ground, FAINT), ground)
    for badge in BADGES:
        text = colors[f"{badge}TextColor"]
        pairs[f"{badge} badge"] = (text, colors[f"{badge}BackgroundColor"])
        pairs[f"{badge} word on page"] = (text, colors["backgroundColor"])
        pairs[f"{badge} word on box"] = (text, colors["secondaryBackgroundColor"])
    return pairs


PAIRS = [(name, what) for name in THEMES for what in text_pairs(theme(name))]


@pytest.mark.parametrize(("name", "what"), PAIRS, ids=[f"{name}: {what}" for name, what in PAIRS])
def test_text_can_be_read(name: str, what: str) -> None:
    text, ground = text_pairs(theme(name))[what]

    assert contrast(text, ground) >= TEXT


@pytest.mark.parametrize("what", CHARTS)
@pytest.mark.parametrize("name", THEMES)
def test_what_charts_and_bars_draw_stands_out(name: str, what: str) -> None:
    assert contrast(CHARTS[what], theme(name)["backgroundColor"]) >= DRAWN


@pytest.mark.parametrize("name", THEMES)
def test_what_is_chosen_and_how_far_a_sweep_is_stands_out(name: str) -> None:
    colors = theme(name)

    assert contrast(colors["primaryColor"], colors["backgroundColor"]) >= DRAWN


def test_the_formula_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21.0)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


def test_both_themes_name_the_same_colours() -> None:
    assert set(theme("light")) == set(theme("dark"))


def test_every_health_has_a_colour_in_bars_and_charts() -> None:
    assert set(HEALTH_COLORS) == set(Health)
