"""Take credentials out of text that came from elsewhere, before anybody sees or keeps it.

A known secret is found however it is written: as it is, in Base64, and with characters of it escaped as in JSON, a URL
or HTML. What only looks like a credential is found by its own form, or by the name in front of it.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from core.model.secret import Secret

MASK = "[redacted]"
# Shorter than any token that is given out; taking it out of a whole answer would only make that unreadable.
_SHORTEST_SENT = 8

Span = tuple[int, int]
# Where the character of an escape stands in the unescaped text, and where the escape begins and ends in the text.
Escape = tuple[int, int, int]

_NAMES_IN_QUERIES = (
    "key|token|sig|signature|secret|auth|pwd|pass|jwt|credentials?|x-amz-(?:signature|credential|security-token)"
    "|x-goog-(?:signature|credential)|awsaccesskeyid"
)
# Forms by what a text that holds one contains in any case: to look for that is a tenth of the work.
# Each begins where a run of such characters begins, or at something rare: none takes longer than in proportion to the
# text, which is written by whoever is asked.
_FORMS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("dapi", "dkea", "dsapi"), r"(?<![A-Za-z0-9])(?P<v>(?:dapi|dkea|dsapi)[A-Za-z0-9-]{6,})"),
    (("dose",), r"(?<![A-Za-z0-9])(?P<v>dose[A-Za-z0-9-]{16,})"),
    (("eyj",), r"(?<![A-Za-z0-9_-])(?P<v>(?-i:eyJ)[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{3,}(?:\.[A-Za-z0-9_-]*)?)"),
    # Those of the vendors whose errors a gateway passes on, and of the channels of alerts.
    (("sk-",), r"(?<![A-Za-z0-9_-])(?P<v>sk-[A-Za-z0-9_*-]{16,})"),
    (("aiza",), r"(?<![A-Za-z0-9_-])(?P<v>(?-i:AIza)[A-Za-z0-9_-]{30,})"),
    (("gh", "github_pat_"), r"(?<![A-Za-z0-9_-])(?P<v>(?:gh[opsur]_|github_pat_)[A-Za-z0-9_]{20,})"),
    (("hooks.slack.com/",), r"(?<=hooks\.slack\.com/)(?P<v>[A-Za-z0-9/_-]+)"),
    # What follows the name of a scheme, a header, a field or a parameter.
    (("bearer", "basic"), r"\b(?:bearer|basic)[\s:=]+(?P<v>[A-Za-z0-9._~+/=-]{8,})"),
    # A dollar sign begins the name of a variable, as in the commands that we show ourselves.
    (
        ("authorization",),
        r"authorization[\"']?\s*[:=]\s*[\"']?(?:[a-z]{3,16}\s+)?(?P<v>(?!\$[A-Z_]+\b)[^\s\"',}<>\\]{8,})",
    ),
    (("cookie",), r"\b(?:set-)?cookie[\"']?\s*[:=]\s*[\"']?(?P<v>[^\r\n\"'<>]{6,})"),
    (
        ("key", "token", "secret", "assertion", "passw"),
        r"(?:api[-_]?key|(?:access|refresh|auth|id|security|session)[-_]token|client[-_](?:secret|assertion)"
        r"|private[-_]key|passw(?:or)?d)\\?[\"']?\s*[:=]\s*\\?[\"']?(?P<v>(?!\$[A-Z_]+\b)[^\s\"',;&}<>\\]{6,})",
    ),
    (
        ("token", "secret", "pwd", "sig"),
        r"\"(?:token|secret|pwd|sig|signature)\\?\"\s*:\s*\\?\"(?P<v>[^\s\"\\]{8,})",
    ),
    (("=",), rf"[?&;](?:amp;)?(?:{_NAMES_IN_QUERIES})=(?P<v>[^\s&;#\"'<>\\]+)"),
    # Whoever is named in a URL before its host.
    (("://",), r"(?<=://)(?P<v>[^\s/?#\"'<>\\@]{1,4096})@"),
)
_LOOKS = tuple((hints, re.compile(form, re.IGNORECASE)) for hints, form in _FORMS)

# One character of ASCII as JSON, a URL (escaped once or more often) or HTML writes it.
_ESCAPE = re.compile(
    r"(?<!\\)\\+(?:(?:u00|x)(?P<hex>[2-7][0-9A-Fa-f])|(?P<itself>[\"/]))|%(?:25)*(?P<url>[2-7][0-9A-Fa-f])"
    r"|&#x0{0,6}(?P<entity>[2-7][0-9A-Fa-f]);|&#0{0,6}(?P<number>[3-9][0-9]|1[01][0-9]|12[0-6]);"
)
_ESCAPE_MARKS = ("\\", "%", "&#")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]")


def redact(text: str, secrets: Iterable[Secret] = ()) -> str:
    """Return the text without known secrets and without anything that looks like a credential."""
    known = [secret.reveal() for secret in secrets]
    spans = [*_known(text, known), *_looking(text)]
    plain, escapes = _unescaped(text)
    if escapes:
        spans += [_moved(span, escapes) for span in (*_known(plain, known), *_looking(plain))]
    return _masked(text, spans) if spans else text


def without(text: str, secret: Secret) -> str:
    """Return what an answer says without the token that asked for it, and otherwise as it is."""
    known = secret.reveal()
    if len(known) < _SHORTEST_SENT:
        return text
    spans = list(_known(text, [known]))
    plain, escapes = _unescaped(text)
    if escapes:
        spans += [_moved(span, escapes) for span in _known(plain, [known])]
    return _masked(text, spans) if spans else text


def _looking(text: str) -> Iterator[Span]:
    """Return where the text holds what looks like a credential."""
    lower = text.lower()
    for hints, form in _LOOKS:
        if any(hint in lower for hint in hints):
            yield from (match.span("v") for match in form.finditer(text))


def _known(text: str, known: Sequence[str]) -> Iterator[Span]:
    """Return where the text holds one of these secrets, as it is or in Base64."""
    for secret in known:
        start = text.find(secret)
        while start >= 0:
            yield start, start + len(secret)
            start = text.find(secret, start + 1)
        for core in _base64_cores(secret):
            start = text.find(core)
            while start >= 0:
                start, end = _widened(text, start, start + len(core))
                yield start, end
                start = text.find(core, end)


def _base64_cores(secret: str) -> set[str]:
    """Return what every Base64 text with this secret in it contains, in each of the three ways it may lie in there."""
    raw = secret.encode()
    if len(raw) < _SHORTEST_SENT:
        return set()
    cores = set()
    for before in range(3):
        # The characters at the edges depend on what is around the secret.
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        cores.add(base64.b64encode(b"\0" * before + raw).decode()[first:last])
    return cores | {core.replace("+", "-").replace("/", "_") for core in cores}


def _widened(text: str, start: int, end: int) -> Span:
    """Return the whole of the Base64 text around a piece of it, a little of which would still be the secret's."""
    while start > 0 and _BASE64.match(text[start - 1]):
        start -= 1
    while end < len(text) and (_BASE64.match(text[end]) or text[end] == "="):
        end += 1
    return start, end


def _unescaped(text: str) -> tuple[str, Sequence[Escape]]:
    """Return the text with its escapes resolved, and what they were."""
    if not any(mark in text for mark in _ESCAPE_MARKS):
        return text, ()
    pieces: list[str] = []
    escapes: list[Escape] = []
    length = done = 0
    for match in _ESCAPE.finditer(text):
        pieces.append(text[done : match.start()])
        length += match.start() - done
        pieces.append(_character(match))
        escapes.append((length, *match.span()))
        length += 1
        done = match.end()
    return "".join((*pieces, text[done:])), escapes


def _character(escape: re.Match[str]) -> str:
    code = escape["hex"] or escape["url"] or escape["entity"]
    return escape["itself"] or chr(int(code, 16) if code else int(escape["number"]))


def _moved(span: Span, escapes: Sequence[Escape]) -> Span:
    """Return where in the text a span of the unescaped text comes from, with whole escapes."""
    return _origin(span[0], escapes)[0], _origin(span[1] - 1, escapes)[1]


def _origin(offset: int, escapes: Sequence[Escape]) -> Span:
    """Return what in the text became the character at this offset."""
    index = bisect_right(escapes, offset, key=itemgetter(0)) - 1
    if index < 0:
        return offset, offset + 1
    at, start, end = escapes[index]
    if at == offset:
        return start, end
    place = end + offset - at - 1
    return place, place + 1


def _masked(text: str, spans: Iterable[Span]) -> str:
    """Return the text with a mark in the place of these spans, one where they overlap or touch."""
    parts: list[str] = []
    done, open_end = 0, -1
    for start, end in sorted(spans):
        if start <= open_end:
            open_end = max(open_end, end)
            done = open_end
            continue
        parts += [text[done:start], MASK]
        done = open_end = end
    return "".join((*parts, text[done:]))
