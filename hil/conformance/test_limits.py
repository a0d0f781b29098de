"""Links: how many, and for how long without a session (SPEC 4.8)."""

import asyncio

import pytest

from bridge.links.tcp import TcpLink
from hil.hands import Hands
from hil.running.measuring import Measure
from hil.station import Session, Station
from protocol.codec import encode_request
from protocol.framing import encode_frame
from protocol.messages.device import PingRequest, PingResponse
from protocol.version import LARGEST_MAX_FRAME
from protocol.vocabulary import PinEntry

PING = PingRequest(payload=b"?")
PONG = PingResponse(payload=b"?")


@pytest.mark.req("LW-032")
async def test_a_connection_that_reaches_no_session_in_ten_seconds_is_closed(lock: Station, clock: Hands) -> None:
    if lock.wire:
        pytest.skip("A wire is never closed (SPEC 9.1).")
    line = await lock.connect()
    await clock.advance(10)
    assert await line.ends()


@pytest.mark.req("LW-032")
async def test_a_connection_with_a_session_stays(lock: Station, session: Session, clock: Hands) -> None:
    await clock.advance(20)
    assert await session.ask(PING) == PONG


@pytest.mark.req("LW-032")
async def test_a_fourth_link_is_closed_at_once_and_the_others_stay(lock: Station, session: Session) -> None:
    lock.require_links()
    second, third = await lock.connect(), await lock.connect()
    fourth = await lock.connect()
    assert await fourth.ends()
    assert await session.ask(PING) == PONG
    await second.close()
    await third.close()


@pytest.mark.req("LW-085")
async def test_small_frames_leave_at_once_over_tcp(session: Session, measure: Measure) -> None:
    """Two answers in a row: where the second waits for the acknowledgement of the first, that takes 40 ms or more."""
    if not isinstance(session.line.link, TcpLink):
        pytest.skip("This target is not reached over TCP.")
    loop = asyncio.get_running_loop()
    waited = []
    for _ in range(30):  # a connection that is new is acknowledged at once, whatever the lock does
        frame = encode_frame(session.ends.seal(encode_request(PING)), max_frame=LARGEST_MAX_FRAME)
        await session.line.say(frame + frame)
        first = await session.line.hear()
        heard = loop.time()
        assert await session.line.hear() == first is not None
        waited.append(loop.time() - heard)
    measure("tcp_second_answer_ms", round(1000 * min(waited[-10:]), 3), hi=30)


@pytest.mark.req("LW-057")
async def test_the_lock_says_nothing_unasked(session: Session, keypad: Hands, button: Hands, clock: Hands) -> None:
    await session.create(PinEntry(digits="97531", alias="guest"))
    await keypad.enter("97531")
    await keypad.enter("86420")
    await button.hold_button(1)
    await clock.advance(30)
    await session.line.stays_silent()
    assert await session.ask(PING) == PONG


@pytest.mark.req("LW-057")
async def test_the_lock_says_nothing_when_it_starts(lock: Station, power: Hands) -> None:
    if not lock.wire:
        pytest.skip("Only a wire is open while a lock starts.")
    line = await lock.connect()
    await power.power_cycle()
    if line.closed:
        pytest.skip("This wire is closed while the lock has no power.")
    await line.stays_silent()
