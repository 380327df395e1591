"""Values as JSON text and back; a token has no way in, and what an older version did not write gets its default."""

from __future__ import annotations

import json
from typing import NoReturn, TypeVar

from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.json import make_converter

from core.model.route import Route
from core.model.secret import Secret

Value = TypeVar("Value")

_CONVERTER = make_converter(omit_if_default=True, detailed_validation=False)


def _refuse(_: Secret) -> NoReturn:
    raise TypeError("a Secret cannot be kept")


_CONVERTER.register_unstructure_hook(Secret, _refuse)
_CONVERTER.register_unstructure_hook(
    Route, make_dict_unstructure_fn(Route, _CONVERTER, _cattrs_omit_if_default=True, token=override(omit=True))
)
_CONVERTER.register_structure_hook(
    Route, make_dict_structure_fn(Route, _CONVERTER, _cattrs_detailed_validation=False, token=override(omit=True))
)


def text_of(value: object) -> str:
    """Return the value as JSON text."""
    return json.dumps(_CONVERTER.unstructure(value), separators=(",", ":"))


def value_of(text: str, kind: type[Value]) -> Value:
    """Return the value that was kept; raises ValueError for a text that means none."""
    try:
        return _CONVERTER.structure(json.loads(text), kind)
    except (KeyError, TypeError, AttributeError) as exc:
        raise ValueError(f"this is no {kind.__name__}") from exc
