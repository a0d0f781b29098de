"""Traces: each message can be read by people and again by programs, digits are in none, and damage is told."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.tracing import HIDDEN, Trace, TraceFile
from hil.errors import BenchFault
from hil.line import Way
from hil.recording.capture import Capture, Scribe
from hil.recording.legible import Pins, read
from hil.recording.reading import read_recording
from hil.recording.trace import LEGEND, TITLE, Event, What, head, line, moment, read_trace, told
from protocol.codec import encode_answer, encode_request
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.declaration import Refusal, Request
from protocol.messages.device import PingResponse
from protocol.messages.pins import PinCreateRequest, PinGetRequest
from protocol.registry import MESSAGES, AnyMessage
from protocol.vocabulary import PinEntry, Rule, Status
from tests.hil.recorded import ANNA, BOB, sealed, traced
from tests.protocol.strategies import REFUSALS, values

BEGAN = 1_894_017_600_000_000_000
TEXTS = st.text(st.characters(codec="utf-8"), max_size=30)


def again(event: Event) -> Event:
    """Return the event that a trace's line holds."""
    text = head({"began": moment(BEGAN)}) + line(event, BEGAN) + "\n"
    (found,) = read_trace(text).events
    return found


@pytest.mark.parametrize("message", MESSAGES.values(), ids=lambda message: message.method)
@given(data=st.data(), show=st.booleans())
def test_each_message_is_read_from_its_line(message: AnyMessage, data: st.DataObject, show: bool) -> None:
    scribe = Scribe(show_pins=show)
    request, response = data.draw(values(message.request_layout)), data.draw(values(message.response_layout))
    asked = scribe.frame(BEGAN, Way.TO_LOCK, sealed(7), encode_request(request))
    assert again(asked) == asked
    assert (asked.what, asked.name, asked.counter) == (What.REQUEST, message.method, 7)
    if show:
        assert read(message.request, again(asked).fields) == request
    answered = scribe.frame(BEGAN, Way.FROM_LOCK, sealed(7), encode_answer(message.opcode, response))
    assert again(answered) == answered
    assert (answered.what, answered.name, answered.status) == (What.ANSWER, message.method, "ok")


@pytest.mark.parametrize(("status", "rule"), REFUSALS)
def test_each_refusal_is_read_from_its_line(status: Status, rule: Rule | None) -> None:
    body = encode_answer(0x10, Refusal(status=status, rule=rule))
    event = Scribe().frame(BEGAN, Way.FROM_LOCK, sealed(), body)
    assert again(event) == event
    assert event.status == status.name.lower()
    assert event.fields == ({} if rule is None else {"rule": rule.name.lower()})


@given(text=TEXTS.map(str.strip), after=st.integers(-(10**9), 10**12))
def test_a_note_is_read_from_its_line(text: str, after: int) -> None:
    note = Event(at=BEGAN + after * 1000, way=None, what=What.NOTE, name=text)
    assert again(note) == note


@given(told=st.dictionaries(st.from_regex(r"[a-z][a-z_]*", fullmatch=True), st.none() | st.booleans() | TEXTS))
def test_what_a_hand_tells_is_read_from_its_line(told: dict[str, Any]) -> None:
    hand = Event(at=BEGAN, way=None, what=What.HAND, name="enter", fields=told)
    assert again(hand) == hand


@given(alias=st.text(st.characters(codec="utf-8"), max_size=8))
def test_no_line_commands_a_terminal_or_is_two(alias: str) -> None:
    entry = PinEntry(digits="97531", alias=alias)
    event = Scribe().frame(BEGAN, Way.TO_LOCK, sealed(), encode_request(PinCreateRequest(operation=1, entry=entry)))
    assert line(event, BEGAN).isprintable()


def test_pins_have_names_in_place_of_digits() -> None:
    scribe = Scribe()
    creates = [PinCreateRequest(operation=number, entry=entry) for number, entry in enumerate((BOB, ANNA, BOB))]
    bodies = map(encode_request, creates)
    names = [scribe.frame(BEGAN, Way.TO_LOCK, sealed(), body).fields["entry"]["digits"] for body in bodies]
    typed = scribe.hand(BEGAN, "enter", {"digits": ANNA.digits, "granted": True})
    assert [*names, typed.fields["digits"]] == ["•1", "•2", "•1", "•2"]


def test_digits_show_to_whoever_asks_for_them() -> None:
    event = Scribe(show_pins=True).frame(
        BEGAN, Way.TO_LOCK, sealed(), encode_request(PinCreateRequest(operation=1, entry=ANNA))
    )
    assert 'entry.digits="97531"' in str(event)


@pytest.mark.parametrize(
    "body",
    [encode_request(PinCreateRequest(operation=1, entry=ANNA)) + b"!", b"\xee" + ANNA.digits.encode()],
    ids=["a create with a byte too many", "an opcode of no table"],
)
def test_a_body_that_may_hold_digits_and_cannot_be_read_is_not_shown(body: bytes) -> None:
    for way in Way:
        text = str(Scribe().frame(BEGAN, way, sealed(), body))
        assert "unreadable" in text
        assert ANNA.digits not in text
        assert ANNA.digits.encode().hex() not in text


def test_a_body_without_digits_that_cannot_be_read_is_shown() -> None:
    event = Scribe().frame(BEGAN, Way.TO_LOCK, sealed(), b"\x03\x02?")
    assert (event.name, event.fields) == ("unreadable", {"body": "03023f"})


@pytest.mark.parametrize(
    ("data", "why"),
    [(encode_frame(Frame(version=1, kind=Kind.REFUSED, counter=1, body=b"")), None), (b"\x00\xff\x01\x00", "not COBS"),
     (b"\x00\x05abcd\x00", "too short"), (b"\x00\x0babcdefghij\x00", "wrong CRC"), (b"garbage", "not COBS")],
)  # fmt: skip
def test_damage_is_told(data: bytes, why: str | None) -> None:
    event = Scribe().frame(BEGAN, Way.FROM_LOCK, data)
    assert again(event) == event
    assert (event.what is What.DAMAGE) is (why is not None)
    assert event.fields.get("why") == why


@given(text=st.text(st.characters(codec="utf-8")), begins=st.booleans())
def test_any_text_is_read_or_ends_in_one_error(text: str, begins: bool) -> None:
    with suppress(BenchFault):
        read_trace(f"{TITLE}\n# began: {moment(BEGAN)}\n{text}" if begins else text)


@given(text=TEXTS)
def test_any_comment_is_an_event_or_none(text: str) -> None:
    with suppress(ValueError):
        told(text, BEGAN, None)


def test_a_trace_that_is_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    data = traced(tmp_path)[0].read_bytes()
    whole = read_trace(data.decode())
    assert whole.cut is None
    first = data.index(b"\n", data.index(LEGEND.encode()))
    for end in range(first + 1, len(data)):
        cut = tmp_path / "cut.trace"
        cut.write_bytes(data[:end])
        found = read_recording(cut)
        assert found.events == whole.events[: data[first + 1 : end].count(b"\n")]
        assert found.cut is not None
        assert ("cut off in a line" in found.cut) is (data[end - 1 : end] != b"\n")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing", None, r"missing cannot be read \(No such file"),
        ("empty", b"", "neither a capture"),
        ("a.zip", b"PK\x03\x04", "neither a capture"),
        ("a.trace", f"{TITLE}\n# began: today\n 0.0  →  ping\n".encode(), "line 3 cannot be read"),
        ("a.trace", f"{TITLE}\n# began: \\q\n".encode(), "head of the trace is damaged"),
        ("a.trace", f"{TITLE}\n\xff\n".encode("latin-1"), "damaged: its text cannot be read from byte 20 on"),
        ("a.jsonl", b'{"time": 1}\n', "line 1 cannot be read"),
        ("a.jsonl", b'{"what": "request", "time": "2030-01-07T12:00:00Z"}\n', "line 1 cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BenchFault, match=says):
        read_recording(path)


async def traced_by_a_bridge(path: Path) -> None:
    """Write what `latchwire --trace` would."""
    file = TraceFile(path)
    with Trace(file).exchange(0x0A1B2C3D, encode_request(PinGetRequest(id=7))) as answered:
        answered.answer = Refusal(status=Status.NOT_FOUND)
    file.close()


def test_what_a_bridge_has_traced_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bridge.trace"
    asyncio.run(traced_by_a_bridge(path))
    asked, answered = read_recording(path).events
    assert (asked.what, asked.name, asked.fields) == (What.REQUEST, "get_pin", {"lock": "0A1B2C3D", "id": 7})
    assert (answered.what, answered.status) == (What.ANSWER, "not_found")
    path.write_bytes(path.read_bytes()[:-9])
    found = read_recording(path)
    assert found.events == (asked,)
    assert found.cut == "The recording is cut off in a line."


def test_a_capture_tells_what_its_trace_tells(tmp_path: Path) -> None:
    trace, capture = traced(tmp_path)
    from_text, from_packets = read_recording(trace), read_recording(capture)
    assert from_packets.header == from_text.header
    assert [line(each, from_text.start) for each in from_packets.events] == [
        line(each, from_text.start) for each in from_text.events
    ]


def test_a_note_hides_what_could_be_a_pin() -> None:
    capture = Capture()
    capture.note(f"Anna types {ANNA.digits} at 09:00")
    assert capture.events[0].name == f"Anna types {HIDDEN} at 09:00"


def test_records_of_other_fields_are_none() -> None:
    shown = Pins(show=True).fields(PingResponse(payload=b"?"))
    for wrong in ({}, {**shown, "more": 1}, {"payload": 7}, {"payload": "xyz"}):
        with pytest.raises(ValueError, match=r"fields|not as in|fromhex"):
            read(PingResponse, wrong)
    assert read(PingResponse, json.loads(json.dumps(shown))) == PingResponse(payload=b"?")
    assert issubclass(PinGetRequest, Request)
