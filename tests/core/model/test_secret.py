"""A secret gives its text to `reveal()` and to nothing else."""

from __future__ import annotations

import copy
import inspect
import json
import logging
import operator
import pickle
import pprint
import reprlib
import traceback
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from urllib.parse import urlencode

import cattrs
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
    "shortened": reprlib.repr,
    "in JSON by str": lambda secret: json.dumps({"token": secret}, default=str),
    "in a form": lambda secret: urlencode({"token": secret}),
    "its members": lambda secret: repr(inspect.getmembers(secret)),
    "in a dataclass": lambda secret: repr(Holder(token=secret)),
    "unstructured": lambda secret: repr(cattrs.unstructure(Holder(token=secret))),
    "fingerprint": lambda secret: secret.fingerprint,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A value with a secret in it, as routes and settings are."""

    token: Secret


@pytest.mark.parametrize("show", SHOWINGS.values(), ids=SHOWINGS)
def test_a_secret_cannot_be_shown(show: Callable[[Secret], str]) -> None:
    assert TEXT not in show(Secret(TEXT))


CARRYINGS: dict[str, Callable[[Secret], object]] = {
    "pickled": pickle.dumps,
    "pickled in the oldest form": lambda secret: pickle.dumps(secret, protocol=0),
    "copied": copy.copy,
    "copied deeply": copy.deepcopy,
    "as JSON": json.dumps,
    "as JSON of its attributes": lambda secret: json.dumps(secret, default=vars),
    "as JSON of its state": lambda secret: json.dumps(secret, default=lambda held: held.__getstate__()),
    "in a dataclass as a dict": lambda secret: asdict(Holder(token=secret)),
    "in a dataclass as a tuple": lambda secret: astuple(Holder(token=secret)),
    "as JSON by cattrs": lambda secret: json.dumps(cattrs.unstructure(Holder(token=secret))),
    "joined to text": lambda secret: operator.add("token ", secret),
    "as bytes": bytes,
    "letter by letter": list,
    "looked into": lambda secret: operator.contains(secret, "not"),
    "put in order": lambda secret: operator.lt(secret, secret),
}


@pytest.mark.parametrize("carry", CARRYINGS.values(), ids=CARRYINGS)
def test_a_secret_cannot_be_carried_off(carry: Callable[[Secret], object]) -> None:
    with pytest.raises(TypeError) as raised:
        carry(Secret(TEXT))
    assert TEXT not in str(raised.value)


def test_a_secret_among_the_locals_of_a_traceback_is_stars() -> None:
    def fail(token: Secret) -> None:
        holder = Holder(token=token)
        raise LookupError(f"not for {holder}")

    with pytest.raises(LookupError) as raised:
        fail(Secret(TEXT))
    shown = "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())
    assert "holder = Holder(token=Secret(***))" in shown
    assert TEXT not in shown


def test_a_secret_has_no_attributes_to_look_into() -> None:
    with pytest.raises(TypeError):
        vars(Secret(TEXT))


def test_a_secret_is_logged_as_stars(caplog: pytest.LogCaptureFixture) -> None:
    given = Secret(TEXT)
    logging.getLogger(__name__).warning("%s %r %.40s %s", given, given, given, given == Secret(TEXT))
    assert caplog.messages == ["Secret(***) Secret(***) Secret(***) True"]


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
