"""Every due notice reaches its channel once, whatever fails in between: the receiver, the store, the process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import pytest

from core.alerts.dispatcher import Dispatcher
from core.alerts.sending import Attempt, Sender
from core.errors import ConfigurationError
from core.model.alert import AlertRule, AlertSettings, Channel, ChannelKind, Delivery, DeliveryState, Notice, NoticeKind
from core.model.incident import Incident
from tests.fakes.alerts import (
    NOON,
    REFUSED,
    SENT,
    MemoryDeliveries,
    ScriptedSender,
    a_channel,
    an_incident,
    ended,
    settings_of,
)
from tests.fakes.network import FakeClock

T = TypeVar("T")

EVERYBODY = AlertRule(name="all", channels=("ops",))


class Watch:
    """A monitor's side: the incidents that last, those that the store knows, and the time."""

    def __init__(self, *lasting: Incident, store: MemoryDeliveries | None = None) -> None:
        self.lasting: list[Incident] | None = list(lasting)
        self.known = {incident.id: incident for incident in lasting}
        self.store = store or MemoryDeliveries()
        self.clock = FakeClock(NOON + timedelta(minutes=1))

    def dispatcher(self, sender: Sender, settings: AlertSettings | None = None) -> Dispatcher:
        """Return a dispatcher as a new process would have it."""
        return Dispatcher(
            settings or settings_of(EVERYBODY),
            store=self.store,
            senders=dict.fromkeys(ChannelKind, sender),
            clock=self.clock,
            open_incidents=lambda: self.lasting,
            incident_of=self.known.get,
        )

    def resolve(self, dispatcher: Dispatcher | None = None) -> None:
        """Let everything recover; without a dispatcher nobody notices."""
        over = [ended(incident) for incident in self.lasting or ()]
        self.lasting = []
        self.known |= {incident.id: incident for incident in over}
        if dispatcher:
            dispatcher.take([(NoticeKind.RESOLVED, incident) for incident in over])


async def look(dispatcher: Dispatcher) -> None:
    await dispatcher.look()
    await dispatcher.settle()
    await dispatcher.look()
    await dispatcher.settle()


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def whole() -> T:
        return await work()

    return asyncio.run(whole())


async def ended_by_cancelling(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()


def kinds(notices: Sequence[Notice | Delivery]) -> list[NoticeKind]:
    return [notice.kind for notice in notices]


def states(deliveries: Sequence[Delivery]) -> list[tuple[NoticeKind, DeliveryState]]:
    return [(item.kind, item.state) for item in deliveries]


def test_an_incident_is_sent_and_kept() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender()

    async def work() -> None:
        dispatcher = watch.dispatcher(sender)
        await look(dispatcher)
        assert states(dispatcher.deliveries()) == [(NoticeKind.OPENED, DeliveryState.SENT)]

    run(work)
    assert kinds(sender.notices) == [NoticeKind.OPENED]
    assert [item.state for item in watch.store.kept.values()] == [DeliveryState.SENT]


def test_its_end_is_sent_too() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender()

    async def work() -> None:
        dispatcher = watch.dispatcher(sender)
        await look(dispatcher)
        watch.resolve(dispatcher)
        watch.clock.move(60)
        await look(dispatcher)

    run(work)
    assert kinds(sender.notices) == [NoticeKind.OPENED, NoticeKind.RESOLVED]


def test_a_failed_try_is_repeated_when_its_pause_is_over_and_not_before() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender(REFUSED, REFUSED, SENT)
    tries = []

    async def work() -> None:
        dispatcher = watch.dispatcher(sender)
        for seconds in (0, 9, 1, 59, 1):
            watch.clock.move(seconds)
            await look(dispatcher)
            tries.append(len(sender.notices))
        assert dispatcher.deliveries()[0].attempts == 3

    run(work)
    assert tries == [1, 1, 2, 2, 3]
    assert len({notice.id for notice in sender.notices}) == 1


def test_a_receiver_that_never_works_is_given_up_and_shown_as_failed() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender(REFUSED)

    async def work() -> tuple[Delivery, ...]:
        dispatcher = watch.dispatcher(sender)
        for _ in range(20):
            await look(dispatcher)
            watch.clock.move(900)
        return dispatcher.deliveries()

    (delivery,) = run(work)
    assert (delivery.state, delivery.attempts, delivery.detail) == (DeliveryState.FAILED, 5, REFUSED.detail)
    assert len(sender.notices) == 5


def test_a_fault_of_ours_is_a_failed_try_and_shows() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender(RuntimeError("a bug"), SENT)

    async def work() -> list[str]:
        dispatcher = watch.dispatcher(sender)
        await look(dispatcher)
        details = [dispatcher.deliveries()[0].detail]
        watch.clock.move(10)
        await look(dispatcher)
        return [*details, dispatcher.deliveries()[0].state]

    assert run(work) == ["Switchyard itself failed to send this; its log says why.", DeliveryState.SENT]


def test_an_end_takes_the_place_of_a_beginning_that_could_not_be_sent() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender(REFUSED, SENT)

    async def work() -> tuple[Delivery, ...]:
        dispatcher = watch.dispatcher(sender)
        await look(dispatcher)
        watch.resolve(dispatcher)
        watch.clock.move(60)
        await look(dispatcher)
        return dispatcher.deliveries()

    assert states(run(work)) == [
        (NoticeKind.RESOLVED, DeliveryState.SENT),
        (NoticeKind.OPENED, DeliveryState.FAILED),
    ]
    assert kinds(sender.notices) == [NoticeKind.OPENED, NoticeKind.RESOLVED]


def test_what_is_over_is_not_announced_where_ends_are_not_told() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender(REFUSED, SENT)

    async def work() -> tuple[Delivery, ...]:
        dispatcher = watch.dispatcher(sender, settings_of(replace(EVERYBODY, resolved=False)))
        await look(dispatcher)
        watch.resolve(dispatcher)
        watch.clock.move(60)
        await look(dispatcher)
        return dispatcher.deliveries()

    (delivery,) = run(work)
    assert (delivery.state, delivery.detail) == (
        DeliveryState.FAILED,
        "The incident was over before this could be sent.",
    )
    assert len(sender.notices) == 1


def test_a_restart_does_not_repeat_what_was_sent() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender()
    for _ in range(3):
        run(lambda: look(watch.dispatcher(sender)))
    assert kinds(sender.notices) == [NoticeKind.OPENED]


def test_a_restart_goes_on_with_what_was_waiting() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender(REFUSED, SENT)
    run(lambda: look(watch.dispatcher(sender)))
    watch.clock.move(60)
    run(lambda: look(watch.dispatcher(sender)))
    assert [(item.state, item.attempts) for item in watch.store.kept.values()] == [(DeliveryState.SENT, 2)]


def test_an_end_that_nobody_saw_is_told_after_the_restart() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender()
    run(lambda: look(watch.dispatcher(sender)))
    watch.resolve()
    watch.clock.move(3600)
    run(lambda: look(watch.dispatcher(sender)))
    run(lambda: look(watch.dispatcher(sender)))
    assert kinds(sender.notices) == [NoticeKind.OPENED, NoticeKind.RESOLVED]


def test_an_end_of_long_ago_is_not_news() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender()
    run(lambda: look(watch.dispatcher(sender)))
    watch.resolve()
    watch.clock.move(3 * 86_400)
    run(lambda: look(watch.dispatcher(sender)))
    assert kinds(sender.notices) == [NoticeKind.OPENED]


def test_a_follower_sends_nothing() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender()
    watch.lasting = None
    run(lambda: look(watch.dispatcher(sender)))
    assert sender.notices == []


def test_who_comes_in_charge_repeats_nothing_and_takes_over_what_was_left_lying() -> None:
    watch, failing, working = Watch(an_incident()), ScriptedSender(REFUSED), ScriptedSender()

    async def work() -> None:
        leader, follower = watch.dispatcher(failing), watch.dispatcher(working)
        watch.lasting = None
        await look(follower)
        watch.lasting = [an_incident()]
        await look(leader)
        watch.clock.move(20)
        await look(follower)
        assert working.notices == []
        watch.clock.move(60)
        await look(follower)

    run(work)
    assert (kinds(failing.notices), kinds(working.notices)) == ([NoticeKind.OPENED], [NoticeKind.OPENED])


def test_with_the_store_down_alerts_are_sent_once_and_kept_when_it_is_back() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender()
    watch.store.is_down = True

    async def work() -> None:
        dispatcher = watch.dispatcher(sender)
        for _ in range(3):
            await look(dispatcher)
            watch.clock.move(40)
        assert watch.store.kept == {}
        watch.store.is_down = False
        await look(dispatcher)

    run(work)
    assert len(sender.notices) == 1
    assert [item.state for item in watch.store.kept.values()] == [DeliveryState.SENT]


class HangingDeliveries(MemoryDeliveries):
    """A database that takes a connection and never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.freed = threading.Event()

    def _check(self) -> None:
        self.freed.wait(60)


def test_a_store_that_hangs_holds_up_no_alert() -> None:
    store = HangingDeliveries()
    watch, sender = Watch(an_incident(), store=store), ScriptedSender()

    async def work() -> None:
        dispatcher = watch.dispatcher(sender)
        await dispatcher.look()
        while not sender.notices:
            await asyncio.sleep(0)
        store.freed.set()
        await dispatcher.settle()

    asyncio.run(asyncio.wait_for(work(), 20))
    assert kinds(sender.notices) == [NoticeKind.OPENED]


def test_a_channel_that_hangs_holds_up_no_other() -> None:
    watch = Watch(an_incident())
    rule = replace(EVERYBODY, channels=("stuck", "ops"))
    channels = (a_channel("stuck", ChannelKind.WEBHOOK), a_channel("ops"))

    async def work() -> list[tuple[str, NoticeKind]]:
        never = asyncio.Event()

        class Stuck(ScriptedSender):
            async def send(self, channel: Channel, notice: Notice, now: datetime) -> Attempt:
                await never.wait()
                return SENT

        working = ScriptedSender()
        dispatcher = Dispatcher(
            settings_of(rule, channels=channels),
            store=watch.store,
            senders={ChannelKind.WEBHOOK: Stuck(), ChannelKind.SLACK: working},
            clock=watch.clock,
            open_incidents=lambda: watch.lasting,
            incident_of=watch.known.get,
        )
        await dispatcher.look()
        while not working.notices:
            await asyncio.sleep(0)
        watch.resolve(dispatcher)
        watch.clock.move(60)
        while len(working.notices) < 2:
            await dispatcher.look()
            await asyncio.sleep(0)
        never.set()
        await dispatcher.settle()
        return [(item.channel, item.kind) for item in dispatcher.deliveries() if item.channel == "ops"]

    assert run(work) == [("ops", NoticeKind.RESOLVED), ("ops", NoticeKind.OPENED)]


def test_a_channel_that_was_removed_from_the_file_is_given_up() -> None:
    watch, sender = Watch(an_incident()), ScriptedSender(REFUSED)
    run(lambda: look(watch.dispatcher(sender)))
    watch.clock.move(60)
    run(lambda: look(watch.dispatcher(sender, settings_of(AlertRule(name="new", channels=("other",))))))
    states_by_channel = {item.channel: item.detail for item in watch.store.kept.values()}
    assert states_by_channel["ops"] == "There is no channel of this name any more."


def test_a_test_message_is_sent_once_and_kept() -> None:
    watch, sender = Watch(), ScriptedSender(REFUSED)

    async def work() -> Delivery:
        dispatcher = watch.dispatcher(sender)
        delivery = await dispatcher.test("ops")
        watch.clock.move(3600)
        await look(dispatcher)
        return delivery

    delivery = run(work)
    assert (delivery.kind, delivery.state, delivery.detail) == (NoticeKind.TEST, DeliveryState.FAILED, REFUSED.detail)
    assert (len(sender.notices), list(watch.store.kept.values())) == (1, [delivery])


def test_a_test_of_an_unknown_channel_names_the_known_ones() -> None:
    async def work() -> None:
        with pytest.raises(ConfigurationError) as caught:
            await Watch().dispatcher(ScriptedSender()).test("nobody")
        assert (caught.value.code, caught.value.remedy) == ("unknown_channel", "Name one of: ops.")

    run(work)


def test_the_loop_sends_as_soon_as_something_is_taken_and_ends_when_cancelled_at_that_moment() -> None:
    watch = Watch()

    async def work() -> list[NoticeKind]:
        sender = ScriptedSender()
        dispatcher = watch.dispatcher(sender)
        task = asyncio.get_running_loop().create_task(dispatcher.run())
        await asyncio.sleep(0)
        watch.lasting = [an_incident()]
        dispatcher.take([(NoticeKind.OPENED, an_incident())])
        while not sender.notices:
            await asyncio.sleep(0)
        await ended_by_cancelling(task)
        return kinds(sender.notices)

    assert asyncio.run(asyncio.wait_for(work(), 10)) == [NoticeKind.OPENED]


def test_a_fault_in_looking_does_not_end_the_loop() -> None:
    async def work() -> int:
        sender, looks = ScriptedSender(), 0

        def incidents() -> list[Incident]:
            nonlocal looks
            looks += 1
            if looks == 1:
                raise RuntimeError("a bug")
            return [an_incident()]

        dispatcher = Dispatcher(
            settings_of(EVERYBODY),
            store=MemoryDeliveries(),
            senders={ChannelKind.SLACK: sender},
            clock=FakeClock(NOON),
            open_incidents=incidents,
            incident_of=lambda _id: None,
        )
        task = asyncio.get_running_loop().create_task(dispatcher.run())
        while not looks:
            await asyncio.sleep(0)
        dispatcher.take([(NoticeKind.OPENED, an_incident())])
        while not sender.notices:
            await asyncio.sleep(0)
        await ended_by_cancelling(task)
        return len(sender.notices)

    assert asyncio.run(asyncio.wait_for(work(), 10)) == 1
