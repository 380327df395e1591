"""Say how much a fallback is worth: what it shares with the models before it, so that both fail together; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from core.catalog.agents import AGENTS
from core.catalog.failover import failover_of
from core.catalog.spellings import family_of
from core.model.choice import AgentChoice, LintFinding, Severity, SlotChoice
from core.model.probe import Health, ProbeResult

_FALLBACK = "fallback"


def chain_of(choice: AgentChoice) -> tuple[SlotChoice, ...]:
    """Return the first slot and the fallbacks behind it that are set, in the order in which they are asked."""
    rest = (slot for slot in choice.slots[1:] if slot.slot.startswith(_FALLBACK) and slot.model)
    return (*choice.slots[:1], *rest)


def lint_chain(choice: AgentChoice, results: Sequence[ProbeResult] = ()) -> tuple[LintFinding, ...]:
    """Return what the chain's members share, and which failures of the first that are seen now never reach the next."""
    primary, *fallbacks = chain_of(choice) or (None,)
    if primary is None or not fallbacks:
        return ()
    shared = [finding for slot in fallbacks for finding in _shared(primary, slot)]
    return tuple(dict.fromkeys((*shared, *_not_eligible(choice, primary, results))))


def _shared(primary: SlotChoice, slot: SlotChoice) -> Iterator[LintFinding]:
    if slot.model == primary.model:
        # Already an error or a warning of its own (fallback_equals_primary).
        return
    if _same_token(primary, slot):
        place = primary.stored_token_from or "the same place"
        yield _note(
            "fallback_same_token",
            f"{slot.slot} uses the primary's token ({place}): when it is refused, both are.",
        )
    if primary.base_url and slot.base_url and primary.base_url == slot.base_url:
        path = urlsplit(primary.base_url).path or "/"
        yield _note("fallback_same_route", f"{slot.slot} goes the primary's way ({path}): a broken route takes both.")
    family = family_of(primary.model or "")
    if family != "other" and family == family_of(slot.model or ""):
        yield _note(
            "fallback_same_family",
            f"{slot.slot} is of the primary's family ({family}): they may share a rate limit, a capacity and a grant.",
        )


def _same_token(primary: SlotChoice, slot: SlotChoice) -> bool:
    if primary.stored_token is not None and slot.stored_token is not None:
        return primary.stored_token == slot.stored_token
    return primary.stored_token_from is not None and primary.stored_token_from == slot.stored_token_from


def _not_eligible(choice: AgentChoice, primary: SlotChoice, results: Sequence[ProbeResult]) -> Iterator[LintFinding]:
    """Name the failures of the first slot, as seen now, that end the agent instead of reaching its fallback."""
    label = AGENTS[choice.agent].label
    for result in results:
        route = result.route
        if (route.agent, route.slot) != (choice.agent, primary.slot) or result.health is not Health.DOWN:
            continue
        failover = failover_of(choice.agent, result.diagnosis, result.http_status)
        if failover is not None and not failover.falls_back:
            message = f"{primary.model} fails in a way on which {label} does not fall back: {result.message}"
            yield LintFinding(code="fallback_not_eligible", severity=Severity.ERROR, message=message)


def _note(code: str, message: str) -> LintFinding:
    return LintFinding(code=code, severity=Severity.INFO, message=message)
