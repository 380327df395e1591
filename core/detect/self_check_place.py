"""Decide what the self-check says of the place the dashboard runs in: Apps, people, alerts, network, versions."""

from __future__ import annotations

from core.model.self_check import SelfCheckItem, Verdict
from core.settings import Settings
from core.settings.surroundings import RANGES, Surroundings, is_within, range_text

_BUNDLE_OF_OURS, _BUNDLE_OF_SDK = "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"
_LABELS = {"python": "Python", "streamlit": "Streamlit", "databricks-sdk": "databricks-sdk"}


def place_items(settings: Settings, *, channels: int, token_forwarded: bool | None) -> tuple[SelfCheckItem, ...]:
    """Return what depends on where the dashboard runs and on who is named in its settings."""
    return (_runs_in(settings), _admins(settings), _user_authorization(settings, token_forwarded), _alerts(channels))


def around_items(around: Surroundings, *, reached: bool) -> tuple[SelfCheckItem, ...]:
    """Return what depends on network and versions; a proxy is only proven by a workspace that was reached."""
    return (_proxy(around, reached=reached), _certificates(around), _versions(around))


def _runs_in(settings: Settings) -> SelfCheckItem:
    remedy = ""
    if settings.inside_databricks_apps:
        verdict, sentence = Verdict.FINE, f"This is the Databricks App {settings.app_name}."
    elif settings.app_name:
        verdict = Verdict.ATTENTION
        sentence = (
            "DATABRICKS_APP_NAME is set and DATABRICKS_CLIENT_ID is not, so this does not count as Databricks Apps."
        )
        remedy = "Unset DATABRICKS_APP_NAME, or have Databricks Apps start this."
    else:
        verdict, sentence = Verdict.NOT_USED, "This runs outside Databricks Apps, as a program of this machine."
    return SelfCheckItem(code="place", name="Databricks Apps", verdict=verdict, sentence=sentence, remedy=remedy)


def _admins(settings: Settings) -> SelfCheckItem:
    remedy = ""
    count = len(settings.admins)
    if not settings.inside_databricks_apps:
        verdict, sentence = Verdict.FINE, "The user of this machine is its admin, on loopback only."
    elif count:
        verdict = Verdict.FINE
        sentence = f"SWITCHYARD_ADMINS has {count} {'entry' if count == 1 else 'entries'}."
    else:
        verdict, sentence = Verdict.ATTENTION, "SWITCHYARD_ADMINS names nobody who may change anything."
        remedy = "Set SWITCHYARD_ADMINS in app.yaml and deploy again."
    return SelfCheckItem(code="admins", name="Admins", verdict=verdict, sentence=sentence, remedy=remedy)


def _user_authorization(settings: Settings, token_forwarded: bool | None) -> SelfCheckItem:
    remedy = ""
    if not settings.inside_databricks_apps:
        verdict, sentence = Verdict.NOT_USED, "Only Databricks Apps forwards people's own tokens."
    elif token_forwarded is None:
        verdict, sentence = Verdict.UNKNOWN, "Whether people's own tokens are forwarded is seen by a page only."
    elif token_forwarded:
        verdict, sentence = Verdict.FINE, "Your own token is forwarded, so routes can be probed as you."
    else:
        verdict, sentence = Verdict.NOT_USED, "Your own token is not forwarded, so nothing can be probed as you."
        remedy = "To have that, switch user authorization on in the app's settings, then stop and start the app."
    return SelfCheckItem(
        code="user_authorization", name="User authorization", verdict=verdict, sentence=sentence, remedy=remedy
    )


def _alerts(channels: int) -> SelfCheckItem:
    """Say who is told; an alerts file that cannot be read ends the start, so one that is set was read."""
    if channels:
        verdict, sentence, remedy = Verdict.FINE, f"Alert channels: {channels}.", ""
    else:
        verdict, sentence = Verdict.NOT_USED, "Nobody is told of incidents."
        remedy = "To have that, set SWITCHYARD_ALERTS to a file of channels and rules (docs/alerts.md)."
    return SelfCheckItem(code="alerts", name="Alerts", verdict=verdict, sentence=sentence, remedy=remedy)


def _proxy(around: Surroundings, *, reached: bool) -> SelfCheckItem:
    variables = {name: value for name, value in around.variables.items() if name.endswith("_PROXY")}
    for_https = variables.get("HTTPS_PROXY") or variables.get("ALL_PROXY")
    told = ", ".join(f"{name} {value}" for name, value in variables.items())
    remedy = ""
    if for_https and reached:
        verdict, sentence = Verdict.FINE, f"In force: {told}."
    elif for_https:
        verdict, sentence = Verdict.UNKNOWN, f"In force, and no workspace was reached through it yet: {told}."
        remedy = "If it stays, check the proxy, or name the workspace in NO_PROXY."
    elif "HTTP_PROXY" in variables:
        verdict, sentence = Verdict.ATTENTION, f"The workspace is asked over https, for which no proxy is set: {told}."
        remedy = "Set HTTPS_PROXY too, if this network needs a proxy."
    else:
        verdict, sentence = Verdict.NOT_USED, "No proxy is set."
    return SelfCheckItem(code="proxy", name="Proxy", verdict=verdict, sentence=sentence, remedy=remedy)


def _certificates(around: Surroundings) -> SelfCheckItem:
    ours, of_sdk = (around.variables.get(name) for name in (_BUNDLE_OF_OURS, _BUNDLE_OF_SDK))
    remedy = ""
    if around.absent_bundles:
        verdict = Verdict.MISSING
        sentence = f"No file is where {' and '.join(sorted(around.absent_bundles))} says."
        remedy = "Set it to a file of PEM certificates, or unset it."
    elif ours and ours != of_sdk:
        # The SDK asks through requests, which does not know SSL_CERT_FILE.
        verdict = Verdict.ATTENTION
        sentence = f"SSL_CERT_FILE is {ours}; the databricks-sdk believes {of_sdk or 'the certificates it comes with'}."
        remedy = "Set REQUESTS_CA_BUNDLE to the same file."
    elif of_sdk:
        verdict, sentence = Verdict.FINE, f"The certificates of {of_sdk} are believed."
    else:
        verdict, sentence = Verdict.NOT_USED, "No bundle is set: the certificates that come with Python are believed."
    return SelfCheckItem(code="certificates", name="Certificates", verdict=verdict, sentence=sentence, remedy=remedy)


def _versions(around: Surroundings) -> SelfCheckItem:
    found = {name: around.versions.get(name) for name in RANGES}
    told = ", ".join(f"{_LABELS[name]} {version}" for name, version in found.items() if version)
    absent = [name for name, version in found.items() if version is None]
    outside = [name for name, version in found.items() if version is not None and not is_within(name, version)]
    if absent:
        verdict, sentence = Verdict.MISSING, f"Not installed: {', '.join(absent)}."
    elif outside:
        wanted = ", ".join(f"{_LABELS[name]} {range_text(name)}" for name in outside)
        verdict, sentence = Verdict.ATTENTION, f"Tested with {wanted}; here: {told}."
    else:
        verdict, sentence = Verdict.FINE, f"{told}."
    remedy = "Install what requirements.txt names, and deploy again." if absent or outside else ""
    return SelfCheckItem(code="versions", name="Versions", verdict=verdict, sentence=sentence, remedy=remedy)
