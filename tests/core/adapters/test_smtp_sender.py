"""Mail to a real SMTP server on loopback: TLS, passwords, refusals, and servers that never answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from core.adapters.smtp_sender import SmtpSender
from core.alerts.sending import Attempt
from core.alerts.words import Origin
from core.model.alert import Channel, ChannelKind, Notice, NoticeKind
from core.model.secret import Secret
from tests.fakes.alerts import NOON, an_incident

AUTHORITY = trustme.CA()
PASSWORD = "made-up-password"
MAIL = Channel(
    name="mail",
    kind=ChannelKind.EMAIL,
    place="2 recipients through localhost",
    host="localhost",
    user="switchyard",
    secret=Secret(PASSWORD),
    sender="switchyard@example.com",
    recipients=("oncall@example.com", "lead@example.com"),
)
NOTICE = Notice(
    id="inc-1/mail/down", kind=NoticeKind.OPENED, channel="mail", rule="all", at=NOON, incident=an_incident()
)


class Mailbox:
    """What the server took; receivers whose name begins with `no` are refused."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.greetings: list[str] = []

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("no"):
            return "550 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        self.greetings.append(str(session.host_name))
        return "250 taken"


def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
    known = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
    return AuthResult(success=known, handled=False)


def server_context(name: str = "localhost") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None, auth_required: bool = True) -> Iterator[tuple[Mailbox, int]]:
    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=authenticate,
        auth_required=auth_required and tls is not None,
        auth_require_tls=True,
    )
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()


def send(channel: Channel, *, step_s: float = 5.0, total_s: float = 10.0) -> Attempt:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    sender = SmtpSender(context, Origin, step_s=step_s, total_s=total_s)
    return asyncio.run(sender.send(channel, NOTICE, NOON))


def test_a_mail_is_taken_after_tls_and_password() -> None:
    with mail_server(tls=server_context()) as (mailbox, port):
        attempt = send(replace(MAIL, port=port))
    assert attempt == Attempt(sent=True, detail="localhost took the mail.")
    (envelope,) = mailbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (MAIL.sender, list(MAIL.recipients))
    assert isinstance(envelope.content, bytes)
    assert b"Subject: Down: Hermes, Model at " in envelope.content
    assert mailbox.greetings == ["example.com"]


def test_a_server_without_tls_gets_neither_password_nor_mail() -> None:
    with mail_server(tls=None) as (mailbox, port):
        attempt = send(replace(MAIL, port=port))
    assert not attempt.sent
    assert attempt.detail.startswith(
        "2 recipients through localhost: the server does not offer what is needed (STARTTLS"
    )
    assert mailbox.envelopes == []


def test_a_relay_without_tls_and_password_is_used_where_the_file_says_so() -> None:
    with mail_server(tls=None) as (mailbox, port):
        attempt = send(replace(MAIL, port=port, starttls=False, user="", secret=None))
    assert attempt.sent
    assert len(mailbox.envelopes) == 1


def test_a_server_that_cannot_prove_its_name_gets_no_password() -> None:
    with mail_server(tls=server_context("mail.example.com")) as (mailbox, port):
        attempt = send(replace(MAIL, port=port))
    assert not attempt.sent
    assert "the TLS handshake failed (Hostname mismatch" in attempt.detail
    assert mailbox.envelopes == []


def test_a_wrong_password_is_reported_without_it() -> None:
    with mail_server(tls=server_context()) as (_, port):
        attempt = send(replace(MAIL, port=port, secret=Secret("made-up-and-wrong")))
    assert attempt.detail == "2 recipients through localhost: the user name and password were not accepted (535)."


def test_a_receiver_that_is_refused_is_named_and_the_others_get_the_mail() -> None:
    with mail_server(tls=server_context()) as (mailbox, port):
        attempt = send(replace(MAIL, port=port, recipients=("oncall@example.com", "nobody@example.com")))
    assert attempt == Attempt(sent=True, detail="localhost took the mail, but not for nobody@example.com.")
    assert mailbox.envelopes[0].rcpt_tos == ["oncall@example.com"]


def test_a_mail_that_nobody_may_have_has_failed() -> None:
    with mail_server(tls=server_context()) as (_, port):
        attempt = send(replace(MAIL, port=port, recipients=("nobody@example.com",)))
    assert (attempt.sent, attempt.detail) == (
        False,
        "2 recipients through localhost: every recipient was refused (550).",
    )


def test_a_server_that_is_not_there_is_a_failed_try() -> None:
    with mail_server(tls=None) as (_, port):
        pass
    attempt = send(replace(MAIL, port=port))
    assert attempt.detail == "2 recipients through localhost: cannot be reached (connection refused)."


@contextmanager
def silent_server(greeting: bytes = b"") -> Iterator[int]:
    """Take connections, greet if there is something to say, and then say nothing more."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting)
                over.wait(30)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
            thread.join(5)


def test_a_server_that_never_greets_is_left_in_time() -> None:
    with silent_server() as port:
        attempt = send(replace(MAIL, port=port), step_s=0.1)
    assert attempt.detail == "2 recipients through localhost: no answer in time."


def test_a_mail_that_takes_too_long_in_all_is_left_though_every_step_is_in_time() -> None:
    with silent_server(b"220-wait\r\n") as port:
        begun = monotonic()
        attempt = send(replace(MAIL, port=port), step_s=20.0, total_s=0.2)
        assert monotonic() - begun < 10
    assert attempt.detail == "2 recipients through localhost: the mail was not taken within 0.2 s."
