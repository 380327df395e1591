"""What a try amounts to: sent, again later, or given up."""

from __future__ import annotations

from datetime import timedelta

from core.alerts.decide import due, probe_of_channel
from core.alerts.outcome import TRIES, after, delivery_of
from core.alerts.sending import Attempt
from core.model.alert import AlertRule, Delivery, DeliveryState
from tests.fakes.alerts import NOON, REFUSED, SENT, an_incident, settings_of


def first() -> Delivery:
    (notice,) = due([an_incident()], [], settings_of(AlertRule(name="all", channels=("ops",))), NOON)
    return delivery_of(notice)


def test_a_new_delivery_is_due_at_once() -> None:
    assert (first().state, first().attempts, first().next_at) == (DeliveryState.WAITING, 0, NOON)


def test_a_delivery_that_was_taken_is_over() -> None:
    delivery = after(first(), SENT, NOON)
    assert (delivery.state, delivery.attempts, delivery.next_at) == (DeliveryState.SENT, 1, None)


def test_failed_tries_are_repeated_with_growing_pauses_and_given_up_after_the_fifth() -> None:
    delivery, pauses = first(), []
    while delivery.state is DeliveryState.WAITING:
        delivery = after(delivery, REFUSED, NOON)
        pauses.append((delivery.next_at - NOON).total_seconds() if delivery.next_at else None)
    assert pauses == [10.0, 60.0, 300.0, 900.0, None]
    assert (delivery.state, delivery.attempts, delivery.detail) == (DeliveryState.FAILED, TRIES, REFUSED.detail)


def test_a_receiver_that_asks_for_more_time_gets_it_within_limits() -> None:
    asked = Attempt(sent=False, detail="later", retry_after_s=45.0)
    assert after(first(), asked, NOON).next_at == NOON + timedelta(seconds=45)
    greedy = Attempt(sent=False, detail="much later", retry_after_s=1e9)
    assert after(first(), greedy, NOON).next_at == NOON + timedelta(minutes=15)


def test_a_test_is_tried_once() -> None:
    delivery = after(delivery_of(probe_of_channel("ops", NOON)), REFUSED, NOON)
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, 1)
