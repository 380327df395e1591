"""What has to be sent again with a redeployment, because variables of one deployment are not those of the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.adapters.app_now import AppNow
from core.adapters.app_yaml import EnvEntry
from core.errors import ChangeError

Values = Mapping[str, str | None]


def sent_before(now: AppNow) -> Mapping[str, str]:
    """Return what we sent with the active deployment.

    Raises ChangeError (app_env_unknown) when somebody else sent values: they come back masked, so that neither the next
    deployment nor a rollback could send them again.
    """
    active = now.facts.active
    if active is None or now.sent is not None:
        return now.sent.overrides if now.sent else {}
    unknown = [one.name for one in active.variables if one.value_from is None]
    if unknown:
        raise ChangeError(
            f"The active deployment of {now.facts.name} was sent values that cannot be read back "
            f"({', '.join(sorted(unknown)[:3])}), and a redeploy would lose them.",
            code="app_env_unknown",
            remedy="Move them into the app's app.yaml, or redeploy where they were set; nothing was written.",
        )
    return {}


def refuse_what_was_sent(now: AppNow, wanted: Values) -> None:
    """Raise ChangeError (app_override_active) for a variable whose value in the file would not be the one that runs."""
    sent = sorted(sent_before(now).keys() & wanted.keys())
    if sent:
        raise ChangeError(
            f"{sent[0]} was sent with the active deployment of {now.facts.name}, over its app.yaml.",
            code="app_override_active",
            remedy="Roll that change back first, then plan again; nothing was written.",
        )


def refuse_removal(now: AppNow, wanted: Values) -> None:
    """Raise ChangeError (slot_invalid) for a variable of app.yaml that is to go: sending can only add and change."""
    gone = [name for name, value in wanted.items() if value is None and name in now.file_values]
    if gone:
        raise ChangeError(
            f"{gone[0]} stands in the app's app.yaml, and a redeploy cannot take it away.",
            code="slot_invalid",
            remedy="Name a value, or change the file.",
        )


def to_resend(now: AppNow, env: Sequence[EnvEntry]) -> Mapping[str, EnvEntry] | None:
    """Return everything to send with a redeployment of this file; None when the file says it all."""
    kept = sent_before(now)
    return merged_env(now, env, kept) if kept else to_resend_references(now, env)


def to_resend_references(now: AppNow, env: Sequence[EnvEntry]) -> Mapping[str, EnvEntry] | None:
    """Return everything to send where only references to resources were sent that the file does not have."""
    return merged_env(now, env, {}) if _references(now).keys() - {entry.name for entry in env} else None


def merged_env(now: AppNow, env: Sequence[EnvEntry], overrides: Mapping[str, str]) -> Mapping[str, EnvEntry]:
    """Return the whole environment with these overrides: app.yaml, references that were sent, then the overrides."""
    names = [entry.name for entry in env]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise ChangeError(
            f"The app's app.yaml cannot be sent as a whole: {twice} is set twice.",
            code="file_ambiguous",
            remedy="Remove the one that does not count, then plan again; nothing was written.",
        )
    stated = {entry.name: entry for entry in env}
    given = {name: EnvEntry(name=name, value=value) for name, value in overrides.items()}
    return {**_references(now), **stated, **given}


def _references(now: AppNow) -> dict[str, EnvEntry]:
    sent = now.facts.active.variables if now.facts.active else ()
    return {one.name: EnvEntry(name=one.name, value_from=one.value_from) for one in sent if one.value_from}
