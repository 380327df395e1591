"""Decide what a change would lead to, from what the target, the lint and the pre-flight probes said; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.catalog.agents import AGENTS, dialect_for
from core.catalog.spellings import family_of
from core.choice.bases import agent_base_url, generation_of
from core.choice.routes import routes_of_slot
from core.detect.hosts import GATEWAY_SETTING
from core.model.agent import AgentSpec
from core.model.change import ChangeRequest, CredentialUse, Decision, Plan, SlotRouting, TargetInfo, TargetKind
from core.model.choice import AgentChoice, Layer, LintFinding, Severity, SlotChoice
from core.model.gateway import Gateway
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import TargetPlan

TOKEN_VARIABLE = "DATABRICKS_TOKEN"


def choice_after(
    choice: AgentChoice,
    request: ChangeRequest,
    environment: Mapping[str, Secret],
    gateway: Gateway | None = None,
) -> AgentChoice:
    """Return what the agent will run once the request is in force, with `gateway` as it will be then.

    A slot that is new takes base URL, dialect and credential from the first slot, as a fallback without its own does.
    One whose model speaks another dialect is sent to that dialect's base URL, and all are when the gateway changes.
    """
    spec = AGENTS[request.agent]
    source = Layer.ENVIRONMENT if request.target == TargetKind.EXPORT else Layer.TARGET
    slots = {slot.slot: _completed(slot, choice) for slot in choice.slots}
    for name, model in request.slots.items():
        if is_variable(name):
            continue
        if model is None:
            slots.pop(name, None)
            continue
        pattern = slots.get(name)
        if pattern is None or pattern.model is None:
            unset = SlotChoice(slot=name, model=None, source=source)
            pattern = _completed(choice.slots[0], choice) if choice.slots else unset
        if pattern.model != model or name not in slots:
            slots[name] = replace(pattern, slot=name, model=model, source=source, variable=None, shadowed=())
    if request.credential is CredentialUse.ENVIRONMENT:
        token, place = environment.get(TOKEN_VARIABLE), f"environment variable {TOKEN_VARIABLE}"
        slots = {name: replace(slot, stored_token=token, stored_token_from=place) for name, slot in slots.items()}
    moved = GATEWAY_SETTING in request.slots
    sent = tuple(_sent(slot, spec, gateway, moved=moved) for slot in slots.values())
    enabled = choice.enabled
    if spec.enable_variable and spec.enable_variable in request.slots:
        enabled = request.slots[spec.enable_variable] == "true"
    return replace(choice, slots=sent, enabled=enabled, lint=())


def is_variable(name: str) -> bool:
    """Say whether a name of a request is a switch of the route, and no slot."""
    return name.isupper()


def _sent(slot: SlotChoice, spec: AgentSpec, gateway: Gateway | None, *, moved: bool) -> SlotChoice:
    dialect = dialect_for(spec, family_of(slot.model)) if slot.model else slot.dialect
    if slot.base_url and not moved and (dialect == slot.dialect or gateway is None):
        return slot
    base_url = agent_base_url(spec, dialect, gateway)
    return replace(slot, dialect=dialect, base_url=base_url, generation=generation_of(base_url or "", gateway))


def routed(request: ChangeRequest, before: AgentChoice, after: AgentChoice) -> ChangeRequest:
    """Return the request with where the slots go: those that are sent elsewhere, and all for a config to be made."""
    is_there = before.config is not None and before.config.exists
    former = {slot.slot: (slot.base_url or before.base_url, slot.dialect or before.dialect) for slot in before.slots}
    routing = {
        slot.slot: SlotRouting(base_url=slot.base_url, dialect=slot.dialect)
        for slot in after.slots
        if slot.base_url and slot.dialect
        if not is_there or former.get(slot.slot) != (slot.base_url, slot.dialect)
    }
    return replace(request, routing=routing)


def _completed(slot: SlotChoice, choice: AgentChoice) -> SlotChoice:
    return replace(slot, base_url=slot.base_url or choice.base_url, dialect=slot.dialect or choice.dialect)


def routes_after(
    choice: AgentChoice,
    request: ChangeRequest,
    *,
    environment: Mapping[str, Secret],
    gateway: Gateway | None = None,
) -> tuple[Route, ...]:
    """Return the routes that prove the request: per slot the dashboard's credential, then the agent's own."""
    return routes_to_prove(choice_after(choice, request, environment, gateway), request)


def routes_to_prove(after: AgentChoice, request: ChangeRequest | None = None) -> tuple[Route, ...]:
    """Return the routes that prove a choice, or what a request makes of it."""
    return tuple(route for slot in slots_to_prove(after, request) for route in routes_of_slot(after, slot))


def slots_to_prove(after: AgentChoice, request: ChangeRequest | None = None) -> tuple[SlotChoice, ...]:
    """Return the slots that must answer: none of an agent that is switched off, unless the request sends it elsewhere.

    What is written for an agent that is off is what it runs as soon as it is on again.
    """
    switch = AGENTS[after.agent].enable_variable
    elsewhere = request is not None and any(name != switch for name in request.slots)
    return after.slots if after.enabled or elsewhere else ()


def decide(
    *,
    request: ChangeRequest,
    info: TargetInfo,
    target_plan: TargetPlan,
    after: AgentChoice,
    lint: Sequence[LintFinding] = (),
    preflight: Sequence[ProbeResult] = (),
    seen_revision: str | None = None,
    routing: Mapping[str, SlotRouting] | None = None,
) -> Plan:
    """Combine everything known into a plan with its decision.

    `after` is the choice as it will be, `seen_revision` the content that the person decided on, if they saw a plan.
    """
    findings = (*lint, *_credential_lint(request, after, preflight))
    decision, reason = _decision(
        request, info=info, target_plan=target_plan, after=after, lint=findings, preflight=preflight, seen=seen_revision
    )
    return Plan(
        request=request,
        before=target_plan.before,
        after=target_plan.after,
        diff=target_plan.diff,
        lint=findings,
        decision=decision,
        reason=reason,
        affects=target_plan.affects,
        effective=target_plan.effective,
        preflight=tuple(preflight),
        base_revision=target_plan.revision,
        after_revision=target_plan.revision_after,
        snippet=target_plan.snippet,
        routing=routing or {},
    )


def is_settled_before_preflight(target_plan: TargetPlan, seen_revision: str | None) -> bool:
    """Say whether the decision falls without asking any model: nothing to change, or a conflict."""
    return not target_plan.diff or _has_moved(target_plan, seen_revision)


def _has_moved(target_plan: TargetPlan, seen_revision: str | None) -> bool:
    return seen_revision is not None and target_plan.revision != seen_revision


def _decision(
    request: ChangeRequest,
    *,
    info: TargetInfo,
    target_plan: TargetPlan,
    after: AgentChoice,
    lint: Sequence[LintFinding],
    preflight: Sequence[ProbeResult],
    seen: str | None,
) -> tuple[Decision, str]:
    label = AGENTS[request.agent].label
    if not target_plan.diff:
        return Decision.NO_OP, f"{label} already matches: there is nothing to change."
    if _has_moved(target_plan, seen):
        return Decision.CONFLICT, "The target was changed since this was planned: look at the new difference first."
    hand_over = info.kind is TargetKind.EXPORT
    if not info.writable and not hand_over:
        return Decision.BLOCKED, info.reason
    obstacles = [finding.message for finding in lint if finding.severity is Severity.ERROR]
    asked = slots_to_prove(after, request)
    obstacles += [text for _, text in unproved_slots(asked, preflight)]
    if obstacles:
        return Decision.BLOCKED, " ".join(obstacles)
    proof = "Every model answered the pre-flight probe with the dashboard's credential"
    if not any(slot.model for slot in asked):
        why = "there is no model" if after.enabled else f"{label} is switched off then"
        proof = f"{why[0].upper()}{why[1:]}, so nothing was asked"
    return Decision.READY, f"{proof}; nothing is written, hand over the snippet." if hand_over else f"{proof}."


def unproved_slots(slots: Sequence[SlotChoice], results: Sequence[ProbeResult]) -> Iterator[tuple[str, str]]:
    """Yield slot and sentence for every slot whose model did not answer the dashboard's credential.

    The agent's own token does not count here: when it is dead, the change is not the cause and no rollback would help.
    """
    answered = {(result.route.slot, result.route.model): result for result in results if _is_dashboards(result)}
    for slot in slots:
        if slot.model is None:
            continue
        result = answered.get((slot.slot, slot.model))
        name = f"{slot.slot.capitalize().replace('_', ' ')} {slot.model}"
        if result is None:
            yield slot.slot, f"{name} could not be proved: there is no route to probe it on."
        elif result.health is Health.UNKNOWN:
            yield slot.slot, f"{name} could not be proved: {_sentences(result)}"
        elif result.health is not Health.HEALTHY:
            yield slot.slot, f"{name} is {result.health}: {_sentences(result)}"


def is_confirmed(after: AgentChoice, results: Sequence[ProbeResult]) -> bool:
    """Say whether the first slot's model answered the agent's own credential."""
    first = after.slots[0].slot if after.slots else None
    return any(
        result.route.slot == first and result.route.identity is Identity.STORED and result.health is Health.HEALTHY
        for result in results
    )


def _is_dashboards(result: ProbeResult) -> bool:
    return result.route.identity is Identity.DASHBOARD


def _sentences(result: ProbeResult) -> str:
    message = result.message if result.message.endswith((".", "!", "?")) else result.message + "."
    return f"{message} {result.remedy}".strip()


def _credential_lint(
    request: ChangeRequest, after: AgentChoice, results: Sequence[ProbeResult]
) -> Iterator[LintFinding]:
    label = AGENTS[request.agent].label
    by_environment = request.credential is CredentialUse.ENVIRONMENT
    if by_environment and not any(slot.stored_token for slot in after.slots):
        yield _warning(
            "environment_token_unknown",
            f"{TOKEN_VARIABLE} is not set here, so it could not be tried. {label} needs it in its own environment.",
        )
    failed = [r for r in results if r.route.identity is Identity.STORED and r.health is not Health.HEALTHY]
    if any(result.diagnosis is Diagnosis.CREDENTIAL_DEAD for result in failed):
        yield _dead_credential(label, after, by_environment=by_environment)
    elif failed:
        yield _warning("stored_token_unproved", f"With the credential of its own config: {_sentences(failed[0])}")


def _dead_credential(label: str, after: AgentChoice, *, by_environment: bool) -> LintFinding:
    if by_environment:
        text = f"The token in {TOKEN_VARIABLE} is refused. Set a valid one where {label} runs."
        return _warning("environment_token_refused", text)
    place = next((slot.stored_token_from for slot in after.slots if slot.stored_token_from), "its own config")
    return _warning(
        "stored_token_refused",
        f"The token that {label} has stored ({place}) is refused. Changing models alone will not bring {label} back: "
        f"let it use the environment variable {TOKEN_VARIABLE} as well, or renew the token.",
    )


def _warning(code: str, message: str) -> LintFinding:
    return LintFinding(code=code, severity=Severity.WARNING, message=message)
