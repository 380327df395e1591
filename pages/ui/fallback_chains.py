"""The chains: per agent its models in the order in which they are asked, how each is, and what they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import streamlit as st

from core.catalog.agents import AGENTS
from core.catalog.failover import Failover, FailureClass, measured_failures
from core.choice.chain_lint import chain_of, lint_chain
from core.health.agent_status import headline_of, worst_of
from core.model.agent import AgentId
from core.model.check import route_id
from core.model.choice import AgentChoice, LintFinding, SlotChoice
from core.model.probe import ProbeResult
from core.model.snapshot import Snapshot
from pages.ui.formats import HEALTH_SIGNS, NOTHING, SEVERITY_SIGNS, code, escape, plural

_WIDTHS = (1.25, 2.6, 0.3, 2.6, 2.4)
_CHAIN_CODES = ("fallback_missing", "fallback_equals_primary", "spelling_for_other_generation")


def newest(snapshot: Snapshot, extra: Sequence[ProbeResult]) -> tuple[ProbeResult, ...]:
    """Return the newest verdict on each route that the agents have now; what they were switched from is past."""
    ways = {
        (choice.agent, slot.slot, slot.model, slot.base_url, slot.dialect)
        for choice in snapshot.choices
        for slot in choice.slots
    }
    found: dict[str, ProbeResult] = {}
    for result in sorted((*snapshot.results, *extra), key=lambda result: result.checked_at):
        route = result.route
        if (route.agent, route.slot, route.model, route.base_url, route.dialect) in ways:
            found[route_id(route)] = result
    return tuple(found.values())


def show_chains(snapshot: Snapshot, extra: Sequence[ProbeResult]) -> None:
    """Show a row per agent that can be probed."""
    results = newest(snapshot, extra)
    st.header("Chains", anchor=False)
    st.caption("Which model each agent asks first, and what it goes on with. If the first fails, the next is tried.")
    for choice in snapshot.choices:
        if AGENTS[choice.agent].probeable and choice.slots:
            with st.container(border=True, gap="xsmall", key=f"chain_{choice.agent}"):
                _chain(choice, results, simulated=snapshot.scene is not None)


def _chain(choice: AgentChoice, results: Sequence[ProbeResult], *, simulated: bool) -> None:
    own = [result for result in results if result.route.agent is choice.agent]
    first, *fallbacks = chain_of(choice)
    rows = list(zip_longest([first], fallbacks)) or [(first, None)]
    for number, (primary, fallback) in enumerate(rows):
        name, left, arrow, right, words = st.columns(_WIDTHS, gap="small")
        if primary is not None:
            name.markdown(f"**{escape(AGENTS[choice.agent].label)}**")
            left.markdown(_link(primary, own, simulated=simulated))
            words.markdown(f":small[{escape(failover_words(choice.agent))}]")
        if fallback is not None:
            arrow.markdown(":material/arrow_forward:" if number == 0 else ":material/subdirectory_arrow_right:")
            right.markdown(_link(fallback, own, simulated=simulated))
        elif number == 0:
            right.markdown(f":small[:gray[{escape(_without(choice.agent))}]]")
    for finding in _findings(choice, own):
        sign = SEVERITY_SIGNS[finding.severity]
        st.markdown(f":small[:{sign.color}[{sign.icon} {sign.word}:] {escape(finding.message)}]")


def _findings(choice: AgentChoice, own: Sequence[ProbeResult]) -> tuple[LintFinding, ...]:
    return (*(item for item in choice.lint if item.code in _CHAIN_CODES), *lint_chain(choice, own))


def _link(slot: SlotChoice, own: Sequence[ProbeResult], *, simulated: bool) -> str:
    result = worst_of(one for one in own if (one.route.slot, one.route.model) == (slot.slot, slot.model))
    lines = [f"{code(slot.model or NOTHING)}  :small[:gray[{escape(slot.slot)}]]"]
    if result is None:
        lines.append(":small[:gray[:material/help: Unknown, not probed yet]]")
    else:
        sign = HEALTH_SIGNS[result.health]
        label = f"{sign.word}, simulated" if simulated else sign.word
        lines.append(f":small[:{sign.color}[{sign.icon} {label}] {escape(headline_of(result))}]")
    return "  \n".join(lines)


def _without(agent: AgentId) -> str:
    needs = next((row.needs for row in measured_failures(agent).values() if row.needs), "")
    if needs:
        return f"None that can be seen: only when started with {needs}"
    has_slot = any(slot.name.startswith("fallback") for slot in AGENTS[agent].slots)
    return "No fallback. Choose one with Switch … on its page." if has_slot else "No fallback: it has none to set"


def failover_words(agent: AgentId) -> str:
    """Return in one line on how many failures this agent goes on to the next model."""
    measured: Mapping[FailureClass, Failover] = measured_failures(agent)
    if not measured:
        return "What it does on failures was not measured"
    back = sum(row.falls_back and not row.needs for row in measured.values())
    if back:
        return f"Falls back on {back} of {plural(len(measured), 'measured failure')}"
    option = sum(bool(row.needs) for row in measured.values())
    if option:
        return f"Falls back on {option} of {plural(len(measured), 'measured failure')}, and only with that option"
    longest = max((row.seconds or 0.0 for row in measured.values()), default=0.0)
    return f"Never falls back; repeats itself for up to {longest:.0f} s"
