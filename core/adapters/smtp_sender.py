"""Send notices as mail with the standard library's SMTP client, in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
import threading
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage

from core.alerts.message import mail_of
from core.alerts.sending import Attempt
from core.alerts.words import Origin, line
from core.catalog.redact import redact
from core.model.alert import Channel, Notice

_STEP_S = 10.0
_TOTAL_S = 30.0
# Mail submission over TLS from the first byte (RFC 8314); every other port begins in the clear.
_IMPLICIT_TLS_PORT = 465


class SmtpSender:
    """Fulfil the Sender port for mail; a password never leaves before the server has proved who it is."""

    def __init__(
        self,
        ssl_context: ssl.SSLContext,
        origin: Callable[[], Origin],
        *,
        step_s: float = _STEP_S,
        total_s: float = _TOTAL_S,
    ) -> None:
        self._ssl_context = ssl_context
        self._origin = origin
        self._step_s = step_s
        self._total_s = total_s

    async def send(self, channel: Channel, notice: Notice, now: datetime) -> Attempt:
        """Send a notice once; see the port."""
        mail = mail_of(notice, channel, self._origin(), now)
        try:
            async with asyncio.timeout(self._total_s):
                return await _in_thread(lambda: self._sent(channel, mail))
        except TimeoutError:
            return Attempt(sent=False, detail=f"{channel.place}: the mail was not taken within {self._total_s:g} s.")

    def _sent(self, channel: Channel, mail: EmailMessage) -> Attempt:
        try:
            with self._connected(channel) as smtp:
                if channel.starttls and channel.port != _IMPLICIT_TLS_PORT:
                    smtp.starttls(context=self._ssl_context)
                if channel.user and channel.secret:
                    smtp.login(channel.user, channel.secret.reveal())
                refused = smtp.send_message(mail, channel.sender, channel.recipients)
        except (OSError, smtplib.SMTPException, ValueError) as exc:
            return Attempt(sent=False, detail=f"{channel.place}: {_reason(exc, channel)}.")
        some = f", but not for {', '.join(sorted(refused))}" if refused else ""
        return Attempt(sent=True, detail=f"{channel.host} took the mail{some}.")

    def _connected(self, channel: Channel) -> smtplib.SMTP:
        # The name that we greet with; the library would ask the name service who this machine is.
        greeting = channel.sender.rpartition("@")[2]
        if channel.port == _IMPLICIT_TLS_PORT:
            return smtplib.SMTP_SSL(
                channel.host, channel.port, greeting, timeout=self._step_s, context=self._ssl_context
            )
        return smtplib.SMTP(channel.host, channel.port, greeting, timeout=self._step_s)


async def _in_thread(work: Callable[[], Attempt]) -> Attempt:
    """Run work in a daemon thread: one that hangs must hold up neither the loop's end nor the process'."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Attempt] = loop.create_future()

    def settle(attempt: Attempt | Exception) -> None:
        if ended.done():
            return
        if isinstance(attempt, Exception):
            ended.set_exception(attempt)
        else:
            ended.set_result(attempt)

    def run() -> None:
        outcome: Attempt | Exception
        try:
            outcome = work()
        except Exception as exc:
            # The thread's own edge: whoever waits must hear of a fault of ours too.
            outcome = exc
        with contextlib.suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=run, name="switchyard-mail", daemon=True).start()
    return await ended


def _reason(exc: Exception, channel: Channel) -> str:
    """Return a clause for people; what the server says is shown only where no password has been sent to it."""
    match exc:
        case smtplib.SMTPAuthenticationError():
            return f"the user name and password were not accepted ({exc.smtp_code})"
        case smtplib.SMTPRecipientsRefused():
            return (
                f"every recipient was refused ({', '.join(sorted({str(said[0]) for said in exc.recipients.values()}))})"
            )
        case smtplib.SMTPNotSupportedError():
            return f"the server does not offer what is needed ({line(str(exc))})"
        case smtplib.SMTPResponseException():
            return f"the server refused ({exc.smtp_code}: {_quoted(exc.smtp_error, channel)})"
        case ssl.SSLError():
            return f"the TLS handshake failed ({line(getattr(exc, 'verify_message', '') or exc.reason or 'no reason')})"
        case TimeoutError():
            return "no answer in time"
        case smtplib.SMTPServerDisconnected(__context__=TimeoutError()):
            # smtplib calls a read that timed out a connection that was closed.
            return "no answer in time"
        case smtplib.SMTPServerDisconnected():
            return "the server closed the connection"
        case OSError() if exc.strerror:
            return f"cannot be reached ({line(exc.strerror.lower())})"
        case _:
            return f"the mail could not be sent ({type(exc).__name__})"


def _quoted(said: bytes | str, channel: Channel) -> str:
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return line(redact(text, [channel.secret] if channel.secret else []))[:120]
