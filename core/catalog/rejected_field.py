"""Name the field that a refusal objects to, out of the wordings of databricks.md §4."""

from __future__ import annotations

import re

_NAME = r"[A-Za-z_$][\w$.\-]{0,79}"
_WORDINGS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"unknown (?:field|name|parameter):? ?[\"'`]({_NAME})[\"'`]",
        rf"unrecognized (?:request )?(?:argument|field)s?(?: supplied)?:? ?[\"'`]?({_NAME})",
        rf"(?:unsupported|unknown) parameters?:? ?[\"'`\[]*({_NAME})",
        rf"\b({_NAME}): extra inputs are not permitted",
        r"invalid (beta) flag",
        r"\b(stream_options|eager_input_streaming|exclusiveMinimum|web_search_\d+)\b",
        r"(\$schema)\b",
    )
)
_SPELLED = {"beta": "anthropic-beta"}


def rejected_field(message: str) -> str | None:
    """Return the field that this message objects to, None when it names none."""
    for wording in _WORDINGS:
        if found := wording.search(message):
            name = found.group(1).rstrip(".")
            return _SPELLED.get(name.lower(), name)
    return None
