"""The dashboard's own credential: a token as it is, or whatever else the databricks-sdk can turn into one."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from core.adapters.beside import beside
from core.errors import ConfigurationError, UpstreamError
from core.model.secret import Secret
from core.settings import Settings

if TYPE_CHECKING:
    from databricks.sdk.config import Config

# The SDK's default budget for retries is 300 s, which would hold up detection for minutes (databricks.md §5.3).
_SDK_TIMEOUT_S = 5

# What keeps everybody else from waiting: the SDK asks for tokens without any timeout (oauth.retrieve_token, 0.156).
_PATIENCE_S = 10.0

# What the SDK lets through when an answer is not what it expects: also KeyError for a refusal without a Content-Type
# and NotImplementedError for a token without its fields (oauth.retrieve_token, 0.156). RecursionError is JSON too deep.
_SDK_ERRORS = (ValueError, OSError, KeyError, NotImplementedError, RecursionError)


class StaticToken:
    """Give out one token that was configured."""

    def __init__(self, token: Secret, source: str) -> None:
        self._token = token
        self._source = source

    def token(self) -> Secret:
        """Return it."""
        return self._token

    @property
    def description(self) -> str:
        """Say where it was configured."""
        return f"token from {self._source}"


class SdkCredentials:
    """Let the databricks-sdk find and refresh the credential; it is imported on first use (1.2 s, 80 MB)."""

    def __init__(self, settings: Settings, origin: str, *, patience_s: float = _PATIENCE_S) -> None:
        self._settings = settings
        self._origin = origin
        self._patience_s = patience_s
        self._config: Config | None = None
        self._lock = threading.Lock()
        self._asked: Future[Secret] | None = None

    def token(self) -> Secret:
        """Return a fresh bearer token; blocks while the SDK talks to the workspace, but not for minutes."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = beside(self._ask, name="switchyard-credential")
            asked = self._asked
        try:
            return asked.result(self._patience_s)
        except TimeoutError as exc:
            raise _unreachable(self._origin, self.description) from exc

    def _ask(self) -> Secret:
        from requests import ConnectionError as NotConnected
        from requests import Timeout

        config = self._load()
        try:
            header = config.authenticate().get("Authorization", "")
        except (NotConnected, Timeout) as exc:
            raise _unreachable(self._origin, self.description) from exc
        except _SDK_ERRORS as exc:
            raise _refused(self.description) from exc
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise ConfigurationError(
                f"The credential in use ({self.description}) is not a bearer token.",
                code="credential_unsupported",
                remedy="Use a personal access token, an OAuth service principal or a CLI login.",
            )
        return Secret(token)

    @property
    def description(self) -> str:
        """Say which kind of credential the SDK found."""
        if self._is_service_principal:
            return f"service principal {self._settings.client_id}"
        kind = (self._config.auth_type if self._config else None) or self._settings.auth_type
        return f"{kind} login" if kind else "login of the databricks-sdk"

    @property
    def _is_service_principal(self) -> bool:
        given = self._settings
        return bool(given.client_id and given.client_secret) and given.auth_type in (None, "oauth-m2m")

    def _load(self) -> Config:
        if self._config is not None:
            return self._config
        from databricks.sdk.config import Config

        # Its warnings about optional host metadata are ours to tell, in the detection trace.
        logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
        settings = self._settings
        try:
            self._config = Config(
                host=self._origin,
                client_id=settings.client_id,
                client_secret=settings.client_secret.reveal() if settings.client_secret else None,
                token=settings.token.reveal() if settings.token else None,
                # Named, so that variables of other tools (ARM_CLIENT_ID …) are not taken for a second credential.
                auth_type=settings.auth_type or ("oauth-m2m" if self._is_service_principal else None),
                profile=settings.profile,
                http_timeout_seconds=_SDK_TIMEOUT_S,
                retry_timeout_seconds=_SDK_TIMEOUT_S,
            )
        except _SDK_ERRORS as exc:
            if self._is_service_principal:
                # Its secret has not been shown to anybody yet: what failed is finding out where to show it.
                raise _unreachable(self._origin, self.description) from exc
            raise ConfigurationError(
                "No credential for the workspace was found.",
                code="credential_missing",
                remedy="Set DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, "
                "or log in with the Databricks CLI.",
            ) from exc
        return self._config


def _unreachable(origin: str, description: str) -> UpstreamError:
    return UpstreamError(
        f"{origin} did not answer when it was asked for a token for the {description}.",
        code="workspace_unreachable",
        remedy="Check that this is the workspace's own URL and the network path from here, or set DATABRICKS_TOKEN.",
    )


def _refused(description: str) -> UpstreamError:
    return UpstreamError(
        f"The workspace did not give out a token for the {description}.",
        code="credential_dead",
        remedy="Renew the credential, and check that it belongs to this workspace.",
    )


def credentials_for(settings: Settings, origin: str) -> StaticToken | SdkCredentials:
    """Return the credential that these settings name."""
    if settings.token is not None and settings.auth_type in (None, "pat"):
        return StaticToken(settings.token, settings.token_source)
    return SdkCredentials(settings, origin)
