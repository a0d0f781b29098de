"""Links: how many, and for how long without a session (SPEC 4.8)."""

import pytest

from hil.bench.hands import Hands
from hil.station import Session, Station
from protocol.messages.device import PingRequest, PingResponse
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


@pytest.mark.req("LW-057")
async def test_the_lock_says_nothing_unasked(session: Session, keypad: Hands, button: Hands, clock: Hands) -> None:
    await session.create(PinEntry(digits="97531", alias="guest"))
    await keypad.enter("97531")
    await keypad.enter("86420")
    await button.hold_button(1)
    await clock.advance(30)
    await session.line.stays_silent()
    assert await session.ask(PING) == PONG
