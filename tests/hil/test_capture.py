"""A capture holds everything that passes between bench and lock: frames, what is in them, hands, and damage."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.links.base import Inbox
from bridge.links.memory import MemoryLink
from hil.bench.hardware import BenchHands
from hil.errors import BenchFault, Nonconformant
from hil.hands import Entry
from hil.line import Cutter, Line, Patience, Way
from hil.overhearing import OpenSession, WatchedHands
from hil.recording.capture import Capture, Seen
from hil.recording.trace import What
from protocol.framing import Frame, Kind, encode_frame
from protocol.messages.device import PingRequest, PingResponse
from protocol.version import LARGEST_MAX_FRAME
from tests.hil.recorded import ANNA, bench, keep

PING = PingRequest(payload=b"?")
PATIENCE = Patience(answer=1, quiet=0.01)
REFUSED = encode_frame(Frame(version=1, kind=Kind.REFUSED, counter=3, body=b""))


def seen(capture: Capture) -> list[tuple[str, str, str]]:
    """Return what a capture has seen: what, which way, and of which name."""
    return [(event.what.value, str(event.way or ""), event.name) for event in capture.events]


async def known(folder: Path, capture: Capture, act: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    async with bench(folder, capture) as station:
        await station.make_known()
        capture.note("here")
        await act(station)


def run(folder: Path, act: Callable[[Any], Coroutine[Any, Any, None]]) -> list[tuple[str, str, str]]:
    """Return what is seen of an act at a lock that knows the station."""
    capture = Capture()
    asyncio.run(known(folder, capture, act))
    events = seen(capture)
    return events[events.index(("note", "", "here")) + 1 :]


def test_a_session_is_seen_from_its_hello_to_its_answers(tmp_path: Path) -> None:
    async def act(station: Any) -> None:
        assert await (await station.open()).ask(PING) == PingResponse(payload=b"?")

    assert run(tmp_path, act) == [
        ("hello", "to lock", ""),
        ("hello", "from lock", ""),
        ("handshake", "to lock", ""),
        ("handshake", "from lock", ""),
        ("request", "to lock", "last_operation"),
        ("answer", "from lock", "last_operation"),
        ("request", "to lock", "ping"),
        ("answer", "from lock", "ping"),
    ]


def test_the_hands_are_seen_and_a_pin_that_is_typed_has_the_name_of_the_one_created(tmp_path: Path) -> None:
    capture = Capture()

    async def act(station: Any) -> None:
        await (await station.open()).create(ANNA)
        await station.hands.enter(ANNA.digits)
        await station.hands.set_battery(7)
        await station.hands.block_bolt(blocked=True)
        await station.hands.show(None)
        await station.hands.power_cycle()

    asyncio.run(known(tmp_path, capture, act))
    told = [(event.name, dict(event.fields)) for event in capture.events if event.what is What.HAND]
    assert told == [
        ("hold_button", {"seconds": 5.0}),
        ("enter", {"digits": "•1", "granted": True, "pin_id": 1}),
        ("set_battery", {"percent": 7}),
        ("block_bolt", {"blocked": True}),
        ("show", {"epoch": None}),
        ("power_cycle", {}),
    ]
    create = next(event for event in capture.messages if event.name == "create_pin")
    assert create.fields["entry"]["digits"] == "•1"


def test_a_hand_that_fails_is_seen(tmp_path: Path) -> None:
    del tmp_path
    capture = Capture()

    class Stuck(BenchHands):
        async def enter(self, digits: str) -> Entry:
            raise BenchFault(f"The key for {digits} is stuck.")

    with pytest.raises(BenchFault):
        asyncio.run(WatchedHands(Stuck({}, None, None), capture).enter(ANNA.digits))
    (event,) = capture.events
    assert event.fields == {"digits": "•1", "failed": "The key for ••••• is stuck."}


def test_an_old_request_that_is_sent_again_is_seen_for_what_it_is(tmp_path: Path) -> None:
    async def act(station: Any) -> None:
        session = await station.open()
        frame = session.ends.seal(b"\x03\x01?")
        await session.line.ask(frame)
        await session.line.ask(frame)

    assert run(tmp_path, act)[-4:] == 2 * [("request", "to lock", "ping"), ("answer", "from lock", "ping")]


def test_a_frame_of_another_session_stays_sealed(tmp_path: Path) -> None:
    async def act(station: Any) -> None:
        old = (await station.open()).ends.seal(b"\x03\x01?")
        session = await station.open()
        await session.line.send(old)
        await session.line.stays_silent()

    assert run(tmp_path, act)[-1] == ("sealed", "to lock", "")


def heard(*chunks: bytes) -> Capture:
    """Return what a line has heard of a lock that sends these, until its link is closed."""
    capture, inbox = Capture(), Inbox()

    class Plug:
        def receive(self, data: bytes) -> None:
            del data

        def disconnect(self) -> None:
            pass

    async def hear() -> None:
        line = Line(MemoryLink(Plug(), inbox), PATIENCE, capture)
        for chunk in chunks:
            inbox.put(chunk)
        try:
            while await line.hear(0.01):
                pass
        finally:
            await line.close()

    try:
        asyncio.run(hear())
    except Nonconformant as failure:
        capture.note(str(failure))
    return capture


def test_damage_is_seen_and_what_follows_it_too() -> None:
    assert seen(heard(b"\x00\x05abcd\x00" + REFUSED)) == [
        ("damage", "from lock", ""),
        ("refused", "from lock", ""),
        ("note", "", "The lock sent a damaged frame (too short)."),
    ]


def test_what_a_lock_has_begun_to_say_is_seen_when_the_link_is_closed() -> None:
    capture = heard(REFUSED[:5], REFUSED[5:] + b"\x00\x07gar", b"bage")
    assert [event.what for event in capture.events] == [What.REFUSED, What.DAMAGE]
    assert capture.events[1].fields["bytes"] == len(b"\x07garbage")


def test_bytes_are_kept_as_they_were_on_the_stream() -> None:
    kept: list[Seen] = []

    class Sink:
        def write(self, seen: Seen) -> None:
            kept.append(seen)

    capture = Capture()
    capture.note("before")
    capture.keep(Sink())
    capture.frame(Way.FROM_LOCK, b"\x00\x05abcd\x00")
    assert [each.data for each in kept] == [b"", b"\x00\x05abcd\x00"]


@given(stream=st.lists(st.integers(0, 2), max_size=200).map(bytes))
def test_a_stream_is_cut_alike_however_it_comes(stream: bytes) -> None:
    whole, bytewise = Cutter(), Cutter()
    assert whole.feed(stream) == [piece for byte in stream for piece in bytewise.feed(bytes([byte]))]
    assert whole.rest() == bytewise.rest()


def test_a_piece_without_an_end_takes_bounded_memory() -> None:
    cutter = Cutter()
    for _ in range(100):
        assert cutter.feed(bytes([1]) * 1000) == []
    assert len(cutter.rest()) < 2 * LARGEST_MAX_FRAME


def test_of_many_events_the_oldest_are_forgotten_and_counted() -> None:
    capture = Capture(most=3)
    for number in range(5):
        capture.note(str(number))
    assert [event.name for event in capture.events] == ["2", "3", "4"]
    assert capture.forgotten == 2
    kept: list[Seen] = []

    class Sink:
        def write(self, seen: Seen) -> None:
            kept.append(seen)

    capture.keep(Sink())
    assert [each.event.name for each in kept] == ["Of this test 2 earlier events were forgotten.", "2", "3", "4"]


def test_no_key_is_written(tmp_path: Path) -> None:
    capture = Capture(show_pins=True)
    keys: list[bytes] = []

    async def act(station: Any) -> None:
        await (await station.open()).create(ANNA)
        keys.extend([station.peer.private, station.peer.lock_key, station.secret])

    asyncio.run(known(tmp_path, capture, act))
    for path in keep(capture, tmp_path / "kept"):
        data = path.read_bytes()
        assert not [key for key in keys if key in data or key.hex().encode() in data]


def test_a_session_remembers_a_bounded_number_of_requests() -> None:
    class Ciphers:
        def seal(self, counter: int, associated: bytes, plaintext: bytes) -> bytes:
            del associated, plaintext
            return counter.to_bytes(2, "big") + bytes(16)

    session = OpenSession(Ciphers(), 1)  # type: ignore[arg-type]
    frames = [session.seal(b"\x02") for _ in range(200)]
    assert session.opened(Way.TO_LOCK, frames[0]) is None
    assert session.opened(Way.TO_LOCK, frames[-1]) == b"\x02"
