"""Draw the badge of one agent: a word and a colour, in an SVG that needs nothing from anywhere."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from core.catalog.agents import AGENTS
from core.model.probe import Health
from core.surfaces.watched import WatchedAgent

_WORDS = {
    Health.HEALTHY: "Healthy",
    Health.DEGRADED: "Degraded",
    Health.DOWN: "Down",
    Health.UNKNOWN: "Unknown",
    Health.PAUSED: "Paused",
}
# White on each of them reaches 4.5 : 1.
_COLOURS = {
    Health.HEALTHY: "#11663A",
    Health.DEGRADED: "#8A4B00",
    Health.DOWN: "#A81C28",
    Health.UNKNOWN: "#55636F",
    Health.PAUSED: "#5B3C9C",
}
_LABEL_COLOUR = "#24313C"
_PADDING = 8
# About the mean width of a letter at 11 px; `textLength` makes the text as wide as its half of the badge.
_LETTER = 6.5
# What XML cannot hold even as a reference.
_FORBIDDEN = dict.fromkeys([*range(0x20), 0x7F, 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)], " ")


def agent_badge(told: WatchedAgent, *, simulated: bool) -> str:
    """Return the badge of an agent as it is now."""
    word = _WORDS[told.status.health] + (" · stale" if told.stale else "")
    label = AGENTS[told.status.agent].label + (" · simulated" if simulated else "")
    return badge(label, word, told.status.health)


def badge(label: str, word: str, health: Health) -> str:
    """Return a badge with any label and word; they are text, whatever they hold."""
    label, word = label.translate(_FORBIDDEN), word.translate(_FORBIDDEN)
    left, right = _width(label), _width(word)
    name = quoteattr(f"{label}: {word}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label={name}>'
        f"<title>{escape(f'{label}: {word}')}</title>"
        f'<rect width="{left}" height="20" fill="{_LABEL_COLOUR}"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{_COLOURS[health]}"/>'
        '<g fill="#FFFFFF" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f"{_text(label, x=0, width=left)}{_text(word, x=left, width=right)}</g></svg>"
    )


def _width(text: str) -> int:
    return round(len(text) * _LETTER) + 2 * _PADDING


def _text(text: str, *, x: int, width: int) -> str:
    return f'<text x="{x + _PADDING}" y="14" textLength="{width - 2 * _PADDING}">{escape(text)}</text>'
