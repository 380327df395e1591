"""Read a streamed answer as it arrives: cut bytes into server-sent events, and know when the proof is complete.

What an event means is left to `stream_events`, what the whole amounts to, to `stream_verdict`. Pure, never raising,
and the same for the same bytes however they were cut.
"""

from __future__ import annotations

import json
import re
from typing import Any

from core.model.agent import Dialect
from core.probe.stream_events import Told, take_event

MAX_BYTES = 64 * 1024
# An agent's answer to a short question is over long before; a model that goes on so long has shown that it streams.
MAX_DELTAS = 400

_LINE_END = re.compile(rb"\r\n|\r|\n")
_DONE = "[DONE]"


class AnswerReader:
    """Fulfil the StreamReader port for one dialect. Bytes after the proof are not looked at."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._line = bytearray()
        self._data: list[str] = []
        self._after_return = False
        self._at_start = True
        self._bytes = 0
        self._full = False
        self.told = Told()

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self.is_done:
            return
        room = MAX_BYTES - self._bytes
        kept = chunk[:room]
        self._bytes += len(kept)
        self._take(kept)
        self._full = self._bytes >= MAX_BYTES and not self.is_done

    @property
    def has_token(self) -> bool:
        """Say whether the model has said anything yet."""
        return self.told.has_token

    @property
    def is_done(self) -> bool:
        """Say whether nothing that still comes could change the verdict."""
        return self.was_enough or self.told.is_over

    @property
    def was_enough(self) -> bool:
        """Say whether reading stopped because the answer is long, or goes on after the call it was asked for."""
        return self._full or self.told.deltas >= MAX_DELTAS or self.told.goes_on_after_call

    def finish(self) -> Told:
        """Return what the stream told, with the event that its end cut off from its blank line."""
        if not self.is_done:
            if self._line:
                self._take_line(bytes(self._line))
                self._line.clear()
            self._dispatch()
        return self.told

    def _take(self, chunk: bytes) -> None:
        # A carriage return ends a line at once; a line feed right after it belongs to it, also in the next chunk.
        start = 1 if self._after_return and chunk[:1] == b"\n" else 0
        self._after_return = chunk.endswith(b"\r") if chunk else self._after_return
        for end in _LINE_END.finditer(chunk, start):
            self._line += chunk[start : end.start()]
            self._take_line(bytes(self._line))
            self._line.clear()
            start = end.end()
            if self.is_done:
                return
        self._line += chunk[start:]

    def _take_line(self, line: bytes) -> None:
        if self._at_start:
            line = line.removeprefix(b"\xef\xbb\xbf")
            self._at_start = False
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))

    def _dispatch(self) -> None:
        if not self._data:
            return
        text = "\n".join(self._data)
        self._data = []
        self.told.events += 1
        if text.strip() == _DONE:
            # The mark of chat alone; elsewhere a proxy may add it, and it says nothing.
            self.told.is_over = self.told.ended = self.told.ended or self._dialect is Dialect.OPENAI_CHAT
            return
        event = _object(text)
        if event is None:
            self.told.spoil("an event is not a JSON object")
        else:
            take_event(self._dialect, event, self.told)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
