"""Change single assignments of a .env file in place, read the way dotenv does; others know the meaning."""

from __future__ import annotations

import codecs
import re

_LINE = re.compile(
    r"^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=|:(?=[ \t]))[ \t]*"
    r"('(?:\\'|[^'])*'|\"(?:\\\"|[^\"])*\"|`(?:\\`|[^`])*`|[^#\r\n]*?)[ \t]*(?:#[^\r\n]*)?(?=\r|\n|\Z)",
    re.MULTILINE | re.ASCII,
)
_PLAIN = re.compile(r"[A-Za-z0-9._:/@%+,=\[\]-]+")
_QUOTES = "'\"`"


class UnreadableEnv(ValueError):
    """Say in one clause why a file is no .env file that we read."""


class AmbiguousEnv(ValueError):
    """Say in one clause why an assignment cannot be changed without touching something else."""


class EnvFile:
    """One .env file that is being changed; a file that is not there yet is empty."""

    def __init__(self, content: bytes | None) -> None:
        """Read a file; raises UnreadableEnv."""
        whole = content or b""
        self._bom = whole.startswith(codecs.BOM_UTF8)
        try:
            self._text = whole.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError as exc:
            raise UnreadableEnv(".env is not UTF-8 text") from exc
        if "\0" in self._text:
            raise UnreadableEnv(".env is not text")

    @property
    def content(self) -> bytes:
        """Return the bytes as they stand."""
        return (codecs.BOM_UTF8 if self._bom else b"") + self._text.encode()

    @property
    def values(self) -> dict[str, str]:
        """Return every assignment; of several to one name the last counts."""
        return {found.group(1): _meant(found.group(2)) for found in _LINE.finditer(self._text)}

    def get(self, name: str) -> str | None:
        """Return a value, None where there is none or an empty one."""
        return self.values.get(name, "").strip() or None

    def put(self, name: str, value: str) -> None:
        """Give a name this value, in its own place or on a new last line; raises AmbiguousEnv."""
        wanted = {**self.values, name: value}
        found, written = self._find(name), _written(value)
        if found is not None:
            self._splice(found.start(2), found.end(2), written)
        else:
            gap = "" if not self._text or self._text.endswith(("\n", "\r")) else self._line_break
            self._text += f"{gap}{name}={written}{self._line_break}"
        self._prove(wanted)

    def drop(self, name: str) -> None:
        """Take an assignment away with its line; raises AmbiguousEnv."""
        found = self._find(name)
        if found is None:
            return
        wanted = {other: value for other, value in self.values.items() if other != name}
        rest = self._text[found.end() :]
        self._splice(found.start(), len(self._text) - len(re.sub(r"\A(\r\n|\r|\n)", "", rest)), "")
        self._prove(wanted)

    def comment(self, words: str) -> None:
        """Add a line for people."""
        self._text += f"# {words}{self._line_break}"

    def _find(self, name: str) -> re.Match[str] | None:
        found = [line for line in _LINE.finditer(self._text) if line.group(1) == name]
        if len(found) > 1:
            raise AmbiguousEnv(f"{name} is there {len(found)} times in .env")
        return found[0] if found else None

    @property
    def _line_break(self) -> str:
        return "\r\n" if "\r\n" in self._text else "\n"

    def _splice(self, start: int, end: int, fresh: str) -> None:
        self._text = self._text[:start] + fresh + self._text[end:]

    def _prove(self, wanted: dict[str, str]) -> None:
        if self.values != wanted:
            raise AmbiguousEnv("another line of .env would change too")


def _meant(written: str) -> str:
    if len(written) < 2 or written[0] not in _QUOTES or written[-1] != written[0]:
        return written.strip()
    inner = written[1:-1]
    return inner.replace("\\n", "\n").replace("\\r", "\r") if written[0] == '"' else inner


def _written(value: str) -> str:
    if _PLAIN.fullmatch(value):
        return value
    if "'" in value or not value.isprintable():
        raise AmbiguousEnv("a value cannot be written into .env")
    return f"'{value}'"
