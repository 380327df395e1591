"""A secret gives its text to `reveal()` and to nothing else."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import pprint
from collections.abc import Callable

import pytest

from core.model.secret import Secret

TEXT = "not-for-anybodys-eyes"
PERCENT = "%s %r"

SHOWINGS: dict[str, Callable[[Secret], str]] = {
    "repr": repr,
    "str": str,
    "f-string": lambda secret: f"{secret}",
    "f-string with repr": lambda secret: f"{secret!r}",
    "f-string with width": lambda secret: f"{secret:>40}",
    "percent": lambda secret: PERCENT % (secret, secret),
    "str.format": "{0} {0!r}".format,
    "inside a container": lambda secret: str({"token": [secret]}),
    "pretty printed": lambda secret: pprint.pformat((secret,)),
    "fingerprint": lambda secret: secret.fingerprint,
}


@pytest.mark.parametrize("show", SHOWINGS.values(), ids=SHOWINGS)
def test_a_secret_cannot_be_shown(show: Callable[[Secret], str]) -> None:
    assert TEXT not in show(Secret(TEXT))


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_secret_cannot_be_carried_off(copied: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as raised:
        copied(Secret(TEXT))
    assert TEXT not in str(raised.value)


def test_a_secret_has_no_attributes_to_look_into() -> None:
    with pytest.raises(TypeError):
        vars(Secret(TEXT))


def test_a_secret_is_logged_as_stars(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger(__name__).warning("token %s", Secret(TEXT))
    assert caplog.messages == ["token Secret(***)"]


def test_a_secret_gives_its_text_when_asked() -> None:
    assert Secret(TEXT).reveal() == TEXT


def test_an_empty_secret_is_none_at_all() -> None:
    with pytest.raises(ValueError, match="empty"):
        Secret("")


def test_secrets_are_equal_by_their_text_only() -> None:
    assert Secret(TEXT) == Secret(TEXT)
    assert Secret(TEXT) != Secret(TEXT + "é")
    assert Secret(TEXT) != TEXT
    assert len({Secret(TEXT), Secret(TEXT), Secret("other")}) == 2


def test_the_fingerprint_tells_secrets_apart_without_naming_them() -> None:
    assert Secret(TEXT).fingerprint == Secret(TEXT).fingerprint != Secret("other").fingerprint
