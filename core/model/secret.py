"""A token that cannot be printed, pickled or serialised by accident."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import NoReturn

_PROCESS_KEY = secrets.token_bytes(32)


class Secret:
    """Hold one secret text; only `reveal()` gives it out, and only adapters call that."""

    __slots__ = ("__fingerprint", "__read")

    def __init__(self, value: str) -> None:
        if not value:
            raise ValueError("a secret must not be empty")
        # In a closure and not in a slot: whatever lists an object's members, as st.help does, would list the text.
        self.__read: Callable[[], str] = lambda: value
        # Once and not when asked: every probe of a sweep asks a few times.
        self.__fingerprint = hmac.new(_PROCESS_KEY, value.encode(), hashlib.sha256).hexdigest()[:16]

    def reveal(self) -> str:
        """Return the secret text, for the one place that puts it on the wire."""
        return self.__read()

    @property
    def fingerprint(self) -> str:
        """Return a name for this secret that is stable within this process and useless outside it."""
        return self.__fingerprint

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.__fingerprint)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled")

    # Serialisers that do not pickle ask for the state instead; Python 3.11 gives every object one.
    def __getstate__(self) -> NoReturn:
        raise TypeError("a Secret cannot be serialised")
