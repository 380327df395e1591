"""Take credentials out of text that came from elsewhere, before anybody sees or keeps it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.model.secret import Secret

MASK = "[redacted]"

_PATTERNS = (
    re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"\bdapi[A-Za-z0-9-]{6,}"),
    re.compile(r"\bdose[A-Za-z0-9-]{16,}"),
    re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{3,}(?:\.[A-Za-z0-9_-]*)?"),
    re.compile(
        r"(?i)(\"?(?:x-api-key|x-goog-api-key|access_token|client_secret|api_key)\"?\s*[:=]\s*\"?)[^\s\",}]{6,}"
    ),
)


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return the text without known secrets and without anything that looks like a credential."""
    # The longest first, so that a secret that begins with another one is not left half.
    for known in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        text = text.replace(known, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda match: (match.group(1) + " " if match.lastindex else "") + MASK, text)
    return text
