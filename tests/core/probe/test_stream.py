"""The same bytes tell the same, however they are cut; no bytes whatsoever break the reader."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.agent import Dialect
from core.probe.stream import MAX_BYTES, MAX_DELTAS, AnswerReader
from tests.core.probe.streams import CHAT, GEMINI, MESSAGES, TOOL, call, chat_chunk, sse, text

DIALECTS = st.sampled_from(list(Dialect))


def read(dialect: Dialect, *chunks: bytes) -> AnswerReader:
    reader = AnswerReader(dialect)
    for chunk in chunks:
        reader.feed(chunk)
    return reader


@pytest.mark.parametrize("dialect", Dialect)
def test_words_are_a_token_and_the_end_is_seen(dialect: Dialect) -> None:
    told = read(dialect, *text(dialect)).finish()
    assert (told.has_token, told.ended, told.calls) == (True, True, {})
    assert (told.model, told.input_tokens, told.output_tokens) == ("m", 9, 1)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_call_comes_with_its_name_and_all_its_arguments(dialect: Dialect) -> None:
    told = read(dialect, *call(dialect)).finish()
    [found] = told.calls.values()
    assert (found.name, found.is_complete) == (TOOL, True)
    assert found.given == {"command": "true"} or found.arguments == '{"command": "true"}'


@pytest.mark.parametrize("dialect", [CHAT, MESSAGES, Dialect.OPENAI_RESPONSES])
def test_reading_is_done_at_the_end_mark(dialect: Dialect) -> None:
    events = text(dialect)
    reader = read(dialect, *events[:-1])
    assert not reader.is_done
    reader.feed(events[-1])
    assert reader.is_done


def test_a_gemini_stream_is_read_to_the_end_of_its_connection() -> None:
    reader = read(GEMINI, *text(GEMINI), sse({"error": {"code": 500, "message": "too late"}}))
    assert reader.finish().error is not None


def test_the_first_token_is_noted_as_soon_as_it_is_there() -> None:
    events = text(MESSAGES)
    assert not read(MESSAGES, *events[:3]).has_token
    assert read(MESSAGES, *events[:4]).has_token


def test_thoughts_are_tokens_too() -> None:
    thought = {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}}
    assert read(MESSAGES, sse(thought)).has_token
    assert read(CHAT, sse(chat_chunk(reasoning_content="hm"))).has_token


def test_a_long_answer_is_left() -> None:
    reader = read(CHAT, *[sse(chat_chunk(content="x"))] * (MAX_DELTAS - 1))
    assert not reader.is_done
    reader.feed(sse(chat_chunk(content="x")))
    assert reader.is_done
    assert reader.was_enough


def test_a_model_that_writes_on_after_its_call_is_left() -> None:
    more = {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "And now"}}
    reader = read(MESSAGES, *call(MESSAGES)[:5])
    assert not reader.is_done
    reader.feed(sse(more))
    assert reader.is_done


def test_an_endless_line_is_left_at_the_size_limit() -> None:
    reader = AnswerReader(CHAT)
    fed = 0
    while not reader.is_done:
        reader.feed(b"x" * 1000)
        fed += 1000
    assert fed - MAX_BYTES < 1000


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_every_kind_of_line_end_is_one(end: bytes) -> None:
    whole = b"".join(call(MESSAGES)).replace(b"\n", end)
    by_bytes = read(MESSAGES, *(whole[place : place + 1] for place in range(len(whole))))
    assert by_bytes.finish().ended
    assert asdict(read(MESSAGES, whole).finish()) == asdict(by_bytes.finish())


def test_data_over_several_lines_is_one_event() -> None:
    told = read(CHAT, b'data: {"choices": [{"delta":\ndata: {"content": "OK"}}]}\n\n').finish()
    assert told.has_token


def test_comments_retries_and_a_byte_order_mark_are_no_events() -> None:
    told = read(CHAT, b"\xef\xbb\xbf: hello\n\nretry: 5\nid: 3\n\n:\n\n").finish()
    assert told.events == 0


def test_an_event_that_the_end_cut_from_its_blank_line_counts() -> None:
    whole = b"".join(text(CHAT)).rstrip(b"\n")
    assert read(CHAT, whole).finish().ended


def test_bytes_that_are_no_text_are_read_around() -> None:
    told = read(CHAT, b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n').finish()
    assert told.has_token


@pytest.mark.parametrize("data", [b"{", b"5", b"[]", b"nonsense", b"[" * 5000])
def test_an_event_that_is_no_object_spoils_the_stream(data: bytes) -> None:
    told = read(CHAT, b"data: " + data + b"\n\n").finish()
    assert told.spoiled


def test_a_number_of_tokens_beyond_reason_is_not_believed() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 10**12, "completion_tokens": True}}
    told = read(CHAT, sse(usage)).finish()
    assert (told.input_tokens, told.output_tokens) == (None, None)


def test_a_flood_of_calls_is_kept_small() -> None:
    flood = [{"index": number, "function": {"name": "x"}} for number in range(500)]
    assert len(read(CHAT, sse(chat_chunk(tool_calls=flood))).finish().calls) < 20


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(whole) + 1) for place in places), len(whole)]
    return [whole[one:two] for one, two in pairwise(edges)]


LINES = st.sampled_from(
    [b"data: [DONE]", b"data: {}", b"data:", b"event: error", b": x", b"", b"\xff", b'data: {"type": "message_stop"}']
)
REAL = st.one_of(
    st.builds(lambda dialect: b"".join(text(dialect)), DIALECTS),
    st.builds(lambda dialect: b"".join(call(dialect)), DIALECTS),
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r", b"\n\n", b""])
STREAMS = st.lists(st.one_of(st.tuples(LINES, ENDS).map(b"".join), REAL, st.binary(max_size=60)), max_size=8).map(
    b"".join
)


@given(dialect=DIALECTS, whole=STREAMS, places=st.lists(st.integers(0, 10_000), max_size=12))
def test_cutting_makes_no_difference(dialect: Dialect, whole: bytes, places: list[int]) -> None:
    one, many = read(dialect, whole), read(dialect, *cut(whole, places))
    assert (one.is_done, one.was_enough) == (many.is_done, many.was_enough)
    assert asdict(one.finish()) == asdict(many.finish())


KEYS = st.sampled_from(
    "type error choices delta content tool_calls function name arguments index finish_reason message usage model item "
    "content_block input candidates parts functionCall args finishReason response output status promptFeedback".split()
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
TYPES = st.sampled_from(
    "message_start content_block_start content_block_delta content_block_stop message_delta message_stop error "
    "response.created response.output_item.added response.output_item.done response.completed response.failed".split()
)


@given(dialect=DIALECTS, events=st.lists(st.dictionaries(KEYS, JSON, max_size=6), max_size=4), kind=TYPES)
def test_no_event_breaks_the_reader(dialect: Dialect, events: list[dict[str, object]], kind: str) -> None:
    reader = read(dialect, *(sse(event) for event in events), *(sse({**event, "type": kind}) for event in events))
    assert reader.finish().events <= 2 * len(events)
