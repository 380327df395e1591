"""Turn what the databricks-sdk raises about apps and workspace files into one sentence, a code and a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.catalog.redact import redact
from core.errors import ChangeError, SwitchyardError

_LONGEST = 200
# A poll that meets one of these asks again until its deadline; the deployment itself goes on without us.
TRANSIENT = frozenset({"workspace_unreachable", "workspace_throttled"})
# After one of these it is not known whether the workspace did what it was asked to do.
UNANSWERED = frozenset({"workspace_unreachable", "workspace_odd_answer"})
_BUSY = ("in progress", "pending deployment", "being deployed")
_DEAD = ("invalid access token", "token is expired", "token expired", "credential was not sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a call was about: `act` completes "asked to …", `grant` is the right it needs, `missing` a sentence."""

    act: str
    grant: str
    missing: str


ABOUT_LIST = About(
    act="list the apps", grant="access to the workspace's apps", missing="The workspace has no Databricks Apps."
)


def about_app(name: str, act: str) -> About:
    """Describe a call about an app."""
    return About(
        act=f"{act} the app {name}",
        grant=f"CAN_MANAGE on the app {name}",
        missing=f"There is no app named {name}, or it may not be seen with this credential.",
    )


def about_file(path: str, act: str) -> About:
    """Describe a call about a workspace file or folder."""
    right = "CAN_EDIT" if act == "write" else "CAN_READ"
    folder = path.rpartition("/")[0] or path
    return About(act=f"{act} {path}", grant=f"{right} on the folder {folder}", missing=f"{path} does not exist.")


@contextmanager
def translated(about: About) -> Iterator[None]:
    """Raise ChangeError instead of whatever the SDK, its HTTP library or our credential raises inside."""
    from databricks.sdk.errors.base import DatabricksError
    from requests import JSONDecodeError, RequestException

    try:
        yield
    except ChangeError:
        raise
    except SwitchyardError as exc:
        raise ChangeError(exc.message, code=exc.code, remedy=exc.remedy) from exc
    except DatabricksError as exc:
        raise _of_platform(exc, about) from exc
    except JSONDecodeError as exc:
        raise _odd(about) from exc
    except (RequestException, TimeoutError) as exc:
        raise _unreachable(about) from exc
    # What the SDK lets through for answers of another shape than it expects (a list, a missing key, JSON too deep).
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as exc:
        raise _odd(about) from exc


def _of_platform(exc: Exception, about: About) -> ChangeError:
    """Return the error for an answer of the platform, most specific first."""
    from databricks.sdk import errors

    said = _said(exc)
    lower = said.lower()
    if isinstance(exc, errors.Unauthenticated) or any(phrase in lower for phrase in _DEAD):
        return ChangeError(
            f"The workspace did not accept the credential with which to {about.act}.",
            code="credential_dead",
            remedy="Renew the dashboard's credential, and check that it belongs to this workspace.",
        )
    if isinstance(exc, errors.PermissionDenied):
        return ChangeError(
            f"The dashboard's identity is not allowed to {about.act}.",
            code="app_forbidden",
            remedy=f"Grant it {about.grant}, then plan again.",
        )
    if isinstance(exc, errors.ResourceAlreadyExists | errors.AlreadyExists):
        return _refused(about, said)
    if isinstance(exc, errors.ResourceConflict) or any(phrase in lower for phrase in _BUSY):
        return ChangeError(
            "Another deployment of the app is in progress.",
            code="app_busy",
            remedy="Wait until it has ended, then plan again.",
        )
    if isinstance(exc, errors.NotFound):
        return ChangeError(about.missing, code="app_missing", remedy="Check the name, and who may see it.")
    return _of_service(exc, about, said)


def _of_service(exc: Exception, about: About, said: str) -> ChangeError:
    from databricks.sdk import errors

    if isinstance(exc, errors.TooManyRequests):
        return ChangeError(
            f"The workspace is throttling the attempt to {about.act}.",
            code="workspace_throttled",
            remedy="Wait a minute, then try again.",
        )
    if isinstance(exc, errors.InternalError | errors.TemporarilyUnavailable | errors.DeadlineExceeded):
        return _unreachable(about)
    return _refused(about, said)


def _refused(about: About, said: str) -> ChangeError:
    return ChangeError(
        f"The workspace refused to {about.act}: {said or 'it gave no reason'}.",
        code="app_refused",
        remedy="Correct what it names, then plan again.",
    )


def _odd(about: About) -> ChangeError:
    return ChangeError(
        f"The workspace's answer to the attempt to {about.act} could not be understood.",
        code="workspace_odd_answer",
        remedy="Check that this is the workspace's own URL and that no proxy answers in its place.",
    )


def _unreachable(about: About) -> ChangeError:
    return ChangeError(
        f"The workspace did not answer properly when it was asked to {about.act}.",
        code="workspace_unreachable",
        remedy="Check the network path to the workspace, then try again.",
    )


def _said(exc: Exception) -> str:
    text = redact(" ".join(str(exc).split()))
    return (text[:_LONGEST] + "…" if len(text) > _LONGEST else text).rstrip(".")
