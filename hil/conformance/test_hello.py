"""Hello: the only thing in clear (SPEC 4.1, 4.2)."""

import pytest

from hil.hands import Hands
from hil.station import Session, Station, read_hello
from protocol.framing import Frame, Kind
from protocol.messages.device import PingRequest, PingResponse
from protocol.messages.hello import HelloFlag, Mode
from protocol.version import MAX_VERSION, MIN_VERSION


def is_refused(answer: Frame, to: Frame) -> bool:
    """Whether `answer` is the one generic refusal of `to` (SPEC 4.8)."""
    return (answer.kind, answer.version, answer.counter) == (Kind.REFUSED, to.version, to.counter)


@pytest.mark.req("LW-008")
async def test_a_byte_identical_hello_gets_the_identical_response(lock: Station) -> None:
    line = await lock.connect()
    hello = lock.hello(Mode.SESSION)
    first = await line.ask(hello)
    read_hello(first, hello)
    assert await line.ask(hello) == first


@pytest.mark.req("LW-009")
async def test_each_new_response_has_fresh_random_bytes(lock: Station) -> None:
    line = await lock.connect()
    hellos = [lock.hello(Mode.SESSION) for _ in range(2)]
    told = [read_hello(await line.ask(hello), hello) for hello in hellos]
    assert told[0].random != told[1].random
    assert told[0].lock_id == told[1].lock_id


@pytest.mark.req("LW-015")
async def test_a_hello_that_comes_again_after_its_attempt_has_died_is_a_new_one(lock: Station, clock: Hands) -> None:
    session = await lock.open()  # keeps the link
    hello = lock.hello(Mode.SESSION)
    first = await session.line.ask(hello)
    await clock.advance(10)
    second = await session.line.ask(hello)
    assert read_hello(first, hello).random != read_hello(second, hello).random


@pytest.mark.req("LW-007", "LW-027")
async def test_a_hello_and_a_handshake_do_not_touch_a_live_session(lock: Station, session: Session) -> None:
    greeting = await lock.greet(session.line, Mode.SESSION)
    assert await session.told(PingRequest(payload=b"1"), PingResponse) == PingResponse(payload=b"1")
    await lock.turn(session.line, greeting, lock.handshake(greeting, lock.peer))
    assert await session.told(PingRequest(payload=b"2"), PingResponse) == PingResponse(payload=b"2")


@pytest.mark.req("LW-010")
async def test_the_highest_common_version_is_chosen_and_none_where_there_is_none(lock: Station) -> None:
    line = await lock.connect()
    both = lock.hello(Mode.SESSION, lowest=MIN_VERSION, highest=255)
    told = read_hello(await line.ask(both), both)
    assert told.chosen == told.highest >= MAX_VERSION
    for lowest, highest in ((told.highest + 1, 255), (2, 1)):
        none = lock.hello(Mode.SESSION, lowest=lowest, highest=highest)
        assert read_hello(await line.ask(none), none).chosen == 0


@pytest.mark.req("LW-007")
async def test_the_flags_tell_whether_somebody_may_pair_and_has(lock: Station, button: Hands, clock: Hands) -> None:
    line = await lock.connect()
    before = await lock.greet(line, Mode.SESSION)
    assert before.lock.flags == HelloFlag.PAIRED
    await button.hold_button(lock.window_hold)
    assert (await lock.greet(line, Mode.SESSION)).lock.flags == HelloFlag.PAIRED | HelloFlag.PAIRING_OPEN
    await clock.advance(120)
    line = await lock.connect()
    assert (await lock.greet(line, Mode.SESSION)).lock.flags == HelloFlag.PAIRED


@pytest.mark.req("LW-030", "LW-031")
async def test_the_sixth_hello_in_ten_seconds_is_refused_without_a_word_why(lock: Station, clock: Hands) -> None:
    session = await lock.open()
    for _ in range(5):
        hello = lock.hello(Mode.SESSION)
        read_hello(await session.line.ask(hello), hello)
    sixth = lock.hello(Mode.SESSION)
    answer = await session.line.ask(sixth)
    assert is_refused(answer, sixth)
    assert answer.body == b""
    await clock.advance(10)
    later = lock.hello(Mode.SESSION)
    read_hello(await session.line.ask(later), later)


@pytest.mark.req("LW-002")
async def test_a_hello_that_cannot_be_read_is_refused(lock: Station) -> None:
    line = await lock.connect()
    hello = lock.hello(Mode.SESSION)
    for body in (hello.body + b"\x00", hello.body[:-1], hello.body[:2] + b"\x03" + hello.body[3:]):
        wrong = Frame(version=0, kind=Kind.HELLO_REQUEST, counter=hello.counter, body=body)
        assert is_refused(await line.ask(wrong), wrong)


@pytest.mark.req("LW-030")
async def test_no_more_than_ten_refusals_are_sent_in_ten_seconds(lock: Station, clock: Hands) -> None:
    session = await lock.open()
    wrong = Frame(version=0, kind=Kind.HELLO_REQUEST, counter=7, body=b"")
    for _ in range(10):
        assert is_refused(await session.line.ask(wrong), wrong)
    await session.line.send(wrong)
    await session.line.stays_silent()
    await clock.advance(10)
    assert is_refused(await session.line.ask(wrong), wrong)
