"""Read single settings and the Databricks profile from the environment; what they amount to is left to the package."""

from __future__ import annotations

import configparser
import contextlib
import tomllib
from collections.abc import Mapping
from pathlib import Path

from core.errors import ConfigurationError
from core.model.usage import Price

# The section of a Databricks config file that holds no profile but says which one is the default.
_FILE_SETTINGS = "__settings__"


def number(env: Mapping[str, str], name: str, default: float, *, low: float, high: float) -> float:
    """Return a setting as a number; raises ConfigurationError when it is none or out of range."""
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise ConfigurationError(
            f"{name} is {text!r}, which is not a number from {low:g} to {high:g}.",
            code="setting_invalid",
            remedy=f"Set {name} to a number from {low:g} to {high:g}, or unset it (default {default:g}).",
        )
    return value


def prices(env: Mapping[str, str]) -> dict[str, Price]:
    """Return the price table: per model a TOML table with `input` and `output`, per million tokens."""
    given = env.get("SWITCHYARD_PRICES", "").strip()
    if not given:
        return {}
    path = Path(given).expanduser()
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
        prices = {model: Price(input=float(row["input"]), output=float(row["output"])) for model, row in tables.items()}
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ConfigurationError(
            f"The price table {path.name} cannot be used ({type(exc).__name__}).",
            code="prices_invalid",
            remedy='Write per model: ["model-name"], input = 1.5, output = 7.5 (per million tokens); '
            "or unset SWITCHYARD_PRICES.",
        ) from exc
    if any(not 0 <= amount < float("inf") for price in prices.values() for amount in (price.input, price.output)):
        raise ConfigurationError(
            f"The price table {path.name} has a price that is negative or not a number.",
            code="prices_invalid",
            remedy="Correct it, or unset SWITCHYARD_PRICES.",
        )
    return prices


def profile_values(env: Mapping[str, str]) -> dict[str, str]:
    """Return the profile in force, as the databricks-sdk picks it: only when named, or when nothing else is set."""
    wanted = env.get("DATABRICKS_CONFIG_PROFILE")
    if not wanted and any(env.get(name) for name in ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID")):
        return {}
    path = Path(env.get("DATABRICKS_CONFIG_FILE") or "~/.databrickscfg").expanduser()
    parser = configparser.ConfigParser(interpolation=None, default_section="_none_")
    try:
        with contextlib.suppress(FileNotFoundError):
            parser.read_string(path.read_text(encoding="utf-8"))
    except (configparser.Error, OSError, UnicodeDecodeError) as exc:
        raise ConfigurationError(
            f"The Databricks config file {path.name} cannot be read.",
            code="profile_unreadable",
            remedy="Correct the file, or set DATABRICKS_HOST and DATABRICKS_TOKEN instead.",
        ) from exc
    named = wanted or parser.get(_FILE_SETTINGS, "default_profile", fallback="").strip()
    if named and (named == _FILE_SETTINGS or not parser.has_section(named)):
        raise ConfigurationError(
            f"There is no Databricks profile named {named!r}.",
            code="unknown_profile",
            remedy="Set DATABRICKS_CONFIG_PROFILE to a profile of your Databricks config file, or unset it.",
        )
    if not named and not parser.has_section("DEFAULT"):
        return {}
    return {**dict(parser.items(named or "DEFAULT")), "name": named or "DEFAULT"}
