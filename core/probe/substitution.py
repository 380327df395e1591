"""Say whether another model than the asked one has answered; pure.

Names in answers differ from the asked ones as a rule: region prefixes, dots for dashes, dates (databricks.md §1.4).
Only a family, or a size of Claude, that both names spell out and that differs, is another model.
"""

from __future__ import annotations

from core.catalog.spellings import endpoint_spelling, family_of, model_id, service_spelling

_SIZES = ("opus", "sonnet", "haiku")


def is_substituted(asked: str, answered: str | None) -> bool:
    """Say whether the answering model is clearly another one."""
    # A name that people made up themselves (catalog.schema.name) promises no family.
    if answered is None or asked not in (endpoint_spelling(asked), service_spelling(asked)):
        return False
    name, echo = model_id(asked).lower(), answered.lower()
    families = (family_of(name), family_of(echo))
    if "other" in families:
        return False
    sizes = (_size(name), _size(echo))
    return families[0] != families[1] or (None not in sizes and sizes[0] != sizes[1])


def _size(name: str) -> str | None:
    return next((size for size in _SIZES if size in name), None)
