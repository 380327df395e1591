"""Make characters visible that turn text around, hide parts of it or steer a terminal, in text from elsewhere."""

from __future__ import annotations

import re
import unicodedata

# Cc controls, Cf formats (bidi marks, joiners, tags), Cs half characters that no file takes, Zl and Zp line ends.
_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_PLAIN = re.compile(r"[ -~]*")
_UNSAFE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100


def visible(text: str, *, lines: bool = False) -> str:
    """Return the text with each such character as its code point, ⟨U+202E⟩; `lines` keeps ends of lines and tabs."""
    if _PLAIN.fullmatch(text):
        return text
    kept = "\n\t" if lines else ""
    return "".join(
        character
        if character in kept or unicodedata.category(character) not in _CATEGORIES
        else f"⟨U+{ord(character):04X}⟩"
        for character in text
    )


def file_name(text: str, *, otherwise: str) -> str:
    """Return a name for a download: no folder, nothing hidden, only letters, digits, dot, dash and underscore."""
    last = text.replace("\\", "/").rpartition("/")[2]
    return _UNSAFE_NAME.sub("_", last).strip("._-")[:_LONGEST_NAME] or otherwise
