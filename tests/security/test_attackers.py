"""An attacker's server as gateway, redirect target, agent's base URL, webhook and rebound name: it gets no bearer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest

from core.access.authority import actor_for_command_line
from core.adapters.alert_senders import open_alert_senders
from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import open_sender
from core.adapters.network import Network, anywhere_meant
from core.alerts.words import Origin as AlertOrigin
from core.detect.hosts import GATEWAY_SETTING
from core.detect.trust import make_trust, may_receive_bearer, objection_to_connecting
from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.model.alert import Channel, ChannelKind, Notice, NoticeKind
from core.model.change import ChangeRequest
from core.model.probe import Health
from core.model.secret import Secret
from core.ports import FailureKind, HttpAnswer, HttpFailure, HttpRequest
from core.session import Session, open_session
from core.settings import Settings
from core.settings.homes import homes_below
from core.simulator.server import SimulatedWorkspace
from core.wiring import wired
from tests.core.adapters.test_http_sender import client_context, server_context
from tests.fakes.alerts import an_incident
from tests.fakes.attacker import Answer, Attacker, attacking, redirecting

TOKEN = "dapi-canary-0123456789abcdef0123456789"
STORED = "dapi-stored-0123456789abcdef0123456789"
REBOUND = "gateway.rebound.example.com"
ADA = actor_for_command_line("ada", inside_databricks_apps=False)
Result = TypeVar("Result")


def settings(tmp_path: Path, host: str, **more: object) -> Settings:
    """Return settings of a real workspace at this host, with a token and nothing else."""
    base = Settings(
        host=host,
        token=Secret(TOKEN),
        state_dir=tmp_path / "state",
        agent_homes=homes_below(tmp_path / "home"),
        confirm_delay_s=0,
    )
    return replace(base, **more)


def lay_hermes(base_url: str, tmp_path: Path) -> None:
    """Lay a Hermes config whose base URL is somebody's."""
    home = homes_below(tmp_path / "home")[AgentId.HERMES]
    home.mkdir(parents=True)
    text = f'model:\n  default: "m"\n  provider: custom\n  base_url: "{base_url}"\n  api_key: "{STORED}"\n'
    (home / "config.yaml").write_text(text, encoding="utf-8")


def beside_a_workspace(
    work: Callable[[str, Attacker], Awaitable[Result]], *, answer: Answer | None = None
) -> tuple[Result, Attacker]:
    """Do some work with a simulated workspace on loopback, as the configured one, and an attacker beside it."""

    async def whole() -> tuple[Result, Attacker]:
        async with attacking(answer) as attacker:
            with SimulatedWorkspace("healthy") as workspace:
                return await work(workspace.http_origin, attacker), attacker

    return asyncio.run(whole())


def test_an_explicit_gateway_of_the_environment_gets_nothing_and_ends_the_start(tmp_path: Path) -> None:
    async def work(host: str, attacker: Attacker) -> None:
        made = settings(tmp_path, host, gateway_host=f"http://127.0.0.1:{attacker.port}")
        with pytest.raises(ConfigurationError) as caught, wired(made):
            pass
        assert caught.value.code == "gateway_untrusted"

    _, attacker = beside_a_workspace(work)
    assert attacker.connections == 0


def test_a_gateway_that_somebody_types_gets_nothing(tmp_path: Path) -> None:
    async def work(host: str, attacker: Attacker) -> None:
        url = f"http://127.0.0.1:{attacker.port}/ai-gateway"
        async with open_session(settings(tmp_path, host)) as session:
            await session.detect()
            with pytest.raises(ConfigurationError) as caught:
                await session.plan(ChangeRequest(agent=AgentId.HERMES, target="export", slots={GATEWAY_SETTING: url}))
            assert caught.value.code == "gateway_untrusted"

    _, attacker = beside_a_workspace(work)
    assert attacker.connections == 0


def test_the_base_url_of_an_agents_config_gets_neither_a_token_nor_a_connection(tmp_path: Path) -> None:
    async def work(host: str, attacker: Attacker) -> tuple[Session, list[tuple[Health, str]]]:
        lay_hermes(f"http://127.0.0.1:{attacker.port}/v1", tmp_path)
        async with open_session(settings(tmp_path, host)) as session:
            seen = await session.detect()
            report = await session.probe(seen, agents=[AgentId.HERMES], model=None, all_models=False)
            at_attacker = [one for one in report.results if str(attacker.port) in one.route.base_url]
            return session, [(one.health, one.message) for one in at_attacker]

    (session, verdicts), attacker = beside_a_workspace(work)
    assert verdicts
    for health, message in verdicts:
        assert health is Health.UNKNOWN
        assert message.startswith(f"Not probed: http://127.0.0.1:{attacker.port} is on this machine, but it is neither")
    assert attacker.connections == 0
    assert [host.origin for host in session.trusted.view.refused] == [f"http://127.0.0.1:{attacker.port}"]


def test_a_workspace_that_redirects_everything_leads_no_token_elsewhere(tmp_path: Path) -> None:
    """Detection, listings, identity, probes, and the databricks-sdk, which looks for apps."""

    async def whole() -> tuple[Attacker, Attacker]:
        async with (
            attacking() as attacker,
            attacking(redirecting(f"http://127.0.0.1:{attacker.port}")) as workspace,
            open_session(settings(tmp_path, f"http://127.0.0.1:{workspace.port}")) as session,
        ):
            seen = await session.detect()
            await session.probe(seen, agents=[], model="databricks-claude-opus-4-6", all_models=False)
            await session.places()
            return attacker, workspace

    attacker, workspace = asyncio.run(whole())
    assert workspace.got(TOKEN)
    # The databricks-sdk goes where it is sent, but leaves the token behind.
    assert not attacker.got(TOKEN)


def test_a_gateway_host_that_a_listing_names_gets_nothing(tmp_path: Path) -> None:
    def listing(port: Callable[[], int]) -> Answer:
        def answer(path: str) -> bytes:
            body = json.dumps({"endpoints": [{"name": "e", "ai_gateway_url": f"http://127.0.0.1:{port()}/x"}]}).encode()
            known = path.startswith("/api/ai-gateway/v2/endpoints")
            head = "200 OK" if known else "404 Not Found"
            return (
                f"HTTP/1.1 {head}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n"
            ).encode() + body

        return answer

    async def whole() -> tuple[Attacker, list[str]]:
        async with attacking() as attacker, attacking(listing(lambda: attacker.port)) as workspace:
            async with open_session(settings(tmp_path, f"http://127.0.0.1:{workspace.port}")) as session:
                seen = await session.detect()
            assert seen.gateway is not None
            return attacker, [
                step.reason for step in seen.gateway.trace if str(attacker.port) in (step.candidate or "")
            ]

    attacker, reasons = asyncio.run(whole())
    assert attacker.connections == 0
    assert reasons and all("may not receive the token" in reason for reason in reasons)


def rebound(trusted: str, *, guarded: bool) -> tuple[HttpAnswer | HttpFailure, HttpFailure | None, Attacker]:
    """Ask a host that an admin trusts, whose certificate is good, and whose name leads to this machine now."""

    async def whole() -> tuple[HttpAnswer | HttpFailure, HttpFailure | None, Attacker]:
        async with attacking(tls=server_context(REBOUND)) as attacker:
            trust = make_trust(None, [trusted.format(port=attacker.port)])

            async def look_up(host: str, port: int) -> list[tuple[str, int]]:
                return [("127.0.0.1", port)]

            def rule(host: str, port: int, address: str) -> str | None:
                return objection_to_connecting(host, port, address, trust)

            network = Network(
                ssl_context=client_context(), look_up=look_up, address_rule=rule if guarded else anywhere_meant
            )
            url = f"https://{REBOUND}:{attacker.port}/v1"
            checked = await SocketHostChecker(network, lambda url: may_receive_bearer(url, trust)).check(url)
            async with open_sender(network, lambda url: may_receive_bearer(url, trust)) as sender:
                answer = await sender.send(HttpRequest(method="POST", url=url, body=b"{}", token=Secret(TOKEN)))
            return answer, checked.failure, attacker

    return asyncio.run(whole())


@pytest.mark.parametrize("trusted", [REBOUND + ":{port}", REBOUND + ":{port}=private"])
def test_a_trusted_name_that_was_rebound_to_this_machine_gets_nothing(trusted: str) -> None:
    answer, check, attacker = rebound(trusted, guarded=True)
    assert isinstance(answer, HttpFailure)
    assert check is not None
    for failure in (answer, check):
        assert failure.kind is FailureKind.REFUSED
        assert failure.detail == f"{REBOUND} leads to 127.0.0.1, which is this machine and not that host."
    assert attacker.received == []


def test_without_the_rule_of_addresses_the_same_server_would_get_the_token() -> None:
    answer, _, attacker = rebound(REBOUND + ":{port}", guarded=False)
    assert isinstance(answer, HttpAnswer)
    assert attacker.got(TOKEN)


def test_a_webhook_gets_its_notice_and_no_bearer() -> None:
    async def whole() -> Attacker:
        at = datetime(2030, 1, 2, tzinfo=UTC)
        notice = Notice(id="n", kind=NoticeKind.OPENED, channel="ops", rule="all", at=at, incident=an_incident())
        async with (
            attacking() as attacker,
            open_alert_senders(Network(), lambda: AlertOrigin(workspace="https://ws.example.com")) as senders,
        ):
            url = f"http://127.0.0.1:{attacker.port}/in"
            channel = Channel(
                name="ops", kind=ChannelKind.WEBHOOK, place="127.0.0.1", url=url, secret=Secret("a-signing-key")
            )
            await senders[ChannelKind.WEBHOOK].send(channel, notice, at)
        return attacker

    attacker = asyncio.run(whole())
    assert attacker.connections == 1
    assert b"authorization" not in attacker.received[0].lower()
    assert not attacker.got("a-signing-key")


def test_a_host_that_an_admin_trusts_gets_the_token_of_its_agent_and_none_after_it_is_revoked(tmp_path: Path) -> None:
    """The other side of it all: trust works, and only as long as it lasts."""

    async def work(host: str, attacker: Attacker) -> list[int]:
        lay_hermes(f"http://127.0.0.1:{attacker.port}/v1", tmp_path)
        counts = []
        async with open_session(settings(tmp_path, host)) as session:
            seen = await session.detect()
            for step in (None, "add", "revoke"):
                if step == "add":
                    session.trusted.add(f"http://127.0.0.1:{attacker.port}", private=False, reason="r", actor=ADA)
                elif step == "revoke":
                    session.trusted.revoke(f"http://127.0.0.1:{attacker.port}", reason="r", actor=ADA)
                before = len(attacker.received)
                await session.probe(seen, agents=[AgentId.HERMES], model=None, all_models=False)
                counts.append(len(attacker.received) - before)
        return counts

    counts, attacker = beside_a_workspace(work)
    assert (counts[0], counts[2]) == (0, 0)
    assert counts[1] > 0
    assert attacker.got(STORED)
