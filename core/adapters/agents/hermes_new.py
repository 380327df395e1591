"""Write a whole config.yaml for a Hermes that has none yet; changing one that is there is left to hermes_edit."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters.agents.hermes_edit import REFERENCE, HermesEdit, wanted_models
from core.adapters.yaml_text import flow, quoted
from core.change.plan import TOKEN_VARIABLE
from core.model.change import DiffEntry, DiffOp, SlotRouting


def new_hermes(*, slots: Mapping[str, str | None], routing: Mapping[str, SlotRouting]) -> HermesEdit:
    """Return a whole config for a machine that has none; its token is the environment's (agents.md section 3.1).

    `routing` names the primary's route at least. The fallbacks come by the number of their slots, as Hermes tries them.
    """
    after = wanted_models({}, slots)
    chain = sorted((slot for slot, model in after.items() if model), key=_rank)
    primary, base_url = after["primary"] or "", routing["primary"].base_url
    lines = ["model:", f"  default: {quoted(primary)}", "  provider: custom", f"  base_url: {quoted(base_url)}"]
    lines += [f"  api_key: {quoted(REFERENCE)}"]
    lines += ["fallback_providers:"] if chain[1:] else []
    fields = {"model.default": primary, "model.base_url": base_url}
    fields |= {"model.api_key": f"environment variable {TOKEN_VARIABLE}"}
    for index, slot in enumerate(chain[1:]):
        entry = {"provider": "custom", "model": after[slot] or ""}
        # An entry without base_url and api_key uses the primary's; one with its own URL gets the reference too.
        if slot in routing and routing[slot].base_url != base_url:
            entry |= {"base_url": routing[slot].base_url, "api_key": REFERENCE}
        lines.append(f"  - {flow(entry)}")
        fields |= {f"fallback_providers[{index}].{key}": entry[key] for key in ("model", "base_url") if key in entry}
    return HermesEdit(
        content=("\n".join(lines) + "\n").encode(),
        before=dict.fromkeys(after),
        after=after,
        diff=tuple(DiffEntry(op=DiffOp.ADD, field=field, old=None, new=value) for field, value in fields.items()),
    )


def _rank(slot: str) -> int:
    """Return a slot's place in the chain: primary, fallback, fallback_2 and so on."""
    return 0 if slot == "primary" else int(slot.partition("_")[2] or 1)
