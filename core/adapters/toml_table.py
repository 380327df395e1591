"""Take a TOML table apart key by key: what is missing, of another type or unknown is refused with one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from core.errors import ConfigurationError

Choice = TypeVar("Choice", bound=StrEnum)


def refusal(message: str, remedy: str) -> ConfigurationError:
    """Return the error for a file that cannot be meant."""
    return ConfigurationError(message, code="alerts_invalid", remedy=remedy)


class Table:
    """One table and which of its keys were asked for; `name` is how sentences call it."""

    def __init__(self, rows: Mapping[str, object], name: str) -> None:
        self._rows = rows
        self._name = name
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Say whether a key is there."""
        return key in self._rows

    def where(self, key: str) -> str:
        """Return how sentences call a key."""
        return f"{key} of {self._name}"

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text; one that is required is not empty."""
        value = self._value(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise refusal(f"{self.where(key)} must be a text.", f'Write {key} = "…".')
        return value.strip()

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty when it is not there."""
        value = self._value(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise refusal(f"{self.where(key)} must be a list of texts.", f'Write {key} = ["…"].')
        return tuple(value)

    def number(self, key: str, default: float, *, low: float, high: float) -> float:
        """Return a number in these bounds."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise refusal(f"{self.where(key)} must be a number from {low:g} to {high:g}.", f"Correct {key}.")
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise refusal(f"{self.where(key)} must be true or false, without quotes.", f"Correct {key}.")
        return value

    def choice(self, key: str, choices: type[Choice], default: Choice | None = None) -> Choice:
        """Return one of a closed set."""
        text = self.text(key, default)
        if text not in list(choices):
            raise refusal(f"{self.where(key)} is none that exists.", f"Write one of: {', '.join(choices)}.")
        return choices(text)

    def tables(self, key: str) -> Mapping[str, Table]:
        """Return the tables under a key by their names."""
        value = self._value(key, {})
        if not isinstance(value, dict) or not all(isinstance(item, dict) for item in value.values()):
            raise refusal(f"{self.where(key)} must be tables.", f"Write [{key}.name] and its settings below.")
        return {name: Table(item, f"{key}.{name}") for name, item in value.items()}

    def list_of_tables(self, key: str) -> tuple[Table, ...]:
        """Return the tables of a list."""
        value = self._value(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise refusal(f"{self.where(key)} must be a list of tables.", f"Write [[{key}]] and its settings below.")
        return tuple(Table(item, f"{key} {number}") for number, item in enumerate(value, start=1))

    def refuse_others(self) -> None:
        """Refuse keys that nobody asked for: a misspelt one must not silence an alert."""
        if others := sorted(self._rows.keys() - self._asked):
            raise refusal(
                f"{self._name} has a setting that does not exist: {others[0][:40]!r}.", "Remove or correct it."
            )

    def _value(self, key: str, default: object) -> object:
        self._asked.add(key)
        if key not in self._rows and default is None:
            raise refusal(f"{self.where(key)} is missing.", f"Add {key}; docs/alerts.md has an example.")
        return self._rows.get(key, default)
