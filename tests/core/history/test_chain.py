"""The chain of audit events: whatever is done to them afterwards is noticed, and said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.history.audit_export import json_line
from core.history.chain import GENESIS, chained, fields_of, head_named, verify_chain
from core.model.audit import AuditEvent, AuditLink, Breach, ChainHead

Harm = Callable[[Sequence[AuditLink], int], list[AuditLink]]

AT = datetime(2030, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
EVENT = AuditEvent(
    id="a1",
    at=AT,
    actor="ada",
    role="admin",
    address="192.0.2.7",
    origin="page",
    action="change.apply",
    target="file:hermes",
    outcome="applied",
    reason="primary is down – № 7",
    before={"primary": "old", "fallback": None},
    after={"primary": "new"},
    evidence=("c1", "r1"),
)
OTHERS: dict[str, object] = {
    "id": "b1",
    "at": AT + timedelta(microseconds=1),
    "actor": "eve",
    "role": "viewer",
    "address": "",
    "origin": "api",
    "action": "change.plan",
    "target": "file:codex",
    "outcome": "not_allowed",
    "reason": "primary is down – № 8",
    "before": {"primary": "old", "fallback": ""},
    "after": {},
    "evidence": ("c1",),
}


def a_chain(length: int, *, first: ChainHead | None = None) -> list[AuditLink]:
    events = (replace(EVENT, id=f"a{number}", at=AT + timedelta(minutes=number)) for number in range(length))
    return list(chained(events, first))


def test_a_chain_begins_with_number_one_and_each_event_names_the_hash_before_it() -> None:
    links = a_chain(3)
    assert [link.sequence for link in links] == [1, 2, 3]
    assert [link.previous for link in links] == [GENESIS, links[0].hash, links[1].hash]
    assert verify_chain(links).is_intact


def test_no_event_at_all_is_intact_and_has_no_head() -> None:
    verdict = verify_chain([])
    assert (verdict.is_intact, verdict.head, verdict.count) == (True, None, 0)


def test_a_chain_goes_on_from_its_head() -> None:
    begun = a_chain(2)
    whole = [*begun, *chained([replace(EVENT, id="later")], begun[-1].head)]
    verdict = verify_chain(whole)
    assert (verdict.is_intact, verdict.count, verdict.head) == (True, 3, whole[-1].head)


@pytest.mark.parametrize("name", OTHERS)
def test_a_change_of_any_field_is_noticed(name: str) -> None:
    links = a_chain(3)
    event = links[1].event
    assert event is not None
    links[1] = replace(links[1], event=replace(event, **{name: OTHERS[name]}))
    verdict = verify_chain(links)
    assert (verdict.breach, verdict.at, verdict.count) == (Breach.EDITED, 2, 1)


def test_every_field_of_an_event_is_in_its_hash() -> None:
    assert set(fields_of(EVENT)) == set(AuditEvent.__dataclass_fields__) == set(OTHERS)


def test_the_same_moment_in_another_zone_is_the_same_event() -> None:
    (link,) = chained([EVENT], None)
    there = AT.astimezone(timezone(timedelta(hours=9)))
    assert verify_chain([replace(link, event=replace(EVENT, at=there))]).is_intact


def edited(links: Sequence[AuditLink], at: int) -> list[AuditLink]:
    return [replace(link, event=None) if index == at else link for index, link in enumerate(links)]


def removed(links: Sequence[AuditLink], at: int) -> list[AuditLink]:
    return [link for index, link in enumerate(links) if index != at]


def inserted(links: Sequence[AuditLink], at: int) -> list[AuditLink]:
    (extra,) = chained([replace(EVENT, id="extra")], links[at - 1].head if at else None)
    return [*links[:at], extra, *links[at:]]


def forked(links: Sequence[AuditLink], at: int) -> list[AuditLink]:
    before = ChainHead(sequence=at, hash="f" * 64)
    return [*links[:at], *chained([replace(EVENT, id="other")], before), *links[at + 1 :]]


def swapped(links: Sequence[AuditLink], at: int) -> list[AuditLink]:
    one, two = links[at], links[at + 1]
    changed = [replace(one, event=two.event, id=two.id), replace(two, event=one.event, id=one.id)]
    return [*links[:at], *changed, *links[at + 2 :]]


def replaced(links: Sequence[AuditLink], at: int) -> list[AuditLink]:
    """Another event with a right hash of its own, in the place of one that others follow."""
    before = links[at - 1].head if at else None
    return [*links[:at], *chained([replace(EVENT, id="other")], before), *links[at + 1 :]]


@pytest.mark.parametrize(
    ("harm", "breach", "at"),
    [
        pytest.param(edited, Breach.EDITED, 3, id="a row that is no event any more"),
        pytest.param(removed, Breach.REMOVED, 3, id="a removed row"),
        pytest.param(inserted, Breach.INSERTED, 3, id="a second row with a number that is taken"),
        pytest.param(forked, Breach.FORKED, 3, id="a row that follows another one"),
        pytest.param(swapped, Breach.EDITED, 3, id="two rows that changed places"),
        pytest.param(replaced, Breach.FORKED, 4, id="a row with a right hash in another's place"),
    ],
)
def test_what_was_done_and_where_is_said(harm: Harm, breach: Breach, at: int) -> None:
    verdict = verify_chain(harm(a_chain(6), 2))
    assert (verdict.breach, verdict.at) == (breach, at)
    assert str(at) in verdict.message


def test_events_that_are_missing_are_counted() -> None:
    links = a_chain(9)
    assert verify_chain([*links[:2], *links[6:]]).message == "Events are missing: numbers 3 to 6."


def test_a_row_before_the_first_is_noticed() -> None:
    links = a_chain(2)
    (early,) = chained([replace(EVENT, id="early")], ChainHead(sequence=-1, hash=GENESIS))
    assert verify_chain([early, *links]).breach is Breach.INSERTED


def test_an_end_that_is_cut_off_shows_only_against_a_head_that_is_known() -> None:
    links = a_chain(5)
    assert verify_chain(links[:3]).is_intact
    verdict = verify_chain(links[:3], known=[links[-1].head])
    assert (verdict.breach, verdict.at, verdict.message) == (
        Breach.REMOVED,
        4,
        "The newest events are missing: numbers 4 to 5.",
    )


def test_everything_gone_shows_against_a_head_that_is_known() -> None:
    verdict = verify_chain([], known=[a_chain(2)[-1].head])
    assert (verdict.breach, verdict.at, verdict.head) == (Breach.REMOVED, 1, None)


def test_a_chain_that_was_worked_out_anew_shows_only_against_a_head_that_is_known() -> None:
    links = a_chain(5)
    anew = [*links[:2], *chained((replace(EVENT, id=f"n{number}") for number in range(3)), links[1].head)]
    assert verify_chain(anew).is_intact
    verdict = verify_chain(anew, known=[links[1].head, links[3].head])
    assert (verdict.breach, verdict.at) == (Breach.REWRITTEN, 4)


def test_every_known_head_counts_also_two_of_the_same_number() -> None:
    links = a_chain(3)
    wrong = replace(links[1].head, hash="e" * 64)
    for known in ([wrong, links[1].head], [links[1].head, wrong]):
        assert verify_chain(links, known=known).breach is Breach.REWRITTEN


def test_the_newest_part_is_checked_from_the_event_before_it() -> None:
    links = a_chain(6)
    verdict = verify_chain(links[4:], after=links[3].head)
    assert (verdict.is_intact, verdict.first, verdict.count) == (True, 5, 2)
    assert verify_chain(links[4:], after=replace(links[3].head, hash="d" * 64)).breach is Breach.FORKED


@given(
    length=st.integers(2, 12),
    where=st.integers(0, 11),
    harm=st.sampled_from([edited, removed, inserted, forked, replaced]),
)
def test_no_harm_to_any_row_goes_unnoticed(length: int, where: int, harm: Harm) -> None:
    links = a_chain(length)
    changed = harm(links, where % length)
    verdict = verify_chain(changed, known=[links[-1].head])
    assert not verdict.is_intact
    assert verdict.count <= where % length + 1


@given(order=st.permutations(range(5)))
def test_rows_in_another_order_are_noticed(order: list[int]) -> None:
    links = a_chain(5)
    assert verify_chain([links[index] for index in order]).is_intact == (order == sorted(order))


@given(
    st.lists(
        st.builds(
            AuditEvent,
            id=st.uuids().map(str),
            at=st.datetimes(timezones=st.just(UTC)),
            actor=st.text(),
            origin=st.text(),
            action=st.text(),
            target=st.text(),
            outcome=st.text(),
            role=st.text(),
            reason=st.text(),
            before=st.dictionaries(st.text(), st.none() | st.text()),
            after=st.dictionaries(st.text(), st.none() | st.text()),
            evidence=st.lists(st.text()).map(tuple),
        ),
        max_size=5,
    )
)
def test_any_events_make_a_whole_chain_that_a_line_of_the_export_proves(events: list[AuditEvent]) -> None:
    links = chained(events, None)
    assert verify_chain(links).is_intact
    for link in links:
        line = json.loads(json_line(link))
        own = line.pop("hash")
        text = json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() == own
        assert head_named(json_line(link)) == head_named(str(link.head)) == link.head


@pytest.mark.parametrize("text", ["", "7", "7:abc", "x:" + "a" * 64, "[]", "{}", '{"sequence": 1}', "-1:" + "a" * 64])
def test_what_names_no_head_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        head_named(text)
